"""Calls that came are taken up in turns of their connections, as many in a turn of the event loop as its line says.

gRPC hands over one call at a time, in the order in which all came, on whichever connection, and each takes several
turns of the loop. Behind some thousands of calls that one client opened at once and left without a message, everybody
else waited for seconds; and of three times what the loop can do, the surplus waited unseen. Here many are asked for
at a time, so that what came is soon out of gRPC's line. What is not taken up at once waits in lines of our own, or is
refused before anything is begun for it.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, ClassVar, Final, Generic

from grpc._cython import cygrpc  # type: ignore[attr-defined]

from hypercube.core.clock import Clock, monotonic
from hypercube.gateway.acquainted import Acquainted
from hypercube.gateway.door_queue import DoorQueue
from hypercube.gateway.grpc.lines import Call, SortedLines
from hypercube.gateway.grpc.no_room import context_of, refuse

ASKED_FOR: Final = 256
"""Calls that gRPC may hand over in one turn of the loop."""
REFUSED: Final = 32
"""Calls that are refused in one, so that others have their turns between them."""
LEAST_S: Final = 1e-4
"""And for no longer than this, in seconds, or than a quarter of what the latest turn took without it: what is done
here is a third of what a refusal costs, the rest is gRPC's and comes later."""
MOST: Final = 10_000
"""Calls that wait here; more wait in gRPC."""


class Wanted(asyncio.Future[Call]):
    """The next call to take up. It calls back at once and not in the next turn, so that a turn may take up several."""

    _callback: Callable[[Any], object] | None = None

    def add_done_callback(self, callback: Callable[[Any], object], *, context: object = None) -> None:
        """Call back when it is done, which it may be."""
        if self.done():
            callback(self)
        else:
            self._callback = callback

    def remove_done_callback(self, callback: Callable[[Any], object]) -> int:
        """Not call back."""
        found = self._callback is not None
        self._callback = None
        return int(found)

    def hand(self, call: Call) -> None:
        """It is this one."""
        self.set_result(call)
        self._tell()

    def fail(self, error: BaseException) -> None:
        """There is none."""
        self.set_exception(error)
        self._tell()

    def _tell(self) -> None:
        if self._callback is not None:
            self._callback(self)


class Newcomers(Generic[Call]):
    """Asks gRPC for calls and hands them, each in its turn, to the one who takes them up.

    When a turn comes, and whether there is room to wait for one, is said by a line as HTTP has one, too
    (`gateway.door_queue`). Whose turn it is, and who has to go, is said here.
    """

    __slots__ = (
        "_ask",
        "_asked",
        "_clock",
        "_connection",
        "_due",
        "_failed",
        "_lines",
        "_loop",
        "_queue",
        "_refuse",
        "_running",
        "_turned_away",
        "_turning",
        "_wanted",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ask: Callable[[], "asyncio.Task[Call]"],
        connection: Callable[[Call], str],
        running: Callable[[], bool],
        queue: DoorQueue,
        refuse: Callable[[Call], object],
        acquainted: Acquainted,
        clock: Clock = monotonic,
    ) -> None:
        """`ask` asks for one call more, `connection` names the one on which a call came, `refuse` ends one.

        Connections that are `acquainted` have lines apart from those of strangers.
        """
        self._loop = loop
        self._clock = clock
        self._ask = ask
        self._connection = connection
        self._running = running
        self._queue = queue
        self._refuse = refuse
        self._lines: SortedLines[Call] = SortedLines(acquainted.__contains__)
        self._due = 0
        """Calls in the lines whose turn has come."""
        self._asked = 0
        self._turned_away: deque[Call] = deque()
        """Calls that are to be refused."""
        self._turning = False
        self._wanted: Wanted[Call] | None = None
        self._failed: BaseException | None = None

    @property
    def waiting(self) -> int:
        """Calls that came and are not taken up."""
        return len(self._lines)

    def next(self) -> Wanted[Call]:
        """The next call to take up, now or later; wanted one at a time."""
        wanted = self._wanted = Wanted(loop=self._loop)
        if self._failed is not None:
            wanted.set_exception(self._failed)
            self._failed = None
            return wanted
        self._ask_for_more()
        if self._due:
            self._due -= 1
            wanted.set_result(self._lines.next())
        return wanted

    def _ask_for_more(self) -> None:
        while self._asked < ASKED_FOR and len(self._lines) < MOST and len(self._turned_away) < ASKED_FOR:
            self._asked += 1
            self._ask().add_done_callback(self._came)

    def _came(self, asked: "asyncio.Task[Call]") -> None:
        self._asked -= 1
        if asked.cancelled():
            return  # the loop ends
        error = asked.exception()
        wanted = self._wanted if self._wanted is not None and not self._wanted.done() else None
        if not self._running():
            self._lines.clear()  # as gRPC does with those in its own line
            self._turned_away.clear()
            self._due = 0
        elif error is None:
            self._let_in(asked.result(), wanted)
            self._ask_for_more()
            return
        if error is not None and wanted is not None:
            wanted.fail(error)
        elif error is not None:
            self._failed = error

    def _let_in(self, call: Call, wanted: Wanted[Call] | None) -> None:
        queue = self._queue
        if queue.full:
            queue.refuse()
            self._turn_away(self._lines.crowd_out(self._connection(call), call))
        elif not queue.begins_at_once():
            self._lines.add(self._connection(call), call)
            queue.wait(self._turn_came)
        elif wanted is not None:
            wanted.hand(call)
        else:
            self._lines.add(self._connection(call), call)
            self._due += 1

    def _turn_came(self, begin: bool) -> None:
        """One of those who wait may be taken up, or has to go."""
        if len(self._lines) <= self._due:
            return  # they were let go
        wanted = self._wanted
        if not begin:
            self._turn_away(self._lines.last())
        elif wanted is None or wanted.done():
            self._due += 1
        else:
            wanted.hand(self._lines.next())

    def _turn_away(self, call: Call) -> None:
        """Refuse one in the next turn of the loop, or in a later one where many have to go."""
        self._turned_away.append(call)
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """Refuse some, but for no longer than all else takes: who was let in must not wait for those who were not."""
        queue, turned_away, began = self._queue, self._turned_away, self._clock()
        enough = max(queue.work_s / 4, LEAST_S)
        for _ in range(min(len(turned_away), REFUSED)):
            self._refuse(turned_away.popleft())
            if self._clock() - began > enough:
                break
        queue.refusing_s += self._clock() - began
        self._turning = len(turned_away) > 0
        if self._turning:
            self._loop.call_soon(self._turn)
        self._ask_for_more()


class _FairServer(cygrpc.AioServer):  # type: ignore[misc]
    """gRPC's server, with the lines of this module before what takes up its calls."""

    _queue: ClassVar[DoorQueue]
    _acquainted: ClassVar[Acquainted]

    def __init__(self, loop: asyncio.AbstractEventLoop, *rest: Any) -> None:
        super().__init__(loop, *rest)

        def ask() -> "asyncio.Task[Any]":
            return loop.create_task(self._request_call())

        def connection(state: Any) -> str:
            peer: str = context_of(state, loop).peer()
            return peer

        def say_no(state: Any) -> None:
            refuse(context_of(state, loop))

        self._newcomers: Newcomers[Any] = Newcomers(
            loop, ask, connection, self.is_running, self._queue, say_no, self._acquainted
        )

    def _make_request_call_future(self, method: bytes | None) -> Any:
        # A method that was registered by name is always open.
        return self._newcomers.next() if method is None else super()._make_request_call_future(method)


@contextmanager
def fair_newcomers(queue: DoorQueue, acquainted: Acquainted) -> Iterator[None]:
    """Servers that are made within the block take up calls in turns of their connections, as `queue` lets them.

    Of two one is of a connection that is `acquainted`, if such a call waits.

    Where gRPC takes up its calls in another way, nothing is changed.
    """
    plain = cygrpc.AioServer
    if not hasattr(plain, "_make_request_call_future") or not hasattr(plain, "_request_call"):
        yield
        return
    cygrpc.AioServer = type("QueuedServer", (_FairServer,), {"_queue": queue, "_acquainted": acquainted})
    try:
        yield
    finally:
        cygrpc.AioServer = plain
