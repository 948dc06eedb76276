"""A split among versions of a running server: who gets which, and how a bad canary is withdrawn; in virtual time."""

import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Principal
from hypercube.core.served_models import EngineState
from hypercube.inference.engine import engine_failed
from tests.unit.versions_bench import SEEN_S, Answer, Bench, RunVirtual, Script

pytestmark = pytest.mark.usefixtures("no_threads")


# -- a split


def test_a_split_is_sticky_by_caller_and_user_and_comes_without_a_restart(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 70, "canary": 30})
        # Until the canary is ready nobody waits for it.
        await asyncio.sleep(SEEN_S)
        early = await asyncio.gather(*(bench.answer(end_user=f"user {number}") for number in range(50)))
        assert {answer.version for answer in early} == {"1.0.0"}
        await bench.until_ready("1.1.0")
        people: list[dict[str, Any]] = [{"end_user": f"user {number}"} for number in range(200)]
        people += [{"principal": Principal(f"shop {number}")} for number in range(100)]
        people += [{"tenant": f"team {number}"} for number in range(100)]
        first = [
            answer.version for answer in await asyncio.gather(*(bench.answer(**each) for each in people))
        ]
        again = [
            answer.version for answer in await asyncio.gather(*(bench.answer(**each) for each in people))
        ]
        assert first == again, (bench.lines, bench.shown())
        share = first.count("1.1.0") / len(first)
        assert abs(share - 0.3) < 6 * (0.3 * 0.7 / len(first)) ** 0.5
        # Two users of one shop may differ; the same user of two shops as well.
        mixed = {
            await bench.version(principal=Principal("shop"), end_user=f"user {number}")
            for number in range(20)
        }
        assert mixed == {"1.0.0", "1.1.0"}
        shown = bench.shown()
        assert (shown["1.1.0"].share, shown["1.0.0"].share) == (0.3, 0.7)
        assert shown["1.1.0"].requests == bench.asked["1.1.0"]
        assert shown["1.1.0"].first_p95_s == pytest.approx(0.5)
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_is_promoted_was_loaded_already(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        asked = asyncio.create_task(bench.stream_of_requests(4.0))
        await asyncio.sleep(1)
        bench.operator.set_alias("tiny", "production", "1.1.0")
        bench.operator.drop_split("tiny")
        await asyncio.gather(*await asked)
        assert await bench.version() == "1.1.0"
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_split_that_ends_lets_the_canary_finish_and_go(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(token_s=10.0)
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        asked = [bench.ask(end_user=f"user {number}") for number in range(20)]
        await asyncio.sleep(11)  # the canary's first pieces are out
        bench.operator.drop_split("tiny")
        await asyncio.sleep(SEEN_S)
        late = [bench.ask(end_user=f"user {number}") for number in range(20)]
        assert {answer.version for answer in await asyncio.gather(*late)} == {"1.0.0"}
        assert bench.events == ["+1.0.0", "+1.1.0"]
        assert {answer.version for answer in await asyncio.gather(*asked)} == {"1.0.0", "1.1.0"}
        await asyncio.sleep(SEEN_S)
        assert bench.events == ["+1.0.0", "+1.1.0", "-1.1.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_does_not_fit_beside_production_gets_nothing(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0", memory_budget=1)
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        asked = asyncio.create_task(bench.stream_of_requests(5.0))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        assert bench.events == ["+1.0.0"]
        assert "does not hold 1.0.0 and 1.1.0 together" in bench.note()
        # By name it is served all the same: the two take turns.
        assert await bench.version("tiny@canary") == "1.1.0"
        assert await bench.version("tiny@production") == "1.0.0"
        assert bench.events == ["+1.0.0", "-1.0.0", "+1.1.0", "-1.1.0", "+1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_does_not_come_up_gets_nothing_and_says_why(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        await bench.cluster.settled()
        bench.scripts["1.1.0"] = Script(load_errors=99)
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        asked = asyncio.create_task(bench.stream_of_requests(60.0, 0.2))
        assert {answer.version for answer in await asyncio.gather(*await asked)} == {"1.0.0"}
        shown = bench.shown()["1.1.0"]
        assert shown.status.state is EngineState.FAILED
        assert "status 1" in shown.status.reason
        assert 99 - bench.scripts["1.1.0"].load_errors <= 8
        await bench.cluster.close()

    run_virtual(main)


# -- a bad canary


BAD: dict[str, Script] = {
    "fails every request": Script(error=engine_failed("a kernel reads where nothing is")),
    "breaks its contract": Script(error=HyperCubeError(ErrorKind.INTERNAL, "KeyError: 'logits'")),
    "is slow": Script(token_s=3.0),
    "answers nobody": Script(token_s=100_000.0),
}


@pytest.mark.parametrize("how", BAD)
def test_a_bad_canary_under_load_is_withdrawn_within_five_seconds_and_no_request_is_lost(
    run_virtual: RunVirtual, tmp_path: Path, how: str
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.0.0"] = Script(token_s=0.1)
        bench.scripts["1.1.0"] = Script(**vars(BAD[how]))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 80, "canary": 20})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        answers: list[Answer] = []
        began, ends_at = loop.time(), loop.time() + 20

        # 32 at a time, each as 8 people in turn, so that the canary is asked all the time.
        async def people(first: int) -> None:
            turn = 0
            while loop.time() < ends_at:
                answers.append(await bench.answer(end_user=f"user {first + turn % 8 * 32}"))
                turn += 1

        await asyncio.gather(*(people(first) for first in range(32)))
        # Every request was answered whole, by one version.
        assert len(answers) > 200
        versions = Counter(answer.version for answer in answers)
        assert versions["1.0.0"] > 200
        if how != "is slow":
            assert set(versions) == {"1.0.0"}
        assert bench.asked["1.1.0"] >= 20
        assert bench.last_asked["1.1.0"] - began <= 5.0
        (line,) = [line for line in bench.lines if "withdrawn" in line]
        (*_, move) = bench.operator.history("tiny")
        assert (move.who, move.subject, move.action) == ("hypercube", "split", "withdraw")
        assert (move.before, move.after) == ({"production": 80.0, "canary": 20.0}, None)
        assert move.why in line
        assert ("requests failed in 60 s" in move.why) == (BAD[how].error is not None)
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {}
        # The bad version has left memory; its alias can still be asked for.
        assert "-1.1.0" in bench.events
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_canary_that_fails_after_its_first_piece_is_withdrawn_too(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"), fails_after=1)
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        outcomes = await asyncio.gather(
            *(bench.answer(end_user=f"user {number}") for number in range(60)), return_exceptions=True
        )
        errors = [each for each in outcomes if isinstance(each, HyperCubeError)]
        assert len(errors) >= 20
        assert {error.kind for error in errors} == {ErrorKind.ENGINE_FAILED}
        await asyncio.sleep(SEEN_S)
        assert {await bench.version(end_user=f"user {number}") for number in range(20)} == {"1.0.0"}
        assert bench.operator.history("tiny")[-1].who == "hypercube"
        await bench.cluster.close()

    run_virtual(main)


@pytest.mark.parametrize(
    "kind",
    [
        ErrorKind.INVALID_ARGUMENT,
        ErrorKind.CONTEXT_LENGTH_EXCEEDED,
        ErrorKind.PAYLOAD_TOO_LARGE,
        ErrorKind.OVERLOADED,
        ErrorKind.CANCELLED,
    ],
)
def test_what_clients_do_wrong_withdraws_nothing(
    run_virtual: RunVirtual, tmp_path: Path, kind: ErrorKind
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=HyperCubeError(kind, "not like this"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        await asyncio.gather(
            *(bench.answer(end_user=f"user {number}") for number in range(200)), return_exceptions=True
        )
        await asyncio.sleep(SEEN_S)
        assert bench.asked["1.1.0"] > 50
        assert bench.operator.routes("tiny").split == {"production": 1.0, "canary": 1.0}
        assert bench.shown()["1.1.0"].withdrawn == ""
        await bench.cluster.close()

    run_virtual(main)


def test_the_bounds_of_the_split_count_before_those_of_the_settings(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        patient = CanaryBounds(max_error_rate=1.0, min_requests=5)
        bench.operator.set_split("tiny", {"production": 1, "canary": 1}, bounds=patient)
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        people = [f"user {number}" for number in range(40)]
        await asyncio.gather(*(bench.answer(end_user=each) for each in people))
        await asyncio.sleep(SEEN_S)
        assert bench.shown()["1.1.0"].failed >= 10
        assert bench.shown()["1.1.0"].withdrawn == ""
        strict = CanaryBounds(max_error_rate=0.5, min_requests=5)
        bench.operator.set_split("tiny", {"production": 1, "canary": 1}, bounds=strict)
        await asyncio.sleep(SEEN_S)
        move = bench.operator.history("tiny")[-1]
        assert move.action == "withdraw"
        assert "bound 50.0%" in move.why
        await bench.cluster.close()

    run_virtual(main)


def test_a_withdrawn_canary_may_be_tried_again_and_starts_afresh(
    run_virtual: RunVirtual, tmp_path: Path
) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", production="1.0.0")
        bench.scripts["1.1.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_alias("tiny", "canary", "1.1.0")
        bench.operator.set_split("tiny", {"production": 1, "canary": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        people = [f"user {number}" for number in range(60)]
        await asyncio.gather(*(bench.answer(end_user=each) for each in people))
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {}
        # The operator takes the rollback back: the same split is in force again, and the repaired version is asked.
        bench.scripts["1.1.0"].error = None
        assert bench.operator.rollback("tiny", "split").after == {"production": 1.0, "canary": 1.0}
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0")
        versions = {
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        }
        assert versions == {"1.0.0", "1.1.0"}
        assert (bench.shown()["1.1.0"].failed, bench.shown()["1.1.0"].withdrawn) == (0, "")
        await bench.cluster.close()

    run_virtual(main)


def test_one_bad_target_of_three_leaves_the_other_two(run_virtual: RunVirtual, tmp_path: Path) -> None:
    async def main() -> None:
        bench = Bench(tmp_path, "1.0.0", "1.1.0", "2.0.0", production="1.0.0")
        bench.scripts["2.0.0"] = Script(error=engine_failed("it was killed"))
        await bench.cluster.settled()
        bench.operator.set_split("tiny", {"production": 1, "1.1.0": 1, "2.0.0": 1})
        await asyncio.sleep(SEEN_S)
        await bench.until_ready("1.1.0", "2.0.0")
        people = [f"user {number}" for number in range(120)]
        first = [
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        ]
        await asyncio.sleep(SEEN_S)
        assert bench.operator.routes("tiny").split == {"production": 1.0, "1.1.0": 1.0}
        again = [
            answer.version for answer in await asyncio.gather(*(bench.answer(end_user=e) for e in people))
        ]
        # Whoever had the second version keeps it.
        kept = [number for number, version in enumerate(first) if version == "1.1.0"]
        assert kept
        assert all(again[number] == "1.1.0" for number in kept)
        await bench.cluster.close()

    run_virtual(main)
