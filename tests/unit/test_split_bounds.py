"""Bounds of a split, and a target that a server withdraws: in the log, in its history, on the command line."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hypercube.cli import main
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

STRICT = CanaryBounds(max_error_rate=0.01, max_latency_ratio=1.5, min_requests=100, window_s=300.0)


@pytest.fixture
def registry(tmp_path: Path) -> ModelRegistry:
    registry = ModelRegistry(ModelStore(tmp_path), poll_s=0)
    for version in ("1.0.0", "1.1.0", "2.0.0"):
        registry.store.publish(ModelManifest("tiny", version, "", "MIT", "fake", "none", 10, 0), {})
    registry.set_alias("tiny", "production", "1.0.0")
    registry.set_alias("tiny", "canary", "1.1.0")
    return registry


def test_bounds_are_kept_with_their_split_and_seen_by_every_process(registry: ModelRegistry) -> None:
    registry.set_split("tiny", {"production": 95, "canary": 5}, bounds=STRICT)
    other = ModelRegistry(ModelStore(registry.store.root))
    assert other.routes("tiny").bounds == STRICT
    registry.set_split("tiny", {"production": 50, "canary": 50})
    assert registry.routes("tiny").bounds is None
    # They come back with the split that they were given with.
    registry.rollback("tiny", "split")
    assert registry.routes("tiny").bounds == STRICT
    registry.rollback("tiny", "split")
    assert (registry.routes("tiny").split, registry.routes("tiny").bounds) == ({}, None)


def test_a_withdrawn_target_leaves_the_rest_of_the_split_with_its_bounds(registry: ModelRegistry) -> None:
    weights = {"production": 2.0, "canary": 1.0, "2.0.0": 1.0}
    registry.set_split("tiny", weights, bounds=STRICT)
    move = registry.withdraw("tiny", "canary", "1.1.0", "21 of 30 requests failed")
    assert move is not None
    assert (move.who, move.why, move.action) == ("hypercube", "21 of 30 requests failed", "withdraw")
    assert move.after == {"production": 2.0, "2.0.0": 1.0}
    assert registry.routes("tiny").bounds == STRICT
    assert registry.history("tiny")[-1] == move
    # Another server that found the same out comes too late, and changes nothing.
    assert registry.withdraw("tiny", "canary", "1.1.0", "so do I") is None
    last = registry.withdraw("tiny", "2.0.0", "2.0.0", "slow")
    assert last is not None
    assert last.after is None
    assert (registry.routes("tiny").split, registry.resolve("tiny").version) == ({}, "1.0.0")
    assert registry.withdraw("tiny", "production", "1.0.0", "never the last one") is None
    # An operator who knows better brings them back, one by one.
    assert registry.rollback("tiny", "split").after == {"production": 2.0, "2.0.0": 1.0}
    assert registry.rollback("tiny", "split").after == weights
    assert registry.routes("tiny").bounds == STRICT


def test_only_the_version_that_was_judged_is_withdrawn(registry: ModelRegistry) -> None:
    registry.set_split("tiny", {"production": 1, "canary": 1})
    registry.set_alias("tiny", "canary", "2.0.0")
    assert registry.withdraw("tiny", "canary", "1.1.0", "of the version before") is None
    assert registry.routes("tiny").split == {"production": 1.0, "canary": 1.0}


def test_without_production_what_is_left_goes_on_alone(registry: ModelRegistry) -> None:
    registry.set_split("tiny", {"1.0.0": 3, "2.0.0": 1})
    assert registry.withdraw("tiny", "2.0.0", "2.0.0", "slow") is not None
    assert registry.routes("tiny").split == {"1.0.0": 3.0}
    assert {registry.resolve("tiny", f"user {number}").version for number in range(50)} == {"1.0.0"}


def test_a_log_of_an_earlier_release_is_read_and_a_bound_out_of_range_is_named(
    registry: ModelRegistry,
) -> None:
    log = registry.store.root / "routes" / "tiny.jsonl"
    line = {
        "time": "2026-11-23T04:00:00.000+00:00",
        "who": "kim",
        "subject": "split",
        "action": "move",
        "from": None,
        "to": {"production": 1.0, "canary": 1.0},
    }
    kept = log.read_bytes()
    log.write_bytes(kept + json.dumps(line).encode() + b"\n")
    assert ModelRegistry(registry.store).routes("tiny").bounds is None
    # What a later release adds to the bounds is left out.
    newer = line | {"bounds": {"max_error_rate": 0.5, "min_tokens": 7}}
    log.write_bytes(kept + json.dumps(newer).encode() + b"\n")
    assert ModelRegistry(registry.store).routes("tiny").bounds == CanaryBounds(max_error_rate=0.5)
    log.write_bytes(kept + json.dumps(line | {"bounds": {"max_error_rate": 5}}).encode() + b"\n")
    with pytest.raises(HyperCubeError, match="Line 3 of") as caught:
        ModelRegistry(registry.store).routes("tiny")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION


@pytest.fixture
def models(
    registry: ModelRegistry, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., tuple[int, str]]:
    monkeypatch.setenv("HYPERCUBE_MODEL_DIR", str(registry.store.root))
    monkeypatch.chdir(registry.store.root)

    def run(*words: str) -> tuple[int, str]:
        monkeypatch.setattr(sys, "argv", ["hypercube", "models", *words])
        status = 0
        try:
            main()
        except SystemExit as end:
            status = 0 if end.code is None else int(end.code)
        said = capsys.readouterr()
        return status, said.out + said.err

    return run


def test_the_command_line_sets_bounds_and_shows_why_a_target_was_withdrawn(
    models: Callable[..., tuple[int, str]], registry: ModelRegistry
) -> None:
    split = ("split", "tiny", "production=95", "canary=5")
    assert models(*split, "--max-error-rate", "0.02", "--min-requests", "50", "--who", "kim")[0] == 0
    assert registry.routes("tiny").bounds == CanaryBounds(max_error_rate=0.02, min_requests=50)
    status, said = models("split", "tiny", "--json")
    assert status == 0
    assert json.loads(said)["bounds"]["max_error_rate"] == 0.02
    registry.withdraw("tiny", "canary", "1.1.0", "21 of 30 requests failed")
    status, said = models("history", "tiny", "--json")
    assert json.loads(said)[-1]["why"] == "21 of 30 requests failed"
    assert json.loads(said)[-2]["bounds"]["min_requests"] == 50
    status, said = models("history", "tiny")
    assert "withdraw by hypercube: 21 of 30 requests failed." in said
    status, said = models(*split, "--max-error-rate", "2")
    assert status != 0
    assert "max_error_rate is 2.0" in said
    status, said = models("split", "tiny", "--max-error-rate", "0.5")
    assert status != 0
    assert "Bounds go with the weights" in said
