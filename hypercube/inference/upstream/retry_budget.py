"""How often, and when, a request that failed may be sent again. Pure: clock and dice are injected.

Retries are a share of the requests, not a number a request: when a server fails everybody, three tries each would
be three times the load on what is already down.
"""

import random
from collections import deque
from typing import Final

from hypercube.core.clock import Clock

SHARE: Final = 0.2
RESERVE: Final = 2
"""Retries in a window that need no share, so that a server with few requests has some."""
WINDOW_S: Final = 10
TRIES: Final = 3
"""Of one request, the first one included."""
_FIRST_PAUSE_S: Final = 0.1
_LONGEST_PAUSE_S: Final = 2.0


class RetryBudget:
    """Retries of the last `WINDOW_S` seconds never exceed `RESERVE` + `SHARE` of the requests in them."""

    def __init__(self, clock: Clock, *, share: float = SHARE, reserve: int = RESERVE) -> None:
        """Start with an empty history."""
        self._clock = clock
        self._share = share
        self._reserve = reserve
        self._seconds: deque[list[int]] = deque()
        """[second, requests, retries], oldest first."""

    def requested(self) -> None:
        """A request arrived; not to be called for its retries."""
        self._now()[1] += 1

    def spend(self) -> bool:
        """Take a retry; False when there is none left."""
        now = self._now()
        requests = sum(second[1] for second in self._seconds)
        retries = sum(second[2] for second in self._seconds)
        if retries + 1 > self._reserve + self._share * requests:
            return False
        now[2] += 1
        return True

    def _now(self) -> list[int]:
        second = int(self._clock())
        while self._seconds and second - self._seconds[0][0] >= WINDOW_S:
            self._seconds.popleft()
        if not self._seconds or self._seconds[-1][0] != second:
            self._seconds.append([second, 0, 0])
        return self._seconds[-1]


def pause_s(attempt: int, retry_after_s: float | None, dice: random.Random) -> float:
    """Seconds before the next try after `attempt` (from 1) failed: exponential, jittered by half, capped at 2 s.

    A server that said when to come back (`Retry-After`) is never asked earlier.
    """
    pause = min(_LONGEST_PAUSE_S, _FIRST_PAUSE_S * 2.0 ** (attempt - 1)) * dice.uniform(0.5, 1.0)
    return pause if retry_after_s is None else max(pause, retry_after_s)
