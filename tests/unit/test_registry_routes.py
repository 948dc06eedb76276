"""Aliases and splits: atomic moves with a history, sticky choices, rollback, seen by every process."""

import json
import multiprocessing
import os
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.route_log import RouteLog
from hypercube.model_registry.routes import SPLIT, choose
from hypercube.model_registry.store import ModelStore

KEYS = [f"caller-{number}" for number in range(8_000)]


def publish(store: ModelStore, version: str, name: str = "tiny", **fields: object) -> ModelManifest:
    """A version of one file, brought into the store as every other way does it."""
    import hashlib

    data = b"GGUF" + f"{name} {version}".encode()
    file = ModelFile("tiny.gguf", len(data), hashlib.sha256(data).hexdigest())
    manifest = ModelManifest(name, version, "", "MIT", "llama.cpp", "gguf", 10, 0, (file,))
    manifest = replace(manifest, **fields)  # type: ignore[arg-type]
    draft = store.layout.work_folder("add") / "0"
    draft.write_bytes(data)
    store.publish(manifest, {"tiny.gguf": draft})
    return manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    return ModelStore(tmp_path)


@pytest.fixture
def registry(store: ModelStore) -> ModelRegistry:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        publish(store, version)
    return ModelRegistry(store, now=lambda: datetime(2026, 11, 23, 4, tzinfo=UTC), poll_s=0)


def test_a_bare_name_is_the_newest_version_until_production_says_otherwise(registry: ModelRegistry) -> None:
    assert registry.resolve("tiny").version == "2.0.0"
    registry.set_alias("tiny", "production", "1.0.0")
    assert registry.resolve("tiny").version == "1.0.0"
    assert registry.resolve("tiny@latest").version == "2.0.0"
    assert registry.resolve("tiny@1.1.0").version == "1.1.0"
    assert registry.resolve("tiny@production").version == "1.0.0"


def test_versions_are_ordered_as_semantic_versioning_orders_them(store: ModelStore) -> None:
    # The example of clause 11.4 of the specification, and numbers that words would order wrongly.
    order = ["1.0.0-alpha", "1.0.0-alpha.1", "1.0.0-alpha.beta", "1.0.0-beta", "1.0.0-beta.2", "1.0.0-beta.11",
             "1.0.0-rc.1", "1.0.0", "1.2.0", "1.10.0", "2.0.0"]  # fmt: skip
    for version in reversed(order):
        publish(store, version)
    versions = [manifest.version for manifest in ModelRegistry(store).versions("tiny")]
    assert versions == order[::-1]


def test_a_version_that_is_not_here_is_not_what_a_bare_name_means(
    store: ModelStore, registry: ModelRegistry
) -> None:
    newer = replace(
        registry.resolve("tiny@2.0.0"), version="3.0.0", files=(ModelFile("tiny.gguf", 9, "0" * 64),)
    )
    store.announce(newer)
    assert registry.resolve("tiny").version == "2.0.0"
    assert registry.resolve("tiny@3.0.0") == newer
    with pytest.raises(HyperCubeError, match=r"tiny@3\.0\.0 is not here whole") as caught:
        registry.set_alias("tiny", "production", "3.0.0")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


def test_every_move_is_in_the_history(registry: ModelRegistry) -> None:
    registry.set_alias("tiny", "production", "1.0.0", who="kim")
    registry.set_alias("tiny", "production", "1.1.0", who="lee")
    registry.set_alias("tiny", "canary", "2.0.0", who="lee")
    registry.set_split("tiny", {"production": 95, "canary": 5}, who="lee")
    registry.rollback("tiny", who="park")
    time = "2026-11-23T04:00:00.000+00:00"
    assert [tuple(move.plain().values()) for move in registry.history("tiny")] == [
        (time, "kim", "production", "move", None, "1.0.0"),
        (time, "lee", "production", "move", "1.0.0", "1.1.0"),
        (time, "lee", "canary", "move", None, "2.0.0"),
        (time, "lee", "split", "move", None, {"production": 95.0, "canary": 5.0}),
        (time, "park", "production", "rollback", "1.1.0", "1.0.0"),
    ]


def test_rollbacks_go_back_one_move_each(registry: ModelRegistry) -> None:
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        registry.set_alias("tiny", "production", version)
    assert registry.rollback("tiny").after == "1.1.0"
    assert registry.rollback("tiny").after == "1.0.0"
    with pytest.raises(HyperCubeError, match="nothing to go back to"):
        registry.rollback("tiny")
    # A move after a rollback starts from there: what was undone does not come back.
    registry.set_alias("tiny", "production", "2.0.0")
    assert registry.rollback("tiny").after == "1.0.0"


def test_a_split_can_be_rolled_back_to_none(registry: ModelRegistry) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    registry.set_alias("tiny", "canary", "2.0.0")
    registry.set_split("tiny", {"production": 99, "canary": 1})
    registry.set_split("tiny", {"production": 50, "canary": 50})
    assert registry.rollback("tiny", SPLIT).after == {"production": 99.0, "canary": 1.0}
    assert registry.rollback("tiny", SPLIT).after is None
    assert {registry.resolve("tiny", key).version for key in KEYS[:500]} == {"1.0.0"}


def test_an_alias_moves_only_from_where_it_is_expected(registry: ModelRegistry) -> None:
    registry.set_alias("tiny", "canary", "1.0.0")
    registry.set_alias("tiny", "canary", "1.1.0", expected="1.0.0")
    with pytest.raises(HyperCubeError, match=r"tiny@canary leads to 1\.1\.0, not to 1\.0\.0"):
        registry.set_alias("tiny", "canary", "2.0.0", expected="1.0.0")
    assert registry.routes("tiny").aliases["canary"] == "1.1.0"


@pytest.mark.parametrize("alias", ["latest", "split", "1.0.0", "", "Prod", "a@b", "a/b", "../x", "x" * 49])
def test_what_cannot_be_an_alias_is_refused(registry: ModelRegistry, alias: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        registry.set_alias("tiny", alias, "1.0.0")
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "alias")


def test_a_reference_that_leads_nowhere_names_the_nearest(registry: ModelRegistry) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    with pytest.raises(HyperCubeError, match="Did you mean 'production'") as caught:
        registry.resolve("tiny@prodution")
    assert caught.value.kind is ErrorKind.MODEL_NOT_FOUND
    with pytest.raises(HyperCubeError, match="Did you mean 'tiny'"):
        registry.resolve("tinny")
    with pytest.raises(HyperCubeError, match=r"no version '9\.9\.9'"):
        registry.set_alias("tiny", "production", "9.9.9")


@pytest.mark.parametrize(
    "weights", [{}, {"production": -1.0}, {"production": 0.0}, {"production": float("nan")}]
)
def test_weights_that_are_no_shares_are_refused(registry: ModelRegistry, weights: dict[str, float]) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    with pytest.raises(HyperCubeError) as caught:
        registry.set_split("tiny", weights)
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "weights")


def test_a_split_names_aliases_and_versions_that_exist(registry: ModelRegistry) -> None:
    with pytest.raises(HyperCubeError, match="no alias 'canary'"):
        registry.set_split("tiny", {"1.0.0": 1, "canary": 1})
    registry.set_split("tiny", {"1.0.0": 1, "2.0.0": 1})
    assert {registry.resolve("tiny", key).version for key in KEYS[:200]} == {"1.0.0", "2.0.0"}


def test_an_alias_of_the_split_cannot_be_dropped(registry: ModelRegistry) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    registry.set_split("tiny", {"production": 1})
    with pytest.raises(HyperCubeError, match="split of 'tiny' sends requests to 'production'"):
        registry.drop_alias("tiny", "production")
    registry.drop_split("tiny")
    registry.drop_alias("tiny", "production")
    assert dict(registry.routes("tiny").aliases) == {}


def test_requests_without_a_key_are_shared_out_too(registry: ModelRegistry) -> None:
    draws = iter(number / 2000 for number in range(2000))
    registry = ModelRegistry(registry.store, draw=lambda: next(draws), poll_s=0)
    registry.set_split("tiny", {"1.0.0": 3, "2.0.0": 1})
    taken = [registry.resolve("tiny").version for _ in range(2000)]
    assert 0.70 < taken.count("1.0.0") / 2000 < 0.80


# -- sticky choices, as properties

shares = st.integers(1, 100)


@settings(max_examples=12, deadline=None)
@given(weights=st.lists(shares, min_size=2, max_size=5), salt=st.text(max_size=8))
def test_keys_are_shared_out_in_proportion(weights: list[int], salt: str) -> None:
    split = {f"t{index}": float(weight) for index, weight in enumerate(weights)}
    taken = [choose(split, key, salt) for key in KEYS]
    for target, weight in split.items():
        share = weight / sum(weights)
        # Six standard deviations of a binomial count: one failure in half a billion.
        margin = 6 * (share * (1 - share) / len(KEYS)) ** 0.5
        assert abs(taken.count(target) / len(KEYS) - share) < margin


@settings(max_examples=200, deadline=None)
@given(weights=st.dictionaries(st.text(max_size=6), shares, min_size=1, max_size=6), key=st.text())
def test_a_key_stays_where_it_is(weights: dict[str, int], key: str) -> None:
    split = {target: float(weight) for target, weight in weights.items()}
    first = choose(split, key)
    assert first == choose(dict(reversed(split.items())), key)
    # Only proportions count, and a target without weight is none.
    assert first == choose({target: weight / 7 for target, weight in split.items()}, key)
    assert first == choose(split | {"\0absent": 0.0}, key)


@settings(max_examples=12, deadline=None)
@given(weights=st.lists(shares, min_size=2, max_size=5), new=shares)
def test_when_a_weight_moves_only_the_necessary_share_moves(weights: list[int], new: int) -> None:
    before = {f"t{index}": float(weight) for index, weight in enumerate(weights)}
    after = before | {"t0": float(new)}
    moved = [(old, now) for key in KEYS if (old := choose(before, key)) != (now := choose(after, key))]
    # Towards the target that gained, or away from the one that lost; never between two others.
    assert all((now if new > weights[0] else old) == "t0" for old, now in moved)
    necessary = abs(new / sum(after.values()) - weights[0] / sum(before.values()))
    assert abs(len(moved) / len(KEYS) - necessary) < 6 * 0.5 / len(KEYS) ** 0.5


def test_the_choice_is_the_same_on_every_machine() -> None:
    # Fixed for ever: a restart or an upgrade must not move anybody.
    taken = "".join(choose({"production": 70, "canary": 30}, f"user-{n}", "tiny")[0] for n in range(40))
    assert taken == "cpppccppppppcppcpppcpppccccpppppppppcppp"


# -- several processes, and the disk


def _move(root: str, barrier: Callable[[], object], version: str, count: int) -> None:
    registry = ModelRegistry(ModelStore(Path(root)))
    barrier()
    for number in range(count):
        registry.set_alias("tiny", f"a{number}", version, who=version)


def test_moves_of_several_processes_are_all_kept(registry: ModelRegistry) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    children = [
        context.Process(target=_move, args=(os.fspath(registry.store.root), barrier.wait, version, 10))
        for version in ("1.0.0", "1.1.0")
    ]
    for child in children:
        child.start()
    for child in children:
        child.join(60)
        assert child.exitcode == 0
    moves = registry.history("tiny")
    assert sorted((move.subject, move.who) for move in moves) == sorted(
        (f"a{number}", version) for number in range(10) for version in ("1.0.0", "1.1.0")
    )
    # Each says truly what it found.
    state: dict[str, object] = {}
    for move in moves:
        assert move.before == state.get(move.subject)
        state[move.subject] = move.after


def test_a_move_elsewhere_is_seen_within_the_poll(store: ModelStore) -> None:
    for version in ("1.0.0", "1.1.0"):
        publish(store, version)
    now = [0.0]
    here = ModelRegistry(store, clock=lambda: now[0], poll_s=0.25)
    elsewhere = ModelRegistry(ModelStore(store.root))
    elsewhere.set_alias("tiny", "production", "1.0.0")
    assert here.resolve("tiny").version == "1.0.0"
    elsewhere.set_alias("tiny", "production", "1.1.0")
    now[0] = 0.2499
    assert here.resolve("tiny").version == "1.0.0"
    now[0] = 0.25
    assert here.resolve("tiny").version == "1.1.0"
    publish(ModelStore(store.root), "3.0.0")
    now[0] = 0.51
    assert here.resolve("tiny@latest").version == "3.0.0"


def test_a_line_that_was_cut_by_a_crash_never_happened(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    log = tmp_path / "routes" / "tiny.jsonl"
    whole = log.read_bytes()
    line = json.dumps({"subject": "production", "action": "move"}).encode()
    for length in range(1, len(line)):
        log.write_bytes(whole + line[:length])
        assert ModelRegistry(registry.store).resolve("tiny").version == "1.0.0"
    registry.set_alias("tiny", "production", "1.1.0")
    assert log.read_bytes().startswith(whole)
    assert [move.after for move in registry.history("tiny")] == ["1.0.0", "1.1.0"]


def test_a_line_that_is_no_move_is_named(registry: ModelRegistry, tmp_path: Path) -> None:
    registry.set_alias("tiny", "production", "1.0.0")
    log = tmp_path / "routes" / "tiny.jsonl"
    log.write_bytes(log.read_bytes() + b"{}\n")
    with pytest.raises(HyperCubeError, match=r"Line 2 of .*tiny\.jsonl"):
        RouteLog(tmp_path / "routes", clock=lambda: 0.0).routes("tiny")


def test_an_adapter_is_addressed_beside_its_model(store: ModelStore, registry: ModelRegistry) -> None:
    publish(store, "1.0.0", "tone", format="lora", base="tiny", engine="vllm")
    publish(store, "1.0.0", "other", format="lora", base="another", engine="vllm")
    found = registry.route("tiny@1.0.0:tone")
    assert (found.manifest.version, found.adapter and found.adapter.name) == ("1.0.0", "tone")
    with pytest.raises(HyperCubeError, match="'other' is no adapter of 'tiny' but of 'another'"):
        registry.route("tiny:other")
    with pytest.raises(HyperCubeError, match="it is a model of its own"):
        registry.route("tiny:tiny")
