"""Seconds as ISO 8601, from parts that are ready."""

import functools
from datetime import date
from typing import Final

_EPOCH: Final = date(1970, 1, 1).toordinal()
_MINUTES: Final = tuple(f"T{minute // 60:02}:{minute % 60:02}:" for minute in range(1_440))
_SECONDS: Final = tuple(f"{second:02}" for second in range(60))


def clock_text(seconds: int) -> str:
    """Seconds since 1970-01-01T00:00 of a clock as that clock shows them, `YYYY-MM-DDTHH:MM:SS`."""
    day, second = divmod(seconds, 86_400)
    return _date(day) + _MINUTES[second // 60] + _SECONDS[second % 60]


@functools.lru_cache(maxsize=65_536)
def _date(day: int) -> str:
    return date.fromordinal(day + _EPOCH).isoformat()
