"""The chart of one birth by plain integers: the same chart as `prepare`, a kernel and `assemble` make, sooner.

Calling NumPy some sixty times costs a birth that comes alone 300 us; the same sums on Python's integers take a
tenth of that; with facts, luck and periods it is a millisecond against a third of one. What is not everyday (an hour
unknown, a lunar date, a 절 within a minute, a clock that was changed, the equation of time, luck by days) is left to
the arrays, and so is every refusal: they are where the rules are written. tests/parity/test_saju_alone.py holds the
two against each other.
"""

import datetime as dt
import functools
from bisect import bisect_right
from dataclasses import replace
from typing import Final, NamedTuple

from hypercube.core.calendar import AsOf, Luck, LunarDate
from hypercube.core.chart import BirthInput, Chart, ChartOptions, DayBoundary, Include, Pillar, Term
from hypercube.core.errors import HyperCubeError
from hypercube.core.everyday import BirthOptions, EverydayChart, OneBirth
from hypercube.core.kept import Kept, Repeated
from hypercube.kernels.pillars.reference import (
    DAY_PILLAR_OF_1970,
    DAY_S,
    DOUBLE_HOUR_S,
    HOUR_PILLAR_OF_1970,
    ZI_LEAD_S,
)
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import notes
from hypercube.saju.as_of import Today, system_today
from hypercube.saju.assembly import term
from hypercube.saju.births import read_birth, read_minute, read_time
from hypercube.saju.clock_text import clock_text
from hypercube.saju.extras import lunar_date, periods_of, schools_of, with_periods
from hypercube.saju.facts.alone import facts_alone
from hypercube.saju.luck_alone import BIRTHDAYS, luck_alone
from hypercube.saju.options import on_day, settle
from hypercube.saju.preparation import TERM_MARGIN_S
from hypercube.saju.signs import PILLARS
from hypercube.saju.site import Site, site_of

_LATE_ZI_S: Final = DAY_S - ZI_LEAD_S
_Pair = Repeated[tuple[Pillar, Pillar], bytes]
_YEAR_MONTHS: Final = tuple(_Pair((PILLARS[at // 12], PILLARS[(at + 2) % 60])) for at in range(720))
"""By months since that of a 甲子 year: sixty years have them all."""
_DAY_HOURS: Final = tuple(_Pair((day, hour)) for day in PILLARS for hour in PILLARS)
_ZI23: Final = DayBoundary.ZI23
_SAME_DAY: Final = DayBoundary.SAME_DAY
_STEP_BITS: Final = 20
"""Twelve days in seconds, about; two 절 are never so near."""
_EPOCH: Final = dt.datetime(1970, 1, 1)
_site: Final = Kept(site_of)
_Notes = Repeated[tuple[str, ...], bytes]


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
    bare = options if not options.include and options.fold is None else _bare(options)
    site = _site(bare)
    if site is None or not time.exact:
        return None
    found = _chart(site, time.seconds)
    if found is None or bare is options:
        return None if found is None else found.chart()
    return _with_what_is_asked(found.chart(), time.seconds, options, today)


@functools.lru_cache(maxsize=4_096)
def _bare(options: ChartOptions) -> ChartOptions:
    """What decides the pillars; `fold` does not, where the clock showed a time once."""
    return replace(options, include=(), as_of=None, fold=None)


def _with_what_is_asked(chart: Chart, local: int, options: ChartOptions, today: Today) -> Chart | None:
    """The chart with what was included; None where the arrays must count the luck pillars."""
    include, pillars = options.include, list(chart.pillars.indices())
    luck: Luck | None = None
    if Include.LUCK in include:
        born = (_EPOCH + dt.timedelta(seconds=local)).date()
        leap_day = born.month == 2 and born.day == 29
        if options.sex is None or options.luck_age not in BIRTHDAYS or leap_day:
            return None
        terms, utc = _terms(), chart.instant.utc_seconds
        jie = bisect_right(terms.jie_s, utc) - 1
        past_ms, left_ms = 1_000 * utc - terms.jie_ms[jie], terms.jie_ms[jie + 1] - 1_000 * utc
        luck = luck_alone(terms.jie_number0 + jie, past_ms, left_ms, born, options.sex, options.luck_age)
    facts = facts_alone(pillars, schools_of(options)) if Include.FACTS in include else None
    if Include.PERIODS not in include:
        return replace(chart, options=options, facts=facts, luck=luck)
    given = options.as_of is not None
    if not given:
        options = on_day(options, today(options.zone).isoformat())
    assert options.as_of is not None
    now = periods_of(AsOf(options.as_of, options.zone, given))
    return replace(
        chart,
        options=options,
        facts=facts,
        luck=luck,
        periods=now,
        period_relations=with_periods(pillars, now, luck),
    )


def everyday_chart(birth: OneBirth) -> EverydayChart | None:
    """The same for a birth whose options are known."""
    site = _site_by(birth.options)
    if site is None:
        return None
    seconds = read_minute(birth.birth)
    if seconds is not None:
        return _chart(site, seconds)
    try:
        time = read_time(birth.birth)
    except HyperCubeError:
        return None
    return _chart(site, time.seconds) if time.exact else None


@functools.lru_cache(maxsize=4_096)
def _site_by(options: BirthOptions) -> Site | None:
    """Where and under which rules; None for options that are not everyday, or wrong."""
    try:
        return _site(settle(options.given))
    except HyperCubeError:
        return None


def _chart(site: Site, local: int) -> EverydayChart | None:
    """The chart of a birth at `local` civil seconds since 1970."""
    spell = bisect_right(site.wall_late, local)
    if spell != bisect_right(site.wall_early, local):
        return None
    steps = site.steps(spell)
    if steps is None:
        return None
    utc_offset, total, ground, standing = steps
    utc = local - utc_offset
    jie_s, _, number0, first_s, passed = _terms()
    step = (utc - first_s) >> _STEP_BITS
    if not 0 <= step < len(passed):
        return None
    jie = passed[step]
    since, until = utc - jie_s[jie], jie_s[jie + 1] - utc
    if until <= 0:
        jie += 1
        if jie + 1 >= len(jie_s):
            return None
        since, until = -until, jie_s[jie + 1] - utc
    month = number0 + jie
    if until < since:
        jie, since = jie + 1, -until
    if -TERM_MARGIN_S <= since <= TERM_MARGIN_S:
        return None
    boundary, solar, said = site.boundary, utc + total, standing
    day, hour = _day_and_hour(solar, boundary)
    civil_day, solar_day = local // DAY_S, solar // DAY_S
    double_hour, edge = divmod(solar + ZI_LEAD_S, DOUBLE_HOUR_S)
    # Where the two clocks show the same day and double hour, they give the same pillars.
    if civil_day != solar_day or (local + ZI_LEAD_S) // DOUBLE_HOUR_S != double_hour:
        clock_day, clock_hour = _day_and_hour(local, boundary)
        # What the clock would say stands before what holds for the whole spell.
        if clock_day != day or clock_hour != hour:
            said = _by_the_clock(clock_day, day, clock_hour, hour, site, solar - local, standing)
    second = solar - solar_day * DAY_S
    if second >= _LATE_ZI_S:
        said = _late_zi(boundary, _LATE_ZI_S, day, said)
    if boundary is _ZI23:
        second = (second + ZI_LEAD_S) % DAY_S
    # A named tuple's own constructor is one more call, of a seventh of the time of all this.
    return tuple.__new__(
        EverydayChart,
        (
            _YEAR_MONTHS[month % 720],
            _DAY_HOURS[day * 60 + hour],
            utc,
            clock_text(utc) + "Z",
            clock_text(local),
            clock_text(solar),
            _term(jie),
            since,
            min(edge, DOUBLE_HOUR_S - edge),
            min(second, DAY_S - second),
            said,
            ground,
            _lunar(civil_day),
        ),
    )


def _by_the_clock(
    clock_day: int, day: int, clock_hour: int, hour: int, site: Site, shift: int, standing: _Notes
) -> _Notes:
    """The sentence about pillars that the clock would have given otherwise, before those that stand anyway."""
    if clock_day == day:
        clock_day = day = 0  # not mentioned; so the same sentence serves every day
    return _clock_note(clock_day, day, clock_hour, hour, site, shift, standing)


@functools.lru_cache(maxsize=4_096)
def _clock_note(
    clock_day: int, day: int, clock_hour: int, hour: int, site: Site, shift: int, standing: _Notes
) -> _Notes:
    by_clock, chosen = (PILLARS[clock_day], PILLARS[clock_hour]), (PILLARS[day], PILLARS[hour])
    note = notes.by_the_clock(by_clock, chosen, site.options.time_basis, shift)
    return Repeated((note, *standing.record)) if note else standing


@functools.lru_cache(maxsize=4_096)
def _late_zi(boundary: DayBoundary, second: int, day: int, said: _Notes) -> _Notes:
    note = notes.late_zi(boundary, second, PILLARS[day])
    return Repeated((*said.record, note)) if note else said


@functools.lru_cache(maxsize=8_192)
def _term(jie: int) -> Repeated[Term, bytes]:
    return Repeated(term(jie))


@functools.lru_cache(maxsize=65_536)
def _lunar(day: int) -> Repeated[LunarDate | None, bytes]:
    return Repeated(lunar_date(day))


def _day_and_hour(local: int, boundary: DayBoundary) -> tuple[int, int]:
    """As `kernels.pillars.reference` has it."""
    day, double_hour = local // DAY_S, (local + ZI_LEAD_S) // DOUBLE_HOUR_S
    if boundary is _ZI23:
        day = double_hour // 12
    elif boundary is _SAME_DAY:
        double_hour -= 12 * (double_hour // 12 - day)
    return (day + DAY_PILLAR_OF_1970) % 60, (double_hour + HOUR_PILLAR_OF_1970) % 60


class _Terms(NamedTuple):
    """The 절 as lists.

    Attributes:
        passed: for every step of 2**_STEP_BITS seconds from the first 절 to the last but one, the last 절 by then:
            a search by halves would wait a dozen times for memory.
    """

    jie_s: list[int]
    jie_ms: list[int]
    jie_number0: int
    first_s: int
    passed: list[int]


@functools.cache
def _terms() -> _Terms:
    table = load_terms()
    jie_s = table.jie_s.tolist()
    passed = [bisect_right(jie_s, step) - 1 for step in range(jie_s[0], jie_s[-1], 1 << _STEP_BITS)]
    return _Terms(jie_s, table.jie_ms.tolist(), table.jie_number0, jie_s[0], passed)
