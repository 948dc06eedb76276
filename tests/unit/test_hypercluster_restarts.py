"""An engine that dies, cannot start or makes no token: who hears of it, when it is started again."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.engine import engine_failed
from tests.unit.hypercluster_bench import Bench, RunVirtual, ScriptedEngine, answer, refused, turns


def test_an_engines_death_reaches_everybody_and_it_comes_back(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first, second = ScriptedEngine(token_s=1.0, slots=1), ScriptedEngine(load_s=4.0, slots=1)
        bench = Bench(first, second)
        await bench.cluster.settled()
        running = asyncio.create_task(answer(bench.cluster))
        waiting = asyncio.create_task(answer(bench.cluster))
        await asyncio.sleep(1.5)  # a first piece went out: what died now cannot be begun again
        first.die()
        error = await refused(running)
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert error.retry_after_s is not None
        error = await refused(waiting)
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "SIGKILL; restart 1 of 3 in 60 s" in error.message
        error = await refused(answer(bench.cluster))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert error.retry_after_s is not None
        assert first.unloads == 1
        assert (await bench.cluster.settled()).state is EngineState.READY
        ready, failed, loading = EngineState.READY, EngineState.FAILED, EngineState.LOADING
        assert bench.states() == [loading, ready, failed, loading, ready]
        assert await answer(bench.cluster) == "xxx"
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_restarts_have_a_budget_and_then_a_human_is_asked_for(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        broken = engine_failed("its process ended with status 1 while loading")
        bench = Bench(*(ScriptedEngine(load_error=broken) for _ in range(4)))
        status = await bench.cluster.settled()
        assert status.state is EngineState.FAILED
        assert "given up after 3 restarts" in status.reason
        error = await refused(answer(bench.cluster))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert error.retry_after_s is None
        assert next(bench.made, None) is None
        await bench.cluster.close()

    run_virtual(main)


def test_rare_deaths_never_exhaust_the_budget(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engines = [ScriptedEngine() for _ in range(12)]
        bench = Bench(*engines)
        for engine in engines[:-1]:
            await bench.cluster.settled()
            await asyncio.sleep(25)
            engine.die()
            await turns()
        assert (await bench.cluster.settled()).state is EngineState.READY
        await bench.cluster.close()

    run_virtual(main)


def test_what_a_restart_cannot_mend_is_not_restarted(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        missing = HyperCubeError(ErrorKind.FAILED_PRECONDITION, "xllamacpp is missing.", fix="Install it.")
        engine = ScriptedEngine(load_error=missing)
        bench = Bench(engine)
        status = await bench.cluster.settled()
        assert status == EngineStatus(EngineState.FAILED, "xllamacpp is missing. Install it")
        assert engine.unloads == 1
        await bench.cluster.close()

    run_virtual(main)


def test_a_model_that_could_not_be_fetched_is_tried_again_ever_less_often(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        down = HyperCubeError(ErrorKind.UNAVAILABLE, "No source could deliver it.")
        began = loop.time()
        bench = Bench(*(ScriptedEngine(load_error=down) for _ in range(7)), ScriptedEngine())
        assert (await bench.cluster.settled()).state is EngineState.READY
        pauses = [15, 30, 60, 120, 240, 300, 300]
        said = [status.reason for status in bench.statuses if status.state is EngineState.FAILED]
        assert said == [f"No source could deliver it; trying again in {pause} s" for pause in pauses]
        assert loop.time() - began == pytest.approx(sum(pauses), abs=60)
        await bench.cluster.close()

    run_virtual(main)


def test_a_defect_in_an_engine_shows_in_the_status(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        class Defective(ScriptedEngine):
            async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
                raise ZeroDivisionError("oops")

        bench = Bench(Defective())
        assert "ZeroDivisionError: oops" in (await bench.cluster.settled()).reason
        await bench.cluster.close()

    run_virtual(main)


def test_a_probe_makes_a_token_or_sees_one(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = ScriptedEngine(slots=1)
        bench = Bench(engine)
        assert (await refused(bench.cluster.probe("", 1.0))).kind is ErrorKind.UNAVAILABLE
        await bench.cluster.settled()
        probes = len(engine.started)
        await bench.cluster.probe("", 1.0)
        assert len(engine.started) == probes + 1

        engine.token_s, engine.tokens = 0.5, 10
        busy = asyncio.create_task(answer(bench.cluster))
        await asyncio.sleep(2.25)
        await bench.cluster.probe("", 1.0)  # the answer under way grew within the last second
        assert len(engine.started) == probes + 2
        engine.token_s = 1e6
        await asyncio.sleep(5)
        error = await refused(bench.cluster.probe("", 1.0))
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert "made no token within 1 s" in error.message
        busy.cancel()
        await asyncio.gather(busy, return_exceptions=True)
        error = await refused(
            bench.cluster.probe("", 1.0)
        )  # idle again, and a token of its own does not come
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert bench.cluster.in_flight == engine.active == 0
        await bench.cluster.close()

    run_virtual(main)
