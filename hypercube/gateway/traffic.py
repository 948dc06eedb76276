"""How many requests are inside, and the one switch that stops more from coming in."""

import asyncio
from types import TracebackType
from typing import NoReturn

from hypercube.core.errors import ErrorKind, HyperCubeError


class Traffic:
    """Counts accepted requests of every transport, streams until their last byte, and refuses while draining.

    One event loop drives it; it needs no lock.
    """

    def __init__(self, retry_after_s: float = 5.0) -> None:
        """`retry_after_s` is what a refused caller is told to wait."""
        self.retry_after_s = retry_after_s
        self._in_flight = 0
        self._draining = False
        self._idle: asyncio.Event | None = None
        """Made by who waits for it: charts come and go every few microseconds."""
        self._inside = _Inside(self)

    @property
    def in_flight(self) -> int:
        """Requests accepted and not yet answered to their last byte."""
        return self._in_flight

    @property
    def draining(self) -> bool:
        """Whether new work is refused."""
        return self._draining

    def drain(self) -> None:
        """Refuse new work from now on; what is inside goes on."""
        self._draining = True

    def admit(self) -> "_Inside":
        """Count one request for as long as the block runs.

        Raises:
            HyperCubeError: UNAVAILABLE with `retry_after_s` while draining.
        """
        if self._draining:
            self._refuse()
        return self._inside

    def enter(self) -> None:
        """One request more is inside; whoever calls this calls `left`.

        Raises:
            HyperCubeError: as `admit`.
        """
        if self._draining:
            self._refuse()
        self._in_flight += 1
        if self._idle is not None:
            self._idle.clear()

    def left(self) -> None:
        """One has its answer."""
        self._in_flight -= 1
        if self._in_flight == 0 and self._idle is not None:
            self._idle.set()

    def _refuse(self) -> NoReturn:
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            "This server is shutting down and takes no new requests.",
            fix=f"Send the request again in {self.retry_after_s:g} s, or to another replica.",
            retry_after_s=self.retry_after_s,
        )

    async def wait_idle(self, timeout_s: float) -> bool:
        """Wait until nothing is in flight; False if something still is after `timeout_s` seconds."""
        if self._idle is None:
            self._idle = asyncio.Event()
            if self._in_flight == 0:
                self._idle.set()
        try:
            async with asyncio.timeout(timeout_s):
                await self._idle.wait()
        except TimeoutError:
            return False
        return True


class _Inside:
    """One request, for as long as the block runs; it holds nothing of that request, so that all share one."""

    __slots__ = ("_traffic",)

    def __init__(self, traffic: Traffic) -> None:
        self._traffic = traffic

    def __enter__(self) -> None:
        self._traffic.enter()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._traffic.left()
