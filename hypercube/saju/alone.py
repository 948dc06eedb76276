"""The chart of one birth by plain integers: the same chart as `prepare`, a kernel and `assemble` make, sooner.

Calling NumPy some sixty times costs a birth that comes alone 300 us; the same sums on Python's integers take a
tenth of that; with facts, luck and periods it is a millisecond against a fifth of one. What is not everyday (an hour
unknown, a lunar date, a 절 within a minute, a clock that was changed, the equation of time, luck by days) is left to
the arrays, and so is every refusal: they are where the rules are written. tests/parity/test_saju_alone.py holds the
two against each other.
"""

import datetime as dt
import functools
from bisect import bisect_right
from typing import Final, NamedTuple

import numpy as np

from hypercube.core.calendar import AsOf
from hypercube.core.chart import BirthInput, Calendar, Chart, ChartOptions, DayBoundary, Include, TimeBasis
from hypercube.core.errors import HyperCubeError
from hypercube.kernels.pillars.packed import MAX_OFFSET_S
from hypercube.kernels.pillars.reference import (
    DAY_PILLAR_OF_1970,
    DAY_S,
    DOUBLE_HOUR_S,
    HOUR_PILLAR_OF_1970,
    ZI_LEAD_S,
)
from hypercube.kernels.pillars.terms import load_terms
from hypercube.kernels.solar_offset import solar_offset
from hypercube.saju.as_of import Today, system_today
from hypercube.saju.assembly import Rows, chart_of
from hypercube.saju.births import read_birth
from hypercube.saju.extras import Extras, lunar_date, periods_of, schools_of, with_periods
from hypercube.saju.facts.alone import facts_alone
from hypercube.saju.luck_alone import BIRTHDAYS, luck_alone
from hypercube.saju.options import on_day
from hypercube.saju.preparation import DATE_LINE_S, TERM_MARGIN_S
from hypercube.saju.zones import OK, load_zone

_EPOCH: Final = dt.datetime(1970, 1, 1)
_BASES: Final = (TimeBasis.CIVIL, TimeBasis.MEAN_SOLAR)


def chart_alone(birth: BirthInput, *, today: Today = system_today) -> Chart | None:
    """The chart of one everyday birth; None for one that the arrays must read.

    Args:
        birth: as for `prepare`.
        today: today's date in a zone, for periods without an `as_of`.
    """
    try:
        time, options = read_birth(birth)
    except HyperCubeError:
        return None
    if not time.exact or options.calendar is not Calendar.SOLAR or options.time_basis not in _BASES:
        return None
    local = time.seconds
    zone = _zone(options.zone)
    spell = bisect_right(zone.wall_late, local)
    if spell != bisect_right(zone.wall_early, local):
        return None
    offset, dst = zone.offsets[spell], zone.dst[spell]
    utc = local - offset
    terms = _terms()
    jie = bisect_right(terms.jie_s, utc) - 1
    if jie < 0 or jie + 1 >= len(terms.jie_s):
        return None
    month = terms.jie_number0 + jie
    moment = _Moment(local, month, 1_000 * utc - terms.jie_ms[jie], terms.jie_ms[jie + 1] - 1_000 * utc)
    since, until = utc - terms.jie_s[jie], terms.jie_s[jie + 1] - utc
    if until < since:
        jie, since = jie + 1, -until
    longitude_s, total = 0, offset
    if options.time_basis is TimeBasis.MEAN_SOLAR:
        assert options.longitude is not None
        longitude_s = _mean_solar(options.longitude) - (offset - dst)
        if longitude_s > DATE_LINE_S:
            longitude_s -= DAY_S
        elif longitude_s < -DATE_LINE_S:
            longitude_s += DAY_S
        total = offset - dst + longitude_s
    if abs(since) <= TERM_MARGIN_S or abs(total) > MAX_OFFSET_S:
        return None
    boundary, solar = options.day_boundary, utc + total
    given = options.as_of is not None
    if Include.PERIODS in options.include and not given:
        options = on_day(options, today(options.zone).isoformat())
    year_month = [month // 12 % 60, (month + 2) % 60]
    pillar_rows = [year_month + _day_and_hour(solar, boundary)]
    if total != offset:
        pillar_rows.append(year_month + _day_and_hour(local, boundary))
    hour = (solar + ZI_LEAD_S) % DOUBLE_HOUR_S
    day = (solar + (ZI_LEAD_S if boundary is DayBoundary.ZI23 else 0)) % DAY_S
    beside = _beside(moment, pillar_rows[0], options, given=given)
    if beside is None:
        return None
    rows = Rows(
        pillar_rows=pillar_rows,
        extras=beside,
        options=[options],
        exact=[True],
        utc=[utc],
        utc_text=[_text(utc)],
        local_text=[_text(local)],
        solar=[solar],
        solar_text=[_text(solar)],
        utc_offset=[offset],
        dst=[dst],
        status=[OK],
        longitude_s=[longitude_s],
        equation_s=[0],
        total=[total],
        jie=[jie],
        since_jie=[since],
        ambiguous=[False],
        row=[0],
        clock_row=[-1 if total == offset else 1],
        candidate_row=[-1],
        hour_edge=[min(hour, DOUBLE_HOUR_S - hour)],
        day_edge=[min(day, DAY_S - day)],
    )
    return chart_of(rows, 0)


class _Moment(NamedTuple):
    """A birth by its clock, and between two 절."""

    local: int
    """Seconds since 1970-01-01T00:00 on the clock."""
    month: int
    """Month number."""
    past_ms: int
    """Milliseconds since the last 절."""
    left_ms: int
    """To the next."""


def _beside(moment: _Moment, pillars: list[int], options: ChartOptions, *, given: bool) -> Extras | None:
    """What was included; None where the arrays must count the luck pillars."""
    found = Extras(lunar=[lunar_date(moment.local // DAY_S)])
    include = options.include
    if not include:
        return found
    if Include.LUCK in include:
        born = (_EPOCH + dt.timedelta(seconds=moment.local)).date()
        leap_day = born.month == 2 and born.day == 29
        if options.sex is None or options.luck_age not in BIRTHDAYS or leap_day:
            return None
        found.luck[0] = luck_alone(
            moment.month, moment.past_ms, moment.left_ms, born, options.sex, options.luck_age
        )
    if Include.FACTS in include:
        found.facts[0] = facts_alone(pillars, schools_of(options))
    if Include.PERIODS in include:
        assert options.as_of is not None
        now = found.periods[0] = periods_of(AsOf(options.as_of, options.zone, given))
        found.period_relations[0] = with_periods(pillars, now, found.luck.get(0))
    return found


def _day_and_hour(local: int, boundary: DayBoundary) -> list[int]:
    """As `kernels.pillars.reference` has it."""
    day, double_hour = local // DAY_S, (local + ZI_LEAD_S) // DOUBLE_HOUR_S
    if boundary is DayBoundary.ZI23:
        day = double_hour // 12
    elif boundary is DayBoundary.SAME_DAY:
        double_hour -= 12 * (double_hour // 12 - day)
    return [(day + DAY_PILLAR_OF_1970) % 60, (double_hour + HOUR_PILLAR_OF_1970) % 60]


def _text(seconds: int) -> str:
    return (_EPOCH + dt.timedelta(seconds=seconds)).isoformat()


class _Spells(NamedTuple):
    """A `Zone` as lists."""

    wall_late: list[int]
    wall_early: list[int]
    offsets: list[int]
    dst: list[int]


@functools.lru_cache(maxsize=1_024)
def _zone(name: str) -> _Spells:
    zone = load_zone(name)
    return _Spells(
        zone.wall_late.tolist(), zone.wall_early.tolist(), zone.offsets.tolist(), zone.dst.tolist()
    )


class _Terms(NamedTuple):
    jie_s: list[int]
    jie_ms: list[int]
    jie_number0: int


@functools.cache
def _terms() -> _Terms:
    table = load_terms()
    return _Terms(table.jie_s.tolist(), table.jie_ms.tolist(), table.jie_number0)


@functools.lru_cache(maxsize=8_192)
def _mean_solar(longitude: float) -> int:
    """Seconds that mean solar time is ahead of UTC, by the same kernel; it does not depend on the day."""
    return int(solar_offset(np.zeros(1, dtype=np.int64), longitude, apparent=False)[0])
