"""Pydantic's complaints in our words."""

from dataclasses import dataclass, field
from typing import Any, ClassVar

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.validation import JsonModel, written


@dataclass(frozen=True)
class Leaf:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    longitude: float
    name: str | None = None


@dataclass(frozen=True)
class Tree:
    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}
    leaves: tuple[Leaf, ...]
    root: Leaf | None = None
    either: int | str = 0
    by_name: dict[str, Leaf] = field(default_factory=dict)


MODEL: JsonModel[Tree] = JsonModel(Tree)


def refused(body: str) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        MODEL.read(body)
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    return caught.value


def test_a_good_body_is_read() -> None:
    assert MODEL.read('{"leaves": [{"longitude": 1}]}') == Tree((Leaf(1.0),))


@pytest.mark.parametrize(
    ("body", "param", "value"),
    [
        ('{"leaves": [{"longitude": 1}, {"longitude": "x"}]}', "leaves[1].longitude", "x"),
        ('{"leaves": [{}]}', "leaves[0].longitude", None),
        ('{"leaves": [5]}', "leaves[0]", 5),
        ('{"leaves": 5}', "leaves", 5),
        ("{}", "leaves", None),
        ("[]", None, []),
        ('{"leaves": [], "root": {"longitude": true}}', "root.longitude", True),
        ('{"leaves": [], "either": 1.5}', "either", 1.5),
        ('{"leaves": [], "by_name": {"a b": {"longitude": "y"}}}', "by_name.a b.longitude", "y"),
    ],
)
def test_the_path_is_the_one_that_the_caller_wrote(body: str, param: str | None, value: Any) -> None:
    error = refused(body)
    assert (error.param, error.value) == (param, value)
    assert error.message


@pytest.mark.parametrize(
    ("body", "param", "fix"),
    [
        ('{"leafs": []}', "leafs", "Did you mean 'leaves'? Known fields: by_name, either, leaves, root."),
        (
            '{"leaves": [{"longitude": 1, "longitud": 2}]}',
            "leaves[0].longitud",
            "Did you mean 'longitude'? Known fields: longitude, name.",
        ),
        ('{"leaves": [], "root": {"longitude": 1, "zzz": 2}}', "root.zzz", "Known fields: longitude, name."),
    ],
)
def test_an_unknown_field_is_met_with_the_known_ones(body: str, param: str, fix: str) -> None:
    error = refused(body)
    found = [error] if error.param == param else []
    if not found:  # a missing field was reported first
        assert param in [other["param"] for other in error.details["others"]]
        return
    assert error.fix == fix


def test_json_errors_say_where() -> None:
    assert "line 2 column 4" in refused('{"leaves":\n  nope}').message
    assert "empty" in refused("").message


def test_further_complaints_are_listed_but_not_without_end() -> None:
    error = refused('{"leaves": [' + ",".join(["{}"] * 100) + "]}")
    assert error.param == "leaves[0].longitude"
    assert [other["param"] for other in error.details["others"]] == [
        f"leaves[{row}].longitude" for row in range(1, 10)
    ]


def test_a_hostile_name_is_cut_before_it_is_echoed() -> None:
    error = refused('{"leaves": [], "' + "x" * 10_000 + '": 1}')
    failure = error.failure()
    assert len(str(failure.param)) <= 120
    assert len(failure.message) < 300


def test_written() -> None:
    assert written(("births", 3, "longitude")) == "births[3].longitude"
    assert written(("a", 0, 1)) == "a[0][1]"
    assert written(()) == ""
