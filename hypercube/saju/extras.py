"""What stands beside the pillars of a batch: lunar dates, facts, luck pillars, periods.

Each part is computed once for all rows that asked for it, as arrays, and then described row by row.
"""

import datetime as dt
import functools
from collections.abc import Callable, Hashable, Iterable
from dataclasses import dataclass, field
from typing import Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import AsOf, Luck, LuckRange, LunarDate, PeriodsNow
from hypercube.core.chart import UNKNOWN_HOUR, ChartOptions, Include
from hypercube.core.errors import HyperCubeError
from hypercube.core.facts import ChartFacts, Relation
from hypercube.saju.facts.compute import compute
from hypercube.saju.facts.describe import describe
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.schools import Schools
from hypercube.saju.luck import luck_columns, sex_code
from hypercube.saju.luck_pillars import luck_of, luck_over_days
from hypercube.saju.lunar import LunarTable, load_lunar_table, solar_to_lunar, to_lunar
from hypercube.saju.periods import periods_now
from hypercube.saju.preparation import Columns

_DAY_S: Final = 86_400
_EPOCH: Final = dt.date(1970, 1, 1).toordinal()
_FEW: Final = 8
"""Dates up to which asking one by one, from a cache, is faster than arrays."""
_OWN: Final = ("year", "month", "day", "hour")
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Extras:
    """By row of the columns; a row that did not ask is absent."""

    lunar: list[LunarDate | None]
    """[M]"""
    facts: dict[int, ChartFacts] = field(default_factory=dict)
    luck: dict[int, Luck] = field(default_factory=dict)
    luck_ranges: dict[int, tuple[LuckRange, ...]] = field(default_factory=dict)
    periods: dict[int, PeriodsNow] = field(default_factory=dict)
    period_relations: dict[int, tuple[Relation, ...]] = field(default_factory=dict)


def extras(columns: Columns, pillars: NDArray[np.uint8]) -> Extras:
    """Everything that `include` asked for.

    Args:
        columns: of the batch.
        pillars: uint8[M, 4], the births' own rows of the kernel's tables.
    """
    found = Extras(lunar=lunar_dates(columns.local // _DAY_S))
    asked = [row for row, options in enumerate(columns.options) if options.include]
    if asked:
        _facts(found.facts, columns, pillars, _asking(columns, asked, Include.FACTS))
        _luck(found, columns, _asking(columns, asked, Include.LUCK))
        for row in _asking(columns, asked, Include.PERIODS):
            options = columns.options[row]
            assert options.as_of is not None
            given = columns.position[row] not in columns.today
            now = found.periods[row] = periods_of(AsOf(options.as_of, options.zone, given))
            own = [*pillars[row, :3].tolist(), int(pillars[row, 3]) if columns.exact[row] else UNKNOWN_HOUR]
            found.period_relations[row] = with_periods(own, now, found.luck.get(row))
    return found


def lunar_dates(days: NDArray[np.int64]) -> list[LunarDate | None]:
    """Korean lunar dates of days [M] since 1970-01-01; None outside the table, or without its package."""
    table = _table()
    if table is None:
        return [None] * len(days)
    if len(days) <= _FEW:
        return [lunar_date(day) for day in days.tolist()]
    inside = (days >= table.starts[0]) & (days <= table.last_day)
    dates = to_lunar(np.where(inside, days, table.starts[0]))
    columns = (inside, dates.year, dates.month, dates.day, dates.leap)
    return [
        LunarDate(year, month, day, leap) if known else None
        for known, year, month, day, leap in zip(*(each.tolist() for each in columns), strict=True)
    ]


@functools.lru_cache(maxsize=65_536)
def lunar_date(day: int) -> LunarDate | None:
    """`lunar_dates` of one day."""
    if _table() is None:
        return None
    try:
        return solar_to_lunar(dt.date.fromordinal(day + _EPOCH))
    except HyperCubeError:  # outside the table
        return None


@functools.cache
def _table() -> LunarTable | None:
    try:
        return load_lunar_table()
    except HyperCubeError:  # only a birth given as a lunar date needs it, and says so
        return None


periods_of: Final = functools.lru_cache(maxsize=4_096)(periods_now)
"""`periods_now`: many births are read on one day."""


def _asking(columns: Columns, rows: list[int], part: Include) -> list[int]:
    return [row for row in rows if part in columns.options[row].include]


def with_periods(own: list[int], now: PeriodsNow, luck: Luck | None) -> tuple[Relation, ...]:
    """What the periods in force, one at a time, do to the chart's own pillars."""
    running = None if luck is None else luck.in_force(now.as_of.date)
    passing = [
        ("luck", None if running is None else running.pillar),
        ("this_year", now.year.pillar),
        ("this_month", now.month.pillar),
        ("this_day", now.day.pillar),
    ]
    return tuple(
        relation
        for label, pillar in passing
        if pillar is not None
        for relation in relations((*_OWN, label), (*own, pillar.index), involving=label)
    )


def _grouped(rows: Iterable[int], key: Callable[[int], _Key]) -> dict[_Key, list[int]]:
    groups: dict[_Key, list[int]] = {}
    for row in rows:
        groups.setdefault(key(row), []).append(row)
    return groups


def schools_of(options: ChartOptions) -> Schools:
    """The schools that a chart's facts go by."""
    return Schools(options.hidden_stems, options.life_stages, options.blade, options.goegang)


def _facts(
    found: dict[int, ChartFacts], columns: Columns, pillars: NDArray[np.uint8], rows: list[int]
) -> None:
    for schools, members in _grouped(rows, lambda row: schools_of(columns.options[row])).items():
        known = pillars[members]  # a copy
        known[~columns.exact[members], 3] = UNKNOWN_HOUR
        computed = compute(known, schools)
        found.update((row, describe(computed, i)) for i, row in enumerate(members))


def _luck(found: Extras, columns: Columns, rows: list[int]) -> None:
    exact = columns.exact
    groups = _grouped(rows, lambda row: (bool(exact[row]), columns.options[row].luck_age))
    for (timed, luck_age), members in groups.items():
        sex = np.array([sex_code(columns.options[row].sex) for row in members], dtype=np.int8)
        local = columns.local[members]
        if timed:
            computed = luck_columns(columns.utc[members], local, sex, luck_age=luck_age)
            found.luck.update((row, luck_of(computed, i)) for i, row in enumerate(members))
        else:
            start, end = columns.day_start[members], columns.day_end[members]
            ranges = luck_over_days(start, end, local // _DAY_S, sex, luck_age=luck_age)
            found.luck_ranges.update(zip(members, ranges, strict=True))
