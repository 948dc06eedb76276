"""Who may use an engine now, who waits, and who is sent away at once."""

import asyncio
import math
from collections import deque
from collections.abc import Callable
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError

_FIRST_GUESS_S: Final = 2.0
"""Duration of a request before any was observed."""
_WEIGHT: Final = 0.2
"""Of the newest duration in the moving average."""


class Admission:
    """At most `slots` permits out and `max_queued` callers waiting, first come first served.

    Every permit is given back exactly once, whatever its holder dies of: `in_flight` returns to 0. With no slots
    (`shut`) everybody waits until it is opened: that is the queue of a model that is being loaded.
    """

    def __init__(
        self, slots: int, max_queued: int, clock: Clock, on_release: Callable[[], None] | None = None
    ) -> None:
        """`on_release` is called whenever a permit was given back."""
        self.slots = slots
        self.max_queued = max_queued
        self.running = 0
        self._on_release = on_release
        self._opens_in_s = _FIRST_GUESS_S
        self._clock = clock
        self._waiters: deque[asyncio.Future[None]] = deque()
        self._average_s = _FIRST_GUESS_S

    @property
    def waiting(self) -> int:
        """Callers in the queue."""
        return len(self._waiters)

    @property
    def in_flight(self) -> int:
        """Permits out and callers waiting."""
        return self.running + len(self._waiters)

    @property
    def average_s(self) -> float:
        """How long a permit is out, on a moving average."""
        return self._average_s

    def retry_after_s(self) -> float:
        """When a newcomer would be let in: the queue before it, at the pace observed."""
        if self.slots < 1:
            return max(1.0, self._opens_in_s)
        turns = math.ceil((len(self._waiters) + 1) / self.slots)
        return max(1.0, turns * self._average_s)

    def open(self, slots: int) -> None:
        """Let in `slots` at once from now on, those who wait first."""
        self.slots = slots
        self._admit()

    def shut(self, opens_in_s: float) -> None:
        """Let nobody in until `open`, which comes in about `opens_in_s`; permits that are out stay out."""
        self.slots = 0
        self._opens_in_s = opens_in_s

    async def acquire(self, call: Call) -> None:
        """Take a permit, waiting in line if need be; `release` gives it back.

        Raises:
            HyperCubeError: OVERLOADED with `retry_after_s` when the queue is full; DEADLINE_EXCEEDED when the
                call's deadline passes first; whatever `fail_waiting` was given.
        """
        began = self._clock()
        remaining = remaining_s(call, began, "before a slot was free")
        if self.running < self.slots and not self._waiters:
            self.running += 1
            return
        if len(self._waiters) >= self.max_queued:
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"{self.running} requests are running and {len(self._waiters)} wait: the queue is full.",
                fix=f"Try again in {self.retry_after_s():.0f} s.",
                details={
                    "running": self.running,
                    "waiting": len(self._waiters),
                    "max_queued": self.max_queued,
                },
                retry_after_s=self.retry_after_s(),
            )
        waiter: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(remaining):
                await waiter
        except BaseException as error:
            self._leave(waiter)
            if isinstance(error, TimeoutError):
                raise deadline_exceeded("in the queue", self._clock() - began) from None
            raise
        finally:
            call.timing.queue_s = self._clock() - began

    def _leave(self, waiter: "asyncio.Future[None]") -> None:
        if waiter in self._waiters:
            self._waiters.remove(waiter)
        elif waiter.done() and not waiter.cancelled() and waiter.exception() is None:
            # The permit came in the same moment as the cancellation: it goes to the next in line.
            self._pass_on()

    def release(self, held_s: float | None = None) -> None:
        """Give a permit back; `held_s` is how long a finished request held it."""
        if held_s is not None:
            self._average_s += _WEIGHT * (held_s - self._average_s)
        self._pass_on()

    def _pass_on(self) -> None:
        self.running -= 1
        self._admit()
        if self._on_release is not None:
            self._on_release()

    def _admit(self) -> None:
        while self._waiters and self.running < self.slots:
            waiter = self._waiters.popleft()
            if not waiter.done():
                self.running += 1
                waiter.set_result(None)

    def fail_waiting(self, error: HyperCubeError) -> None:
        """Send everybody in the queue away with `error`."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_exception(error)


def remaining_s(call: Call, now: float, where: str) -> float | None:
    """Seconds until the call's deadline, None without one.

    Raises:
        HyperCubeError: DEADLINE_EXCEEDED when it has passed.
    """
    if call.deadline is None:
        return None
    if call.deadline <= now:
        raise deadline_exceeded(where, now - call.deadline)
    return call.deadline - now


def deadline_exceeded(where: str, seconds: float) -> HyperCubeError:
    """The deadline passed `where`; `seconds` were spent there, or are over."""
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        f"The deadline passed {where} ({seconds:.2f} s).",
        fix="Allow more time, or ask for fewer tokens.",
    )
