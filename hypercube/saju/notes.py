"""Sentences that stand beside a chart: what a reader should know before trusting it."""

from typing import Final

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import Calendar, ChartOptions, DayBoundary, Pillar, Term, TimeBasis
from hypercube.saju.lunar import leap_month_of
from hypercube.saju.zones import AMBIGUOUS, OK

_FAR_S: Final = 14_400
"""No zone in use keeps its clocks four hours off its sun; a correction beyond that is worth a second look."""
_BASIS: Final = {TimeBasis.MEAN_SOLAR: "mean solar time", TimeBasis.TRUE_SOLAR: "true solar time"}


def span(seconds: int) -> str:
    """A length of time in words: 1925 -> "32 min 5 s"."""
    hours, rest = divmod(abs(seconds), 3_600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n} {unit}" for n, unit in ((hours, "h"), (minutes, "min"), (left, "s")) if n]
    return " ".join(parts) or "0 s"


def by_the_clock(
    clock: tuple[Pillar, Pillar], chosen: tuple[Pillar, Pillar], basis: TimeBasis, shift: int
) -> str | None:
    """Which of day and hour the clock would have given otherwise, or None."""
    if clock == chosen:
        return None
    changed = [
        (name, was, now)
        for name, was, now in zip(("day", "hour"), clock, chosen, strict=True)
        if was is not now
    ]
    names = " and ".join(name for name, _, _ in changed)
    plural = "s" if len(changed) > 1 else ""
    before = " and ".join(_named(was) for _, was, _ in changed)
    after = " and ".join(_named(now) for _, _, now in changed)
    sign = "-" if shift < 0 else "+"
    return (
        f"By the clock the {names} pillar{plural} would be {before}; "
        f"{_BASIS[basis]} ({sign}{span(shift)}) gives {after}."
    )


def summer_time(dst: int, basis: TimeBasis) -> str | None:
    """That the clock was ahead of standard time, or None."""
    if dst <= 0:
        return None
    kept = "the civil basis keeps it" if basis is TimeBasis.CIVIL else f"{_BASIS[basis]} leaves it out"
    return f"Summer time (서머타임) was in force: the clock ran {span(dst)} ahead, and {kept}."


def reading_of_clock(status: int, fold: int | None) -> str | None:
    """How a clock time that came twice or never was read, or None."""
    if status == OK:
        return None
    if status == AMBIGUOUS:
        return f"The clock showed this time twice; fold {fold} is the {'second' if fold else 'first'} pass."
    side = "after" if fold else "before"
    return f"The clock skipped this time; fold {fold} reads it by the offset {side} the change."


def late_zi(boundary: DayBoundary, solar_seconds: int, day: Pillar) -> str | None:
    """Which day 23:00-24:00 was given to, or None at other times."""
    if solar_seconds % 86_400 < 82_800:
        return None
    if boundary is DayBoundary.MIDNIGHT:
        return f"Born at 23:00-24:00 (야자시): the day stays {_named(day)}, the hour stem is the next day's."
    if boundary is DayBoundary.ZI23:
        return f"Born at 23:00-24:00 (정자시): the day is already the next one, {_named(day)}."
    return f"Born at 23:00-24:00: the day stays {_named(day)}, and the hour stem is that day's too."


def near_term(term: Term, since: int) -> str:
    """That the birth is too close to a 절 for a clock to decide."""
    where = f"{span(since)} {'before' if since < 0 else 'after'}" if since else "in the same second as"
    return f"Born {where} {term.hangul} ({term.hanja}): a clock cannot decide this, so both candidates are given."


def term_on_date(term: Term) -> str:
    """That a 절 falls on a birth day without an hour."""
    return (
        f"{term.hangul} ({term.hanja}) falls on this day, at {term.utc}: both candidates are given, and the "
        "pillars shown are those of noon."
    )


UNKNOWN_HOUR: Final = (
    "The birth hour is not known (시 모름): the civil date decides the day pillar, without any correction."
)


def far_from_zone(longitude_s: int, options: ChartOptions) -> str | None:
    """That longitude and zone hardly belong together, or None."""
    if abs(longitude_s) <= _FAR_S:
        return None
    return (
        f"Longitude {options.longitude} is {span(longitude_s)} of solar time away from the clock of "
        f"{options.zone}; check both."
    )


def leap_twin(options: ChartOptions, lunar: LunarDate | None) -> str | None:
    """That the month of a lunar birth has a leap twin, and which of the two was read; else None."""
    if options.calendar is not Calendar.LUNAR or lunar is None or leap_month_of(lunar.year) != lunar.month:
        return None
    read, other = ("leap", "ordinary") if lunar.leap else ("ordinary", "leap")
    names = (f"{lunar.month}월", f"윤{lunar.month}월")
    mine, twin = names[::-1] if lunar.leap else names
    return (
        f"Lunar {lunar.year} has two months of number {lunar.month}: this birth was read as the {read} one "
        f"({mine}), not the {other} one ({twin})."
    )


def _named(pillar: Pillar) -> str:
    return f"{pillar.hanja} ({pillar.hangul})"
