"""Memory that a crowd leaves free goes back, once the crowd has gone."""

import asyncio
import sys

import psutil
import pytest

from hypercube.app import freed_memory
from hypercube.app.freed_memory import CROWD, FEW, SETTLED_S, FreedMemory, freed_memory_returned, trimming


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def test_once_when_a_crowd_has_gone_and_once_when_its_cycles_have() -> None:
    clock = Clock()
    memory = FreedMemory(clock)
    assert not memory.due(CROWD + 1, 7)
    assert not memory.due(FEW, 7)
    clock.now += SETTLED_S / 2
    assert not memory.due(FEW, 7)
    clock.now += SETTLED_S
    assert memory.due(0, 7)
    assert not memory.due(0, 7)
    assert memory.due(0, 8)
    assert not memory.due(0, 9)


def test_not_while_it_comes_and_goes() -> None:
    clock = Clock()
    memory = FreedMemory(clock)
    for _ in range(5):
        assert not memory.due(CROWD + 1, 0)
        assert not memory.due(FEW, 0)
        clock.now += SETTLED_S * 0.9
        assert not memory.due(FEW, 0)
    assert not memory.due(FEW + 1, 0)
    clock.now += SETTLED_S
    assert not memory.due(FEW, 0)


def test_never_without_a_crowd() -> None:
    clock = Clock()
    memory = FreedMemory(clock)
    for open_ in (0, FEW, CROWD, 3, CROWD, 0):
        assert not memory.due(open_, int(clock.now))
        clock.now += 2 * SETTLED_S


@pytest.mark.skipif(trimming() is None, reason="this C library has no malloc_trim")
def test_pages_that_are_free_in_the_middle_of_the_heap_go_back() -> None:
    process = psutil.Process()
    kept = [bytes([number % 256]) * 5_000 for number in range(40_000)]
    del kept[:-1:2], kept[:-1]
    before = process.memory_info().rss
    trim = trimming()
    assert trim is not None
    trim()
    assert before - process.memory_info().rss > 50 << 20
    assert len(kept) == 1


@pytest.mark.skipif(sys.platform != "linux", reason="done on Linux only")
def test_the_loop_is_told_by_what_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(freed_memory, "LOOK_S", 0.001)
    monkeypatch.setattr(freed_memory, "SETTLED_S", 0.01)
    open_ = CROWD + 1

    async def main() -> None:
        nonlocal open_
        loop = asyncio.get_running_loop()
        looked, gave = asyncio.Event(), asyncio.Event()

        def count() -> int:
            looked.set()
            return open_

        with freed_memory_returned(loop, count, lambda: loop.call_soon_threadsafe(gave.set)):
            async with asyncio.timeout(60):
                await looked.wait()
                assert not gave.is_set()
                open_ = 0
                await gave.wait()

    asyncio.run(main())
