"""The wait for a call's first message is bounded, by one timer for all calls that wait.

A timer a call was measured to cost 5 to 13 us more, of the 150 that gRPC takes for any call. Here a call that waits is
a line in a table, in the order in which calls came, and the timer looks at the oldest. Those that are late are ended in
slices (`gateway.slices`): of 10,000 at once the last some twelve seconds later.
"""

import asyncio
from collections.abc import Iterable, Iterator
from typing import Any, Final

import grpc.aio

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.slices import slices_of

Context = grpc.aio.ServicerContext[Any, Any]
SECOND_LOOK_S: Final = 0.1
"""Between finding a call late and refusing it. Where the loop itself was held up, its timers run before it reads what
came meanwhile; a message that is there is then read and not refused."""
_ENDED: Final = 64
"""What ending a call takes, in the units of a slice."""


class FirstMessage:
    """Waits for first messages, for each at most the same time. One event loop drives it."""

    __slots__ = ("_due", "_ended", "_late", "_seconds", "_timer", "_waiting")

    def __init__(self, seconds: float) -> None:
        """At most `seconds` each, and `SECOND_LOOK_S` besides."""
        self._seconds = seconds
        self._waiting: dict[asyncio.Task[Any], float] = {}
        """When each began to wait, by the loop's clock; the oldest is the first."""
        self._late: frozenset[asyncio.Task[Any]] = frozenset()
        self._due: set[asyncio.Task[Any]] = set()
        """Those that have to go, and wait for their slice."""
        self._ended: set[asyncio.Task[Any]] = set()
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> int:
        """Calls whose message is on its way."""
        return len(self._waiting) + len(self._due)

    async def read(self, context: Context) -> Any:
        """The first message of the call that runs this, or gRPC's EOF.

        Raises:
            HyperCubeError: DEADLINE_EXCEEDED.
        """
        task = asyncio.current_task()
        assert task is not None
        loop = asyncio.get_running_loop()
        self._waiting[task] = loop.time()
        if self._timer is None:
            self._timer = loop.call_later(self._seconds, self._look, loop)
        try:
            return await context.read()
        except asyncio.CancelledError:
            if task not in self._ended:
                raise  # the client left
            self._ended.remove(task)
            if task.uncancel() > 0:
                raise  # it did so besides
            raise HyperCubeError(
                ErrorKind.DEADLINE_EXCEEDED,
                f"The message of this call did not come within {self._seconds:g} s.",
                fix="Send it together with the call.",
            ) from None
        finally:
            if self._waiting.pop(task, None) is None:
                self._due.discard(task)

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        """Find who is late; who was so at the last look has to go."""
        now, late, oldest = loop.time(), [], None
        for task, since in self._waiting.items():
            if since + self._seconds > now:
                oldest = since
                break
            late.append(task)
        again = [task for task in late if task in self._late]
        if again:
            for task in again:
                del self._waiting[task]
            self._due.update(again)
            slices_of(loop).add(self._end(again))
        self._late = frozenset(late).difference(again)
        if self._late:
            self._timer = loop.call_later(SECOND_LOOK_S, self._look, loop)
        elif oldest is not None:
            self._timer = loop.call_later(oldest + self._seconds - now, self._look, loop)
        else:
            self._timer = None

    def _end(self, late: Iterable[asyncio.Task[Any]]) -> Iterator[int]:
        for task in late:
            if task in self._due:  # its message has not come meanwhile
                self._due.remove(task)
                self._ended.add(task)
                task.cancel()
                yield _ENDED
