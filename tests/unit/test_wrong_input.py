"""The words for a field of the wrong kind: what is offered as meant, and what is not."""

import pytest

from hypercube.core.chart import DayBoundary, Include, Sex, TimeBasis
from hypercube.core.reading import ReadingSection
from hypercube.core.wrong_input import no_choice, wrong_kind


@pytest.mark.parametrize(
    ("typed", "known", "meant"),
    [
        ("femal", list(Sex), "female"),
        ("F", list(Sex), "female"),
        (" MALE ", list(Sex), "male"),
        ("true", list(TimeBasis), "true_solar"),
        ("mean", list(TimeBasis), "mean_solar"),
        ("solar", list(TimeBasis), "true_solar"),
        ("Fact", list(Include), "facts"),
        ("welth", list(ReadingSection), "wealth"),
        ("json_schema ", ["text", "JSON_Schema"], "JSON_Schema"),
        ("career", list(ReadingSection), None),
        ("zi", list(DayBoundary), "zi23"),
        ("여", list(Sex), None),
        ("", list(Sex), None),
        ("femal" * 9, list(Sex), None),
        (["female"], list(Sex), None),
        ("funtion", ["function"], None),
    ],
)
def test_what_was_meant(typed: object, known: list[str], meant: str | None) -> None:
    error = no_choice("it", typed, known)
    assert error.fix == (f"Did you mean {meant!r}? " if meant else "") + f"Write one of: {', '.join(known)}."
    assert error.value == typed
    assert error.details["choices"] == known


@pytest.mark.parametrize(
    ("known", "wanted"),
    [(["a"], "'a'"), (["a", "b"], "'a' or 'b'"), (["a", "b", "c"], "'a', 'b' or 'c'")],
)
def test_choices_are_told_as_a_sentence(known: list[str], wanted: str) -> None:
    error = no_choice("it", 5, known)
    assert (error.message, error.fix) == (
        f"it is 5, but it should be {wanted}.",
        f"Write one of: {', '.join(known)}.",
    )


def test_the_field_decides_what_to_write() -> None:
    assert "126.978" in str(wrong_kind("births[3].longitude", "east", "a number").fix)
    assert wrong_kind("n", None, "an integer").message == "n is null, but it should be an integer."
    assert wrong_kind(None, [], "an object").message == "The body is a list, but it should be an object."
    assert wrong_kind("include", "x", "an array", ["a", "b"]).fix == "Write an array of: a, b."
