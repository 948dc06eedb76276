"""Who is let through to an upstream server: whoever has one of its connections, and its breaker's leave."""

import asyncio
from collections.abc import Callable
from types import TracebackType

from hypercube.core.clock import Clock
from hypercube.core.errors import HyperCubeError
from hypercube.inference.admission import deadline_exceeded
from hypercube.inference.upstream.breaker import Breaker, BreakerState, Outcome, Pass
from hypercube.inference.upstream.errors import UpstreamError, unavailable


class Passage:
    """The way to one server, and what whoever watches is told when it closes and opens again."""

    def __init__(self, host: str, connections: asyncio.Semaphore, clock: Clock) -> None:
        """`connections` are those of the server's host, which other engines may use, too."""
        self.breaker = Breaker(clock)
        self.connections = connections
        self._host = host
        self._clock = clock
        self._on_away: Callable[[str | None], None] | None = None

    @property
    def open(self) -> bool:
        """Whether nothing speaks against the server."""
        return self.breaker.state is BreakerState.CLOSED

    @property
    def retry_after_s(self) -> float:
        """When a server that is away is looked at again."""
        return max(1.0, self.breaker.retry_after_s())

    def watch(self, on_away: Callable[[str | None], None]) -> None:
        """Call `on_away` with a sentence when the server is given up for now, and with None when it is back."""
        self._on_away = on_away

    def passed(self, deadline: float | None) -> "Passed":
        """A connection and the breaker's leave, as a context; what came of it is told to the breaker.

        Raises:
            UpstreamError: on entering, the server is left alone for now.
            HyperCubeError: on entering, DEADLINE_EXCEEDED while every connection was in use.
        """
        return Passed(self, deadline, self._clock)

    def enter(self) -> Pass:
        """The breaker's leave, without a connection.

        Raises:
            UpstreamError: the server is left alone for now.
        """
        given = self.breaker.enter()
        if given is None:
            raise UpstreamError.made(self._away(), Outcome.NEITHER, again=False)
        return given

    def leave(self, given: Pass, outcome: Outcome) -> None:
        """Tell the breaker what came of its leave, and then whoever watches."""
        self.breaker.leave(given, outcome)
        if self._on_away is not None:
            self._on_away(None if self.open else self._away().message)

    def _away(self) -> HyperCubeError:
        """What a caller is told while nobody is sent to the server."""
        return unavailable(self._host, "failed too often and is left alone for a while", self.retry_after_s)


class Passed:
    """A call that is let through, and what came of it. A class, as a generator would cost twice as much."""

    __slots__ = ("_clock", "_deadline", "_given", "_passage", "outcome")

    def __init__(self, passage: Passage, deadline: float | None, clock: Clock) -> None:
        self.outcome = Outcome.NEITHER
        self._passage = passage
        self._deadline = deadline
        self._clock = clock

    async def __aenter__(self) -> "Passed":
        connections = self._passage.connections
        if connections.locked():
            await self._in_line(connections)
        else:
            await connections.acquire()  # at once
        try:
            self._given = self._passage.enter()
        except UpstreamError:
            connections.release()
            raise
        return self

    async def _in_line(self, connections: asyncio.Semaphore) -> None:
        began, deadline = self._clock(), self._deadline
        try:
            async with asyncio.timeout(None if deadline is None else max(0.0, deadline - began)):
                await connections.acquire()
        except TimeoutError:
            raise deadline_exceeded(
                "while every connection to the upstream server was in use", self._clock() - began
            ) from None

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if isinstance(error, UpstreamError):
            self.outcome = error.outcome
        try:
            self._passage.leave(self._given, self.outcome)
        finally:
            self._passage.connections.release()
