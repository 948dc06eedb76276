"""One everyday birth on its way through a door that is asked for one chart at a time.

Most of what such a request and its answer say repeats: the options of a birth, what follows from them, the steps
from UTC. It is read, worked out and written once, and stands here by reference; only numbers and texts of the birth's
own are made anew. `Chart` and `ChartsRequest` are the same things for everybody else.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import (
    BirthInput,
    Boundary,
    Chart,
    ChartOptions,
    Corrections,
    Instant,
    Pillar,
    Pillars,
    Term,
    Versions,
)
from hypercube.core.kept import Repeated


@dataclass(frozen=True, eq=False, slots=True)
class BirthOptions:
    """All of a birth but its date and time; told apart by identity, so that what follows from it can be kept.

    Attributes:
        given: a birth with these options; its own `birth` is empty.
    """

    given: BirthInput


class OneBirth(NamedTuple):
    """A birth whose options are known."""

    birth: str
    options: BirthOptions

    def whole(self) -> BirthInput:
        """The birth for those who know nothing of its options."""
        return replace(self.options.given, birth=self.birth)


class Ground(NamedTuple):
    """What the charts of one place, under one choice of options and one offset of its clock, share."""

    corrections: Corrections
    options: ChartOptions
    versions: Versions


class EverydayChart(NamedTuple):
    """The chart of a birth at a known hour, away from every 절 and clock change, with nothing included.

    The fields are those of `Chart` and its parts; what charts repeat is `Repeated`.
    """

    year_month: Repeated[tuple[Pillar, Pillar], bytes]
    day_hour: Repeated[tuple[Pillar, Pillar], bytes]
    utc_seconds: int
    utc: str
    local: str
    solar: str
    nearest_term: Repeated[Term, bytes]
    term_distance_s: int
    hour_edge_s: int
    day_edge_s: int
    notes: Repeated[tuple[str, ...], bytes]
    ground: Repeated[Ground, tuple[bytes, bytes]]
    lunar: Repeated[LunarDate | None, bytes]

    def chart(self) -> Chart:
        """The same as a `Chart`."""
        corrections, options, versions = self.ground.record
        return Chart(
            Pillars(*self.year_month.record, *self.day_hour.record),
            Instant(self.utc, self.utc_seconds, self.local, self.solar, True),
            corrections,
            Boundary(self.nearest_term.record, self.term_distance_s, self.hour_edge_s, self.day_edge_s),
            False,
            (),
            self.notes.record,
            options,
            versions,
            self.lunar.record,
        )
