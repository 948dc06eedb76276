"""When Python's garbage collector may walk everything that lives.

CPython does so whenever what is new has grown to a quarter of what is old. While thousands of connections and calls
come in, that is again and again, and each walk visits all of them: 350 ms at 9,700 connections and as many calls, in
which nobody is served. What they leave when they end, reference counts free; only cycles need the walk, so it waits
for a moment in which little is open, though not for ever.

CPython looks at its youngest generation after every 700 new objects, which a reading makes anew several times; what
it finds there is next to nothing, since reference counts have freed the rest. Here it does so after `YOUNG`, and in a
crowd, where what is new stays, more often and so in shorter steps.

What a walk leaves alive is set aside, so that the next one does not visit it again: caches of sentences and kernels
that live for ever made a walk of 230 ms. Every ten minutes one visits all, for the cycles that were alive then.
"""

import asyncio
import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LOOK_S: Final = 0.25
"""Between two looks whether a walk is due, and whether a crowd has come."""
DUE: Final = 2
"""Collections of the middle generation since the last walk that make another one due: some 80,000 new objects, where
CPython has 70,000."""
SHARE: Final = 1 / 200
"""Of the time that walks may take, so that they are in nobody's 99th percentile."""
MANY: Final = 500
"""Connections and calls that are open from which on a walk is put off; so many are walked in some 10 ms."""
YOUNG: Final = 10_000
"""New objects after which the youngest are looked at: 2 to 3 ms if all live, which few do."""
MIDDLE: Final = 4
"""Such looks after which all that is not yet old is: 12 to 15 ms if all live."""
CROWD_YOUNG: Final = 2_000
"""As `YOUNG`, while much is open: of those who come in a flood all live."""
CROWD_MIDDLE: Final = 2
"""As `MIDDLE`."""
WHOLE_S: Final = 600.0
"""Between two walks through everything, also through what earlier ones left alive."""
PATIENCE_S: Final = 120.0
"""How long it is put off at most."""
_NEVER: Final = 1 << 30


def walk(whole: bool) -> None:
    """Collect what is unreachable and set aside what is not; a `whole` walk visits what was set aside, too."""
    if whole:
        gc.unfreeze()
    gc.collect()
    gc.freeze()


class FullCollections:
    """Decides; `collect` is the walk."""

    __slots__ = ("_clock", "_collect", "_last", "_last_whole", "_open", "_took")

    def __init__(
        self,
        open_: Callable[[], int],
        *,
        clock: Callable[[], float] = time.perf_counter,
        collect: Callable[[bool], object] = walk,
    ) -> None:
        """`open_` counts connections and calls."""
        self._open = open_
        self._clock = clock
        self._collect = collect
        self._last = self._last_whole = clock()
        self._took = 0.0

    def look(self, younger: int) -> bool:
        """Walk if it is time, after `younger` collections of the middle generation; whether it was."""
        waited = self._clock() - self._last
        if younger < DUE or waited < self._took / SHARE:
            return False
        if self._open() > MANY and waited < PATIENCE_S:
            return False
        began = self._clock()
        whole = began - self._last_whole >= WHOLE_S
        if whole:
            self._last_whole = began
        self._collect(whole)
        self._last = self._clock()
        self._took = self._last - began
        return True


@contextmanager
def calm_collections(loop: asyncio.AbstractEventLoop, open_: Callable[[], int]) -> Iterator[None]:
    """Decide for this process while the block runs; Python 3.14 and later walk in small steps by themselves."""
    if sys.version_info >= (3, 14):
        yield
        return
    before = gc.get_threshold()
    collections = FullCollections(open_)
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        collections.look(gc.get_count()[2])
        young, middle = (CROWD_YOUNG, CROWD_MIDDLE) if open_() > MANY else (YOUNG, MIDDLE)
        gc.set_threshold(young, middle, _NEVER)
        timer = loop.call_later(LOOK_S, look)

    gc.set_threshold(YOUNG, MIDDLE, _NEVER)
    timer = loop.call_later(LOOK_S, look)
    try:
        yield
    finally:
        timer.cancel()
        gc.set_threshold(*before)
