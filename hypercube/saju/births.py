"""What a caller wrote, checked: the text of a birth, and the options that decide how it is read.

Every refusal names the field, repeats the value and says what to write instead. Nothing here looks at a clock
change; `preparation` does, once the zone is known.
"""

import functools
import math
import re
from datetime import date, timedelta
from enum import StrEnum
from numbers import Integral, Real
from typing import Any, Final, NamedTuple, TypeVar

from hypercube.core.chart import BirthInput, ChartOptions, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.saju.places import find_place
from hypercube.saju.zones import DEFAULT_ZONE, load_zone

FIRST_YEAR: Final = 1800
LAST_YEAR: Final = 2200
_BIRTH: Final = re.compile(r"(\d{4})-(\d\d)-(\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
_WITH_OFFSET: Final = re.compile(r"(.*\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:[zZ]|[+-]\d\d(?::?\d\d)?)", re.ASCII)
_NUMBERS: Final = re.compile(r"\d+", re.ASCII)
_FORMAT: Final = "Write YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS, or YYYY-MM-DD when the hour is not known."
_LONGEST_TEXT: Final = 64
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200

_Choice = TypeVar("_Choice", bound=StrEnum)


class CivilTime(NamedTuple):
    """A birth by the wall clock, before any zone."""

    seconds: int
    """Since 1970-01-01T00:00 of the same clock; noon when only the date is known."""
    exact: bool
    """False when only the date was given."""


def read_birth(birth: BirthInput) -> tuple[CivilTime, ChartOptions]:
    """Check one birth.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; `param` names the field of `BirthInput` at fault.
    """
    if not isinstance(birth, BirthInput):
        raise invalid(
            f"A birth is a {type(birth).__name__}, expected a BirthInput.",
            value=birth,
            fix="Write BirthInput(birth='1990-05-03T07:20', place='Seoul').",
        )
    time = read_time(birth.birth)
    given = (
        birth.sex,
        birth.place,
        birth.longitude,
        birth.zone,
        birth.time_basis,
        birth.day_boundary,
        birth.fold,
    )
    try:
        options = _settled(*given)
    except TypeError:  # a value that cannot be a key, and cannot be right
        options = settle(*given)
    return time, options if time.exact else _by_the_date(options)


def read_time(text: Any) -> CivilTime:
    """Read `BirthInput.birth`."""
    match = _BIRTH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise _unreadable(text)
    year, month, day, hour, minute, second = match.groups()
    try:
        ordinal = date(int(year), int(month), int(day)).toordinal()
    except ValueError:
        raise _no_such_date(text, int(year), int(month), int(day)) from None
    if not FIRST_YEAR <= int(year) <= LAST_YEAR:
        raise _outside_years(text, int(year))
    midnight = (ordinal - _EPOCH) * _DAY_S
    if hour is None:
        return CivilTime(midnight + _NOON_S, exact=False)
    h, m, s = int(hour), int(minute), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        raise _no_such_time(text, ordinal, h, m, s)
    return CivilTime(midnight + h * 3_600 + m * 60 + s, exact=True)


def settle(
    sex: Any, place: Any, longitude: Any, zone: Any, time_basis: Any, day_boundary: Any, fold: Any
) -> ChartOptions:
    """Check the options and fill in every default.

    A `longitude` or `zone` given overrides the place's. Without a `time_basis` it is mean solar time where the
    longitude is known, else the clock.
    """
    site = None if place is None else find_place(_text(place, "place", "Seoul or 서울"))
    degrees = _longitude(longitude) if longitude is not None else site.longitude if site else None
    if zone is not None:
        zone_name = load_zone(_text(zone, "zone", "Asia/Seoul")).name
    else:
        zone_name = site.zone if site else DEFAULT_ZONE
    if time_basis is None:
        basis = TimeBasis.CIVIL if degrees is None else TimeBasis.MEAN_SOLAR
    else:
        basis = _choice(TimeBasis, time_basis, "time_basis")
    if degrees is None and basis is not TimeBasis.CIVIL:
        raise invalid(
            f"time_basis {basis.value!r} needs to know where the birth was, and there is neither `place` nor "
            "`longitude`.",
            param="time_basis",
            value=basis.value,
            fix="Give `place` or `longitude`, or time_basis 'civil' for the clock as it is.",
        )
    return ChartOptions(
        sex=None if sex is None else _choice(Sex, sex, "sex"),
        place=site.name if site else None,
        longitude=degrees,
        zone=zone_name,
        time_basis=basis,
        day_boundary=_choice(DayBoundary, day_boundary, "day_boundary"),
        fold=None if fold is None else _fold(fold),
    )


# `typed`, because fold=True is refused and must not find the entry of fold=1.
_settled = functools.lru_cache(maxsize=4_096, typed=True)(settle)


@functools.lru_cache(maxsize=4_096)
def _by_the_date(options: ChartOptions) -> ChartOptions:
    """Without an hour the civil date alone decides the day, whatever basis was asked for."""
    return ChartOptions(
        sex=options.sex,
        place=options.place,
        longitude=options.longitude,
        zone=options.zone,
        time_basis=TimeBasis.CIVIL,
        day_boundary=options.day_boundary,
        fold=options.fold,
    )


def _text(value: Any, param: str, example: str) -> str:
    if isinstance(value, str):
        return value
    raise invalid(
        f"{param} is {shown(value)!r}, expected text.", param=param, value=value, fix=f"Write {example}."
    )


def _longitude(value: Any) -> float:
    # Written so that NaN is refused as well.
    if _is_number(value, Real) and -180 <= value <= 180:
        return float(value)
    finite = not isinstance(value, float) or math.isfinite(value)
    raise invalid(
        f"longitude is {shown(value)!r}, not a number from -180 to 180.",
        param="longitude",
        value=value if finite else str(value),  # JSON has no NaN
        fix="Give degrees east of Greenwich, west negative: Seoul is 126.978.",
    )


def _fold(value: Any) -> int:
    if _is_number(value, Integral) and value in (0, 1):
        return int(value)
    raise invalid(
        f"fold is {shown(value)!r}, expected 0 or 1.",
        param="fold",
        value=value,
        fix="Write 0 for the first pass of a clock time that came twice, 1 for the second, or leave it out.",
    )


def _is_number(value: Any, kind: type) -> bool:
    return isinstance(value, kind) and not isinstance(value, bool)


def _choice(kind: type[_Choice], value: Any, param: str) -> _Choice:
    try:
        return kind(value)
    except ValueError:
        known = [member.value for member in kind]
        close = nearest(value, known) if isinstance(value, str) and len(value) < 40 else None
        raise invalid(
            f"{param} is {shown(value)!r}, which is not a choice.",
            param=param,
            value=value,
            fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(known)}.",
            choices=known,
        ) from None


def _unreadable(text: Any) -> HyperCubeError:
    fix = _FORMAT
    if not isinstance(text, str):
        problem = "is not text"
    elif not text.strip():
        problem = "is empty"
    elif len(text) > _LONGEST_TEXT:
        problem = f"has {len(text)} characters"
    elif with_offset := _WITH_OFFSET.fullmatch(text):
        problem = "carries a UTC offset"
        fix = (
            "Give the civil time of the birth place, without an offset, and its IANA zone in `zone`: "
            f"{with_offset[1]!r} is read as the clock there."
        )
    else:
        problem = "is not a date and time"
        numbers = [int(number) for number in _NUMBERS.findall(text)]
        if (guess := _guess(numbers)) is not None:
            fix = f"Write {guess}. {_FORMAT}"
    return invalid(f"birth {shown(text)!r} {problem}.", param="birth", value=text, fix=fix)


def _guess(numbers: list[int]) -> str | None:
    """What was probably meant by 1990/5/3 7:20, if it makes sense."""
    if len(numbers) not in (3, 5, 6) or not FIRST_YEAR <= numbers[0] <= LAST_YEAR:
        return None
    guess = "-".join(f"{n:0{4 if i == 0 else 2}}" for i, n in enumerate(numbers[:3]))
    if len(numbers) > 3:
        guess += "T" + ":".join(f"{n:02}" for n in numbers[3:])
    try:
        read_time(guess)
    except HyperCubeError:
        return None
    return guess


def _no_such_date(text: str, year: int, month: int, day: int) -> HyperCubeError:
    if year == 0:
        return _outside_years(text, year)
    if not 1 <= month <= 12:
        problem, fix = f"has month {month}", "Months run from 01 to 12."
    else:
        last = _last_day(year, month)
        problem = f"names a day that does not exist: {year}-{month:02} has {last} days"
        fix = f"The last day of that month is {year:04}-{month:02}-{last}; days run from 01."
    return invalid(f"birth {text!r} {problem}.", param="birth", value=text, fix=fix)


def _last_day(year: int, month: int) -> int:
    return (date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)).day if year < 9999 else 31


def _outside_years(text: str, year: int) -> HyperCubeError:
    return invalid(
        f"birth {text!r} lies in the year {year}, outside {FIRST_YEAR} to {LAST_YEAR}.",
        param="birth",
        value=text,
        fix=f"Give a birth in the years {FIRST_YEAR} to {LAST_YEAR}: the instants of the solar terms (절기), which "
        "decide the year and month pillars, are tabulated for those years only.",
        first_year=FIRST_YEAR,
        last_year=LAST_YEAR,
    )


def _no_such_time(text: str, ordinal: int, hour: int, minute: int, second: int) -> HyperCubeError:
    if (hour, minute, second) == (24, 0, 0):
        fix = f"Midnight at the end of a day is the next day's 00:00: {date.fromordinal(ordinal + 1)}T00:00."
    else:
        fix = "Hours run from 00 to 23, minutes and seconds from 00 to 59."
    named = f"hour {hour}" if hour > 23 else f"minute {minute}" if minute > 59 else f"second {second}"
    return invalid(f"birth {text!r} has {named}.", param="birth", value=text, fix=fix)
