"""The calendar without a birth: a year's solar terms, and a day by the solar and the lunar calendar."""

import datetime as dt
from typing import Any, Final

import numpy as np

from hypercube.core.calendar import LunarDate, LunarDay, YearTerms
from hypercube.core.chart import Calendar
from hypercube.core.errors import invalid, shown
from hypercube.saju.lunar import leap_month_of, lunar_months, lunar_to_solar, solar_to_lunar
from hypercube.saju.lunar_text import read_lunar
from hypercube.saju.options import choice, flag
from hypercube.saju.periods import day_pillars
from hypercube.saju.signs import PILLARS
from hypercube.saju.solar_terms import solar_terms
from hypercube.saju.zones import DEFAULT_ZONE, load_zone

_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_DATE_LENGTH: Final = len("2026-11-22")


def year_terms(year: int, zone: str = DEFAULT_ZONE) -> YearTerms:
    """The 24 solar terms of a civil year, 소한 to 동지.

    Args:
        year: 1800 to 2200.
        zone: IANA zone whose clock `local` shows.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`year`, `zone`).
    """
    return YearTerms(year, load_zone(zone).name, solar_terms(year, zone))


def lunar_day(date: str, *, calendar: Calendar | str = Calendar.SOLAR, leap_month: bool = False) -> LunarDay:
    """A day by both calendars.

    Args:
        date: YYYY-MM-DD.
        calendar: which calendar `date` belongs to.
        leap_month: True for the leap month (윤달) of a lunar date.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`date`, `calendar`, `leap_month`), saying which days or months exist;
            FAILED_PRECONDITION when the calendar's package is not installed.
    """
    if choice(Calendar, calendar, "calendar") is Calendar.LUNAR:
        lunar, rest = read_lunar(date, flag(leap_month), param="date")
        if rest:
            raise _unreadable(date)
        return _day(lunar_to_solar(lunar, param="date"), lunar)
    if flag(leap_month):
        raise invalid(
            f"leap_month is true for {shown(date)!r}, a solar date.",
            param="leap_month",
            value=True,
            fix="Add calendar 'lunar' if that is a lunar date; solar dates have no leap month.",
        )
    solar = _date(date)
    return _day(solar, solar_to_lunar(solar))


def _day(solar: dt.date, lunar: LunarDate) -> LunarDay:
    months = lunar_months(lunar.year)
    month = next(each for each in months if (each.month, each.leap) == (lunar.month, lunar.leap))
    pillar = day_pillars(np.array([solar.toordinal() - _EPOCH], dtype=np.int64))
    return LunarDay(
        solar=solar.isoformat(),
        lunar=lunar,
        month_days=month.days,
        leap_month=leap_month_of(lunar.year) or None,
        day=PILLARS[int(pillar[0])],
    )


def _date(text: Any) -> dt.date:
    if isinstance(text, str) and len(text) == _DATE_LENGTH:
        try:
            return dt.date.fromisoformat(text)
        except ValueError:
            pass
    raise _unreadable(text)


def _unreadable(text: Any) -> Exception:
    return invalid(
        f"date is {shown(text)!r}, not a date.",
        param="date",
        value=shown(text),
        fix="Write YYYY-MM-DD, such as 1990-05-03.",
    )
