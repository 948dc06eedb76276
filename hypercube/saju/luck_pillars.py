"""Luck pillars (대운) of one person as plain data, with the hour known or not."""

import datetime as dt
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import Luck, LuckAge, LuckPillar, LuckRange, LuckStart
from hypercube.core.chart import Sex
from hypercube.core.errors import invalid
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.luck import LuckColumns, luck_age_of, luck_columns, luck_position, sex_code
from hypercube.saju.signs import PILLARS

Int64 = NDArray[np.int64]

_DAY_S: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()


@dataclass(frozen=True, eq=False, slots=True)
class DaySpans:
    """Days cut at the 절 inside them: S >= N spans, in order; arrays are [S]."""

    row: Int64
    """Which day."""
    first_utc: Int64
    """First second of the span."""
    last_utc: Int64
    """Last second of the span."""


def luck(
    utc_seconds: int, local_seconds: int, sex: Sex | None, *, luck_age: LuckAge | str = LuckAge.ROUNDED
) -> Luck:
    """The luck pillars of one birth.

    Args:
        utc_seconds: POSIX seconds of the birth.
        local_seconds: the same by the clock of the birth place, seconds since 1970-01-01T00:00 on it.
        sex: decides the direction; needed.
        luck_age: how the start age is counted.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`sex`, `luck_age`, `utc_seconds[0]`).
    """
    return luck_of(_columns([utc_seconds], [local_seconds], sex, luck_age), 0)


def luck_over_day(
    day_start_utc: int,
    day_end_utc: int,
    local_day: int,
    sex: Sex | None,
    *,
    luck_age: LuckAge | str = LuckAge.ROUNDED,
) -> tuple[LuckRange, ...]:
    """The luck pillars of a birth without an hour (시 모름): one range, or two when a 절 falls on that day.

    Args:
        day_start_utc: POSIX seconds at which the civil day begins.
        day_end_utc: at which it ends (exclusive).
        local_day: that civil day, days since 1970-01-01.
        sex: decides the direction; needed.
        luck_age: how the start age is counted.
    """
    if day_end_utc <= day_start_utc:
        raise invalid(
            f"day_end_utc {day_end_utc} does not lie after day_start_utc {day_start_utc}.",
            param="day_end_utc",
            value=day_end_utc,
            fix="Give the instants at which the civil day begins and ends.",
        )
    start, end, day = (np.array([each], dtype=np.int64) for each in (day_start_utc, day_end_utc, local_day))
    code = np.array([sex_code(sex)], dtype=np.int8)
    return luck_over_days(start, end, day, code, luck_age=luck_age)[0]


def luck_over_days(
    day_start_utc: Int64,
    day_end_utc: Int64,
    local_day: Int64,
    sex: NDArray[np.int8],
    *,
    luck_age: LuckAge | str = LuckAge.ROUNDED,
) -> list[tuple[LuckRange, ...]]:
    """`luck_over_day` of N births at once; all arrays are [N], `sex` as for `luck_columns`."""
    age = luck_age_of(luck_age)
    spans = cut_days(day_start_utc, day_end_utc)
    # First and last second of each span, one behind the other.
    row = np.repeat(spans.row, 2)
    utc = np.stack([spans.first_utc, spans.last_utc], axis=-1).reshape(-1)
    # A day of 23 or 25 hours still has one date.
    clock = local_day[row] * _DAY_S + np.minimum(utc - day_start_utc[row], _DAY_S - 1)
    columns = luck_columns(utc, clock, sex[row], luck_age=age)
    ranges: list[list[LuckRange]] = [[] for _ in range(len(day_start_utc))]
    for i, (day, first, last) in enumerate(
        zip(spans.row.tolist(), spans.first_utc.tolist(), spans.last_utc.tolist(), strict=True)
    ):
        ends = sorted((2 * i, 2 * i + 1), key=lambda each: int(columns.distance_ms[each]))
        earliest, latest = (luck_of(columns, each) for each in ends)
        ranges[day].append(LuckRange(_iso(first), _iso(last + 1), earliest, latest))
    return [tuple(each) for each in ranges]


def cut_days(day_start_utc: Int64, day_end_utc: Int64) -> DaySpans:
    """Cut each day int64[N] (start inclusive, end exclusive) at the 절 inside it, if there is one."""
    jie_s = load_terms().jie_s
    following = jie_s[np.searchsorted(jie_s, day_start_utc, side="right")]
    inside = np.flatnonzero(following < day_end_utc)
    rows = np.arange(len(day_start_utc))
    row = np.concatenate([rows, inside])
    order = np.argsort(row, kind="stable")
    first = np.concatenate([day_start_utc, following[inside]])[order]
    last = day_end_utc - 1
    last_before = last.copy()
    last_before[inside] = following[inside] - 1
    return DaySpans(row[order], first, np.concatenate([last_before, last[inside]])[order])


def luck_of(columns: LuckColumns, row: int) -> Luck:
    """One row of the columns as plain data."""
    years, months, days_over = columns.ymd[row].tolist()
    return Luck(
        forward=bool(columns.forward[row]),
        start=LuckStart(
            days=float(columns.days[row]),
            exact=float(columns.exact[row]),
            rounded=int(columns.rounded[row]),
            floored=int(columns.floored[row]),
            years=years,
            months=months,
            days_over=days_over,
        ),
        luck_age=columns.luck_age,
        date_method=columns.date_method,
        pillars=tuple(
            LuckPillar(PILLARS[index], age, dt.date.fromordinal(day + _EPOCH).isoformat())
            for index, age, day in zip(
                columns.pillars[row].tolist(),
                columns.ages[row].tolist(),
                columns.start_days[row].tolist(),
                strict=True,
            )
        ),
    )


def current_luck(columns: LuckColumns, row: int, as_of: dt.date) -> LuckPillar | None:
    """The luck pillar in force on a civil date; None before the first begins. The tenth is taken to run on."""
    one = luck_of(columns, row)
    day = np.array([as_of.toordinal() - _EPOCH], dtype=np.int64)
    position = int(luck_position(columns, np.broadcast_to(day, columns.start_days.shape[:1]))[row])
    return one.pillars[position] if position >= 0 else None


def _columns(utc: list[int], local: list[int], sex: Sex | None, luck_age: LuckAge | str) -> LuckColumns:
    age = luck_age_of(luck_age)
    code = sex_code(sex)
    return luck_columns(
        np.array(utc, dtype=np.int64),
        np.array(local, dtype=np.int64),
        np.full(len(utc), code, dtype=np.int8),
        luck_age=age,
    )


def _iso(utc_seconds: int) -> str:
    return f"{np.datetime64(utc_seconds, 's')}Z"
