"""Pillars of years (세운), months (월운) and days (일진) for any range, and what is in force on a day.

Years change at 입춘 and months at the 절, by instants of the term table; days change at 00:00 of the civil date.
Month numbers are those of `hypercube.kernels.pillars.terms`: 12 * (saju year - 4) + month, month 0 = 寅.
"""

import datetime as dt
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import AsOf, DayPeriod, MonthPeriod, PeriodsNow, YearPeriod
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.kernels.pillars.reference import DAY_PILLAR_OF_1970
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.as_of import require_date, require_int
from hypercube.saju.signs import PILLARS
from hypercube.saju.solar_terms import terms_between
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR
from hypercube.saju.zones import FOLD_NOT_GIVEN, load_zone, resolve

Int64 = NDArray[np.int64]

MAX_PERIODS: Final = 100_000
"""Plain periods in one answer; the columns have no such limit."""
NO_INSTANT: Final = -(2**63)
"""NumPy's NaT: the beginning or end lies outside the term table."""
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False, slots=True)
class PeriodColumns:
    """Consecutive years or months in columns, all [P]."""

    number: Int64
    """Saju year, or month number."""
    pillar: NDArray[np.uint8]
    from_ms: Int64
    """POSIX milliseconds at which each begins ..."""
    until_ms: Int64
    """... and ends, where the next begins. `NO_INSTANT` where the term table does not reach."""


def year_columns(first_year: int, last_year: int) -> PeriodColumns:
    """Saju years `first_year` to `last_year` (both included), each from its 입춘 to the next.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`first_year`, `last_year`) outside 1799 to 2200 or in the wrong order.
    """
    for name, year in (("first_year", first_year), ("last_year", last_year)):
        require_int(name, year, FIRST_YEAR - 1, LAST_YEAR)
    _require_order("first_year", first_year, "last_year", last_year)
    numbers = np.arange(first_year, last_year + 1, dtype=np.int64)
    return _columns(numbers, (numbers - 4) % 60, 12 * (numbers - 4), 12)


def month_columns(first_number: int, last_number: int) -> PeriodColumns:
    """Months by month number (both included), each from its 절 to the next.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`first_number`, `last_number`) outside the table or in the wrong order.
    """
    table = load_terms()
    for name, number in (("first_number", first_number), ("last_number", last_number)):
        require_int(name, number, table.jie_number0, table.jie_number0 + len(table.jie_s) - 1)
    _require_order("first_number", first_number, "last_number", last_number)
    numbers = np.arange(first_number, last_number + 1, dtype=np.int64)
    return _columns(numbers, (numbers + 2) % 60, numbers, 1)


def day_pillars(days: Int64) -> NDArray[np.uint8]:
    """Sexagenary index uint8[N] of civil days int64[N] since 1970-01-01 (Gregorian, carried back before 1582)."""
    return ((days + DAY_PILLAR_OF_1970) % 60).astype(np.uint8)


def year_periods(first_year: int, last_year: int) -> tuple[YearPeriod, ...]:
    """세운 of saju years, both included; errors as for `year_columns`."""
    return _year_periods(year_columns(first_year, last_year))


def month_periods(year: int) -> tuple[MonthPeriod, ...]:
    """월운: the twelve months of one saju year, 寅 to 丑.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`year`) outside 1800 to 2200.
    """
    require_int("year", year, FIRST_YEAR, LAST_YEAR)
    first = 12 * (year - 4)
    return _month_periods(month_columns(first, first + 11))


def month_periods_between(utc_start: int, utc_end: int) -> tuple[MonthPeriod, ...]:
    """월운: the months of which any part lies from `utc_start` on and before `utc_end`; POSIX seconds.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`utc_start`, `utc_end`).
    """
    table = load_terms()
    for name, value in (("utc_start", utc_start), ("utc_end", utc_end)):
        require_int(name, value, table.first_utc_s, table.last_utc_s)
    if utc_end <= utc_start:
        raise invalid(
            f"utc_end {utc_end} does not lie after utc_start {utc_start}.",
            param="utc_end",
            value=utc_end,
            fix="Give the earlier instant first.",
        )
    first, last = table.month_number(np.array([utc_start, utc_end - 1], dtype=np.int64)).tolist()
    return _month_periods(month_columns(first, last))


def day_periods(first: dt.date, last: dt.date) -> tuple[DayPeriod, ...]:
    """일진 of civil days, both included.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`first`, `last`): outside 1800 to 2200, in the wrong order, or more than
            `MAX_PERIODS` days.
    """
    for name, day in (("first", first), ("last", last)):
        require_date(name, day)
    if last < first:
        raise _wrong_order("last", last, "first", first)
    if (last - first).days >= MAX_PERIODS:
        raise invalid(
            f"{first} to {last} are {(last - first).days + 1:,} days, more than {MAX_PERIODS:,}.",
            param="last",
            value=str(last),
            fix=f"Ask for at most {MAX_PERIODS:,} days, or use day_pillars for arrays.",
        )
    numbers = np.arange(first.toordinal(), last.toordinal() + 1, dtype=np.int64) - _EPOCH
    dates = np.datetime_as_string(numbers.astype("datetime64[D]")).tolist()
    return tuple(
        DayPeriod(date, PILLARS[index])
        for date, index in zip(dates, day_pillars(numbers).tolist(), strict=True)
    )


def periods_now(as_of: AsOf) -> PeriodsNow:
    """Year, month and day pillar on that day, at its local noon, and the 절 that falls on it, if one does."""
    zone = load_zone(as_of.zone)
    day = dt.date.fromisoformat(as_of.date)
    number = day.toordinal() - _EPOCH
    edges = np.array([0, _NOON_S, _DAY_S], dtype=np.int64) + number * _DAY_S
    # A midnight that the clock showed twice or never is read by the offset before the change.
    unsettled = np.full(3, FOLD_NOT_GIVEN, dtype=np.int8)
    start, noon, end = resolve(edges, zone, unsettled).utc_seconds.tolist()
    month = int(load_terms().month_number(np.array([noon], dtype=np.int64))[0])
    (month_period,) = _month_periods(month_columns(month, month))
    (year_period,) = _year_periods(year_columns(month // 12 + 4, month // 12 + 4))
    jie = [term for term in terms_between(start, end, as_of.zone) if term.k % 2 == 0]
    return PeriodsNow(
        as_of=as_of,
        year=year_period,
        month=month_period,
        day=DayPeriod(as_of.date, PILLARS[int(day_pillars(np.array([number]))[0])]),
        term=jie[0] if jie else None,
    )


def _columns(number: Int64, pillar: Int64, month_number: Int64, months: int) -> PeriodColumns:
    """Periods that begin with `month_number` and last `months` months."""
    table = load_terms()
    row = month_number - table.jie_number0
    return PeriodColumns(number, pillar.astype(np.uint8), _instant(row), _instant(row + months))


def _instant(row: Int64) -> Int64:
    jie_ms = load_terms().jie_ms
    inside = (row >= 0) & (row < len(jie_ms))
    return np.where(inside, jie_ms[np.where(inside, row, 0)], NO_INSTANT)


def _year_periods(columns: PeriodColumns) -> tuple[YearPeriod, ...]:
    return tuple(
        YearPeriod(year, PILLARS[index], start, end)
        for year, index, start, end in zip(
            columns.number.tolist(),
            columns.pillar.tolist(),
            _iso(columns.from_ms),
            _iso(columns.until_ms),
            strict=True,
        )
    )


def _month_periods(columns: PeriodColumns) -> tuple[MonthPeriod, ...]:
    table = load_terms()
    return tuple(
        MonthPeriod(
            year=number // 12 + 4,
            month=number % 12 + 1,
            pillar=PILLARS[index],
            term=table.term_name(number - table.jie_number0),
            from_utc=start,
            until_utc=end,
        )
        for number, index, start, end in zip(
            columns.number.tolist(),
            columns.pillar.tolist(),
            _iso(columns.from_ms),
            _iso(columns.until_ms),
            strict=True,
        )
    )


def _iso(milliseconds: Int64) -> list[str | None]:
    texts = np.datetime_as_string(milliseconds.astype("datetime64[ms]")).tolist()
    return [None if text == "NaT" else f"{text}Z" for text in texts]


def _require_order(first_name: str, first: Any, last_name: str, last: Any) -> None:
    if last < first:
        raise _wrong_order(last_name, last, first_name, first)


def _wrong_order(last_name: str, last: Any, first_name: str, first: Any) -> HyperCubeError:
    return invalid(
        f"{last_name} {last} lies before {first_name} {first}.",
        param=last_name,
        value=str(last),
        fix="Give the earlier one first.",
    )
