"""What a caller wrote, checked: the text of a birth. `options` checks what stands beside it.

Every refusal names the field, repeats the value and says what to write instead. Nothing here looks at a clock
change; `preparation` does, once the zone is known.
"""

import re
from datetime import date, timedelta
from typing import Any, Final, NamedTuple

from hypercube.core.chart import BirthInput, Calendar, ChartOptions
from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.saju.lunar_text import civil_birth
from hypercube.saju.options import by_the_date, settle
from hypercube.saju.years import FIRST_YEAR as FIRST_YEAR
from hypercube.saju.years import LAST_YEAR as LAST_YEAR

_BIRTH: Final = re.compile(r"(\d{4}-\d\d-\d\d)(?:[T ](\d\d):(\d\d)(?::(\d\d))?)?", re.ASCII)
_WITH_OFFSET: Final = re.compile(r"(.*\d\d:\d\d(?::\d\d(?:\.\d+)?)?) ?(?:[zZ]|[+-]\d\d(?::?\d\d)?)", re.ASCII)
_NUMBERS: Final = re.compile(r"\d+", re.ASCII)
_FORMAT: Final = "Write YYYY-MM-DDTHH:MM or YYYY-MM-DDTHH:MM:SS, or YYYY-MM-DD when the hour is not known."
_LONGEST_TEXT: Final = 64
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_NOON_S: Final = 43_200
_MINUTE_LENGTH: Final = len("YYYY-MM-DDTHH:MM")
_CLOCK: Final = {f"{at // 60:02}:{at % 60:02}": at * 60 for at in range(1_440)}
_DAYS_KEPT: Final = 65_536
_midnights: Final[dict[str, int]] = {}
"""Days that were read, as they were written; seconds since 1970."""


class CivilTime(NamedTuple):
    """A birth by the wall clock, before any zone."""

    seconds: int
    """Since 1970-01-01T00:00 of the same clock; noon when only the date is known."""
    exact: bool
    """False when only the date was given."""


def read_birth(birth: BirthInput) -> tuple[CivilTime, ChartOptions]:
    """Check one birth. The options come with every default but today's date.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; `param` names the field of `BirthInput` at fault.
    """
    if not isinstance(birth, BirthInput):
        raise invalid(
            f"A birth is a {type(birth).__name__}, expected a BirthInput.",
            value=birth,
            fix="Write BirthInput(birth='1990-05-03T07:20', place='Seoul').",
        )
    solar = birth.calendar == Calendar.SOLAR and birth.leap_month is False
    if solar:  # the common case: what is wrong with the text is said first
        time, options = read_time(birth.birth), settle(birth)
    else:
        options = settle(birth)
        time = _read_lunar(birth.birth, options)
    return time, options if time.exact else by_the_date(options)


def _read_lunar(text: Any, options: ChartOptions) -> CivilTime:
    if options.calendar is not Calendar.LUNAR:
        raise invalid(
            f"leap_month is true for {shown(text)!r}, a solar date.",
            param="leap_month",
            value=True,
            fix="Add calendar 'lunar' if that is a lunar date; solar dates have no leap month.",
        )
    civil = civil_birth(text, options.leap_month)
    try:
        return read_time(civil)
    except HyperCubeError as error:
        raise invalid(
            f"Lunar birth {text!r} is the solar {civil!r}. {error.message}",
            param="birth",
            value=text,
            fix=error.fix,
            **error.details,
        ) from None


def read_minute(text: str) -> int | None:
    """The seconds of a `CivilTime` written as most are, on a day that was read before; else None."""
    if len(text) == _MINUTE_LENGTH and text[10] == "T":
        known, clock = _midnights.get(text[:10]), _CLOCK.get(text[11:])
        if known is not None and clock is not None:
            return known + clock
    return None


def read_time(text: Any) -> CivilTime:
    """Read `BirthInput.birth`."""
    if type(text) is str and (seconds := read_minute(text)) is not None:
        return CivilTime(seconds, exact=True)
    match = _BIRTH.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise _unreadable(text)
    day, hour, minute, second = match.groups()
    midnight = _midnight(text, day)
    if hour is None:
        return CivilTime(midnight + _NOON_S, exact=False)
    h, m, s = int(hour), int(minute), int(second or 0)
    if h > 23 or m > 59 or s > 59:
        raise _no_such_time(text, midnight // _DAY_S + _EPOCH, h, m, s)
    return CivilTime(midnight + h * 3_600 + m * 60 + s, exact=True)


def _midnight(text: str, day: str) -> int:
    """Seconds from 1970 to the beginning of a day that a birth may have."""
    year, month, number = map(int, day.split("-"))
    try:
        ordinal = date(year, month, number).toordinal()
    except ValueError:
        raise _no_such_date(text, year, month, number) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        raise _outside_years(text, year)
    if len(_midnights) >= _DAYS_KEPT:
        _midnights.clear()
    midnight = _midnights[day] = (ordinal - _EPOCH) * _DAY_S
    return midnight


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
    if _BIRTH.fullmatch(guess) is None:
        return None  # a number has too many digits; to read it would be to guess again, without end
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
