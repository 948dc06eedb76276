"""Our solar terms and lunar dates against KASI's official ones: what differs, by how much, and how plausible.

A `KasiSource` brings the official values (a service, a stored list); everything here is pure.
"""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, Protocol

from hypercube.core.calendar import LunarDate
from hypercube.core.errors import HyperCubeError
from hypercube.kernels.pillars.terms import TERMS
from hypercube.saju.lunar import lunar_months, solar_to_lunar
from hypercube.saju.solar_terms import KST_MS, MINUTE_MS, rounded_minutes, term_instants

GROSS_MINUTES: Final = 3
"""KASI's list has errors of the press (a day, five hours, twenty minutes); an honest one stays below this."""
_EPOCH: Final = dt.datetime(1970, 1, 1)
_MINUTE: Final = dt.timedelta(minutes=1)
_REFORM: Final = (1582, 10, 15)
"""KASI's solar dates before this day are Julian."""


@dataclass(frozen=True, slots=True)
class KasiTerm:
    """A solar term as KASI publishes it."""

    year: int
    """Civil year of the date it is filed under."""
    k: int
    """0 = 소한 … 23 = 동지, from the solar longitude."""
    name: str
    published: dt.datetime
    """KST, whole minutes, without zone."""


@dataclass(frozen=True, slots=True)
class KasiLunarDay:
    """One day in both calendars as KASI publishes it."""

    solar_year: int
    solar_month: int
    solar_day: int
    """Julian before 1582-10-15."""
    lunar: LunarDate
    month_days: int | None
    """29 or 30, if stated."""

    @property
    def gregorian(self) -> dt.date:
        """The Gregorian date of `solar_*`; ValueError when there is none."""
        year, month, day = self.solar_year, self.solar_month, self.solar_day
        if (year, month, day) >= _REFORM:
            return dt.date(year, month, day)
        if not (1 <= month <= 12 and 1 <= day <= 31):
            raise ValueError(f"{year}-{month}-{day} is not a date")
        # Days since 1 March of the Julian year 0, which is 28 February, ordinal -307, of the Gregorian one.
        years, months = year - (month < 3), (month - 3) % 12
        days = 365 * years + years // 4 + (153 * months + 2) // 5 + day - 1
        return dt.date.fromordinal(days - 307)


class KasiSource(Protocol):
    """Where official values come from."""

    def terms(self, year: int) -> Iterable[KasiTerm]:
        """The 24 terms of a civil year."""
        ...

    def lunar_days(self, year: int, month: int) -> Iterable[KasiLunarDay]:
        """Every day of a solar month."""
        ...


@dataclass(frozen=True, slots=True)
class TermDifference:
    """A term whose minute is not KASI's."""

    year: int
    k: int
    name: str
    ours: str
    """Our KST minute."""
    ours_ms: str
    """Our instant in KST, to the millisecond."""
    kasi: str
    """KASI's KST minute."""
    minutes: int
    """KASI minus ours."""
    least_shift_s: float
    """How far our instant would have to move to round to KASI's minute; negative = earlier."""
    gross: bool
    """True where no rounding and no Delta-T explains it (`GROSS_MINUTES`), or the name is another term's."""


@dataclass(frozen=True, slots=True)
class LunarDifference:
    """A day whose lunar date is not KASI's."""

    solar: str
    ours: LunarDate | None
    """None outside our table."""
    kasi: LunarDate
    ours_month_days: int | None
    kasi_month_days: int | None


def compare_terms(official: Iterable[KasiTerm]) -> list[TermDifference]:
    """The terms that differ from ours, in the order given; years outside 1800 to 2200 are refused."""
    found = []
    for each in official:
        instant = int(term_instants(each.year, each.year)[0, each.k]) + KST_MS
        minute = int(rounded_minutes(term_instants(each.year, each.year)[0] + KST_MS)[each.k])
        theirs = (each.published - _EPOCH) // _MINUTE
        named = each.name in ("", TERMS[each.k].hangul)
        if theirs == minute and named:
            continue
        # Their minute holds the instants from half a minute before it (inclusive) to half a minute after.
        first, last = theirs * MINUTE_MS - MINUTE_MS // 2, theirs * MINUTE_MS + MINUTE_MS // 2 - 1
        shift = min(max(instant, first), last) - instant
        found.append(
            TermDifference(
                year=each.year,
                k=each.k,
                name=TERMS[each.k].hangul,
                ours=(_EPOCH + minute * _MINUTE).isoformat(timespec="minutes"),
                ours_ms=(_EPOCH + dt.timedelta(milliseconds=instant)).isoformat(timespec="milliseconds"),
                kasi=each.published.isoformat(timespec="minutes"),
                minutes=theirs - minute,
                least_shift_s=shift / 1_000,
                gross=abs(theirs - minute) >= GROSS_MINUTES or not named,
            )
        )
    return found


def compare_lunar(official: Iterable[KasiLunarDay]) -> list[LunarDifference]:
    """The days whose lunar date, or length of month, differs from ours, in the order given."""
    found = []
    for each in official:
        solar = each.gregorian
        try:
            ours = solar_to_lunar(solar)
        except HyperCubeError:
            found.append(LunarDifference(solar.isoformat(), None, each.lunar, None, each.month_days))
            continue
        length = _length(ours)
        if ours != each.lunar or each.month_days not in (None, length):
            found.append(LunarDifference(solar.isoformat(), ours, each.lunar, length, each.month_days))
    return found


def _length(lunar: LunarDate) -> int:
    return next(m.days for m in lunar_months(lunar.year) if (m.month, m.leap) == (lunar.month, lunar.leap))
