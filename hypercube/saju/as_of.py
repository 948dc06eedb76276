"""The day that counts as 'now': given by the caller, or today in the birth zone by an injected clock."""

import datetime as dt
import time
from typing import Any, Final, Protocol

import numpy as np

from hypercube.core.calendar import AsOf
from hypercube.core.errors import invalid, shown
from hypercube.core.wrong_input import FIXES
from hypercube.saju.local_time import local_day
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR
from hypercube.saju.zones import DEFAULT_ZONE, load_zone

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_DATE_LENGTH: Final = len("2026-11-22")


class Today(Protocol):
    """Today's civil date in an IANA zone; injected, so that a test can hold the calendar."""

    def __call__(self, zone: str) -> dt.date:
        """The date there now."""
        ...


def system_today(zone: str) -> dt.date:
    """Today by the system's clock, in that zone of the pinned time zone data."""
    now = np.array([int(time.time())], dtype=np.int64)
    return dt.date.fromordinal(int(local_day(now, load_zone(zone))[0]) + _EPOCH)


def resolve_as_of(as_of: Any, zone: str = DEFAULT_ZONE, today: Today = system_today) -> AsOf:
    """The day that counts as 'now': the one given, else today in the birth zone. Answers echo it.

    Args:
        as_of: None, a `date`, or text YYYY-MM-DD.
        zone: IANA zone whose today is meant.
        today: today's date in a zone.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`as_of`, `zone`).
    """
    zone_name = load_zone(zone).name
    if as_of is None:
        day, given = today(zone_name), False
    else:
        day, given = _date_of(as_of), True
    require_date("as_of", day)
    return AsOf(day.isoformat(), zone_name, given)


def require_date(name: str, day: dt.date) -> None:
    """INVALID_ARGUMENT (`name`) for a date outside the years that the term table covers."""
    if not FIRST_YEAR <= day.year <= LAST_YEAR:
        raise invalid(
            f"{name} {day} lies outside the years {FIRST_YEAR} to {LAST_YEAR}.",
            param=name,
            value=str(day),
            fix=f"Give a date in the years {FIRST_YEAR} to {LAST_YEAR}.",
        )


def require_int(name: str, value: Any, first: int, last: int) -> None:
    """INVALID_ARGUMENT (`name`) for anything but a whole number from `first` to `last`."""
    if isinstance(value, bool) or not isinstance(value, int) or not first <= value <= last:
        raise invalid(
            f"{name} is {shown(value)!r}, outside {first} to {last}.",
            param=name,
            value=shown(value),
            fix=f"Give a whole number from {first} to {last}.",
        )


def _date_of(value: Any) -> dt.date:
    if isinstance(value, dt.date) and not isinstance(value, dt.datetime):
        return value
    if isinstance(value, str) and len(value) == _DATE_LENGTH:
        try:
            return dt.date.fromisoformat(value)
        except ValueError:
            pass
    raise invalid(
        f"as_of is {shown(value)!r}, not a date.",
        param="as_of",
        value=shown(value),
        fix=FIXES["as_of"],
    )
