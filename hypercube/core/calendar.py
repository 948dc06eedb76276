"""Dates and periods as plain data: lunar dates, solar terms, luck pillars, the pillars of years, months and days.

What `hypercube.saju` computes and what the wire carries; no arithmetic here.
"""

from dataclasses import dataclass
from enum import StrEnum

from hypercube.core.signs import Pillar


@dataclass(frozen=True, slots=True)
class LunarDate:
    """A date of the Korean lunisolar calendar (음력). Nothing is checked here; `hypercube.saju.lunar` does that.

    Attributes:
        year: lunar year, numbered as the civil year in which it begins.
        month: 1 to 12.
        day: 1 to 29 or 30.
        leap: True for the leap month (윤달) that follows the ordinary month of the same number.
    """

    year: int
    month: int
    day: int
    leap: bool = False

    def __str__(self) -> str:
        return f"{self.year:04}-{'윤' if self.leap else ''}{self.month:02}-{self.day:02}"


@dataclass(frozen=True, slots=True)
class LunarMonth:
    """One month of a lunar year."""

    year: int
    month: int
    leap: bool
    days: int
    """29 or 30."""
    first: str
    """Solar date of its first day, ISO 8601."""


@dataclass(frozen=True, slots=True)
class TermInstant:
    """A solar term (절기) of one year: the instant, and how it reads on two clocks."""

    k: int
    """0 = 소한 … 23 = 동지, in the order of the civil year; even = 절, which opens a month."""
    hangul: str
    hanja: str
    longitude_deg: int
    utc_ms: int
    """POSIX milliseconds (UTC from 1972, UT1 before)."""
    utc: str
    """The same, ISO 8601, millisecond resolution."""
    local: str
    """By the clock of the zone asked for, ISO 8601 without offset, millisecond resolution."""
    local_minute: str
    """`local` rounded half up to the minute."""
    kst_minute: str
    """UTC+9 rounded half up to the minute, as KASI publishes it, whatever the clock in Seoul showed."""


class LuckAge(StrEnum):
    """How the age at which the first luck pillar (대운) begins is counted; three days to the 절 are one year."""

    EXACT = "exact"
    """days / 3, as a decimal."""
    ROUNDED = "rounded"
    """The nearest whole year, halves up, at least 1."""
    FLOORED = "floored"
    """Whole years completed; may be 0."""
    YMD = "ymd"
    """Years, months and days: 1 day = 4 months, 1 month = 30 days, days rounded half up and carried."""


@dataclass(frozen=True, slots=True)
class LuckPillar:
    """Ten years of luck (대운)."""

    pillar: Pillar
    age: float
    """Years since birth at its start, by the `luck_age` of the answer."""
    start_date: str
    """Civil date at the birth place, ISO 8601."""


@dataclass(frozen=True, slots=True)
class LuckStart:
    """When the first luck pillar begins, counted in every way."""

    days: float
    """Days from birth to the next 절 (forward) or from the previous one (backward)."""
    exact: float
    rounded: int
    floored: int
    years: int
    """`years`, `months`, `days_over`: the `ymd` count."""
    months: int
    days_over: int


@dataclass(frozen=True, slots=True)
class Luck:
    """The luck pillars of one person, and the conventions they were computed under."""

    forward: bool
    """True for 순행 (yang year and male, or yin year and female), False for 역행."""
    start: LuckStart
    luck_age: LuckAge
    date_method: str
    """How `start_date` follows from the age; see `hypercube.saju.luck.DATE_METHODS`."""
    pillars: tuple[LuckPillar, ...]

    def in_force(self, day: str) -> LuckPillar | None:
        """The luck pillar of a date YYYY-MM-DD; None before the first. The tenth is taken to run on."""
        begun = [each for each in self.pillars if each.start_date <= day]
        return begun[-1] if begun else None


@dataclass(frozen=True, slots=True)
class LuckRange:
    """Luck pillars of a birth without an hour, over that day or the part of it on one side of a 절.

    The pillars are the same throughout; ages and dates lie between those of `earliest` and `latest`.
    """

    from_utc: str
    until_utc: str
    earliest: Luck
    """The one whose first pillar begins at the lower age."""
    latest: Luck


@dataclass(frozen=True, slots=True)
class YearPeriod:
    """세운: a year from 입춘 to 입춘."""

    year: int
    """The civil year of its 입춘."""
    pillar: Pillar
    from_utc: str | None
    """None where the term table (대설 1799 to 소한 2201) does not reach."""
    until_utc: str | None


@dataclass(frozen=True, slots=True)
class MonthPeriod:
    """월운: a month from one 절 to the next."""

    year: int
    """The saju year it belongs to."""
    month: int
    """1 = 寅 (from 입춘) … 12 = 丑."""
    pillar: Pillar
    term: str
    """The 절 that opens it, in Hangul."""
    from_utc: str | None
    until_utc: str | None


@dataclass(frozen=True, slots=True)
class DayPeriod:
    """일진: a civil day."""

    date: str
    pillar: Pillar


@dataclass(frozen=True, slots=True)
class AsOf:
    """The day that counts as 'now', and where it came from."""

    date: str
    zone: str
    given: bool
    """False when it is today's date in `zone`."""


@dataclass(frozen=True, slots=True)
class PeriodsNow:
    """The pillars in force on a day, taken at that day's local noon."""

    as_of: AsOf
    year: YearPeriod
    month: MonthPeriod
    day: DayPeriod
    term: TermInstant | None
    """The 절 that falls on this day, if one does: month (and year, at 입춘) then change at that instant."""


@dataclass(frozen=True, slots=True)
class YearTerms:
    """The 24 solar terms of one civil year."""

    year: int
    zone: str
    """IANA zone of the `local` clock."""
    terms: tuple[TermInstant, ...]
    """소한 to 동지."""


@dataclass(frozen=True, slots=True)
class LunarDay:
    """One day by both calendars."""

    solar: str
    """Gregorian date, ISO 8601."""
    lunar: LunarDate
    month_days: int
    """Days of that lunar month: 29 or 30."""
    leap_month: int | None
    """Number of the leap month of that lunar year; None when it has none."""
    day: Pillar
    """The day's pillar (일진)."""
