"""Threads that compute and are not needed any more are gone: their OpenMP pools would slow every step down."""

import asyncio
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from hypercube.inference.transformers import program
from hypercube.inference.transformers.passing_thread import in_passing_thread
from hypercube.inference.transformers.program import CausalProgram

GONE_S = 30.0
"""Only a thread that stays takes that long."""


def ended(thread: threading.Thread) -> bool:
    thread.join(GONE_S)
    return not thread.is_alive()


async def test_the_thread_ends_with_its_work() -> None:
    thread, told = await in_passing_thread(lambda word: (threading.current_thread(), word), "told")
    assert told == "told"
    assert thread is not threading.current_thread()
    assert ended(thread)


async def test_the_thread_ends_when_its_work_raises() -> None:
    seen: list[threading.Thread] = []

    def work() -> None:
        seen.append(threading.current_thread())
        raise ValueError("no such folder")

    with pytest.raises(ValueError, match="no such folder"):
        await in_passing_thread(work)
    assert ended(seen[0])


async def test_work_given_up_goes_on_and_its_thread_ends_then() -> None:
    seen: list[threading.Thread] = []
    began, go_on = threading.Event(), threading.Event()

    def work() -> None:
        seen.append(threading.current_thread())
        began.set()
        go_on.wait()

    waiting = asyncio.ensure_future(in_passing_thread(work))
    await asyncio.to_thread(began.wait)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert seen[0].is_alive()
    go_on.set()
    assert ended(seen[0])


async def test_the_threads_that_open_a_model_and_an_adapter_end(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[threading.Thread] = []

    def opened(self: CausalProgram, settings: Mapping[str, Any], *_: object) -> Mapping[str, Any]:
        seen.append(threading.current_thread())
        return {"context_length": settings["context_length"]}

    class Adapters:
        def load(self, name: str, folder: Path) -> None:
            seen.append(threading.current_thread())
            assert (name, folder) == ("tone", Path("a"))

    monkeypatch.setattr(program.CausalProgram, "_open", opened)
    served = CausalProgram()
    assert await served.load({"context_length": 8}, lambda _: None) == {"context_length": 8}
    monkeypatch.setattr(served, "_adapters", Adapters())
    await served.load_adapter("tone", "a")
    assert len(seen) == 2
    assert all(ended(thread) for thread in seen)
