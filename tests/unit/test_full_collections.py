"""The walk through everything that lives waits for calm, though not for ever."""

import asyncio
import gc
import itertools
import sys
import weakref
from dataclasses import dataclass, field

import pytest

from hypercube.app.full_collections import (
    CROWD_MIDDLE,
    CROWD_YOUNG,
    DUE,
    MANY,
    MIDDLE,
    PATIENCE_S,
    SHARE,
    WHOLE_S,
    YOUNG,
    FullCollections,
    calm_collections,
    walk,
)


@dataclass
class Process:
    """Its clock, what is open, and the walks through it."""

    now: float = 0.0
    open: int = 0
    takes: float = 0.001
    walks: list[float] = field(default_factory=list)
    whole: list[float] = field(default_factory=list)

    def walk(self, whole: bool) -> None:
        self.walks.append(self.now)
        if whole:
            self.whole.append(self.now)
        self.now += self.takes

    def collections(self) -> FullCollections:
        return FullCollections(lambda: self.open, clock=lambda: self.now, collect=self.walk)


def test_it_walks_when_as_much_is_new_as_python_asks_for() -> None:
    process = Process()
    collections = process.collections()
    process.now += 1
    assert not collections.look(DUE - 1)
    assert collections.look(DUE)
    assert len(process.walks) == 1


def test_walks_take_no_more_than_their_share_of_the_time() -> None:
    process = Process(takes=0.05)
    collections = process.collections()
    for _ in range(1_000):
        process.now += 1
        collections.look(DUE)
    assert len(process.walks) > 50
    assert len(process.walks) * process.takes <= process.now * SHARE + process.takes


def test_it_waits_while_much_is_open_but_not_for_ever() -> None:
    process = Process(open=MANY + 1)
    collections = process.collections()
    for _ in range(int(PATIENCE_S) - 1):
        process.now += 1
        assert not collections.look(1_000)
    process.now += 1
    assert collections.look(1_000)
    assert not collections.look(1_000)
    process.open = MANY
    process.now += 1
    assert collections.look(1_000)


def test_what_was_set_aside_is_visited_every_ten_minutes() -> None:
    process = Process()
    collections = process.collections()
    while process.now < 3 * WHOLE_S + 10:
        process.now += 1
        collections.look(DUE)
    assert len(process.walks) > 1_000
    assert len(process.whole) == 3
    assert all(later - before >= WHOLE_S for before, later in itertools.pairwise([0.0, *process.whole]))


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it walks in small steps by itself")
def test_a_cycle_that_was_set_aside_is_found_by_a_whole_walk() -> None:
    class Node:
        def __init__(self) -> None:
            self.me = self

    node = Node()
    gone = weakref.ref(node)
    try:
        walk(whole=False)
        del node
        walk(whole=False)
        assert gone() is not None
        walk(whole=True)
        assert gone() is None
    finally:
        gc.unfreeze()


def test_the_process_gets_its_thresholds_back() -> None:
    before = gc.get_threshold()

    async def main() -> tuple[int, int, int]:
        with calm_collections(asyncio.get_running_loop(), lambda: 0):
            return gc.get_threshold()

    within = asyncio.run(main())
    assert within == before if sys.version_info >= (3, 14) else within[:2] == (YOUNG, MIDDLE)
    assert within[2] > 1_000_000 or sys.version_info >= (3, 14)
    assert gc.get_threshold() == before


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it walks in small steps by itself")
def test_the_young_are_looked_at_in_shorter_steps_while_there_is_a_crowd(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("hypercube.app.full_collections.LOOK_S", 0.001)
    crowd = 0

    async def until(young: int, middle: int) -> None:
        async with asyncio.timeout(60):
            while gc.get_threshold()[:2] != (young, middle):  # noqa: ASYNC110 - nobody tells of it
                await asyncio.sleep(0.001)

    async def main() -> None:
        nonlocal crowd
        with calm_collections(asyncio.get_running_loop(), lambda: crowd):
            crowd = MANY + 1
            await until(CROWD_YOUNG, CROWD_MIDDLE)
            crowd = MANY
            await until(YOUNG, MIDDLE)

    assert CROWD_YOUNG * CROWD_MIDDLE < YOUNG
    asyncio.run(main())


@pytest.mark.skipif(sys.version_info >= (3, 14), reason="it walks in small steps by itself")
def test_cycles_that_grew_old_are_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("hypercube.app.full_collections.LOOK_S", 0.001)
    monkeypatch.setattr("hypercube.app.full_collections.DUE", 1)

    class Node:
        alive = 0

        def __init__(self) -> None:
            self.me: Node | None = self
            Node.alive += 1

        def __del__(self) -> None:
            Node.alive -= 1

    async def main() -> None:
        with calm_collections(asyncio.get_running_loop(), lambda: 0):
            nodes = [Node() for _ in range(100)]
            gc.collect(1)  # they are old now
            del nodes
            async with asyncio.timeout(60):
                while Node.alive:
                    gc.collect(1)
                    await asyncio.sleep(0.001)

    asyncio.run(main())
