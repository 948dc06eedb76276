"""Models that share a memory: who leaves for whom, and a new version beside or behind the old one, in virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.engine import engine_failed
from hypercube.model_registry.manifest import ModelManifest
from tests.unit.models_on_demand_bench import OF_A, Bench, RunVirtual, Script, manifest, refused

# -- memory


def sized(**sizes: int) -> dict[str, Script]:
    return {f"{name}@1.0.0": Script(bytes=size) for name, size in sizes.items()}


def estimating(**sizes: int) -> Callable[[ModelManifest], int]:
    return lambda which: sizes[which.name]


def test_the_one_used_longest_ago_makes_room(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        sizes = {"a": 4, "b": 4, "c": 4}
        bench = Bench(
            *map(manifest, "abc"), scripts=sized(**sizes), estimate=estimating(**sizes), memory_budget=8
        )
        for name in "aba":
            await bench.answer(name)
        await bench.answer("c")
        assert bench.events == ["+a@1.0.0", "+b@1.0.0", "-b@1.0.0", "+c@1.0.0"]
        assert bench.state("b") is EngineState.IDLE
        assert bench.cluster.status("b").reason == "made room for 'c'; the next request loads it again"
        assert bench.cluster.reserved_bytes == 8
        bench.cluster.pin("a")
        assert [model.name for model in bench.cluster.models() if model.pinned] == ["a"]
        await bench.answer("b")
        assert bench.events[-2:] == ["-c@1.0.0", "+b@1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_model_in_use_is_left_its_time_and_loses_no_request(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        sizes = {"a": 4, "b": 4}
        bench = Bench(
            *map(manifest, "ab"), scripts=sized(**sizes), estimate=estimating(**sizes),
            memory_budget=4, min_residency_s=20.0,
        )  # fmt: skip
        await bench.cluster.load("a")
        began = loop.time()
        asked = [bench.ask("a") for _ in range(40)]
        await asyncio.sleep(1.0)
        other = [bench.ask("b") for _ in range(4)]
        assert await asyncio.gather(*other) == [OF_A] * 4
        # a is left its 20 s, ends what it had begun, b loads for 2 s and answers twice two.
        assert loop.time() - began == pytest.approx(20 + 1 + 2 + 6, abs=0.5)
        assert await asyncio.gather(*asked) == [OF_A] * 40
        assert bench.events == ["+a@1.0.0", "-a@1.0.0", "+b@1.0.0", "-b@1.0.0", "+a@1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_what_can_never_fit_is_refused_with_the_figures(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        sizes = {"a": 4_000_000_000, "b": 9_000_000_000, "c": 5_000_000_000}
        bench = Bench(
            *map(manifest, "abc"), scripts=sized(**sizes), estimate=estimating(**sizes),
            memory_budget=8_000_000_000,
        )  # fmt: skip
        error = await refused(bench.answer("b"))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "needs 9.00 GB, and the memory budget is 8.00 GB" in error.message
        assert bench.state("b") is EngineState.FAILED
        await bench.answer("a")
        bench.cluster.pin("a")
        error = await refused(bench.answer("c"))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert error.retry_after_s is not None
        assert "needs 5.00 GB, the memory budget is 8.00 GB, and a stays and holds 4.00 GB" in error.message
        bench.cluster.pin("a", False)
        await asyncio.sleep(20)
        assert await bench.answer("c") == OF_A
        assert bench.events == ["+a@1.0.0", "-a@1.0.0", "+c@1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_what_was_measured_counts_from_then_on(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        sizes = {"a": 6, "b": 3, "c": 12}
        bench = Bench(*map(manifest, "abc"), scripts=sized(**sizes), estimate=lambda _: 4, memory_budget=8)
        await bench.answer("b")
        assert bench.cluster.reserved_bytes == 3
        await bench.answer("a")  # announced 4 and took 6: 9 in all, so b has to leave
        assert bench.cluster.reserved_bytes == 6
        assert bench.events[-1] == "-b@1.0.0"
        assert [model.measured_bytes for model in bench.cluster.models()] == [6, 3, None]
        assert "needs 0.00 GB" in (await refused(bench.answer("c"))).message
        assert bench.events[-2:] == ["+c@1.0.0", "-c@1.0.0"]
        await bench.cluster.close()

    run_virtual(main)


def test_a_newcomer_does_not_empty_the_house(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        sizes = {"a": 3, "b": 3, "c": 3, "d": 8}
        bench = Bench(
            *map(manifest, "abcd"), scripts=sized(**sizes), estimate=estimating(**sizes),
            memory_budget=9, min_residents=2,
        )  # fmt: skip
        for name in "abc":
            await bench.answer(name)
        error = await refused(bench.answer("d"))
        assert "only 1 of at least 2 models would be left in memory" in error.message
        assert [bench.state(name) for name in "abc"] == [EngineState.READY] * 3
        await bench.cluster.close()

    run_virtual(main)


def test_a_dead_engine_gives_its_memory_back(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(scripts={"a@1.0.0": Script(bytes=4)}, estimate=lambda _: 4, memory_budget=4, lazy=[])
        await bench.cluster.settled()
        bench.working().death.set_result(engine_failed("its process was ended by SIGKILL"))
        await asyncio.sleep(5)
        assert bench.state() is EngineState.READY
        assert bench.cluster.reserved_bytes == 4
        await bench.cluster.close()

    run_virtual(main)


# -- hot reload


def test_a_new_version_is_loaded_beside_the_old_one(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(lazy=[], scripts={"a@1.0.0": Script(token_s=4.0)})
        await bench.cluster.settled()
        old = [bench.ask() for _ in range(2)]
        await asyncio.sleep(1.0)
        replacing = asyncio.create_task(bench.cluster.replace("a", manifest(version="2.0.0")))
        await asyncio.sleep(1.0)
        assert bench.state() is EngineState.READY
        done = await replacing
        assert (done.before, done.after, done.beside, done.away_s) == ("1.0.0", "2.0.0", True, 0.0)
        assert done.took_s == pytest.approx(2.0)
        (model,) = bench.cluster.models()
        assert model.version == "2.0.0"
        assert model.status.reason == "scripted a@2.0.0"
        new = bench.ask()  # the old answers hold both places
        assert await asyncio.gather(*old) == [OF_A] * 2
        assert await new == "2.0.0 2.0.0 2.0.0"
        assert bench.events == ["+a@1.0.0", "+a@2.0.0", "-a@1.0.0"]
        assert EngineState.LOADING not in [status.state for _, status in bench.statuses[-1:]]
        await bench.cluster.close()

    run_virtual(main)


@pytest.mark.parametrize("budget", [None, 12, 6])
def test_a_version_that_does_not_come_up_changes_nothing(run_virtual: RunVirtual, budget: int | None) -> None:
    async def main() -> None:
        missing = HyperCubeError(ErrorKind.FAILED_PRECONDITION, "A tensor is missing.", fix="Fetch it again.")
        scripts = {"a@1.0.0": Script(bytes=6), "a@2.0.0": Script(load_errors=9, error=missing)}
        bench = Bench(lazy=[], scripts=scripts, estimate=lambda _: 6, memory_budget=budget)
        await bench.cluster.settled()
        asked = [bench.ask() for _ in range(6)]
        await asyncio.sleep(0.5)
        error = await refused(bench.cluster.replace("a", manifest(version="2.0.0")))
        assert error.kind is ErrorKind.FAILED_PRECONDITION
        assert "Version 2.0.0 of 'a' does not come up, and version 1.0.0 stays" in error.message
        assert "A tensor is missing." in error.message
        assert await asyncio.gather(*asked, bench.answer()) == [OF_A] * 7
        assert bench.state() is EngineState.READY
        assert bench.cluster.models()[0].version == "1.0.0"
        assert bench.events == (["+a@1.0.0"] if budget != 6 else ["+a@1.0.0", "-a@1.0.0", "+a@1.0.0"])
        await bench.cluster.close()

    run_virtual(main)


def test_without_room_for_both_one_leaves_before_the_other_comes(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        scripts = {"a@1.0.0": Script(bytes=6), "a@2.0.0": Script(bytes=6)}
        bench = Bench(lazy=[], scripts=scripts, estimate=lambda _: 6, memory_budget=10)
        await bench.cluster.settled()
        asked = [bench.ask() for _ in range(6)]
        await asyncio.sleep(0.5)
        done = await bench.cluster.replace("a", manifest(version="2.0.0"))
        assert not done.beside
        assert done.away_s == pytest.approx(2.0)
        answers = await asyncio.gather(*asked)
        assert set(answers) == {OF_A, "2.0.0 2.0.0 2.0.0"}
        assert "the memory budget does not hold 1.0.0 and 2.0.0 together" in bench.lines[0]
        assert bench.events == ["+a@1.0.0", "-a@1.0.0", "+a@2.0.0"]
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_model_that_is_not_loaded_can_be_replaced_too(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench()
        done = await bench.cluster.replace("a", manifest(version="2.0.0"))
        assert done.beside
        assert await bench.answer() == "2.0.0 2.0.0 2.0.0"
        assert bench.events == ["+a@2.0.0"]
        error = await refused(bench.cluster.replace("a", replace(manifest(), name="b")))
        assert error.kind is ErrorKind.INVALID_ARGUMENT
        await bench.cluster.close()

    run_virtual(main)


def test_the_old_version_may_die_while_the_new_one_loads(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(lazy=[])
        await bench.cluster.settled()
        asked = bench.ask()
        replacing = asyncio.create_task(bench.cluster.replace("a", manifest(version="2.0.0")))
        await asyncio.sleep(0.5)
        bench.working().death.set_result(engine_failed("its process was ended by SIGKILL"))
        assert (await replacing).after == "2.0.0"
        # Nothing of it had gone out, so the next engine answers, whichever version that is.
        assert await asked == "2.0.0 2.0.0 2.0.0"
        assert bench.state() is EngineState.READY
        await bench.cluster.close()

    run_virtual(main)
