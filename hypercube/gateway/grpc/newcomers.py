"""Calls that came are taken up in turns of their connections, and a few in a turn of the event loop.

gRPC hands over one call at a time, in the order in which all came, on whichever connection, and each takes several
turns of the loop. Behind some thousands of calls that one client opened at once and left without a message, everybody
else waited for seconds. Here many are asked for at a time, so that what came is soon out of gRPC's line. Where more
come than are taken up at once, each connection has a line of its own, and the lines take turns. A line's first call
takes its turn among the first calls of other lines, and of two calls that are taken up one is such a first one: who has
one call open at a time does not wait for those with hundreds.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final, Generic, TypeVar

from grpc._cython import cygrpc  # type: ignore[attr-defined]

Call = TypeVar("Call")

ASKED_FOR: Final = 256
"""Calls that gRPC may hand over in one turn of the loop, at some 15 us each."""
TAKEN_UP: Final = 8
"""Calls that are taken up in one, at some 75 us each."""
MOST: Final = 10_000
"""Calls that wait here; more wait in gRPC."""


class Lines(Generic[Call]):
    """Calls that wait, by their connection."""

    __slots__ = ("_count", "_first", "_later", "_later_next")

    def __init__(self) -> None:
        self._first: dict[str, deque[Call]] = {}
        """Lines from which nothing was taken yet; the one whose turn is next is the first."""
        self._later: dict[str, deque[Call]] = {}
        """The others."""
        self._later_next = False
        self._count = 0

    def __len__(self) -> int:
        return self._count

    def add(self, connection: str, call: Call) -> None:
        """The connection's last."""
        line = self._first.get(connection) or self._later.get(connection)
        if line is None:
            line = self._first[connection] = deque()
        line.append(call)
        self._count += 1

    def next(self) -> Call:
        """The first call of the connection whose turn it is."""
        lines = self._later if self._later and (self._later_next or not self._first) else self._first
        self._later_next = lines is self._first
        connection = next(iter(lines))
        line = lines.pop(connection)
        call = line.popleft()
        if line:
            self._later[connection] = line
        self._count -= 1
        return call

    def clear(self) -> None:
        """Let all go."""
        self._first.clear()
        self._later.clear()
        self._count = 0


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
    """Asks gRPC for calls and hands them to the one who takes them up."""

    __slots__ = (
        "_ask",
        "_asked",
        "_connection",
        "_failed",
        "_left",
        "_lines",
        "_loop",
        "_running",
        "_turning",
        "_wanted",
    )

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        ask: Callable[[], "asyncio.Task[Call]"],
        connection: Callable[[Call], str],
        running: Callable[[], bool],
    ) -> None:
        """`ask` asks for one call more, `connection` names the one on which a call came."""
        self._loop = loop
        self._ask = ask
        self._connection = connection
        self._running = running
        self._lines: Lines[Call] = Lines()
        self._asked = 0
        self._left = TAKEN_UP
        """Calls that may still be taken up in this turn of the loop."""
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
        while self._asked < ASKED_FOR and len(self._lines) < MOST:
            self._asked += 1
            self._ask().add_done_callback(self._came)
        if self._lines and self._left:
            wanted.set_result(self._lines.next())
            self._count()
        return wanted

    def _came(self, asked: "asyncio.Task[Call]") -> None:
        self._asked -= 1
        if asked.cancelled():
            return  # the loop ends
        error = asked.exception()
        wanted = self._wanted if self._wanted is not None and not self._wanted.done() else None
        if not self._running():
            self._lines.clear()  # as gRPC does with those in its own line
        elif error is None:
            if wanted is not None and self._left and not self._lines:
                wanted.hand(asked.result())
                self._count()
            else:
                call = asked.result()
                self._lines.add(self._connection(call), call)
                if self._asked < ASKED_FOR and len(self._lines) < MOST:
                    self._asked += 1
                    self._ask().add_done_callback(self._came)
            return
        if error is not None and wanted is not None:
            wanted.fail(error)
        elif error is not None:
            self._failed = error

    def _count(self) -> None:
        """One is taken up. The next turn is asked for after whoever does so, to be counted from there."""
        self._left -= 1
        if not self._turning:
            self._turning = True
            self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        """A turn of the loop later."""
        self._turning = False
        self._left = TAKEN_UP
        wanted = self._wanted
        if self._lines and wanted is not None and not wanted.done():
            wanted.hand(self._lines.next())
            self._count()


class _FairServer(cygrpc.AioServer):  # type: ignore[misc]
    """gRPC's server, with the lines of this module before what takes up its calls."""

    def __init__(self, loop: asyncio.AbstractEventLoop, *rest: Any) -> None:
        super().__init__(loop, *rest)

        def ask() -> "asyncio.Task[Any]":
            return loop.create_task(self._request_call())

        def connection(state: Any) -> str:
            peer: str = cygrpc._ServicerContext(state, None, None, loop).peer()  # noqa: SLF001 - its only name
            return peer

        self._newcomers: Newcomers[Any] = Newcomers(loop, ask, connection, self.is_running)

    def _make_request_call_future(self, method: bytes | None) -> Any:
        return self._newcomers.next() if method is None else super()._make_request_call_future(method)


@contextmanager
def fair_newcomers() -> Iterator[None]:
    """Servers that are made within the block take up calls in turns of their connections.

    Where gRPC takes up its calls in another way, nothing is changed.
    """
    plain = cygrpc.AioServer
    if not hasattr(plain, "_make_request_call_future") or not hasattr(plain, "_request_call"):
        yield
        return
    cygrpc.AioServer = _FairServer
    try:
        yield
    finally:
        cygrpc.AioServer = plain
