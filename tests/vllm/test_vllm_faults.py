"""Every process of vLLM killed and stopped, idle and under load: noticed within 5 s, answered, nothing left behind."""

import asyncio
import importlib.util
import os
import signal
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.vllm import VllmEngine

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: make test-vllm"),
]
OPTIONS = EngineOptions(context_length=8192, slots=4, device="cpu", precision="fp32", threads=1)
NOTICED_S = 5.0
VICTIMS = ("host", "VLLM::EngineCore", "VLLM::Worker")


def chat(text: str) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", text),), sampling=Sampling(temperature=0.0))


def endless(number: int) -> GenerationRequest:
    """An answer that goes on to the end of the context: the schema lets a list of numbers end never."""
    schema = '{"type": "array", "items": {"type": "integer"}, "minItems": 5000}'
    return GenerationRequest(
        (ChatMessage("user", f"{number}"),), sampling=Sampling(temperature=0.0), json_schema=schema
    )


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def drained(events: Any) -> None:
    async for _ in events:
        pass


def victim(host: int, name: str) -> int:
    if name == "host":
        return host
    found = [
        process.pid
        for process in psutil.Process(host).children(recursive=True)
        if " ".join(process.cmdline()).startswith(name)
    ]
    assert len(found) == 1, f"{len(found)} processes are called {name}"
    return found[0]


def in_group(group: int) -> list[str]:
    """Processes of a group that are not merely waiting to be collected."""
    found = []
    for process in psutil.process_iter():
        try:
            if os.getpgid(process.pid) == group and process.status() != psutil.STATUS_ZOMBIE:
                found.append(f"{process.pid} {process.cmdline()}")
        except (ProcessLookupError, psutil.Error):
            continue
    return found


def shared_memory(host: int) -> set[Path]:
    """Segments of shared memory that a process and those below it have mapped."""
    found = set()
    for process in (psutil.Process(host), *psutil.Process(host).children(recursive=True)):
        found |= {
            Path(region.path) for region in process.memory_maps() if region.path.startswith("/dev/shm/")
        }
    return found


@pytest.mark.parametrize(
    ("name", "sent", "busy"),
    [
        pytest.param(
            name, sent, busy, id=f"{name.removeprefix('VLLM::')}-{sent.name}-{'busy' if busy else 'idle'}"
        )
        for name in VICTIMS
        for sent in (signal.SIGKILL, signal.SIGSTOP)
        for busy in (True, False)
    ],
)
async def test_a_process_that_is_gone_or_stopped_is_noticed(
    model: Path, name: str, sent: signal.Signals, busy: bool
) -> None:
    engine = VllmEngine(OPTIONS)
    await engine.load(model, lambda _: None)
    group = engine.pid
    assert group is not None
    try:
        # Looked up first: the tiny model fills its context in half a minute.
        pid, shared = victim(group, name), shared_memory(group)
        assert shared
        running = [engine.generate(endless(number), Call()) for number in range(3 if busy else 0)]
        for events in running:
            await anext(events)
        waiting = [asyncio.create_task(drained(events)) for events in running]
        began = time.monotonic()
        os.kill(pid, sent)
        async with asyncio.timeout(NOTICED_S):
            error = await engine.died()
        took = time.monotonic() - began
        print(f"{name} {sent.name} {'busy' if busy else 'idle'}: noticed after {took:.2f} s: {error.message}")
        assert took < NOTICED_S
        assert error.kind is ErrorKind.ENGINE_FAILED
        async with asyncio.timeout(1.0):
            for task in waiting:
                assert (await failure_of(task)).kind is ErrorKind.ENGINE_FAILED
        assert (
            await failure_of(drained(engine.generate(chat("more"), Call())))
        ).kind is ErrorKind.ENGINE_FAILED
        assert engine.in_flight == 0
    finally:
        await engine.unload()
    async with asyncio.timeout(2.0):
        while left := in_group(group):  # noqa: ASYNC110 - the system collects what was killed
            await asyncio.sleep(0.01)
    assert left == []
    assert not [path for path in shared if path.exists()]


async def test_a_load_that_is_given_up_leaves_nothing(model: Path) -> None:
    engine, spoke = VllmEngine(OPTIONS), asyncio.Event()
    loading = asyncio.create_task(engine.load(model, lambda _: spoke.set()))
    await spoke.wait()
    group = engine.pid
    assert group is not None
    async with asyncio.timeout(120):
        while len(in_group(group)) < 2:  # noqa: ASYNC110 - vLLM starts a process of its own
            await asyncio.sleep(0.05)
    began = time.monotonic()
    loading.cancel()
    await asyncio.gather(loading, return_exceptions=True)
    assert time.monotonic() - began < 2.0
    assert in_group(group) == []
