"""What a chart is, as plain data: the same classes in the saju engine, on the wire and in the client SDK.

Facts only. Every field says its unit; a fact that could not be decided is `None` or a candidate, never a
guess. The JSON of `POST /v1/saju/charts` is exactly the shape of `Chart`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from hypercube.core.calendar import Luck, LuckAge, LuckRange, LunarDate, PeriodsNow
from hypercube.core.errors import Failure
from hypercube.core.facts import ChartFacts, Relation
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.core.signs import Pillar as Pillar
from hypercube.core.signs import Sign as Sign

UNKNOWN_HOUR: Final = 255
"""The sexagenary index of an hour pillar whose birth hour is not known (시 모름)."""


class Sex(StrEnum):
    """Needed only where luck pillars (대운) are asked for: their direction depends on it."""

    MALE = "male"
    FEMALE = "female"


class TimeBasis(StrEnum):
    """Which clock decides the day and hour pillars."""

    CIVIL = "civil"
    """The clock on the wall."""
    MEAN_SOLAR = "mean_solar"
    """The clock corrected by longitude, 240 s a degree."""
    TRUE_SOLAR = "true_solar"
    """The clock corrected by longitude and by the equation of time."""


class DayBoundary(StrEnum):
    """What happens between 23:00 and 24:00."""

    MIDNIGHT = "midnight"
    """야자시: the day changes at 00:00; from 23:00 the hour stem is the next day's."""
    ZI23 = "zi23"
    """정자시: day and hour change together at 23:00."""
    SAME_DAY = "same_day"
    """At 23:xx day and hour stem are both the civil day's."""


class Calendar(StrEnum):
    """Which calendar the date of a birth belongs to."""

    SOLAR = "solar"
    """양력: the civil (Gregorian) date."""
    LUNAR = "lunar"
    """음력: the Korean lunisolar date."""


class Include(StrEnum):
    """What an answer brings beside the pillars; each costs time, so each is asked for by name."""

    FACTS = "facts"
    """Ten gods, hidden stems, stages, relations, sinsal, strength, structure, useful gods."""
    LUCK = "luck"
    """The ten luck pillars (대운); needs `sex`."""
    PERIODS = "periods"
    """The pillars of the year, month and day in force on `as_of`."""


@dataclass(frozen=True, slots=True)
class BirthInput:
    """A birth as the caller gives it. Nothing here is checked yet; `hypercube.saju.chart` does that.

    Attributes:
        birth: civil date and time of the birth place, `YYYY-MM-DDTHH:MM[:SS]`, or a date alone (시 모름).
        sex: the person's sex, or None.
        place: a place name in Korean or English ("Seoul", "서울"), or None.
        longitude: degrees east of Greenwich, -180..180; overrides the place's.
        zone: IANA zone of the civil time; overrides the place's; Asia/Seoul if neither is given.
        time_basis: None means `mean_solar` when a place or longitude is given, else `civil`.
        day_boundary: what 23:00-24:00 belongs to.
        fold: 0 or 1 picks the first or second pass of a civil time that occurs twice; it also settles a civil
            time that summer time skipped (0: as if the old offset still held, 1: as if the new one did).
        calendar: what the date in `birth` is; `lunar` is the Korean lunar calendar, 1000 to 2050.
        leap_month: True for the leap month (윤달) of a lunar date.
        include: what to answer beside the pillars.
        luck_age: how the age at which luck pillars begin is counted.
        as_of: the day that counts as now, `YYYY-MM-DD`; None = today in the zone of the birth.
        hidden_stems: school of the hidden stems (지장간).
        life_stages: school of the life stages (12운성).
        blade: school of the blade (양인).
        goegang: school of 괴강.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    birth: str
    sex: Sex | None = None
    place: str | None = None
    longitude: float | None = None
    zone: str | None = None
    time_basis: TimeBasis | None = None
    day_boundary: DayBoundary = DayBoundary.MIDNIGHT
    fold: int | None = None
    calendar: Calendar = Calendar.SOLAR
    leap_month: bool = False
    include: tuple[Include, ...] = ()
    luck_age: LuckAge = LuckAge.ROUNDED
    as_of: str | None = None
    hidden_stems: HiddenStemSet = HiddenStemSet.KOREAN
    life_stages: LifeStageSchool = LifeStageSchool.YIN_BACKWARD
    blade: BladeSchool = BladeSchool.YANG_STEMS
    goegang: GoegangSchool = GoegangSchool.FOUR_DAYS


@dataclass(frozen=True, slots=True)
class Pillars:
    """The four pillars; `hour` is None when the birth hour is unknown."""

    year: Pillar
    month: Pillar
    day: Pillar
    hour: Pillar | None

    def indices(self) -> tuple[int, int, int, int]:
        """Sexagenary indices in the order year, month, day, hour; an unknown hour is 255."""
        hour = UNKNOWN_HOUR if self.hour is None else self.hour.index
        return (self.year.index, self.month.index, self.day.index, hour)


@dataclass(frozen=True, slots=True)
class Instant:
    """The moment of birth. For a date without a time this is that day's local noon and `exact` is False."""

    utc: str
    """ISO 8601 in UTC, second resolution, e.g. 1990-05-02T22:20:00Z."""
    utc_seconds: int
    """POSIX seconds."""
    local: str
    """The civil time as understood, ISO 8601 without offset."""
    solar: str
    """The local time that decided day and hour, after all corrections, ISO 8601 without offset."""
    exact: bool
    """False when only the date was given."""


@dataclass(frozen=True, slots=True)
class Corrections:
    """Every step from UTC to the local time that decided the pillars, in seconds."""

    utc_offset_s: int
    """Civil time minus UTC, summer time included."""
    dst_s: int
    """The summer-time part of `utc_offset_s`."""
    longitude_s: int
    """Mean solar time minus standard (not summer) time; 0 on the civil basis."""
    equation_of_time_s: int
    """Apparent minus mean solar time; 0 unless the basis is true_solar."""
    total_offset_s: int
    """Local time that decided the pillars minus UTC: what the kernel was given."""


@dataclass(frozen=True, slots=True)
class Term:
    """A solar term (절기): the instant at which the Sun's apparent longitude reaches `longitude_deg`."""

    hangul: str
    hanja: str
    longitude_deg: int
    utc: str
    """ISO 8601 in UTC, millisecond resolution."""


@dataclass(frozen=True, slots=True)
class Boundary:
    """How close the birth is to an edge that would change a pillar."""

    nearest_term: Term
    """The nearest 절 (month boundary)."""
    term_distance_s: int
    """Birth minus that instant (whole seconds; negative = before)."""
    hour_edge_s: int | None
    """Seconds to the nearest double-hour edge; None without an hour."""
    day_edge_s: int | None
    """Seconds to the nearest edge of the day; None without an hour."""


@dataclass(frozen=True, slots=True)
class Candidate:
    """One of two possible charts when the clock cannot decide."""

    when: str
    """`before` or `after` the nearest term."""
    from_utc: str | None
    """The instant from which this candidate holds (for `after`), else None."""
    pillars: Pillars
    chosen: bool
    """True for the candidate that `Chart.pillars` shows."""


@dataclass(frozen=True, slots=True)
class ChartOptions:
    """The conventions this chart was computed under, every default filled in."""

    sex: Sex | None
    place: str | None
    longitude: float | None
    zone: str
    time_basis: TimeBasis
    day_boundary: DayBoundary
    fold: int | None
    calendar: Calendar = Calendar.SOLAR
    leap_month: bool = False
    include: tuple[Include, ...] = ()
    """In the order facts, luck, periods, each once."""
    luck_age: LuckAge = LuckAge.ROUNDED
    as_of: str | None = None
    """The day given, or today's date where the periods were asked for without one; else None."""
    hidden_stems: HiddenStemSet = HiddenStemSet.KOREAN
    life_stages: LifeStageSchool = LifeStageSchool.YIN_BACKWARD
    blade: BladeSchool = BladeSchool.YANG_STEMS
    goegang: GoegangSchool = GoegangSchool.FOUR_DAYS


@dataclass(frozen=True, slots=True)
class Versions:
    """What the facts rest on."""

    engine: str
    ephemeris: str
    term_table: str
    delta_t: str
    tzdata: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A four-pillar chart (사주 원국) with everything needed to check it."""

    pillars: Pillars
    instant: Instant
    corrections: Corrections
    boundary: Boundary
    ambiguous: bool
    """True within ±60 s of a 절, or when a 절 falls on a birth day without an hour."""
    candidates: tuple[Candidate, ...]
    """Both candidates when `ambiguous`, else empty."""
    notes: tuple[str, ...]
    """Plain sentences a reader should see, such as the clock's pillars where the corrected ones differ."""
    options: ChartOptions
    versions: Versions
    lunar: LunarDate | None = None
    """The Korean lunar date of the birth; None outside 1000-02-13 to 2050-12-31, or without the calendar's package."""
    facts: ChartFacts | None = None
    """Where `include` has `facts`."""
    luck: Luck | None = None
    """Where `include` has `luck` and the hour is known."""
    luck_ranges: tuple[LuckRange, ...] = ()
    """Where `include` has `luck` and the hour is not: one, or two if a 절 falls on the birth day."""
    periods: PeriodsNow | None = None
    """Where `include` has `periods`."""
    period_relations: tuple[Relation, ...] = ()
    """Beside `periods`: what this_year, this_month, this_day and, with `luck`, the luck in force do to the chart."""


MAX_BIRTHS: Final = 10_000
"""Births in one batch request."""
MAX_INCLUDING: Final = 2_000
"""Of these, births with an `include`: their charts take some 20 kB each as JSON."""


@dataclass(frozen=True, slots=True)
class ChartsRequest:
    """A batch of 1 to `MAX_BIRTHS` births; one alone is a batch of one."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    births: tuple[BirthInput, ...]


@dataclass(frozen=True, slots=True)
class ChartResult:
    """What became of one birth: exactly one of the two is set."""

    chart: Chart | None = None
    error: Failure | None = None


@dataclass(frozen=True, slots=True)
class ChartsResponse:
    """One result a birth, in the order given."""

    results: tuple[ChartResult, ...]
