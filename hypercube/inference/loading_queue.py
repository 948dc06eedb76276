"""Whose turn it is to load: reading weights takes disk, memory and every core, so few models do it at once."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError

MAX_LOADING: Final = 1
MAX_WAITING: Final = 100
_RETRY_S: Final = 15.0


class LoadingQueue:
    """At most `max_loading` loads at a time and `max_waiting` in line, first come first served."""

    def __init__(self, max_loading: int = MAX_LOADING, max_waiting: int = MAX_WAITING) -> None:
        self.max_loading = max_loading
        self.max_waiting = max_waiting
        self.loading = 0
        self._waiters: deque[asyncio.Future[None]] = deque()

    @property
    def waiting(self) -> int:
        """Loads in line."""
        return len(self._waiters)

    @asynccontextmanager
    async def turn(self) -> AsyncIterator[None]:
        """Load within this block.

        Raises:
            HyperCubeError: OVERLOADED, at once, when `max_waiting` wait already.
        """
        await self._acquire()
        try:
            yield
        finally:
            self._release()

    async def _acquire(self) -> None:
        if self.loading < self.max_loading and not self._waiters:
            self.loading += 1
            return
        if len(self._waiters) >= self.max_waiting:
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"{self.loading} models are being loaded and {len(self._waiters)} wait for their turn: the "
                "queue is full.",
                fix=f"Try again in {_RETRY_S:.0f} s.",
                details={"loading": self.loading, "waiting": len(self._waiters), "limit": self.max_waiting},
                retry_after_s=_RETRY_S,
            )
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            await waiter
        except BaseException:
            if waiter in self._waiters:
                self._waiters.remove(waiter)
            elif waiter.done() and not waiter.cancelled():
                # The turn came in the same moment as the cancellation: it goes to the next in line.
                self._release()
            raise

    def _release(self) -> None:
        self.loading -= 1
        while self._waiters and self.loading < self.max_loading:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.loading += 1
                waiter.set_result(None)
