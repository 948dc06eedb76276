"""Aliases and splits moved under a running server: the right version answers, nobody is lost; in virtual time."""

import asyncio
from collections import Counter
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.upkeep import LINGER_S
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from tests.unit.versions_bench import (
    SEEN_S,
    Bench,
    RunVirtual,
    Script,
    refused,
)

pytestmark = pytest.mark.usefixtures("no_threads")


# -- a moved alias


def test_a_moved_alias_is_loaded_beside_and_loses_no_request(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_s=5.0)
        asked = asyncio.create_task(bench.stream_of_requests(10.0))
        await asyncio.sleep(1.0)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        answers = await asyncio.gather(*await asked)
        versions = [answer.version for answer in answers]
        # One switch, within two polls and the load; before it the old version answered, without a pause.
        switched = versions.index("1.1.0")
        assert versions == ["1.0.0"] * switched + ["1.1.0"] * (len(versions) - switched)
        assert 6.0 <= switched * 0.05 <= 7.0
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        (model,) = bench.cluster.models()
        assert (model.version, model.routing_note) == ("1.1.0", "")
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_does_not_come_up_changes_nothing_and_says_why(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.note().startswith("its name leads to 1.1.0, which does not come up, and 1.0.0 answers")
        assert "status 1" in bench.note()
        assert bench.shown()["1.1.0"].status.state is EngineState.FAILED
        tries = 99 - bench.scripts["1.1.0"].load_errors
        await asyncio.sleep(100)
        assert 99 - bench.scripts["1.1.0"].load_errors == tries, "it is not loaded again and again"
        # A rollback by the operator ends it; a repaired version is taken with the next move.
        bench.operator.rollback("tiny")
        await asyncio.sleep(SEEN_S)
        assert bench.note() == ""
        bench.scripts["1.1.0"].load_errors = 0
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S + 3)
        assert await bench.version() == "1.1.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_loads_but_makes_no_first_token_is_never_switched_to(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(first_token=False)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert "+1.1.0" in bench.events
        assert bench.asked["1.1.0"] == 0
        assert "its logits are no numbers" in bench.note()
        await bench.cluster.close()

    run_virtual(main)


def test_without_room_for_both_the_old_version_finishes_first(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        asked = asyncio.create_task(bench.stream_of_requests(8.0, 0.25))
        await asyncio.sleep(1.0)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        versions = [answer.version for answer in await asyncio.gather(*await asked)]
        assert versions == sorted(versions)
        assert set(versions) == {"1.0.0", "1.1.0"}
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_what_does_not_fit_beside_and_does_not_come_up_gives_the_old_version_back(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=1)
        asked = asyncio.create_task(bench.stream_of_requests(12.0, 0.25))
        bench.operator.set_alias("tiny", "production", "1.1.0")
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.0.0"]
        assert "1.1.0, which does not come up" in bench.note()
        await bench.cluster.close()

    run_virtual(main)


def test_a_model_that_is_not_loaded_is_not_loaded_by_a_move(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", lazy=True)
        await asyncio.sleep(1)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S)
        (model,) = bench.cluster.models()
        assert (model.version, model.on_demand) == ("1.1.0", True)
        assert bench.events == []
        assert await bench.version() == "1.1.0"
        assert bench.events == ["+1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_version_that_was_moved_to_while_nothing_was_loaded_does_not_come_up(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", lazy=True)
        await asyncio.sleep(1)
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S)
        asked = asyncio.create_task(bench.stream_of_requests(30.0, 0.5))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert "1.1.0, which does not come up, and 1.0.0 answers" in bench.note()
        assert bench.cluster.models()[0].version == "1.0.0"
        bench.scripts["1.1.0"].load_errors = 0
        bench.operator.set_alias("tiny", "production", "1.1.0")
        await asyncio.sleep(SEEN_S + 3)
        assert await bench.version() == "1.1.0"
        await asyncio.sleep(SEEN_S)
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_settings_that_name_a_version_or_an_alias_decide_for_the_bare_name(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0", means="tiny@2.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "production", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "1.0.0": 1})
        await asyncio.sleep(SEEN_S)
        assert {await bench.version(end_user=f"user {number}") for number in range(20)} == {"2.0.0"}
        assert await bench.version("tiny@production") == "1.1.0"
        await bench.cluster.close()

    run_virtual(main)


# -- by version, by alias


def test_versions_and_aliases_are_loaded_by_the_first_request_and_stand_side_by_side(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        await bench.cluster.settled()
        models = [
            "tiny",
            "tiny@1.1.0",
            "tiny@canary",
            "tiny@2.0.0",
            "tiny@latest",
            "tiny@production",
            "tiny@1.0.0",
        ]
        found = await asyncio.gather(*(bench.version(model) for model in models))
        assert list(found) == ["1.0.0", "1.1.0", "1.1.0", "2.0.0", "2.0.0", "1.0.0", "1.0.0"]
        assert sorted(bench.events) == ["+1.0.0", "+1.1.0", "+2.0.0"]
        shown = bench.shown()
        assert list(shown) == ["1.0.0", "1.1.0", "2.0.0"]
        assert (shown["1.1.0"].aliases, shown["1.1.0"].share) == (("canary",), 0.0)
        assert (shown["1.0.0"].aliases, shown["1.0.0"].share) == (("production",), 1.0)
        # What nobody asks for by version any more goes by itself; what answers the name stays.
        await asyncio.sleep(LINGER_S + 10)
        assert list(bench.shown()) == ["1.0.0"]
        assert sorted(bench.events)[-2:] == ["-1.1.0", "-2.0.0"]
        assert await bench.version("tiny@2.0.0") == "2.0.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_moved_alias_beside_production_is_answered_by_the_old_version_until_the_new_one_is_ready(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        await bench.cluster.settled()
        assert await bench.version("tiny@canary") == "1.1.0"
        bench.operator.set_alias("tiny", "canary", "2.0.0")
        await asyncio.sleep(SEEN_S)
        began = asyncio.get_running_loop().time()
        assert await bench.version("tiny@canary") == "1.1.0"
        assert asyncio.get_running_loop().time() - began == pytest.approx(1.5)
        await asyncio.sleep(2)
        assert await bench.version("tiny@canary") == "2.0.0"
        await bench.cluster.close()

    run_virtual(main)


def test_a_reference_that_leads_nowhere_is_told_with_what_there_is(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", production="1.0.0")
        await bench.cluster.settled()
        error = await refused(bench.version("tiny@canary"))
        assert (error.kind, error.details["choices"]) == (
            ErrorKind.MODEL_NOT_FOUND,
            ["production", "1.0.0", "latest"],
        )
        assert (await refused(bench.version("tinny"))).kind is ErrorKind.MODEL_NOT_FOUND
        # A version that would have to be downloaded is no reason to download it.
        far = ModelStore(tmp_path)
        far.announce(manifest_with_a_file("3.0.0"))
        await asyncio.sleep(SEEN_S)
        error = await refused(bench.version("tiny@3.0.0"))
        assert (error.kind, error.fix) == (
            ErrorKind.FAILED_PRECONDITION,
            "Fetch it first: hypercube models pull tiny@3.0.0",
        )
        assert await bench.version() == "1.0.0"
        await bench.cluster.close()

    run_virtual(main)


def manifest_with_a_file(version: str) -> ModelManifest:
    from hypercube.model_registry.manifest import ModelFile

    return ModelManifest(
        "tiny", version, "", "MIT", "llama.cpp", "gguf", 10, 77, (ModelFile("tiny.gguf", 9, "0" * 64),)
    )


def test_asking_for_versions_by_number_has_an_end(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        numbers = [f"1.{minor}.0" for minor in range(8)]
        bench = Bench(tmp_path, *numbers, production="1.0.0")
        await bench.cluster.settled()
        outcomes = await asyncio.gather(
            *(bench.version(f"tiny@{number}") for number in numbers), return_exceptions=True
        )
        kinds = [each.kind for each in outcomes if isinstance(each, HyperCubeError)]
        assert kinds == [ErrorKind.OVERLOADED] * 3
        # One after the other they all get their turn: who is not in use makes room.
        for number in numbers:
            assert await bench.version(f"tiny@{number}") == number
            await asyncio.sleep(SEEN_S)
            loaded = Counter(event[1:] for event in bench.events if event[0] == "+")
            loaded.subtract(event[1:] for event in bench.events if event[0] == "-")
            assert sum(loaded.values()) <= 6
        await bench.cluster.close()

    run_virtual(main)


def test_a_store_that_cannot_be_read_takes_no_answer_away(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", production="1.0.0")
        await bench.cluster.settled()
        log = tmp_path / "routes" / "tiny.jsonl"
        kept = log.read_bytes()
        log.write_bytes(kept + b"nonsense\n")
        await asyncio.sleep(SEEN_S)
        assert await bench.version() == "1.0.0"
        assert "Line 2 of" in bench.note()
        assert len([line for line in bench.lines if "Line 2 of" in line]) == 1
        log.write_bytes(kept)
        await asyncio.sleep(SEEN_S)
        assert bench.note() == ""
        await bench.cluster.close()

    run_virtual(main)
