"""What a key's last batches say about its next one."""

from collections import deque
from dataclasses import dataclass, field
from typing import Final

from hypercube.batching.policy import Forecast

_REMEMBERED_BATCHES: Final = 2
_WEIGHT: Final = 0.25
"""Share of the newest batch in the running mean: about the last eight batches count."""


@dataclass(slots=True)
class Observations:
    """Running estimates for one key; `forecast()` is what the policy sees."""

    service_s: float = 0.0
    outstanding: int = 0
    """Items queued or computing right now."""
    _peak: int = 0
    _peaks: deque[int] = field(default_factory=lambda: deque(maxlen=_REMEMBERED_BATCHES))

    def arrived(self) -> None:
        """An item was queued."""
        self.outstanding += 1
        self._peak = max(self._peak, self.outstanding)

    def left(self, items: int = 1) -> None:
        """Items were answered, cancelled or expired."""
        self.outstanding -= items

    def batch_done(self, duration_s: float) -> None:
        """A batch ended; call after its items `left`."""
        self.service_s = (
            duration_s if self.service_s == 0.0 else self.service_s + _WEIGHT * (duration_s - self.service_s)
        )
        self._peaks.append(self._peak)
        self._peak = self.outstanding

    def forecast(self) -> Forecast:
        """The estimates as the policy takes them."""
        return Forecast(self.service_s, max(self._peaks, default=0))
