"""An engine in a process of its own: a light program plays every way to answer, break, hang and end."""

# ruff: noqa: ASYNC240 - the files are a few bytes in a temporary folder

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
import time
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

import hypercube
from hypercube.core.cube import Call, Priority
from hypercube.core.engine import ChatMessage, FinishReason, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import Embedded, Scored
from hypercube.inference.worker.process import WorkerEngine

PROGRAM = """
import asyncio, os, sys, threading
from array import array
from pathlib import Path
from hypercube.core.engine import FinishReason, GenerationEvent, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.engine import Embedded, Scored, engine_failed

class Program:
    def __init__(self):
        self.steps = 0
        self.trouble = asyncio.Event()
    async def load(self, settings, say):
        self.folder = Path(settings["path"]).parent
        say("opening")
        how = settings.get("load", "")
        if how == "exit":
            print("no space for tensors", file=sys.stderr, flush=True)
            os._exit(7)
        if how == "raise":
            raise RuntimeError("bad magic")
        if how == "refuse":
            raise HyperCubeError(ErrorKind.FAILED_PRECONDITION, "No such device.", fix="Buy one.")
        if how == "hang":
            self.folder.joinpath("pid").write_text(str(os.getpid()))
            await asyncio.Event().wait()
        return {"context_length": 77, "description": f"a program, {os.environ['OMP_NUM_THREADS']} threads"}
    async def generate(self, request, priority):
        word = request.messages[-1].content
        if word == "priority":
            word = f"priority {priority}"
        if word == "refuse":
            raise invalid("No.", param="messages")
        if word == "defect":
            raise KeyError("oops")
        if word == "break":
            self.trouble.set()
        for piece in word.split():
            self.steps += 1
            yield GenerationEvent(piece)
            await asyncio.sleep(0)
        if word in ("wait", "break"):
            try:
                await asyncio.Event().wait()
            finally:
                self.folder.joinpath("left").write_text("left")
        if word == "block":
            threading.Event().wait()
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, self.steps))
    async def embed(self, texts):
        if "refuse" in texts:
            raise invalid("No.", param="input")
        return [Embedded(array("f", [len(text), 0.5]), len(text)) for text in texts]
    async def load_adapter(self, name, folder):
        if name == "refuse":
            raise invalid("No.", param="adapter")
        self.folder.joinpath(name).write_text(folder)
    async def unload_adapter(self, name):
        self.folder.joinpath(name).unlink()
    async def score(self, pairs):
        return [Scored(len(query) / 2, len(document)) for query, document in pairs]
    async def broken(self):
        await self.trouble.wait()
        return engine_failed("the weights melted")
    async def close(self):
        self.folder.joinpath("closed").write_text("closed")
"""
CAPABLE = frozenset({Capability.GENERATE, Capability.EMBED, Capability.SCORE, Capability.ADAPTERS})


@pytest.fixture
def model(tmp_path: Path) -> Path:
    tmp_path.joinpath("light_program.py").write_text(PROGRAM)
    path = tmp_path / "model"
    path.mkdir()
    return path


def engine_of(model: Path, settings: dict[str, Any] | None = None, **options: Any) -> WorkerEngine:
    return WorkerEngine(
        "light_program:Program",
        settings or {},
        capabilities=CAPABLE,
        description="not loaded",
        context_length=100,
        slots=4,
        threads=3,
        environment={"PYTHONPATH": str(model.parent)},
        **options,
    )


@pytest.fixture
async def engine(model: Path) -> AsyncIterator[WorkerEngine]:
    engine = engine_of(model)
    await engine.load(model, lambda _: None)
    yield engine
    await engine.unload()


def chat(text: str) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", text),))


async def answer(engine: WorkerEngine, text: str) -> str:
    return " ".join([event.text async for event in engine.generate(chat(text), Call()) if event.text])


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def appeared(path: Path) -> None:
    async with asyncio.timeout(5):
        while not path.exists():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.005)


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_it_loads_answers_and_gives_its_process_back(model: Path) -> None:
    engine, said = engine_of(model), list[str]()
    assert engine.context_length == 100
    await engine.load(model, said.append)
    assert said == ["opening"]
    assert (engine.context_length, engine.description) == (77, "a program, 3 threads")
    events = [event async for event in engine.generate(chat("one 둘"), Call())]
    assert [event.text for event in events if event.text] == ["one", "둘"]
    assert (events[-1].finish_reason, events[-1].usage) == (FinishReason.STOP, Usage(1, 2))
    assert await engine.embed(["abc", ""]) == [
        Embedded(array("f", [3, 0.5]), 3),
        Embedded(array("f", [0, 0.5]), 0),
    ]
    assert await engine.score([("ab", "c")]) == [Scored(1.0, 1)]
    assert engine.in_flight == 0
    pid = engine.pid
    await engine.unload()
    await engine.unload()
    assert pid is not None
    assert not alive(pid)
    assert model.parent.joinpath("closed").exists()
    assert (await failure_of(answer(engine, "more"))).kind is ErrorKind.ENGINE_FAILED


async def test_many_requests_share_the_process_and_none_gets_anothers_answer(engine: WorkerEngine) -> None:
    asked = [" ".join(f"{number}.{part}" for part in range(number % 7 + 1)) for number in range(200)]
    assert await asyncio.gather(*(answer(engine, text) for text in asked)) == asked
    assert engine.in_flight == 0


async def test_a_refusal_is_one_requests_own(engine: WorkerEngine) -> None:
    error = await failure_of(answer(engine, "refuse"))
    assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, "messages")
    assert (await failure_of(engine.embed(["refuse"]))).param == "input"
    assert await answer(engine, "still here") == "still here"
    assert engine.in_flight == 0


async def test_the_callers_priority_reaches_the_program(engine: WorkerEngine) -> None:
    call = Call(priority=Priority.LOW)
    shown = [event.text async for event in engine.generate(chat("priority"), call) if event.text]
    assert shown == ["priority", str(int(Priority.LOW))]


async def test_adapters_go_to_the_program_where_it_can_load_them(model: Path, engine: WorkerEngine) -> None:
    folder = model.parent
    await engine.load_adapter("lora", folder)
    assert (folder / "lora").read_text() == str(folder)
    await engine.unload_adapter("lora")
    assert not (folder / "lora").exists()
    assert (await failure_of(engine.load_adapter("refuse", folder))).param == "adapter"
    engine.capabilities = CAPABLE - {Capability.ADAPTERS}
    assert (await failure_of(engine.load_adapter("lora", folder))).kind is ErrorKind.INVALID_ARGUMENT


async def test_closing_the_stream_cancels_in_the_child(engine: WorkerEngine, model: Path) -> None:
    events = engine.generate(chat("wait"), Call())
    await anext(events)
    began = time.monotonic()
    await events.aclose()
    await appeared(model.parent / "left")
    assert time.monotonic() - began < 0.5
    assert engine.in_flight == 0
    assert await answer(engine, "next") == "next"


@pytest.mark.parametrize(
    ("word", "reason"),
    [("defect", "KeyError: 'oops'"), ("break", "the weights melted")],
)
async def test_a_broken_program_says_why_and_fails_all(engine: WorkerEngine, word: str, reason: str) -> None:
    waiting = engine.generate(chat("wait"), Call())
    await anext(waiting)
    error = await failure_of(answer(engine, word))
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert reason in error.message
    assert reason in (await failure_of(anext(waiting))).message
    async with asyncio.timeout(5):
        assert reason in (await engine.died()).message
    assert reason in (await failure_of(engine.embed(["more"]))).message


async def test_a_killed_child_fails_its_requests_at_once(engine: WorkerEngine) -> None:
    waiting = engine.generate(chat("wait"), Call())
    await anext(waiting)
    assert engine.pid is not None
    began = time.monotonic()
    os.kill(engine.pid, signal.SIGKILL)
    error = await failure_of(anext(waiting))
    assert "its process was ended by SIGKILL" in error.message
    assert (await engine.died()).kind is ErrorKind.ENGINE_FAILED
    assert time.monotonic() - began < 1.0
    assert (await failure_of(answer(engine, "more"))).kind is ErrorKind.ENGINE_FAILED


@pytest.mark.parametrize("busy", [True, False])
async def test_a_stopped_child_is_noticed_within_five_seconds(engine: WorkerEngine, busy: bool) -> None:
    waiting = engine.generate(chat("wait"), Call())
    if busy:
        await anext(waiting)
    pid = engine.pid
    assert pid is not None
    began = time.monotonic()
    os.kill(pid, signal.SIGSTOP)
    error = await engine.died()
    took = time.monotonic() - began
    assert "no sign of life" in error.message
    assert took < 5.0
    if busy:
        assert "no sign of life" in (await failure_of(anext(waiting))).message
    await engine.unload()
    assert not alive(pid)


async def test_a_child_whose_loop_hangs_is_noticed_within_five_seconds(engine: WorkerEngine) -> None:
    began = time.monotonic()
    assert "no sign of life" in (await failure_of(answer(engine, "block"))).message
    assert time.monotonic() - began < 5.0


async def test_an_idle_or_waiting_child_is_left_alone(engine: WorkerEngine) -> None:
    # Four seconds without work are no silence: heartbeats come all the while.
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(5.0):
            await engine.died()
    assert await answer(engine, "here") == "here"


@pytest.mark.parametrize(
    ("how", "kind", "complaint"),
    [
        ("exit", ErrorKind.ENGINE_FAILED, "ended with status 7 while loading (no space for tensors)"),
        ("raise", ErrorKind.ENGINE_FAILED, "RuntimeError: bad magic"),
        ("refuse", ErrorKind.FAILED_PRECONDITION, "No such device."),
    ],
)
async def test_a_load_that_fails_says_why(model: Path, how: str, kind: ErrorKind, complaint: str) -> None:
    engine = engine_of(model, {"load": how})
    error = await failure_of(engine.load(model, lambda _: None))
    assert error.kind is kind
    assert complaint in error.message
    assert engine.pid is None


async def test_a_program_that_cannot_be_imported_is_named(model: Path) -> None:
    model.parent.joinpath("light_program.py").write_text("import nothing_of_that_name")
    error = await failure_of(engine_of(model).load(model, lambda _: None))
    assert "No module named 'nothing_of_that_name'" in error.message


async def test_a_load_that_takes_too_long_is_ended(model: Path) -> None:
    engine = engine_of(model, {"load": "hang"}, load_timeout_s=1.5)
    error = await failure_of(engine.load(model, lambda _: None))
    assert "loading took more than 1.5 s" in error.message
    assert not alive(int(model.parent.joinpath("pid").read_text()))


async def test_a_load_that_is_cancelled_leaves_no_child(model: Path) -> None:
    task = asyncio.create_task(engine_of(model, {"load": "hang"}).load(model, lambda _: None))
    await appeared(model.parent / "pid")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not alive(int(model.parent.joinpath("pid").read_text()))


async def test_the_child_is_out_of_reach_of_signals_meant_for_its_parent(engine: WorkerEngine) -> None:
    assert engine.pid is not None
    assert os.getsid(engine.pid) != os.getsid(0)
    os.kill(engine.pid, signal.SIGTERM)
    os.kill(engine.pid, signal.SIGINT)
    assert await answer(engine, "here") == "here"


PARENT = """
import asyncio, sys
from pathlib import Path
from hypercube.inference.worker.process import WorkerEngine
async def main():
    engine = WorkerEngine("light_program:Program", {}, capabilities=frozenset(), description="", context_length=1,
        slots=1, threads=1)
    await engine.load(Path(sys.argv[1]), lambda _: None)
    print(engine.pid, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_killed_parent_takes_its_child_along(model: Path) -> None:
    root = str(Path(hypercube.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": f"{root}:{model.parent}"}
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        descriptor = os.pidfd_open(pid)
        try:
            parent.kill()
            assert select.select([descriptor], [], [], 10)[0], "the child outlived its parent"
        finally:
            os.close(descriptor)
