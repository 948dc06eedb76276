"""Work on thousands of things at once, in slices between which the event loop serves everybody else.

A look at 10,000 connections, or the end of as many calls, is one turn of the loop when it is done in a row, and holds
up whoever asks meanwhile for a tenth of a second and more. Here a turn does a small part of it and the next part
waits for a few turns of others.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary

SLICE: Final = 256
"""Units of work in a turn; one is a look at a connection, about 2 us."""
PAUSE_S: Final = 0.004
"""Between two slices of one loop, in which others have their turns."""


class Slices:
    """The piecemeal work of one event loop. It has one slice at a time, however much work there is."""

    __slots__ = ("__weakref__", "_loop", "_queue", "_timer")

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        """For this loop."""
        self._loop = loop
        self._queue: deque[Iterator[int]] = deque()
        self._timer: asyncio.Handle | None = None

    def add(self, work: Iterator[int]) -> None:
        """Do `work` to its end: each step yields how many units it was.

        Each slice goes on with another one's work. A step runs behind everything that the loop had ready.
        """
        self._queue.append(work)
        if self._timer is None:
            self._timer = self._loop.call_soon(self._slice)

    def _slice(self) -> None:
        left = SLICE
        try:
            while left > 0 and self._queue:
                work = self._queue.popleft()
                for units in work:
                    left -= units
                    if left <= 0:
                        self._queue.append(work)
                        break
        finally:  # work that fails is dropped, and holds up no other
            self._timer = self._loop.call_later(PAUSE_S, self._soon) if self._queue else None

    def _soon(self) -> None:
        # A timer runs before what the loop read in the same turn; a step has to know of that.
        self._timer = self._loop.call_soon(self._slice)


_all: "WeakKeyDictionary[asyncio.AbstractEventLoop, Slices]" = WeakKeyDictionary()


def slices_of(loop: asyncio.AbstractEventLoop) -> Slices:
    """The loop's one `Slices`, which bounds what all such work together takes of it."""
    found = _all.get(loop)
    if found is None:
        found = _all[loop] = Slices(loop)
    return found
