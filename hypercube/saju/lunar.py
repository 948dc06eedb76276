"""Korean lunisolar dates (음력) to solar dates and back, for arrays; a single date is an array of one.

Days are int64 days since 1970-01-01 of the Gregorian calendar, carried back before 1582 (what NumPy's
`datetime64[D]` counts too). KASI prints Julian dates for days before 1582-10-15; add eight to ten days there.

The months come from the package korean-lunar-calendar (KARI/KASI standard), lunar 1000-01-01 to 2050-11-18 =
1000-02-13 … 2050-12-31; KASI itself publishes 1391 to 2050. One 32-bit word a year:

    bits 0-11    length of month 12 … 1     1 = 30 days, 0 = 29
    bits 12-15   number of the leap month   0 = none
    bit 16       length of the leap month
    bits 17-25   days of the year           checked against the months
"""

import functools
import importlib
from dataclasses import dataclass
from datetime import date
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import LunarDate, LunarMonth
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid

Int64 = NDArray[np.int64]
Bool = NDArray[np.bool_]
Status = NDArray[np.uint8]

OK: Final = 0
BAD_YEAR: Final = 1
BAD_MONTH: Final = 2
NO_SUCH_LEAP_MONTH: Final = 3
BAD_DAY: Final = 4
AFTER_TABLE: Final = 5
"""A day after the last that the package states."""

_EPOCH: Final = date(1970, 1, 1).toordinal()
_KNOWN_LUNAR: Final = (2000, 1, 1)
_KNOWN_SOLAR_DAY: Final = date(2000, 2, 5).toordinal() - _EPOCH
"""설날 of 2000, which ties the month lengths to the days."""


@dataclass(frozen=True, eq=False, slots=True)
class LunarTable:
    """Every month of the table in order, row 0 = month 1 of `first_year`; read-only arrays."""

    first_year: int
    last_year: int
    starts: Int64
    """[M + 1] first day of each month, and the day after the last month."""
    year: NDArray[np.int16]
    """[M]"""
    month: NDArray[np.int8]
    """[M] 1 to 12."""
    leap: Bool
    """[M]"""
    year_row: NDArray[np.int32]
    """[Y] row of each year's first month."""
    leap_month: NDArray[np.int8]
    """[Y] number of the leap month, 0 = none."""
    row_of_day: NDArray[np.int16]
    """[D] month row of each day from `starts[0]` to `last_day`."""
    last_day: int
    """The last day that the package states; the months of the last year run on behind it."""
    source: str


@dataclass(frozen=True, eq=False, slots=True)
class LunarDates:
    """Lunar dates in columns, all [N]."""

    year: NDArray[np.int16]
    month: NDArray[np.int8]
    day: NDArray[np.int8]
    leap: Bool


def to_lunar(days: Int64) -> LunarDates:
    """Lunar dates of days int64[N] since 1970-01-01.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the first row outside the table; FAILED_PRECONDITION when
            the package is not installed.
    """
    table = load_lunar_table()
    offset = np.asarray(days, dtype=np.int64) - table.starts[0]
    outside = (offset < 0) | (offset >= len(table.row_of_day))
    if outside.any():
        row = int(np.argmax(outside))
        raise _outside(f"days[{row}]", int(days[row]))
    row_of = table.row_of_day[offset]
    day = (days - table.starts[row_of] + 1).astype(np.int8)
    return LunarDates(table.year[row_of], table.month[row_of], day, table.leap[row_of])


def resolve_lunar(year: Int64, month: Int64, day: Int64, leap: Bool) -> tuple[Int64, Status]:
    """Days since 1970-01-01 of lunar dates, and whether each exists. All arrays [N].

    Returns:
        int64[N] days, 0 where the date does not exist, and uint8[N]: `OK` or the reason. `refusal` puts it in words.
    """
    table = load_lunar_table()
    bad_year = (year < table.first_year) | (year > table.last_year)
    position = np.where(bad_year, 0, year - table.first_year)
    bad_month = (month < 1) | (month > 12)
    number = np.where(bad_month, 1, month)
    leap_month = table.leap_month[position]
    no_leap = leap & (leap_month != number)
    # Months after the leap month, and the leap month itself, stand one row further down.
    later = leap | ((leap_month > 0) & (number > leap_month))
    row = table.year_row[position] + number - 1 + later * ~no_leap
    start = table.starts[row]
    bad_day = (day < 1) | (day > table.starts[row + 1] - start)
    days = start + np.where(bad_day, 1, day) - 1
    status = np.full(np.shape(days), OK, dtype=np.uint8)
    for mask, reason in (
        (days > table.last_day, AFTER_TABLE),
        (bad_day, BAD_DAY),
        (no_leap, NO_SUCH_LEAP_MONTH),
        (bad_month, BAD_MONTH),
        (bad_year, BAD_YEAR),
    ):
        status[mask] = reason
    return np.where(status == OK, days, 0), status


def to_solar(year: Int64, month: Int64, day: Int64, leap: Bool) -> Int64:
    """Days since 1970-01-01, int64[N], of lunar dates in columns.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for the first row whose date does not exist.
    """
    days, status = resolve_lunar(year, month, day, leap)
    if status.any():
        row = int(np.argmax(status != OK))
        wrong = LunarDate(int(year[row]), int(month[row]), int(day[row]), bool(leap[row]))
        raise refusal(wrong, int(status[row]), param=f"lunar[{row}]")
    return days


def lunar_to_solar(lunar: LunarDate, *, param: str = "birth") -> date:
    """The Gregorian date of one lunar date; `param` is what an error calls it."""
    # Beyond int64 nothing can be a date; -1 is refused in the same words.
    fields = [each if abs(each) < 2**31 else -1 for each in (lunar.year, lunar.month, lunar.day)]
    year, month, day = (np.array([each], dtype=np.int64) for each in fields)
    days, status = resolve_lunar(year, month, day, np.array([bool(lunar.leap)]))
    if status[0] != OK:
        raise refusal(lunar, int(status[0]), param=param)
    return date.fromordinal(int(days[0]) + _EPOCH)


def solar_to_lunar(solar: date, *, param: str = "date") -> LunarDate:
    """The Korean lunar date of a Gregorian date."""
    table = load_lunar_table()
    day = solar.toordinal() - _EPOCH
    if not table.starts[0] <= day <= table.last_day:
        raise _outside(param, day)
    row = table.row_of_day[day - table.starts[0]]
    return LunarDate(
        int(table.year[row]), int(table.month[row]), int(day - table.starts[row]) + 1, bool(table.leap[row])
    )


def lunar_months(year: int) -> tuple[LunarMonth, ...]:
    """The twelve or thirteen months of a lunar year, as far as the table states them."""
    table = load_lunar_table()
    if not table.first_year <= year <= table.last_year:
        raise refusal(LunarDate(year, 1, 1), BAD_YEAR, param="year")
    rows = np.flatnonzero((table.year == year) & (table.starts[:-1] <= table.last_day)).tolist()
    return tuple(
        LunarMonth(
            year,
            int(table.month[row]),
            bool(table.leap[row]),
            int(table.starts[row + 1] - table.starts[row]),
            date.fromordinal(int(table.starts[row]) + _EPOCH).isoformat(),
        )
        for row in rows
    )


def leap_month_of(year: int) -> int:
    """Number of a lunar year's leap month, 0 when it has none."""
    table = load_lunar_table()
    if not table.first_year <= year <= table.last_year:
        raise refusal(LunarDate(year, 1, 1), BAD_YEAR, param="year")
    return int(table.leap_month[year - table.first_year])


def refusal(lunar: LunarDate, status: int, *, param: str) -> HyperCubeError:
    """Why a lunar date does not exist, and which days or months do."""
    table = load_lunar_table()
    first, last = table.first_year, table.last_year
    if status == BAD_YEAR:
        return invalid(
            f"lunar year {lunar.year} lies outside the Korean lunar calendar table, {first} to {last}.",
            param=param,
            value=str(lunar),
            fix=f"Give a lunar year from {first} to {last}, or the solar date.",
        )
    if status == BAD_MONTH:
        return invalid(
            f"lunar month {lunar.month} of {lunar.year} does not exist.",
            param=param,
            value=str(lunar),
            fix="Months run from 1 to 12; a leap month has the number of the month it follows, and the leap flag.",
        )
    if status == NO_SUCH_LEAP_MONTH:
        return _no_such_leap_month(lunar, leap_month_of(lunar.year), param)
    last_solar = date.fromordinal(table.last_day + _EPOCH)
    if status == AFTER_TABLE:
        end = solar_to_lunar(last_solar)
        return invalid(
            f"lunar {lunar} lies after the last day of the Korean lunar calendar table, {end} ({last_solar}).",
            param=param,
            value=str(lunar),
            fix="Give the solar date.",
        )
    name = f"{lunar.year} {_month_name(lunar.month, lunar.leap)}"
    length = next(m.days for m in lunar_months(lunar.year) if (m.month, m.leap) == (lunar.month, lunar.leap))
    twin = leap_month_of(lunar.year) == lunar.month
    hint = f" The {'ordinary' if lunar.leap else 'leap'} {lunar.month}월 is another month." if twin else ""
    return invalid(
        f"lunar {name} has {length} days; there is no day {lunar.day}.",
        param=param,
        value=str(lunar),
        fix=f"Days of that month run from 1 to {length}.{hint}",
    )


def _no_such_leap_month(lunar: LunarDate, leap: int, param: str) -> HyperCubeError:
    asked = _month_name(lunar.month, leap=True)
    if leap:
        has = f"lunar {lunar.year} has a leap {_ordinal(leap)} month ({_month_name(leap, leap=True)})"
        fix = f"Give month {leap} with the leap flag, or month {lunar.month} without it."
    else:
        has, fix = f"lunar {lunar.year} has no leap month", f"Give month {lunar.month} without the leap flag."
    return invalid(f"{has}; {asked} does not exist.", param=param, value=str(lunar), fix=fix, leap_month=leap)


def _month_name(month: int, leap: bool) -> str:
    return f"{'윤' if leap else ''}{month}월"


def _ordinal(number: int) -> str:
    return f"{number}{ {1: 'st', 2: 'nd', 3: 'rd'}.get(number, 'th') }"


def _outside(param: str, day: int) -> HyperCubeError:
    table = load_lunar_table()
    first, last = (np.datetime64(int(each), "D") for each in (table.starts[0], table.last_day))
    return invalid(
        f"{param} is {np.datetime64(day, 'D')}, outside the Korean lunar calendar table, {first} to {last}.",
        param=param,
        value=str(np.datetime64(day, "D")),
        fix=f"Give a day from {first} to {last}.",
        first=str(first),
        last=str(last),
    )


@functools.cache
def load_lunar_table() -> LunarTable:
    """The months, unpacked once a process (some milliseconds).

    Raises:
        HyperCubeError: FAILED_PRECONDITION when korean-lunar-calendar is missing or its table has another form.
    """
    try:
        package: Any = importlib.import_module("korean_lunar_calendar")
    except ImportError as error:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "Lunar dates need the package 'korean-lunar-calendar', which is not installed.",
            fix='Run: pip install "heal7-hypercube[saju]"',
            details={"extra": "saju", "missing": "korean-lunar-calendar"},
        ) from error
    calendar = package.KoreanLunarCalendar
    words = np.array(calendar.KOREAN_LUNAR_DATA, dtype=np.int64)
    first_year = int(calendar.KOREAN_LUNAR_BASE_YEAR)
    table = _unpack(words, first_year, int(calendar.KOREAN_LUNAR_MAX_VALUE))
    days_of_year = np.diff(table.starts[np.append(table.year_row, len(table.year))])
    if (days_of_year != (words >> 17 & 0x1FF)).any():
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "The table of the installed korean-lunar-calendar has a form that is not known here.",
            fix="Install korean-lunar-calendar 0.4.0.",
        )
    return table


def _unpack(words: Int64, first_year: int, last_value: int) -> LunarTable:
    years = len(words)
    leap_month = (words >> 12 & 0xF).astype(np.int8)
    # Column 2 m holds month m + 1 and column 2 m + 1 the leap month of the same number, if it exists.
    length = np.zeros((years, 24), dtype=np.int64)
    length[:, 0::2] = 29 + (words[:, None] >> np.arange(11, -1, -1) & 1)
    has_leap = np.flatnonzero(leap_month)
    length[has_leap, 2 * leap_month[has_leap] - 1] = 29 + (words[has_leap] >> 16 & 1)
    position, column = np.nonzero(length)
    starts = np.concatenate([[0], np.cumsum(length[position, column])])
    year_row = np.searchsorted(position, np.arange(years)).astype(np.int32)
    known_year, _, _ = _KNOWN_LUNAR
    starts += _KNOWN_SOLAR_DAY - starts[year_row[known_year - first_year]]
    last_year, last_month, last_day_of_month = last_value // 10_000, last_value // 100 % 100, last_value % 100
    # The last stated day lies in an ordinary month.
    in_last = np.flatnonzero((position + first_year == last_year) & (column == 2 * (last_month - 1)))
    last_day = int(starts[in_last[0]]) + last_day_of_month - 1
    row_of_day = np.repeat(np.arange(len(position), dtype=np.int16), np.diff(starts))
    table = LunarTable(
        first_year=first_year,
        last_year=last_year,
        starts=starts,
        year=(position + first_year).astype(np.int16),
        month=(column // 2 + 1).astype(np.int8),
        leap=column % 2 == 1,
        year_row=year_row,
        leap_month=leap_month,
        row_of_day=row_of_day[: last_day - int(starts[0]) + 1],
        last_day=last_day,
        source="korean-lunar-calendar (KARI)",
    )
    for array in (table.starts, table.year, table.month, table.leap, year_row, leap_month, table.row_of_day):
        array.flags.writeable = False
    return table
