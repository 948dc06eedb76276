"""Time as an argument: everything that waits or measures takes a `Clock`, so tests can hold the hands."""

import time
from typing import Protocol


class Clock(Protocol):
    """A monotonic clock in seconds; only differences mean anything."""

    def __call__(self) -> float:
        """Seconds now."""
        ...


monotonic: Clock = time.monotonic
