"""The engine's child process, played by a script: every way it can begin, break and end."""

# ruff: noqa: ASYNC240 - the files are a few bytes in a temporary folder

import asyncio
import os
import select
import signal
import subprocess
import sys
import textwrap
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

import hypercube
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference import llama_cpp, llama_cpp_child
from hypercube.inference.engine import EngineOptions
from hypercube.inference.llama_cpp import LlamaCppEngine

HEAD = """
import asyncio, json, os, shutil, sys, threading
from pathlib import Path
settings = json.loads(sys.argv[1])
def say(**word):
    print(json.dumps(word), flush=True)
"""
SERVER = (
    HEAD
    + """
def until_input_ends():
    sys.stdin.buffer.read()
    shutil.rmtree(Path(settings["socket"]).parent, ignore_errors=True)
    os._exit(0)
threading.Thread(target=until_input_ends, daemon=True).start()
async def answer(reader, writer):
    head = await reader.readuntil(b"\\r\\n\\r\\n")
    length = int([l for l in head.lower().split(b"\\r\\n") if l.startswith(b"content-length")][0].split(b":")[1])
    body = json.loads(await reader.readexactly(length))
    word = body["messages"][-1]["content"]
    writer.write(b"HTTP/1.1 200 OK\\r\\nContent-Type: text/event-stream\\r\\nConnection: close\\r\\n\\r\\n")
    def send(chunk):
        writer.write(b"data: " + json.dumps(chunk).encode() + b"\\n\\n")
    send({"choices": [{"delta": {"content": json.dumps([body.get("cache_prompt"), os.getpid()])}}]})
    await writer.drain()
    if word == "hang":
        await reader.read()
        Path(settings["model"]).write_text("left")
        return
    send({"choices": [{"delta": {}, "finish_reason": "stop"}]})
    send({"choices": [], "usage": {"prompt_tokens": 1, "completion_tokens": 1}})
    writer.write(b"data: [DONE]\\n\\n")
    writer.close()
async def main():
    server = await asyncio.start_unix_server(answer, settings["socket"])
    print("noise of native code", flush=True)
    print("noise " * 50_000, flush=True)
    say(ready=True)
    await server.serve_forever()
asyncio.run(main())
"""
)


@pytest.fixture
def script(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The child's program, a server unless the test writes another; nothing asks for xllamacpp."""
    path = tmp_path / "worker.py"
    path.write_text(SERVER)
    monkeypatch.setattr(llama_cpp_child, "_WORKER", path)
    monkeypatch.setattr(llama_cpp, "require_platform", lambda: None)
    return path


@pytest.fixture
def model(tmp_path: Path) -> Path:
    path = tmp_path / "tiny.gguf"
    path.write_text("weights")
    return path


@pytest.fixture
async def engine(script: Path, model: Path) -> AsyncIterator[LlamaCppEngine]:
    engine = LlamaCppEngine(EngineOptions())
    await engine.load(model, lambda _: None)
    yield engine
    await engine.unload()


def chat(text: str = "hello", **sampling: object) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", text),), sampling=Sampling(**sampling))  # type: ignore[arg-type]


async def answer(engine: LlamaCppEngine, request: GenerationRequest) -> str:
    return "".join([event.text async for event in engine.generate(request, Call())])


async def failure_of(work: object) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work  # type: ignore[misc]
    return caught.value


def alive(pid: int) -> bool:
    stat = Path(f"/proc/{pid}/stat")
    try:
        return stat.read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def folder_of(engine: LlamaCppEngine) -> Path:
    assert engine._child is not None
    assert engine._child.folder is not None
    return engine._child.folder


async def test_it_serves_on_a_private_socket_and_leaves_nothing(script: Path, model: Path) -> None:
    engine = LlamaCppEngine(EngineOptions(threads=3))
    said: list[str] = []
    await engine.load(model, said.append)
    assert said == ["loading 0.00 GB into memory"]
    assert engine.description == "llama.cpp on the CPU, 3 threads, 2 slots of 4096 tokens"
    folder, pid = folder_of(engine), engine.pid
    assert folder.stat().st_mode & 0o777 == 0o700
    assert pid is not None
    assert await answer(engine, chat()) == f"[true, {pid}]"
    await engine.unload()
    await engine.unload()
    assert not folder.exists()
    assert not alive(pid)
    assert (await failure_of(answer(engine, chat()))).kind is ErrorKind.ENGINE_FAILED


async def test_a_child_that_prints_much_later_goes_on(script: Path, model: Path) -> None:
    talkative = SERVER.replace(
        'if word == "hang":', 'print("noise" * 400_000, flush=True)\n    if word == "hang":'
    )
    assert talkative != SERVER
    script.write_text(talkative)
    engine = LlamaCppEngine(EngineOptions())
    await engine.load(model, lambda _: None)
    assert await answer(engine, chat()) == f"[true, {engine.pid}]"
    await engine.unload()


async def test_a_seed_asks_for_a_repeatable_prompt(engine: LlamaCppEngine) -> None:
    assert (await answer(engine, chat(seed=1))).startswith("[false")


async def test_closing_the_stream_closes_the_connection(engine: LlamaCppEngine, model: Path) -> None:
    events = engine.generate(chat("hang"), Call())
    await anext(events)
    await events.aclose()
    async with asyncio.timeout(5):
        while model.read_text() != "left":  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.005)


async def test_a_killed_child_fails_its_requests_and_is_noticed(engine: LlamaCppEngine) -> None:
    events = engine.generate(chat("hang"), Call())
    await anext(events)
    assert engine.pid is not None
    os.kill(engine.pid, signal.SIGKILL)
    error = await failure_of(anext(events))
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert "its process was ended by SIGKILL" in error.message
    async with asyncio.timeout(5):
        assert (await engine.died()).kind is ErrorKind.ENGINE_FAILED
    assert (await failure_of(answer(engine, chat()))).kind is ErrorKind.ENGINE_FAILED


async def test_a_child_that_hangs_is_ended(script: Path, model: Path) -> None:
    engine = LlamaCppEngine(EngineOptions(), stall_s=0.3)
    await engine.load(model, lambda _: None)
    error = await failure_of(answer(engine, chat("hang")))
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert "no sign of life for 0.3 s" in error.message
    async with asyncio.timeout(5):
        assert "no sign of life" in (await engine.died()).message
    pid = engine.pid
    await engine.unload()
    assert pid is not None
    assert not alive(pid)


async def test_a_child_ignores_the_signals_meant_for_its_parent(engine: LlamaCppEngine) -> None:
    assert engine.pid is not None
    assert os.getsid(engine.pid) != os.getsid(0)


@pytest.mark.parametrize(
    ("program", "complaint"),
    [
        ("say(error='RuntimeError: bad magic')", "could not load the model: RuntimeError: bad magic"),
        ("sys.exit(7)", "its process ended with status 7 while loading"),
        ("print('no space for tensors', file=sys.stderr); sys.exit(1)", "no space for tensors"),
        ("os.kill(os.getpid(), 11)", "was ended by SIGSEGV while loading"),
    ],
)
async def test_a_load_that_fails_says_why(script: Path, model: Path, program: str, complaint: str) -> None:
    script.write_text(HEAD + program)
    engine = LlamaCppEngine(EngineOptions())
    error = await failure_of(engine.load(model, lambda _: None))
    assert error.kind is ErrorKind.ENGINE_FAILED
    assert complaint in error.message
    assert engine._child is None


async def test_a_load_that_takes_too_long_is_ended(script: Path, model: Path) -> None:
    script.write_text(HEAD + "sys.stdin.buffer.read()")
    engine = LlamaCppEngine(EngineOptions(), load_timeout_s=0.5)
    error = await failure_of(engine.load(model, lambda _: None))
    assert "loading took more than 0.5 s" in error.message


async def test_a_load_that_is_cancelled_leaves_no_child(script: Path, model: Path) -> None:
    script.write_text(HEAD + "Path(settings['model']).write_text(str(os.getpid())); sys.stdin.buffer.read()")
    engine = LlamaCppEngine(EngineOptions())
    task = asyncio.create_task(engine.load(model, lambda _: None))
    async with asyncio.timeout(10):
        while not model.read_text().isdigit():  # noqa: ASYNC110 - another process writes it
            await asyncio.sleep(0.005)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not alive(int(model.read_text()))


async def test_a_child_that_ignores_the_end_of_its_input_is_killed(
    script: Path, model: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(llama_cpp_child, "_EXIT_GRACE_S", 0.1)
    script.write_text(HEAD + "say(ready=True)\nwhile True: threading.Event().wait()")
    engine = LlamaCppEngine(EngineOptions())
    await engine.load(model, lambda _: None)
    pid = engine.pid
    await engine.unload()
    assert pid is not None
    assert not alive(pid)


PARENT = """
import asyncio, sys
from pathlib import Path
from hypercube.inference import llama_cpp, llama_cpp_child
from hypercube.inference.engine import EngineOptions
llama_cpp_child._WORKER = Path(sys.argv[1])
llama_cpp.require_platform = lambda: None
async def main():
    engine = llama_cpp.LlamaCppEngine(EngineOptions())
    await engine.load(Path(sys.argv[2]), lambda _: None)
    print(engine.pid, engine._child.folder, flush=True)
    await asyncio.Event().wait()
asyncio.run(main())
"""


def test_a_killed_parent_takes_its_child_along(script: Path, model: Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(Path(hypercube.__file__).parents[1])}
    command = [sys.executable, "-c", textwrap.dedent(PARENT), str(script), str(model)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as parent:
        assert parent.stdout is not None
        pid, folder = parent.stdout.readline().split()
        descriptor = os.pidfd_open(int(pid))
        try:
            parent.kill()
            assert select.select([descriptor], [], [], 10)[0], "the child outlived its parent"
        finally:
            os.close(descriptor)
    assert not Path(folder).exists()


async def test_without_xllamacpp_the_extra_is_named(model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(llama_cpp_child.importlib.util, "find_spec", lambda _: None)
    error = await failure_of(LlamaCppEngine(EngineOptions()).load(model, lambda _: None))
    assert error.kind is ErrorKind.FAILED_PRECONDITION
    assert "heal7-hypercube[llama]" in str(error)


async def test_a_long_temporary_folder_still_gives_a_socket(
    script: Path, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("d" * 100)
    deep.mkdir()
    monkeypatch.setattr(llama_cpp_child.tempfile, "tempdir", str(deep))
    engine = LlamaCppEngine(EngineOptions())
    await engine.load(model, lambda _: None)
    assert len(str(folder_of(engine))) < 90
    assert await answer(engine, chat())
    await engine.unload()
    assert not list(deep.iterdir())
