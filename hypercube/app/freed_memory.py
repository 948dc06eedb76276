"""What a crowd has left free in the process goes back to the system.

The C library keeps what is freed for its next use, unless it lies at the end of its heap: after ten thousand
connections and as many calls of gRPC some 350 MB of a server's 800 were free and still resident, and each such crowd
left a little more, as it found other gaps than the last. Asked to (`malloc_trim`), glibc gives all whole pages back.
That takes some 0.1 s and is done beside the event loop, when a crowd has gone; a server that has none never does it.
"""

import asyncio
import ctypes
import gc
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

LOOK_S: Final = 1.0
CROWD: Final = 2_000
"""Connections and calls that are open at once from which on they leave enough to look for."""
FEW: Final = 500
"""So many open, or fewer, and the crowd has gone."""
SETTLED_S: Final = 3.0
"""For so long."""


def trimming() -> Callable[[], object] | None:
    """What gives free pages back, without the interpreter's lock; None where the C library cannot (only glibc can)."""
    if sys.platform != "linux":
        return None
    try:
        trim = ctypes.CDLL(None).malloc_trim
    except (OSError, AttributeError):
        return None
    trim.argtypes = [ctypes.c_size_t]
    trim.restype = ctypes.c_int
    return lambda: trim(0)


class FreedMemory:
    """Decides when, looking every second or so."""

    __slots__ = ("_clock", "_crowded", "_few_since", "_unwalked")

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """`clock` in seconds."""
        self._clock = clock
        self._crowded = False
        self._few_since: float | None = None
        self._unwalked: int | None = None

    def due(self, open_: int, walks: int) -> bool:
        """Whether to give back now, with so many open, and after so many walks of the garbage collector.

        Once when a crowd has gone, and once more when its cycles have been collected, if that is later.
        """
        if open_ > FEW:
            self._crowded = self._crowded or open_ > CROWD
            self._few_since = None
            return False
        now = self._clock()
        if self._few_since is None:
            self._few_since = now
        if self._crowded:
            if now - self._few_since < SETTLED_S:
                return False
            self._crowded = False
            self._unwalked = walks
            return True
        if self._unwalked is None or walks == self._unwalked:
            return False
        self._unwalked = None
        return True


@contextmanager
def freed_memory_returned(
    loop: asyncio.AbstractEventLoop,
    open_: Callable[[], int],
    trim: Callable[[], object] | None = None,
) -> Iterator[None]:
    """Give back what crowds leave while the block runs; `open_` counts connections and calls.

    `trim` runs in a thread: others are served meanwhile, though who needs memory may wait for a heap's lock.
    """
    trim = trim or trimming()
    if trim is None:
        yield
        return
    memory = FreedMemory()
    timer: asyncio.TimerHandle

    def look() -> None:
        nonlocal timer
        if memory.due(open_(), gc.get_stats()[2]["collections"]):
            loop.run_in_executor(None, trim)
        timer = loop.call_later(LOOK_S, look)

    timer = loop.call_later(LOOK_S, look)
    try:
        yield
    finally:
        timer.cancel()
