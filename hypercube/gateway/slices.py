"""Work on thousands of things at once, in slices between which the event loop serves everybody else.

A look at 10,000 connections, or the end of as many calls, is one turn of the loop when it is done in a row, and holds
up whoever asks meanwhile for a tenth of a second and more. Here a turn does a small part of it and the next part
waits for a few turns of others.
"""

import asyncio
from collections import deque
from collections.abc import Iterator
from typing import Final
from weakref import WeakKeyDictionary, ref

SLICE: Final = 256
"""Units of work in a turn; one is a look at a connection, about 2 us."""
PAUSE_S: Final = 0.004
"""Between two slices of one loop, in which others have their turns."""


class Slices:
    """The piecemeal work of one event loop. It has one slice at a time, however much work there is."""

    __slots__ = ("__weakref__", "_queue", "_turning")

    def __init__(self) -> None:
        self._queue: deque[Iterator[int]] = deque()
        self._turning = False

    def add(self, work: Iterator[int]) -> None:
        """Do `work` to its end in the running loop: each step yields how many units it was.

        Each slice goes on with another one's work. A step runs behind everything that the loop had ready.
        """
        self._queue.append(work)
        if not self._turning:
            self._turning = True
            self._soon()

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
            self._turning = bool(self._queue)
            if self._turning:
                asyncio.get_running_loop().call_later(PAUSE_S, self._soon)

    def _soon(self) -> None:
        # A timer runs before what the loop read in the same turn; a step has to know of that.
        asyncio.get_running_loop().call_soon(self._slice)


_all: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, ref[Slices]]] = WeakKeyDictionary()
"""Nobody but its loop keeps one, and only while it has work: that may know the loop, which nobody here may keep."""


def slices_of(loop: asyncio.AbstractEventLoop) -> Slices:
    """The loop's one `Slices`, which bounds what all such work together takes of it."""
    known = _all.get(loop)
    found = None if known is None else known()
    if found is None:
        found = Slices()
        _all[loop] = ref(found)
    return found
