"""`charts_table`: births in arrays to charts in arrays, in runs that stay in the cache."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import UNKNOWN_HOUR, DayBoundary, TimeBasis
from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.kernels.pillars import explain, pillars
from hypercube.saju.bulk import status as st
from hypercube.saju.bulk.births import DAY_BOUNDARIES, Births, births_of, uniform
from hypercube.saju.bulk.luck import UNKNOWN_DAYS, LuckCodes, luck_codes
from hypercube.saju.bulk.reckoning import Instants, reckon
from hypercube.saju.bulk.sites import Sites
from hypercube.saju.facts import Facts, Schools
from hypercube.saju.facts.compute import compute
from hypercube.saju.luck import FEMALE, MALE, PILLARS, SEX_MISSING, luck_age_of, sex_missing
from hypercube.saju.lunar import LunarDates, load_lunar_table
from hypercube.saju.preparation import prepare
from hypercube.saju.zones import DEFAULT_ZONE

CHUNK: Final = 65_536
"""Rows reckoned together: their instants and offsets stay in the cache."""
INCLUDE: Final = ("pillars", "facts", "luck", "lunar")
NO_PILLAR: Final = UNKNOWN_HOUR
_UNKNOWN: Final = {
    "forward": 255,
    "distance_ms": -1,
    "exact": np.nan,
    "rounded": -1,
    "floored": -1,
    "first_day": UNKNOWN_DAYS,
}
"""What stands in the luck columns where there is no answer."""


@dataclass(frozen=True, eq=False, slots=True)
class ChartColumns:
    """Charts of N births in columns, in the order given; arrays are [N] unless said otherwise."""

    births: Births
    status: NDArray[np.uint8]
    """0, or why there is no chart: a code of `status`. `error` puts it in words."""
    pillars: NDArray[np.uint8]
    """[N, 4] sexagenary indices of year, month, day, hour; 255 = hour not known, or no chart."""
    utc_seconds: NDArray[np.int64]
    """POSIX seconds of the birth; of noon where only the date is known; 0 without a chart."""
    utc_offset_seconds: NDArray[np.int32]
    """Civil time minus UTC, summer time included."""
    offset_seconds: NDArray[np.int32]
    """Deciding local time minus UTC: the clock's, or that of mean or true solar time."""
    clock: NDArray[np.uint8]
    """0 the clock showed that time once, 1 twice, 2 never (`fold` decided)."""
    nearest_jie: NDArray[np.int32]
    """The nearest 절 as an index into `load_terms().jie_s`; -1 without a chart."""
    since_jie: NDArray[np.int32]
    """Seconds since it, negative = still to come."""
    ambiguous: NDArray[np.bool_]
    """Within 60 s of a 절, or a date without an hour on which one falls."""
    facts: Facts | None
    """All facts of the pillars, if asked for; those of rows without a chart mean nothing."""
    luck: LuckCodes | None
    """Luck pillars, if asked for."""
    lunar: LunarDates | None
    """Korean lunar dates of the civil dates, if asked for; 0 in every field where the calendar does not reach."""

    def __len__(self) -> int:
        return len(self.status)

    def error(self, row: int) -> HyperCubeError | None:
        """Why a row has no chart, in the words of the single path; None where it has one.

        `param` names the row, as in "births[3].birth".
        """
        return error(self.births, row, int(self.status[row]))


def charts_table(
    columns: Mapping[str, Any] | Births,
    *,
    zone: str = DEFAULT_ZONE,
    time_basis: TimeBasis | str | None = None,
    day_boundary: DayBoundary | str = DayBoundary.MIDNIGHT,
    include: Iterable[str] = ("pillars", "facts"),
    luck_age: LuckAge | str = LuckAge.ROUNDED,
    schools: Schools | None = None,
    backend: str = "auto",
) -> ChartColumns:
    """Charts of any number of births at once; a row that is wrong gets a status and stops no other.

    With facts and luck a row takes about 300 bytes: give what memory cannot hold in runs, as the command line does.

    Args:
        columns: `Births`, or by name
            - one of `local` (datetime64; of unit D: dates without an hour), `local_seconds`, `local_minutes`
              (integers): civil time since 1970-01-01T00:00 on the clock of the birth place;
            - `exact` bool, False = only the date is known;
            - `zone`, `place`: a name for all, N names, or (codes int[N], names) with -1 for none;
            - `longitude` degrees east (NaN = none), `sex` 0 male / 1 female / -1 not given,
              `fold` 0 / 1 / -1 not given, `time_basis` 0 civil / 1 mean_solar / 2 true_solar / 255 default,
              `day_boundary` 0 midnight / 1 zi23 / 2 same_day: one value or N.
        zone: where there is no column of that name.
        time_basis: the same; None = mean solar time where the longitude is known, else civil.
        day_boundary: the same.
        include: of "pillars" (always there), "facts", "luck" (needs every row's sex), "lunar".
        luck_age: how the luck pillars' start age is counted.
        schools: the facts' schools; None = the defaults.
        backend: kernel backend, as for `hypercube.saju.pillars`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for an option, or a column of the wrong name, type or length.
    """
    if isinstance(columns, Births):
        births = columns
    else:
        births = births_of(columns, zone=zone, time_basis=time_basis, day_boundary=day_boundary)
    wanted = _wanted(include)
    age = luck_age_of(luck_age)
    rules = Schools() if schools is None else schools
    rows = len(births)
    kernel = explain(rows, backend).name
    out = _Out(rows, "luck" in wanted)
    sites = Sites.of(births)
    for start in range(0, rows, CHUNK):
        at = slice(start, min(start + CHUNK, rows))
        part = births.rows(at)
        _fill(out, at, part, reckon(part, sites), kernel, rules, age)
    good = np.where(out.pillars[:, :1] == NO_PILLAR, 0, out.pillars) if out.refused else out.pillars
    return ChartColumns(
        births=births,
        status=out.status,
        pillars=out.pillars,
        utc_seconds=out.utc_seconds,
        utc_offset_seconds=out.utc_offset,
        offset_seconds=out.offset,
        clock=out.clock,
        nearest_jie=out.nearest,
        since_jie=out.since,
        ambiguous=out.ambiguous,
        facts=compute(good, rules) if "facts" in wanted else None,
        luck=out.luck(age) if "luck" in wanted else None,
        lunar=_lunar(births.local_seconds, out.status) if "lunar" in wanted else None,
    )


def error(births: Births, row: int, status: int) -> HyperCubeError | None:
    """What the single path says of a row with that status; None for `OK`."""
    if status == st.OK:
        return None
    prefix = f"births[{row}]"
    if status == st.NO_SEX:
        return sex_missing(f"{prefix}.sex")
    failures = prepare([births.birth_input(row)]).failures
    if not failures:  # only if the two paths disagreed on what is wrong, which the tests rule out
        return invalid(f"{prefix} is refused: {st.NAMES[status]}.", param=prefix, value=st.NAMES[status])
    return HyperCubeError.of(HyperCubeError.of(failures[0]).failure(prefix))


def _wanted(include: Iterable[str]) -> frozenset[str]:
    wanted = frozenset((include,) if isinstance(include, str) else include)
    if unknown := sorted(wanted - set(INCLUDE)):
        raise invalid(
            f"include has {shown(unknown[0])!r}, which is not a part of a chart.",
            param="include",
            value=shown(unknown[0]),
            fix=f"Use: {', '.join(INCLUDE)}.",
            choices=list(INCLUDE),
        )
    return wanted


def _lunar(local_seconds: NDArray[np.int64], status: NDArray[np.uint8]) -> LunarDates:
    calendar = load_lunar_table()
    first, rows = int(calendar.starts[0]), len(calendar.row_of_day)
    shape = status.shape
    made = LunarDates(
        np.empty(shape, np.int16),
        np.empty(shape, np.int8),
        np.empty(shape, np.int8),
        np.empty(shape, np.bool_),
    )
    for start in range(0, len(status), CHUNK):
        at = slice(start, start + CHUNK)
        place = local_seconds[at] // 86_400 - first
        row = np.take(calendar.row_of_day, place, mode="clip")
        made.year[at], made.month[at] = np.take(calendar.year, row), np.take(calendar.month, row)
        made.leap[at] = np.take(calendar.leap, row)
        np.subtract(place, np.take(calendar.starts, row) - (first + 1), out=made.day[at], casting="unsafe")
        outside = (place < 0) | (place >= rows) | (status[at] != st.OK)
        if outside.any():
            for array in (made.year, made.month, made.day, made.leap):
                array[at][outside] = 0
    return made


class _Out:
    """The memory of a `ChartColumns`."""

    def __init__(self, rows: int, luck: bool) -> None:
        self.refused = False
        self.status = np.empty(rows, dtype=np.uint8)
        self.pillars = np.empty((rows, 4), dtype=np.uint8)
        self.utc_seconds = np.empty(rows, dtype=np.int64)
        self.utc_offset = np.empty(rows, dtype=np.int32)
        self.offset = np.empty(rows, dtype=np.int32)
        self.clock = np.empty(rows, dtype=np.uint8)
        self.nearest = np.empty(rows, dtype=np.int32)
        self.since = np.empty(rows, dtype=np.int32)
        self.ambiguous = np.empty(rows, dtype=np.bool_)
        size = rows if luck else 0
        self.luck_numbers: dict[str, NDArray[Any]] = {
            "forward": np.empty(size, dtype=np.uint8),
            "distance_ms": np.empty(size, dtype=np.int64),
            "exact": np.empty(size, dtype=np.float64),
            "rounded": np.empty(size, dtype=np.int8),
            "floored": np.empty(size, dtype=np.int8),
            "first_day": np.empty(size, dtype=np.int32),
        }
        self.walk = np.empty((size, 4, PILLARS), dtype=np.uint8) if luck else None

    def luck(self, age: LuckAge) -> LuckCodes:
        assert self.walk is not None
        return LuckCodes(luck_age=age, walk=self.walk, **self.luck_numbers)


def _fill(
    out: _Out, at: slice, births: Births, found: Instants, kernel: str, schools: Schools, age: LuckAge
) -> None:
    status = found.status
    if out.walk is not None:
        missing = births.sex == SEX_MISSING
        if missing.any():
            status[missing & (status == st.OK)] = st.NO_SEX
    rows = out.pillars[at]
    _pillars(births, found, kernel, rows)
    if not births.exact[0] or not uniform(births.exact):
        rows[~births.exact, 3] = UNKNOWN_HOUR
    out.utc_seconds[at], out.utc_offset[at], out.offset[at] = (
        found.utc_seconds,
        found.utc_offset,
        found.offset,
    )
    out.nearest[at], out.since[at], out.ambiguous[at] = found.nearest, found.since, found.ambiguous
    out.status[at], out.clock[at] = status, found.clock
    bad = np.flatnonzero(status)
    if out.walk is not None:
        _luck(out, at, births, found, schools, age)
    if len(bad):
        out.refused = True
        rows[bad] = NO_PILLAR
        bad += at.start
        for array in (out.utc_seconds, out.utc_offset, out.offset, out.clock, out.since, out.ambiguous):
            array[bad] = 0
        out.nearest[bad] = -1


def _pillars(births: Births, found: Instants, kernel: str, rows: NDArray[np.uint8]) -> None:
    boundary = births.day_boundary
    if uniform(boundary):
        chosen = DAY_BOUNDARIES[boundary[0]] if boundary[0] < len(DAY_BOUNDARIES) else DayBoundary.MIDNIGHT
        pillars(found.utc_seconds, found.offset, day_boundary=chosen, backend=kernel, out=rows)
        return
    for code, name in enumerate(DAY_BOUNDARIES):
        members = np.flatnonzero(boundary == code)
        rows[members] = pillars(
            found.utc_seconds[members], found.offset[members], day_boundary=name, backend=kernel
        )


def _luck(out: _Out, at: slice, births: Births, found: Instants, schools: Schools, age: LuckAge) -> None:
    """Where the hour is not known, ages and dates are masked; where a 절 falls on that day, all is."""
    assert out.walk is not None
    # Refused rows hold the values of some other birth here, and are masked afterwards.
    codes = luck_codes(
        out.pillars[at],
        found.utc_seconds,
        found.local_seconds,
        found.jie,
        births.sex if not found.status.any() else np.clip(births.sex, MALE, FEMALE),
        schools=schools,
        luck_age=age,
    )
    numbers = {name: array[at] for name, array in out.luck_numbers.items()}
    walk = out.walk[at]
    for name, array in numbers.items():
        array[...] = getattr(codes, name)
    walk[...] = codes.walk
    bad = np.flatnonzero(found.status)
    if len(bad):
        for name, array in numbers.items():
            array[bad] = _UNKNOWN[name]
        walk[bad] = NO_PILLAR
    if not (uniform(births.exact) and births.exact[0]):
        dated = ~births.exact
        for name, array in numbers.items():
            if name != "forward":
                array[dated] = _UNKNOWN[name]
        unsure = dated & found.ambiguous
        numbers["forward"][unsure] = _UNKNOWN["forward"]
        walk[unsure] = NO_PILLAR
