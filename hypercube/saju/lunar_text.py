"""Births written as lunar dates: "1990-04-09" with a leap flag, perhaps a time, to the civil date and time."""

import re
from typing import Any, Final

from hypercube.core.calendar import LunarDate
from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.saju.lunar import lunar_to_solar

_LUNAR: Final = re.compile(r"(\d{4})-(윤)?(\d\d)-(\d\d)([T ].*)?", re.ASCII | re.DOTALL)
_FORMAT: Final = (
    "Write the lunar date as YYYY-MM-DD or YYYY-MM-DDTHH:MM, and leap_month=true for a leap month (윤달)."
)
_LONGEST_TEXT: Final = 64


def read_lunar(text: Any, leap_month: Any = False, *, param: str = "birth") -> tuple[LunarDate, str]:
    """A lunar date and the rest of the text: "" or the time as it was written, with its separator.

    `1990-윤05-01` is read too, as `leap_month` True. The date is not checked against the calendar.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for `leap_month` or the text, which the error calls `param`.
    """
    if not isinstance(leap_month, bool):
        raise invalid(
            f"leap_month is {shown(leap_month)!r}, expected true or false.",
            param="leap_month",
            value=leap_month,
            fix="Write true for a leap month (윤달), false for an ordinary one (평달).",
        )
    match = _LUNAR.fullmatch(text) if isinstance(text, str) and len(text) <= _LONGEST_TEXT else None
    if match is None:
        raise _unreadable(text, param)
    year, marked, month, day, rest = match.groups()
    return LunarDate(int(year), int(month), int(day), leap_month or marked is not None), rest or ""


def civil_birth(text: Any, leap_month: Any = False) -> str:
    """The civil (Gregorian) date of a lunar birth, with its time as written: what `BirthInput.birth` takes.

    "1990-04-09T07:20" -> "1990-05-03T07:20". The time is left as it is; `births.read_time` checks it.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for `birth` when that lunar date does not exist.
    """
    lunar, rest = read_lunar(text, leap_month)
    return f"{lunar_to_solar(lunar, param='birth').isoformat()}{rest}"


def _unreadable(text: Any, param: str) -> HyperCubeError:
    return invalid(f"{param} {shown(text)!r} is not a lunar date.", param=param, value=text, fix=_FORMAT)
