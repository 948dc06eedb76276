"""What the options of an everyday birth come down to, worked out once: a clock, its corrections, what they say."""

import functools
from typing import Final, NamedTuple

import numpy as np

from hypercube.core.chart import Calendar, ChartOptions, Corrections, DayBoundary, TimeBasis
from hypercube.core.everyday import Ground
from hypercube.core.kept import Repeated
from hypercube.kernels.pillars.packed import MAX_OFFSET_S
from hypercube.kernels.pillars.reference import DAY_S
from hypercube.kernels.solar_offset import solar_offset
from hypercube.saju import notes
from hypercube.saju.assembly import versions
from hypercube.saju.preparation import DATE_LINE_S
from hypercube.saju.zones import load_zone

_BASES: Final = (TimeBasis.CIVIL, TimeBasis.MEAN_SOLAR)


class Steps(NamedTuple):
    """From UTC to the local time that decides, while a zone keeps one offset.

    Attributes:
        utc_offset_s: of the civil clock.
        total_s: of the clock that decides.
        ground: what charts show of them.
        notes: what charts say of them.
    """

    utc_offset_s: int
    total_s: int
    ground: Repeated[Ground, tuple[bytes, bytes]]
    notes: Repeated[tuple[str, ...], bytes]


class Site:
    """A place under its rules, told apart by identity.

    Attributes:
        options: of the chart.
        boundary: when its day begins.
        wall_late, wall_early: civil seconds at which the zone's spells of one offset begin, read by the offset
            before and by the offset after; between the two the clock was changed.
    """

    __slots__ = ("_offsets", "_steps", "_summer", "boundary", "options", "wall_early", "wall_late")

    def __init__(self, options: ChartOptions) -> None:
        zone = _zone(options.zone)
        self.options = options
        self.boundary: DayBoundary = options.day_boundary
        self.wall_late, self.wall_early = zone.wall_late, zone.wall_early
        self._offsets, self._summer = zone.offsets, zone.dst
        self._steps: dict[int, Steps | None] = {}

    def steps(self, spell: int) -> Steps | None:
        """Those of a spell of the zone; None where they are too long for the kernels."""
        try:
            return self._steps[spell]
        except KeyError:
            made = self._steps[spell] = self._made(self._offsets[spell], self._summer[spell])
            return made

    def _made(self, offset: int, dst: int) -> Steps | None:
        options, longitude_s, total = self.options, 0, offset
        if options.time_basis is TimeBasis.MEAN_SOLAR:
            assert options.longitude is not None
            longitude_s = _mean_solar(options.longitude) - (offset - dst)
            if longitude_s > DATE_LINE_S:
                longitude_s -= DAY_S
            elif longitude_s < -DATE_LINE_S:
                longitude_s += DAY_S
            total = offset - dst + longitude_s
        if abs(total) > MAX_OFFSET_S:
            return None
        said = (notes.summer_time(dst, options.time_basis), notes.far_from_zone(longitude_s, options))
        ground = Ground(Corrections(offset, dst, longitude_s, 0, total), options, versions())
        return Steps(offset, total, Repeated(ground), Repeated(tuple(note for note in said if note)))


def site_of(options: ChartOptions) -> Site | None:
    """The site of these options; None for what is not everyday."""
    if (
        options.include
        or options.fold is not None
        or options.calendar is not Calendar.SOLAR
        or options.leap_month
        or options.time_basis not in _BASES
    ):
        return None
    return Site(options)


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


@functools.lru_cache(maxsize=8_192)
def _mean_solar(longitude: float) -> int:
    """Seconds that mean solar time is ahead of UTC, by the same kernel; it does not depend on the day."""
    return int(solar_offset(np.zeros(1, dtype=np.int64), longitude, apparent=False)[0])
