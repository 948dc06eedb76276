"""Models that are loaded by their first request, unloaded by command and pinned; in virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import (
    EmbeddingRequest,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState
from hypercube.inference.fake import vector
from tests.unit.models_on_demand_bench import (
    OF_A,
    Bench,
    RunVirtual,
    Script,
    manifest,
    refused,
    turns,
)

# -- lazy


def test_the_first_request_loads_a_lazy_model_and_waits_for_it(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench()
        await asyncio.sleep(100)
        assert bench.cluster.status().state is EngineState.IDLE
        assert bench.cluster.status().reason == "not loaded; the first request loads it"
        assert bench.cluster.ready
        (model,) = bench.cluster.models()
        assert (model.on_demand, model.accepting, model.measured_bytes) == (True, True, None)
        assert bench.events == []
        asked = [bench.ask() for _ in range(5)]
        await turns()
        assert bench.state() is EngineState.LOADING
        assert bench.cluster.ready
        assert bench.cluster.in_flight == 5
        assert await asyncio.gather(*asked) == [OF_A] * 5
        assert bench.events == ["+a@1.0.0"]
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_embeddings_wait_for_their_lazy_model_too(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        script = Script(capabilities=frozenset({Capability.EMBED}))
        bench = Bench(manifest("e"), scripts={"e@1.0.0": script})
        ask = [bench.cluster.embed(EmbeddingRequest((text, "목")), Call()) for text in "가나다"]
        found = await asyncio.gather(*ask)
        assert [list(each.vectors[0]) for each in found] == [list(vector(text)) for text in "가나다"]
        assert bench.events == ["+e@1.0.0"]
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_the_queue_of_a_model_that_loads_is_bounded_and_keeps_deadlines(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        bench = Bench(scripts={"a@1.0.0": Script(load_s=10)}, max_queued=3)
        began = loop.time()
        late, left, kept = bench.ask(deadline_s=2.0), bench.ask(), bench.ask(deadline_s=60.0)
        await turns()
        error = await refused(bench.answer())
        assert error.kind is ErrorKind.OVERLOADED
        assert error.retry_after_s is not None
        assert loop.time() == began
        error = await refused(late)
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert loop.time() - began == pytest.approx(2.0)
        left.cancel()
        await asyncio.gather(left, return_exceptions=True)
        assert bench.cluster.in_flight == 1
        assert await kept == OF_A
        await bench.cluster.close()

    run_virtual(main)


def test_every_waiter_hears_that_the_load_failed(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        script = Script(load_errors=1, error=HyperCubeError(ErrorKind.UNAVAILABLE, "The source is silent."))
        bench = Bench(scripts={"a@1.0.0": script})
        asked = [bench.ask() for _ in range(4)]
        errors = [await refused(each) for each in asked]
        assert {error.kind for error in errors} == {ErrorKind.UNAVAILABLE}
        assert all("The source is silent" in error.message for error in errors)
        assert all(error.retry_after_s is not None for error in errors)
        assert (await refused(bench.answer())).kind is ErrorKind.UNAVAILABLE
        assert not bench.cluster.ready
        await asyncio.sleep(16)
        assert bench.state() is EngineState.IDLE
        assert "The source is silent" in bench.cluster.status().reason
        assert await bench.answer() == OF_A
        await bench.cluster.close()

    run_virtual(main)


def test_an_engine_that_breaks_while_loading_is_restarted_within_the_budget(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(scripts={"a@1.0.0": Script(load_errors=4)})
        assert (await refused(bench.answer())).kind is ErrorKind.UNAVAILABLE
        status = await bench.cluster.settled()
        assert status.state is EngineState.FAILED
        assert "given up after 3 restarts" in status.reason
        assert (await refused(bench.answer())).retry_after_s is None
        assert (await bench.cluster.load("a")).state is EngineState.READY
        assert await bench.answer() == OF_A
        await bench.cluster.close()

    run_virtual(main)


def test_few_models_load_at_a_time_and_a_hundred_wait(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        models = [manifest(f"m{number}") for number in range(103)]
        bench = Bench(*models, max_loading=2)
        asked = [bench.ask(model.name) for model in models]
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        (refusal,) = (each for each in outcomes if isinstance(each, HyperCubeError))
        assert refusal.kind is ErrorKind.OVERLOADED
        assert "2 models are being loaded and 100 wait" in refusal.message
        assert [each for each in outcomes if each is not refusal] == [OF_A] * 102
        assert bench.most_loading == 2
        await asyncio.sleep(20)
        assert await bench.answer(models[outcomes.index(refusal)].name) == OF_A
        await bench.cluster.close()

    run_virtual(main)


# -- load, unload, pin


def test_an_unload_finishes_what_is_under_way_and_in_line(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(lazy=[])
        await bench.cluster.settled()
        asked = [bench.ask() for _ in range(3)]
        await asyncio.sleep(0.5)
        unloading = asyncio.create_task(bench.cluster.unload("a"))
        await turns()
        assert bench.state() is EngineState.UNLOADED
        error = await refused(bench.answer())
        assert error.kind is ErrorKind.UNAVAILABLE
        assert error.retry_after_s is None
        assert await asyncio.gather(*asked) == [OF_A] * 3
        assert (await unloading).state is EngineState.UNLOADED
        assert bench.events == ["+a@1.0.0", "-a@1.0.0"]
        assert bench.cluster.reserved_bytes == bench.cluster.in_flight == 0
        await asyncio.sleep(1000)
        assert bench.state() is EngineState.UNLOADED
        assert (await refused(bench.answer())).kind is ErrorKind.UNAVAILABLE
        assert bench.cluster.ready
        assert (await bench.cluster.load("a")).state is EngineState.READY
        assert await bench.answer() == OF_A
        await bench.cluster.close()

    run_virtual(main)


def test_the_wait_of_an_unload_is_bounded(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        bench = Bench(lazy=[], scripts={"a@1.0.0": Script(token_s=100.0, slots=1)})
        await bench.cluster.settled()
        running, waiting = bench.ask(), bench.ask()
        await asyncio.sleep(1.0)
        began = loop.time()
        await bench.cluster.unload("a", drain_s=5.0)
        assert loop.time() - began == pytest.approx(5.0)
        assert (await refused(running)).kind is ErrorKind.ENGINE_FAILED
        assert (await refused(waiting)).kind is ErrorKind.UNAVAILABLE
        assert bench.lines == ["a: 1 requests were not finished in 5 s."]
        assert bench.cluster.in_flight == 0
        await bench.cluster.close()

    run_virtual(main)


def test_a_lazy_model_that_was_unloaded_is_loaded_by_the_next_request(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench()
        running = bench.ask()
        await asyncio.sleep(3.0)
        unloading = asyncio.create_task(bench.cluster.unload("a"))
        await turns()
        assert bench.state() is EngineState.IDLE
        both = [running, bench.ask()]
        assert await asyncio.gather(*both) == [OF_A] * 2
        await unloading
        assert bench.events == ["+a@1.0.0", "-a@1.0.0", "+a@1.0.0"]
        await bench.cluster.unload("a")
        await asyncio.sleep(100)
        assert bench.cluster.status("a").state is EngineState.IDLE
        assert len(bench.events) == 4
        await bench.cluster.close()

    run_virtual(main)


def test_an_unload_ends_a_load(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench()
        asked = bench.ask()
        await asyncio.sleep(1.0)
        assert (await bench.cluster.unload("a")).state is EngineState.IDLE
        assert (await refused(asked)).kind is ErrorKind.UNAVAILABLE
        await asyncio.sleep(100)
        assert bench.events == []
        assert await bench.answer() == OF_A
        await bench.cluster.close()

    run_virtual(main)


@pytest.mark.parametrize("lazy", [True, False])
def test_load_is_loaded_however_often(run_virtual: RunVirtual, lazy: bool) -> None:
    async def main() -> None:
        bench = Bench(lazy=["a"] if lazy else [])
        states = await asyncio.gather(*(bench.cluster.load("a") for _ in range(3)))
        assert {status.state for status in states} == {EngineState.READY}
        assert bench.events == ["+a@1.0.0"]
        assert (await refused(bench.cluster.load("b"))).kind is ErrorKind.MODEL_NOT_FOUND
        assert (await refused(bench.cluster.unload("b"))).kind is ErrorKind.MODEL_NOT_FOUND
        await bench.cluster.close()

    run_virtual(main)


def test_closing_while_models_load_wait_and_leave(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        one = Script(bytes=10, token_s=50.0)
        bench = Bench(
            manifest("a"), manifest("b"), manifest("c"),
            scripts={f"{name}@1.0.0": one for name in "abc"}, memory_budget=10,
        )  # fmt: skip
        asked = [bench.ask("a")]
        await asyncio.sleep(5.0)
        asked += [bench.ask("b"), bench.ask("c"), bench.ask("a")]
        await asyncio.sleep(10.0)
        await bench.cluster.close()
        outcomes = await asyncio.gather(*asked, return_exceptions=True)
        assert all(isinstance(each, HyperCubeError) for each in outcomes)
        assert not any(engine.loaded for engine in bench.engines)
        assert bench.cluster.in_flight == bench.cluster.reserved_bytes == 0

    run_virtual(main)


@pytest.mark.parametrize("command", ["load", "unload", "replace"])
def test_closing_ends_every_command(run_virtual: RunVirtual, command: str) -> None:
    async def main() -> None:
        bench = Bench(lazy=[], scripts={"a@1.0.0": Script(load_s=30.0, token_s=100.0)})
        if command != "load":
            await bench.cluster.load("a")
        asked = bench.ask()
        await asyncio.sleep(1.0)
        commands: dict[str, Callable[[str], Coroutine[Any, Any, object]]] = {
            "load": bench.cluster.load,
            "unload": bench.cluster.unload,
            "replace": lambda name: bench.cluster.replace(name, manifest(version="2.0.0")),
        }
        given = asyncio.ensure_future(commands[command]("a"))
        await asyncio.sleep(1.0)
        await bench.cluster.close()
        async with asyncio.timeout(60):
            await asyncio.gather(given, asked, return_exceptions=True)
        assert not any(engine.loaded for engine in bench.engines)
        assert bench.state() is EngineState.STOPPED
        assert bench.cluster.in_flight == bench.cluster.reserved_bytes == 0

    run_virtual(main)
