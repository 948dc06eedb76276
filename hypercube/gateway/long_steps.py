"""Steps of some length, of which a turn of the event loop takes one, however many clients have work of such steps.

A large batch is written in steps, between which others have their turns. That bounds what one client holds up; of
forty clients with such a batch each turn did forty steps, and everybody else waited for all of them. Here steps stand
in one line, in the order in which they came.
"""

import asyncio
from collections import deque
from typing import Final
from weakref import WeakKeyDictionary


class LongSteps:
    """The line of one event loop, which it does not keep."""

    __slots__ = ("_turning", "_waiting")

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._turning = False

    async def turn(self) -> None:
        """Return in a turn of the loop in which no other step was begun."""
        loop = asyncio.get_running_loop()
        mine: asyncio.Future[None] = loop.create_future()
        self._waiting.append(mine)
        if not self._turning:
            self._turning = True
            loop.call_soon(self._next)
        await mine

    def _next(self) -> None:
        while self._waiting:
            first = self._waiting.popleft()
            if not first.done():  # else who waited was cancelled
                first.set_result(None)
                asyncio.get_running_loop().call_soon(self._next)
                return
        self._turning = False


_all: Final[WeakKeyDictionary[asyncio.AbstractEventLoop, LongSteps]] = WeakKeyDictionary()


async def my_turn() -> None:
    """Wait for the turn of a step of a millisecond or so, which the caller does next."""
    loop = asyncio.get_running_loop()
    steps = _all.get(loop)
    if steps is None:
        steps = _all[loop] = LongSteps()
    await steps.turn()
