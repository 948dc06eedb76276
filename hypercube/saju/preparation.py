"""From births to the two arrays that kernels see: every step vectorised, no row able to stop another.

Each birth is one kernel row; beside it, in the same arrays,

    - a second row by the clock, where the corrected offset differs, so that the answer can say what changed;
    - two rows just before and at the nearest 절, where the clock cannot decide on which side the birth fell.

`assembly` turns the kernel's answers back into charts.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.chart import BirthInput, ChartOptions, DayBoundary, Include, TimeBasis
from hypercube.core.errors import Failure, HyperCubeError
from hypercube.kernels.pillars.terms import load_terms
from hypercube.kernels.solar_offset import solar_offset
from hypercube.saju.as_of import Today, system_today
from hypercube.saju.births import read_birth
from hypercube.saju.civil import unsettled_time, vanished_date
from hypercube.saju.options import on_day
from hypercube.saju.zones import FOLD_NOT_GIVEN, OK, load_zone, resolve

TERM_MARGIN_S: Final = 60
"""A birth this close to a 절 gets both candidates: a clock read to the minute cannot decide."""
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200
DATE_LINE_S: Final = 75_600
"""A longitude correction beyond 21 h: the zone keeps the date of the other side of the date line."""

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]
Bool = NDArray[np.bool_]


@dataclass(frozen=True, eq=False, slots=True)
class RowGroup:
    """Rows for one kernel call; both arrays are contiguous and of one length R."""

    day_boundary: DayBoundary
    utc_seconds: Int64
    offset_seconds: Int32


@dataclass(frozen=True, eq=False, slots=True)
class Columns:
    """What is known of the M births that are in order, before any pillar; arrays are [M]."""

    position: list[int]
    """Where the birth stands in the batch."""
    options: list[ChartOptions]
    exact: Bool
    """False: only the date was given."""
    local: Int64
    """Civil time, as seconds since 1970-01-01T00:00 on the same clock."""
    utc: Int64
    utc_offset: Int32
    dst: Int32
    status: NDArray[np.uint8]
    """Whether the clock showed that time once: `zones.OK`, `AMBIGUOUS`, `SKIPPED`."""
    longitude_s: Int64
    equation_s: Int64
    total: Int64
    """Deciding local time minus UTC."""
    jie: Int32
    """Index of the nearest 절 in the term table."""
    since_jie: Int64
    ambiguous: Bool
    row: Int64
    """The birth's own row, counted through all groups."""
    clock_row: Int64
    """The row by the clock, or -1."""
    candidate_row: Int64
    """The row just before the 절, or -1; the next one is just after it."""
    day_start: Int64
    """POSIX seconds at which the civil day begins ..."""
    day_end: Int64
    """... and ends; both 0 where the hour is known."""
    today: frozenset[int]
    """Positions whose day that counts as now was not given."""


@dataclass(frozen=True, eq=False, slots=True)
class Prepared:
    """A batch of births ready for the kernel; `assemble` takes it back with the kernel's tables."""

    size: int
    """Births in the batch."""
    groups: tuple[RowGroup, ...]
    """At most one a `day_boundary`; empty when no birth is in order."""
    failures: dict[int, Failure]
    """By position in the batch."""
    columns: Columns | None
    """None when no birth is in order."""


def prepare(
    births: Sequence[BirthInput], *, field: str | None = None, today: Today = system_today
) -> Prepared:
    """Turn births into kernel rows. Never raises for a birth: what is wrong with it goes to `failures`.

    Args:
        births: any number of births.
        field: what the caller calls the batch: with "births", a failure's `param` reads "births[3].place".
        today: today's date in a zone, for periods without an `as_of`; asked once a zone.
    """
    failures: dict[int, Failure] = {}
    position: list[int] = []
    options: list[ChartOptions] = []
    seconds: list[int] = []
    exact: list[bool] = []
    dates: dict[str, str] = {}
    by_today: set[int] = set()

    def refuse(row: int, error: HyperCubeError) -> None:
        failures[row] = error.failure(f"{field}[{row}]" if field else "")

    for row, birth in enumerate(births):
        try:
            time, settled = read_birth(birth)
        except HyperCubeError as error:
            refuse(row, error)
        else:
            if settled.include and settled.as_of is None and Include.PERIODS in settled.include:
                if settled.zone not in dates:
                    dates[settled.zone] = today(settled.zone).isoformat()
                settled = on_day(settled, dates[settled.zone])
                by_today.add(row)
            position.append(row)
            options.append(settled)
            seconds.append(time.seconds)
            exact.append(time.exact)
    civil = _Civil(len(position))
    local, is_exact = np.array(seconds, dtype=np.int64), np.array(exact, dtype=np.bool_)
    for name, rows in _rows_by_zone(options).items():
        civil.resolve(rows, name, local, is_exact, options)
    for index in np.flatnonzero(civil.refused).tolist():
        explain = unsettled_time if is_exact[index] else vanished_date
        text, zone = births[position[index]].birth, load_zone(options[index].zone)
        refuse(position[index], explain(text, int(local[index]), zone))
    if civil.refused.any():
        kept = np.flatnonzero(~civil.refused)
        position = [position[i] for i in kept.tolist()]
        options = [options[i] for i in kept.tolist()]
        local, is_exact, civil = local[kept], is_exact[kept], civil.take(kept)
    if not position:
        return Prepared(len(births), (), failures, None)
    groups, columns = _rows(position, options, local, is_exact, civil, frozenset(by_today))
    return Prepared(len(births), groups, failures, columns)


class _Civil:
    """The clock's side of every birth, filled zone by zone."""

    def __init__(self, rows: int) -> None:
        self.utc = np.zeros(rows, dtype=np.int64)
        self.utc_offset = np.zeros(rows, dtype=np.int32)
        self.dst = np.zeros(rows, dtype=np.int32)
        self.status = np.zeros(rows, dtype=np.uint8)
        self.refused = np.zeros(rows, dtype=np.bool_)
        # First and last + 1 second of the civil day; read only where the hour is unknown.
        self.day_start = np.zeros(rows, dtype=np.int64)
        self.day_end = np.zeros(rows, dtype=np.int64)

    def take(self, kept: Int64) -> "_Civil":
        part = _Civil(0)
        for name in vars(self):
            setattr(part, name, getattr(self, name)[kept])
        return part

    def resolve(self, rows: Any, name: str, local: Int64, exact: Bool, options: list[ChartOptions]) -> None:
        """Fill the rows of one zone."""
        zone = load_zone(name)
        folds = [options[row].fold for row in rows]
        fold = np.array([FOLD_NOT_GIVEN if f is None else f for f in folds], dtype=np.int8)
        seconds = local[rows]
        found = resolve(seconds, zone, fold)
        self.utc[rows], self.utc_offset[rows] = found.utc_seconds, found.offset_seconds
        self.dst[rows], self.status[rows] = found.dst_seconds, found.status
        timed = exact[rows]
        refused = timed & (found.status != OK) & (fold == FOLD_NOT_GIVEN)
        if not timed.all():
            midnight = seconds - _NOON_S
            first = np.zeros(len(seconds), dtype=np.int8)
            start = resolve(midnight, zone, first).utc_seconds
            end = resolve(midnight + _DAY_S, zone, first).utc_seconds
            self.day_start[rows], self.day_end[rows] = start, end
            refused |= ~timed & (end <= start)
        self.refused[rows] = refused


def _rows_by_zone(options: list[ChartOptions]) -> dict[str, list[int]]:
    rows: dict[str, list[int]] = {}
    for row, each in enumerate(options):
        rows.setdefault(each.zone, []).append(row)
    return rows


def _rows(
    position: list[int],
    options: list[ChartOptions],
    local: Int64,
    exact: Bool,
    civil: _Civil,
    today: frozenset[int],
) -> tuple[tuple[RowGroup, ...], Columns]:
    longitude_s, equation_s = _solar(options, civil)
    solar = np.array([each.time_basis is not TimeBasis.CIVIL for each in options], dtype=np.bool_)
    total = np.where(solar, civil.utc_offset - civil.dst + longitude_s + equation_s, civil.utc_offset)
    table = load_terms()
    jie, since_jie = table.nearest_jie(civil.utc)
    jie_s = table.jie_s[jie]
    ambiguous = np.where(
        exact, np.abs(since_jie) <= TERM_MARGIN_S, (civil.day_start < jie_s) & (jie_s < civil.day_end)
    )
    row, clock_row, candidate_row = (np.full(len(options), -1, dtype=np.int64) for _ in range(3))
    groups: list[RowGroup] = []
    base = 0
    for boundary, members in _by_boundary(options):
        clock = members[total[members] != civil.utc_offset[members]]
        near = members[ambiguous[members]]
        edges = np.stack([jie_s[near] - 1, jie_s[near]], axis=1).reshape(-1)
        utc = np.concatenate([civil.utc[members], civil.utc[clock], edges])
        offset = np.concatenate([total[members], civil.utc_offset[clock], np.repeat(total[near], 2)])
        row[members] = base + np.arange(len(members))
        clock_row[clock] = base + len(members) + np.arange(len(clock))
        candidate_row[near] = base + len(members) + len(clock) + 2 * np.arange(len(near))
        base += len(utc)
        groups.append(RowGroup(boundary, utc, offset.astype(np.int32)))
    columns = Columns(
        position=position,
        options=options,
        exact=exact,
        local=local,
        utc=civil.utc,
        utc_offset=civil.utc_offset,
        dst=civil.dst,
        status=civil.status,
        longitude_s=longitude_s,
        equation_s=equation_s,
        total=total,
        jie=jie,
        since_jie=since_jie,
        ambiguous=ambiguous,
        row=row,
        clock_row=clock_row,
        candidate_row=candidate_row,
        day_start=civil.day_start,
        day_end=civil.day_end,
        today=today,
    )
    return tuple(groups), columns


def _by_boundary(options: list[ChartOptions]) -> list[tuple[DayBoundary, Int64]]:
    rows: dict[DayBoundary, list[int]] = {}
    for row, each in enumerate(options):
        rows.setdefault(each.day_boundary, []).append(row)
    return [(boundary, np.array(members, dtype=np.int64)) for boundary, members in rows.items()]


def _solar(options: list[ChartOptions], civil: _Civil) -> tuple[Int64, Int64]:
    """Seconds of the longitude correction and of the equation of time; 0 where the basis has none."""
    longitude_s = np.zeros(len(options), dtype=np.int64)
    equation_s = np.zeros(len(options), dtype=np.int64)
    rows = [i for i, each in enumerate(options) if each.time_basis is not TimeBasis.CIVIL]
    if rows:
        utc = civil.utc[rows]
        degrees = np.array([options[i].longitude for i in rows], dtype=np.float64)
        standard = civil.utc_offset[rows] - civil.dst[rows]
        part = solar_offset(utc, degrees, apparent=False).astype(np.int64) - standard
        part -= _DAY_S * (part > DATE_LINE_S)
        part += _DAY_S * (part < -DATE_LINE_S)
        longitude_s[rows] = part
    rows = [i for i in rows if options[i].time_basis is TimeBasis.TRUE_SOLAR]
    if rows:
        # At longitude 0 the solar offset is the equation of time alone.
        equation_s[rows] = solar_offset(civil.utc[rows], 0.0, apparent=True)
    return longitude_s, equation_s
