"""Solar terms and lunar dates: table look-ups of microseconds, so they need no cube and no batch."""

from hypercube.core.calendar import LunarDay, YearTerms
from hypercube.core.chart import Calendar
from hypercube.saju.almanac import lunar_day, year_terms
from hypercube.saju.zones import DEFAULT_ZONE


async def terms(year: int, zone: str | None) -> YearTerms:
    """The 24 solar terms of a year; `zone` None is Seoul's.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`year`, `zone`).
    """
    return year_terms(year, DEFAULT_ZONE if zone is None else zone)


async def lunar(date: str, calendar: Calendar | str | None, leap_month: bool) -> LunarDay:
    """A day by both calendars.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`date`, `calendar`, `leap_month`).
    """
    return lunar_day(date, calendar=Calendar.SOLAR if calendar is None else calendar, leap_month=leap_month)
