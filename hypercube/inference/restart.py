"""How often a broken engine may be started again before a human has to look."""

from collections import deque
from dataclasses import dataclass, field

from hypercube.core.clock import Clock, monotonic


@dataclass(slots=True)
class RestartBudget:
    """At most `limit` restarts within any `window_s` seconds, and at most `limit` in a row that led nowhere.

    The second rule holds for an engine that takes longer than the window to fail: it would be started for ever.
    """

    limit: int = 3
    window_s: float = 60.0
    clock: Clock = monotonic
    _spent: deque[float] = field(default_factory=deque)
    _in_vain: int = 0

    def spend(self) -> bool:
        """Take one restart; False when there is none left."""
        now = self.clock()
        while self._spent and now - self._spent[0] >= self.window_s:
            self._spent.popleft()
        if max(len(self._spent), self._in_vain) >= self.limit:
            return False
        self._spent.append(now)
        self._in_vain += 1
        return True

    def succeeded(self) -> None:
        """The engine is ready: the restarts before were not in vain."""
        self._in_vain = 0

    @property
    def spent(self) -> int:
        """Restarts taken that still count."""
        return max(len(self._spent), self._in_vain)
