"""The chart of one birth by plain integers: the same chart as `prepare`, a kernel and `assemble` make, sooner.

Calling NumPy some sixty times costs a birth that comes alone 300 us; the same sums on Python's integers take a
tenth of that. What is not everyday (an hour unknown, a lunar date, a 절 within a minute, a clock that was changed,
the equation of time, anything included) is left to the arrays, and so is every refusal: they are where the rules
are written. tests/parity/test_saju_alone.py holds the two against each other.
"""

import functools
from bisect import bisect_right
from typing import Final, NamedTuple

from hypercube.core.chart import BirthInput, Chart, DayBoundary
from hypercube.core.errors import HyperCubeError
from hypercube.core.everyday import BirthOptions, EverydayChart, OneBirth
from hypercube.core.kept import Kept
from hypercube.kernels.pillars.reference import (
    DAY_PILLAR_OF_1970,
    DAY_S,
    DOUBLE_HOUR_S,
    HOUR_PILLAR_OF_1970,
    ZI_LEAD_S,
)
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju import notes
from hypercube.saju.assembly import term
from hypercube.saju.births import read_birth, read_time
from hypercube.saju.clock_text import clock_text
from hypercube.saju.extras import lunar_date
from hypercube.saju.options import settle
from hypercube.saju.preparation import TERM_MARGIN_S
from hypercube.saju.signs import PILLARS
from hypercube.saju.site import Site, site_of

_LATE_ZI_S: Final = DAY_S - ZI_LEAD_S
_YEAR_MONTHS: Final = tuple((PILLARS[at // 12], PILLARS[(at + 2) % 60]) for at in range(720))
"""By months since that of a 甲子 year: sixty years have them all."""
_DAY_HOURS: Final = tuple((day, hour) for day in PILLARS for hour in PILLARS)
_site: Final = Kept(site_of)


def chart_alone(birth: BirthInput) -> Chart | None:
    """The chart of one everyday birth; None for one that the arrays must read."""
    try:
        time, options = read_birth(birth)
    except HyperCubeError:
        return None
    site = _site(options)
    if site is None or not time.exact:
        return None
    found = _chart(site, time.seconds)
    return None if found is None else found.chart()


def everyday_chart(birth: OneBirth) -> EverydayChart | None:
    """The same for a birth whose options are known."""
    site = _site_by(birth.options)
    if site is None:
        return None
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
    terms = _terms()
    jie = bisect_right(terms.jie_s, utc) - 1
    if jie < 0 or jie + 1 >= len(terms.jie_s):
        return None
    month = terms.jie_number0 + jie
    since, until = utc - terms.jie_s[jie], terms.jie_s[jie + 1] - utc
    if until < since:
        jie, since = jie + 1, -until
    if -TERM_MARGIN_S <= since <= TERM_MARGIN_S:
        return None
    boundary, solar = site.boundary, utc + total
    day, hour = _day_and_hour(solar, boundary)
    if solar == local:
        said = standing
    else:
        clock_day, clock_hour = _day_and_hour(local, boundary)
        # What the clock would say stands before what holds for the whole spell.
        said = (
            standing
            if clock_day == day and clock_hour == hour
            else _by_the_clock(clock_day, day, clock_hour, hour, site, solar - local, standing)
        )
    edge = (solar + ZI_LEAD_S) % DOUBLE_HOUR_S
    second = (solar + (ZI_LEAD_S if boundary is DayBoundary.ZI23 else 0)) % DAY_S
    if solar % DAY_S >= _LATE_ZI_S:
        said = _late_zi(boundary, _LATE_ZI_S, day, said)
    return EverydayChart(
        _YEAR_MONTHS[month % 720],
        _DAY_HOURS[day * 60 + hour],
        utc,
        clock_text(utc) + "Z",
        clock_text(local),
        clock_text(solar),
        term(jie),
        since,
        min(edge, DOUBLE_HOUR_S - edge),
        min(second, DAY_S - second),
        said,
        ground,
        lunar_date(local // DAY_S),
    )


def _by_the_clock(
    clock_day: int, day: int, clock_hour: int, hour: int, site: Site, shift: int, standing: tuple[str, ...]
) -> tuple[str, ...]:
    """The sentence about pillars that the clock would have given otherwise, before those that stand anyway."""
    if clock_day == day:
        clock_day = day = 0  # not mentioned; so the same sentence serves every day
    return _clock_note(clock_day, day, clock_hour, hour, site, shift, standing)


@functools.lru_cache(maxsize=4_096)
def _clock_note(
    clock_day: int, day: int, clock_hour: int, hour: int, site: Site, shift: int, standing: tuple[str, ...]
) -> tuple[str, ...]:
    by_clock, chosen = (PILLARS[clock_day], PILLARS[clock_hour]), (PILLARS[day], PILLARS[hour])
    note = notes.by_the_clock(by_clock, chosen, site.options.time_basis, shift)
    return (note, *standing) if note else standing


@functools.lru_cache(maxsize=4_096)
def _late_zi(boundary: DayBoundary, second: int, day: int, said: tuple[str, ...]) -> tuple[str, ...]:
    note = notes.late_zi(boundary, second, PILLARS[day])
    return (*said, note) if note else said


def _day_and_hour(local: int, boundary: DayBoundary) -> tuple[int, int]:
    """As `kernels.pillars.reference` has it."""
    day, double_hour = local // DAY_S, (local + ZI_LEAD_S) // DOUBLE_HOUR_S
    if boundary is DayBoundary.ZI23:
        day = double_hour // 12
    elif boundary is DayBoundary.SAME_DAY:
        double_hour -= 12 * (double_hour // 12 - day)
    return (day + DAY_PILLAR_OF_1970) % 60, (double_hour + HOUR_PILLAR_OF_1970) % 60


class _Terms(NamedTuple):
    jie_s: list[int]
    jie_number0: int


@functools.cache
def _terms() -> _Terms:
    table = load_terms()
    return _Terms(table.jie_s.tolist(), table.jie_number0)
