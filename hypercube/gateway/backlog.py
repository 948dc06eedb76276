"""Requests that were read and not begun, and how long the next one would wait behind them.

A front-end does one thing at a time. When more comes than it can do, whatever it takes in waits, each request behind
all before it, until nobody wants the answers any more. What has to be refused is therefore refused when its head has
been read, before anything is done for it. How long a request would wait is its place times what a place has cost of
late, so nobody has to say what a machine can do.

A burst may wait `burst_s`. A queue that comes back as long as that each time it was worked off is no burst: when each
of them for half a second was longer than `standing_s`, that is the limit, until one is shorter and nobody is refused.
"""

from typing import Final

from hypercube.core.clock import Clock, monotonic

_STANDING_AFTER_S: Final = 0.5
_IDLE_S: Final = 0.005
"""A door that had nothing to do for so long is not overloaded, whatever comes next."""
_SHARE: Final = 0.02
"""How much one request changes what a place is taken to cost."""
_FIRST_COST_S: Final = 2e-4


class Backlog:
    """One front-end's queue at the door; its event loop drives it."""

    __slots__ = (
        "_burst_s",
        "_calm_at",
        "_clock",
        "_cost_s",
        "_longest",
        "_standing_s",
        "_worked_off_at",
        "refused",
        "waiting",
    )

    def __init__(self, burst_s: float = 0.5, standing_s: float = 0.02, clock: Clock = monotonic) -> None:
        """Limits in seconds of waiting; no request is refused while nothing waits."""
        self._burst_s = burst_s
        self._standing_s = standing_s
        self._clock = clock
        self._cost_s = _FIRST_COST_S
        self._calm_at = self._worked_off_at = clock()
        self._longest = 0
        """Requests of the present queue, those refused included."""
        self.waiting = 0
        """Requests taken in and not begun."""
        self.refused = 0
        """Requests refused so far."""

    @property
    def standing(self) -> bool:
        """Whether the queue is no burst."""
        return self._clock() - self._calm_at > _STANDING_AFTER_S

    def admits(self) -> bool:
        """Whether one more may wait; counts it as refused if not."""
        wait_s = self.waiting * self._cost_s
        if wait_s <= self._standing_s:
            if not self.waiting and self._clock() - self._worked_off_at > _IDLE_S:
                self._calm_at = self._clock()
            return True
        if wait_s <= self._burst_s and not self.standing:
            return True
        self.refused += 1
        self._longest += 1
        return False

    def enter(self) -> tuple[float, int]:
        """One request more waits; what it is given goes to `begin`."""
        self.waiting += 1
        self._longest += 1
        return self._clock(), self.waiting

    def begin(self, entered: tuple[float, int]) -> None:
        """Its turn has come."""
        now = self._clock()
        at, place = entered
        self._cost_s += _SHARE * ((now - at) / place - self._cost_s)
        self.waiting -= 1
        if not self.waiting:
            if self._longest * self._cost_s <= self._standing_s:
                self._calm_at = now
            self._longest = 0
            self._worked_off_at = now
