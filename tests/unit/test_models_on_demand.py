"""Models that are loaded by their first request, unloaded by command, pinned, evicted and replaced; in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    EmbeddingRequest,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Embedded, Engine, GeneratesOnly, engine_failed
from hypercube.inference.fake import vector
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def manifest(name: str = "a", version: str = "1.0.0") -> ModelManifest:
    return ModelManifest(name, version, "", "MIT", "scripted", "none", 10, 77)


@dataclass
class Script:
    """How the engines of one version behave."""

    load_s: float = 2.0
    token_s: float = 1.0
    slots: int = 2
    bytes: int | None = None
    load_errors: int = 0
    error: HyperCubeError | None = None
    capabilities: frozenset[Capability] = frozenset({Capability.GENERATE})


class ScriptedEngine(GeneratesOnly):
    """Three pieces an answer, each the version that made it."""

    context_length = 10

    def __init__(self, bench: "Bench", which: ModelManifest) -> None:
        self.script = bench.scripts.get(which.reference, Script())
        self.which, self.bench = which, bench
        self.capabilities = self.script.capabilities
        self.slots = self.script.slots
        self.description = f"scripted {which.reference}"
        self.loaded, self.active = False, 0
        self.death: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        on_status("reading weights")
        self.bench.loading += 1
        self.bench.most_loading = max(self.bench.most_loading, self.bench.loading)
        try:
            await asyncio.sleep(self.script.load_s)
        finally:
            self.bench.loading -= 1
        if self.script.load_errors:
            self.script.load_errors -= 1
            raise HyperCubeError.of(
                (self.script.error or engine_failed("its process ended with status 1")).failure()
            )
        self.loaded = True
        self.bench.events.append(f"+{self.which.reference}")

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        if request.max_tokens == 1:  # the first token after loading
            yield GenerationEvent(finish_reason=FinishReason.LENGTH, usage=Usage(1, 1))
            return
        self.active += 1
        try:
            for _ in range(3):
                await asyncio.wait({self.death}, timeout=self.script.token_s)
                if self.death.done():
                    raise self.death.result()
                yield GenerationEvent(f"{self.which.version} ")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 3))
        finally:
            self.active -= 1

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        assert self.loaded
        return [Embedded(vector(text), 1) for text in texts]

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        if self.loaded:
            self.loaded = False
            self.bench.events.append(f"-{self.which.reference}")
        if self.active and not self.death.done():
            self.death.set_result(engine_failed("it was unloaded"))


class Bench:
    """A cluster over scripted engines, in the order of `models`."""

    def __init__(
        self, *models: ModelManifest, scripts: dict[str, Script] | None = None, **options: Any
    ) -> None:
        self.scripts = scripts or {}
        self.engines: list[ScriptedEngine] = []
        self.events: list[str] = []
        self.statuses: list[tuple[str, EngineStatus]] = []
        self.lines: list[str] = []
        self.loading = self.most_loading = 0
        self.cluster = Hypercluster(
            models or [manifest()],
            ModelStore(Path("/nowhere")),
            make=self._make,
            clock=asyncio.get_running_loop().time,
            lazy=options.pop("lazy", [model.name for model in models] or ["a"]),
            measure=lambda engine: engine.script.bytes if isinstance(engine, ScriptedEngine) else None,
            on_status=lambda name, status: self.statuses.append((name, status)),
            on_line=self.lines.append,
            **options,
        )
        self.cluster.start()

    def _make(self, which: ModelManifest) -> Engine:
        self.engines.append(ScriptedEngine(self, which))
        return self.engines[-1]

    def state(self, model: str = "a") -> EngineState:
        return self.cluster.status(model).state

    def working(self, name: str = "a") -> ScriptedEngine:
        (engine,) = (each for each in self.engines if each.loaded and each.which.name == name)
        return engine

    def ask(self, model: str = "a", deadline_s: float | None = None) -> "asyncio.Task[str]":
        return asyncio.create_task(self.answer(model, deadline_s))

    async def answer(self, model: str = "a", deadline_s: float | None = None) -> str:
        deadline = None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s
        request = GenerationRequest((ChatMessage("user", "hello"),), model=model)
        events = self.cluster.generate(request, Call(deadline=deadline))
        return "".join([event.text async for event in events]).strip()


OF_A = "1.0.0 1.0.0 1.0.0"


async def refused(work: Coroutine[Any, Any, object] | asyncio.Task[Any]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


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
