"""A circuit breaker: after enough failures nobody is sent to a server any more, until a single probe succeeds.

    CLOSED ──failures──▶ OPEN ──after a pause──▶ HALF_OPEN ──success──▶ CLOSED
                           ▲                         │
                           └──failure, longer pause──┘

Pure: the clock is injected, nothing waits here.
"""

import itertools
from collections import deque
from dataclasses import dataclass
from enum import Enum, StrEnum
from typing import Final

from hypercube.core.clock import Clock

FAILURES: Final = 3
"""In a row, within the window, that open it."""
WINDOW_S: Final = 10.0
WINDOW_MIN: Final = 10
"""Outcomes in the window before its share of failures counts."""
SHARE: Final = 0.5
FIRST_PAUSE_S: Final = 1.0
LONGEST_PAUSE_S: Final = 30.0
_KEPT: Final = 1000


class BreakerState(StrEnum):
    """Who may pass: all, nobody, one."""

    CLOSED = "closed"
    OPEN = "open"
    HALF_OPEN = "half_open"


class Outcome(Enum):
    """What a call says about the server."""

    SUCCESS = "success"
    """It answered; also when it refused the request (4xx)."""
    FAILURE = "failure"
    """No connection, no answer in time, a broken answer, 5xx."""
    NEITHER = "neither"
    """The caller went away before anything could be said."""


@dataclass(frozen=True, slots=True)
class Pass:
    """Leave to call; `period` counts the breaker's changes, so that late outcomes are known as such."""

    period: int


class Breaker:
    """Opens when of the calls of the last 10 s the last `failures` failed, or at least half of ten or more."""

    def __init__(
        self,
        clock: Clock,
        *,
        failures: int = FAILURES,
        first_pause_s: float = FIRST_PAUSE_S,
        longest_pause_s: float = LONGEST_PAUSE_S,
    ) -> None:
        """Closed; each pause after a failed probe is twice the one before, up to `longest_pause_s`."""
        self.state = BreakerState.CLOSED
        self._clock = clock
        self._failures = failures
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._pause_s = first_pause_s
        self._opened_at = 0.0
        self._period = 0
        self._probing = False
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=_KEPT)

    def enter(self) -> Pass | None:
        """Leave to call now, to be given back with `leave`; None while it is open, or its one probe is out."""
        if self.state is BreakerState.OPEN and self.retry_after_s() <= 0:
            self._change(BreakerState.HALF_OPEN)
        if self.state is BreakerState.OPEN or self._probing:
            return None
        self._probing = self.state is BreakerState.HALF_OPEN
        return Pass(self._period)

    def leave(self, given: Pass, outcome: Outcome) -> None:
        """A call is over. What began before the last change of state says nothing about the present."""
        if given.period != self._period:
            return
        if self.state is BreakerState.HALF_OPEN:
            self._probing = False
            if outcome is Outcome.SUCCESS:
                self._pause_s = self._first_pause_s
                self._change(BreakerState.CLOSED)
            elif outcome is Outcome.FAILURE:
                self._pause_s = min(2 * self._pause_s, self._longest_pause_s)
                self._open()
        elif outcome is not Outcome.NEITHER:
            self._count(outcome is Outcome.FAILURE)

    def retry_after_s(self) -> float:
        """Seconds until the next probe may go; 0 when it may, or when it is closed."""
        if self.state is not BreakerState.OPEN:
            return 0.0
        return max(0.0, self._opened_at + self._pause_s - self._clock())

    def _count(self, failed: bool) -> None:
        now = self._clock()
        self._outcomes.append((now, failed))
        while now - self._outcomes[0][0] > WINDOW_S:
            self._outcomes.popleft()
        if not failed:
            return
        in_a_row = sum(1 for _ in itertools.takewhile(lambda outcome: outcome[1], reversed(self._outcomes)))
        total = len(self._outcomes)
        share = sum(bad for _, bad in self._outcomes) / total
        if in_a_row >= self._failures or (total >= WINDOW_MIN and share >= SHARE):
            self._open()

    def _open(self) -> None:
        self._opened_at = self._clock()
        self._change(BreakerState.OPEN)

    def _change(self, state: BreakerState) -> None:
        self.state = state
        self._period += 1
        self._probing = False
        self._outcomes.clear()
