"""Faults of the llama.cpp engine's child, found by the cluster in real time: killed, stopped, deadlocked, slow."""

import asyncio
import hashlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference import llama_cpp, llama_cpp_child
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.llama_cpp import LlamaCppEngine
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.store import ModelStore

NOTICED_S = 5.0
WEIGHTS = b"weights"
MODEL = ModelManifest(
    "tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 4096, 77,
    (ModelFile("tiny.gguf", len(WEIGHTS), hashlib.sha256(WEIGHTS).hexdigest()),),
)  # fmt: skip

SERVER = """
import asyncio, json, os, sys, threading, time
from pathlib import Path
settings = json.loads(sys.argv[1])
def until_input_ends():
    sys.stdin.buffer.read()
    os._exit(0)
threading.Thread(target=until_input_ends, daemon=True).start()
mark = Path(settings["model"]).with_name("asked")
async def respond(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    if head.startswith(b"GET /health"):
        writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\nConnection: close\\r\\n\\r\\n{}")
        writer.close()
        return
    length = int([l for l in head.lower().split(b"\\r\\n") if l.startswith(b"content-length")][0].split(b":")[1])
    word = json.loads(await reader.readexactly(length))["messages"][-1]["content"]
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n")
    def send(chunk):
        writer.write(b"data: " + json.dumps(chunk).encode() + b"\\n\\n")
    def piece(text):
        send({"choices": [{"delta": {"content": text}}]})
    if word == "silent once" and not mark.exists():
        mark.write_text("")
        await reader.read()
        return
    piece(str(os.getpid()))
    await writer.drain()
    if word == "deadlock":
        await reader.read()
        return
    if word == "compute":
        until = time.thread_time() + 1.2
        while time.thread_time() < until:
            sum(range(10_000))
            await asyncio.sleep(0)
    if word == "flood":
        for _ in range(4000):
            piece("x" * 1000)
            await writer.drain()
    if word == "stream":
        while not reader.at_eof():
            piece("x")
            await writer.drain()
            await asyncio.sleep(0.02)
        return
    send({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    send({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    writer.write(b"data: [DONE]\\n\\n")
    writer.close()
async def main():
    await asyncio.start_unix_server(respond, settings["socket"])
    print(json.dumps({"ready": True}), flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


class Bench:
    """A cluster over scripted children, the engines it made and the statuses it went through, with their times."""

    def __init__(self, folder: Path, stall_s: float | None = None) -> None:
        store = ModelStore(folder)
        path = store.path_of(MODEL.files[0])
        path.parent.mkdir(parents=True)
        path.write_bytes(WEIGHTS)
        self.mark = path.with_name("asked")
        self.engines: list[LlamaCppEngine] = []
        self.statuses: list[tuple[float, EngineStatus]] = []
        self.stall_s = stall_s
        self.cluster = Hypercluster([MODEL], store, make=self._make, on_status=self._on_status)

    def _make(self, _: ModelManifest) -> LlamaCppEngine:
        options = {} if self.stall_s is None else {"stall_s": self.stall_s}
        self.engines.append(LlamaCppEngine(EngineOptions(), **options))
        return self.engines[-1]

    def _on_status(self, _: str, status: EngineStatus) -> None:
        self.statuses.append((time.monotonic(), status))

    @property
    def pid(self) -> int:
        pid = self.engines[-1].pid
        assert pid is not None
        return pid

    async def failed(self) -> tuple[float, EngineStatus]:
        """When and how the cluster first said that the engine has failed."""
        while True:
            for at, status in self.statuses:
                if status.state is EngineState.FAILED:
                    return at, status
            await asyncio.sleep(0.01)

    async def ask(self, word: str, call: Call | None = None) -> list[str]:
        request = GenerationRequest((ChatMessage("user", word),))
        return [event.text async for event in self.cluster.generate(request, call or Call()) if event.text]


@pytest.fixture
def bench_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., object]:
    script = tmp_path / "worker.py"
    script.write_text(SERVER)
    monkeypatch.setattr(llama_cpp_child, "_WORKER", script)
    monkeypatch.setattr(llama_cpp, "require_platform", lambda: None)

    @asynccontextmanager
    async def make(stall_s: float | None = None) -> AsyncIterator[Bench]:
        bench = Bench(tmp_path / "models", stall_s)
        bench.cluster.start()
        status = await bench.cluster.settled()
        assert status.state is EngineState.READY, status.reason
        try:
            yield bench
        finally:
            await bench.cluster.close()

    return make


async def error_of(work: object) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work  # type: ignore[misc]
    return caught.value


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGSTOP], ids=["killed", "stopped"])
@pytest.mark.parametrize("load", [0, 2], ids=["idle", "busy"])
async def test_a_killed_or_stopped_child_is_noticed_replaced_and_told(
    bench_of: Callable[..., object],
    number: signal.Signals,
    load: int,
    record_property: Callable[[str, object], None],
) -> None:
    async with bench_of() as bench:  # type: ignore[attr-defined]
        old = bench.pid
        streams = [
            bench.cluster.generate(GenerationRequest((ChatMessage("user", "stream"),)), Call())
            for _ in range(load)
        ]
        for stream in streams:
            await anext(stream)

        async def rest(stream: object) -> None:
            async for _ in stream:  # type: ignore[attr-defined]
                pass

        reading = [asyncio.create_task(error_of(rest(stream))) for stream in streams]
        began = time.monotonic()
        os.kill(old, number)
        async with asyncio.timeout(20):
            at, status = await bench.failed()
            errors = await asyncio.gather(*reading)
        told = time.monotonic() - began
        record_property("noticed_after_s", round(at - began, 3))
        assert at - began < NOTICED_S
        assert told < NOTICED_S
        assert "restart 1 of 3 in 60 s" in status.reason
        reason = "SIGKILL" if number is signal.SIGKILL else "no sign of life for 4 s"
        assert reason in status.reason
        for error in errors:
            assert error.kind is ErrorKind.ENGINE_FAILED
            assert reason in error.message
            assert error.retry_after_s is not None
        # While it is away nobody is told that it is there.
        refusal = await error_of(bench.ask("hello"))
        assert refusal.kind is ErrorKind.UNAVAILABLE
        assert not bench.cluster.ready
        async with asyncio.timeout(20):
            assert (await bench.cluster.settled()).state is EngineState.READY
        assert bench.pid != old
        assert await bench.ask("hello") == [str(bench.pid)]
        assert bench.cluster.in_flight == 0


async def test_a_deadlock_under_a_beating_heart_is_noticed(
    bench_of: Callable[..., object], record_property: Callable[[str, object], None]
) -> None:
    async with bench_of() as bench:  # type: ignore[attr-defined]
        began = time.monotonic()
        async with asyncio.timeout(20):
            error = await error_of(bench.ask("deadlock"))
            noticed = time.monotonic() - began
            record_property("noticed_after_s", round(noticed, 3))
            assert noticed < NOTICED_S + 0.5
            assert error.kind is ErrorKind.ENGINE_FAILED
            assert "an idle processor (deadlock)" in error.message
            assert (await bench.failed())[1].state is EngineState.FAILED
            assert (await bench.cluster.settled()).state is EngineState.READY


async def test_a_child_that_computes_without_a_token_is_left_alone(bench_of: Callable[..., object]) -> None:
    async with bench_of(stall_s=0.6) as bench:  # type: ignore[attr-defined]
        assert await bench.ask("compute") == [str(bench.pid)]
        assert len(bench.engines) == 1


async def test_a_reader_who_pauses_is_not_taken_for_a_deadlock(bench_of: Callable[..., object]) -> None:
    async with bench_of(stall_s=0.5) as bench:  # type: ignore[attr-defined]
        stream = bench.cluster.generate(GenerationRequest((ChatMessage("user", "flood"),)), Call())
        await anext(stream)
        paused = time.monotonic()
        # The child fills the socket and then waits: no CPU time, no progress, and nothing wrong.
        while time.monotonic() - paused < 2.0:  # noqa: ASYNC110 - real time is the subject
            await asyncio.sleep(0.1)
        assert bench.cluster.ready
        assert sum([len(event.text) async for event in stream]) == 4_000_000
        assert len(bench.engines) == 1


async def test_no_byte_had_gone_out_so_the_next_child_answers(bench_of: Callable[..., object]) -> None:
    async with bench_of() as bench:  # type: ignore[attr-defined]
        old = bench.pid
        asked = asyncio.create_task(bench.ask("silent once"))
        async with asyncio.timeout(20):
            while not bench.mark.exists():  # noqa: ASYNC110 - another process writes it
                await asyncio.sleep(0.01)
            os.kill(old, signal.SIGKILL)
            answer = await asked
        assert answer == [str(bench.pid)]
        assert bench.pid != old


def test_reading_weights_from_disk_counts_as_work(monkeypatch: pytest.MonkeyPatch) -> None:
    class Reader:
        read_bytes = 0

        def __init__(self, pid: int) -> None:
            assert pid == 17

        def cpu_times(self) -> SimpleNamespace:
            return SimpleNamespace(user=1.0, system=0.5)

        def io_counters(self) -> SimpleNamespace:
            return SimpleNamespace(read_bytes=Reader.read_bytes)

    monkeypatch.setattr(psutil, "Process", Reader)
    meter = llama_cpp_child.work_meter(17)
    assert meter() == 1.5
    Reader.read_bytes = 400_000_000  # 4 s of a disk that gives 100 MB/s
    assert meter() == 5.5


def test_the_meter_of_a_process_holds_still_when_it_is_gone() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        meter = llama_cpp_child.work_meter(process.pid)
        before = meter()
        assert before >= 0
        process.kill()
    assert meter() >= 0
    assert meter() == meter()


def test_it_says_what_it_can() -> None:
    assert LlamaCppEngine.capabilities >= {Capability.GENERATE, Capability.JSON_SCHEMA}
