"""Answers of the KASI Open API (data.go.kr, services SpcdeInfoService and LrsrCldInfoService), read from XML.

Pure: text in, records out; whoever fetches it is elsewhere. Two roots occur: `<response>` with a header and
items, and `<OpenAPI_ServiceResponse>`, which the gateway sends for a bad key or an exhausted quota, often with
HTTP 200. KASI writes its minutes as "0759 " with a blank, and once as "1760", which is 18:00.
"""

import datetime as dt
import re
from types import MappingProxyType
from typing import Final
from xml.etree import ElementTree as ET

from hypercube.core.calendar import LunarDate
from hypercube.core.errors import ErrorKind, HyperCubeError, shown
from hypercube.saju.kasi_check import KasiLunarDay, KasiTerm

_LONGEST_ANSWER: Final = 4_000_000
_NORMAL: Final = frozenset({"00", "0"})
_NO_DATA: Final = frozenset({"03", "3"})
_CLOCK: Final = re.compile(r"(\d\d)(\d\d)", re.ASCII)
_DATE: Final = re.compile(r"(\d{4})(\d\d)(\d\d)", re.ASCII)
_LEAP_WORDS: Final = MappingProxyType({"평": False, "윤": True})
_FIRST_LONGITUDE: Final = 285
"""소한, k = 0."""

_RETRY: Final = "Try again later."
_KEY: Final = "Check the service key and its approval for this service at data.go.kr; give the decoded key."
_REASONS: Final = MappingProxyType(
    {
        1: (ErrorKind.UNAVAILABLE, "application error", _RETRY),
        2: (ErrorKind.UNAVAILABLE, "database error", _RETRY),
        4: (ErrorKind.UNAVAILABLE, "HTTP error", _RETRY),
        5: (ErrorKind.UNAVAILABLE, "timeout", _RETRY),
        10: (ErrorKind.INVALID_ARGUMENT, "bad parameter", "Check the year, month and day asked for."),
        11: (ErrorKind.INVALID_ARGUMENT, "missing parameter", "Give every required parameter."),
        12: (ErrorKind.NOT_FOUND, "no such service", "Check the service's address."),
        20: (ErrorKind.FAILED_PRECONDITION, "access denied", _KEY),
        21: (ErrorKind.FAILED_PRECONDITION, "key disabled for now", _KEY),
        22: (ErrorKind.OVERLOADED, "daily quota exceeded", "Try again tomorrow, or ask data.go.kr for more."),
        30: (ErrorKind.FAILED_PRECONDITION, "key not registered", _KEY),
        31: (ErrorKind.FAILED_PRECONDITION, "key expired", _KEY),
        32: (ErrorKind.FAILED_PRECONDITION, "address not registered for this key", _KEY),
        33: (ErrorKind.FAILED_PRECONDITION, "unsigned call", _KEY),
    }
)
"""By result code; 99 and any other code are an unknown error."""


def read_items(xml: str) -> list[dict[str, str]]:
    """The items of an answer as plain fields, in order; none when KASI has no data.

    Raises:
        HyperCubeError: UNAVAILABLE for what is not an answer of KASI; for an error answer the kind of its code.
    """
    if len(xml) > _LONGEST_ANSWER:
        raise _unreadable(f"it has {len(xml):,} characters")
    if "<!DOCTYPE" in xml or "<!ENTITY" in xml:
        raise _unreadable("it declares a document type")
    try:
        root = ET.fromstring(xml)  # noqa: S314 - without a document type there are no entities
    except ET.ParseError as error:
        raise _unreadable(str(error)) from None
    if root.tag == "OpenAPI_ServiceResponse":
        raise _refused(_text(root, ".//returnReasonCode"), _text(root, ".//returnAuthMsg"))
    code = _text(root, "./header/resultCode")
    if root.tag != "response" or not code:
        raise _unreadable(f"its root is <{root.tag[:40]}>")
    if code in _NO_DATA:
        return []
    if code not in _NORMAL:
        raise _refused(code, _text(root, "./header/resultMsg"))
    return [
        {field.tag: (field.text or "").strip() for field in item}
        for item in root.findall("./body/items/item")
    ]


def read_terms(xml: str) -> list[KasiTerm]:
    """Terms of a `get24DivisionsInfo` answer, in KASI's order."""
    return [_term(item) for item in read_items(xml)]


def read_lunar_days(xml: str) -> list[KasiLunarDay]:
    """Days of a `getLunCalInfo`, `getSolCalInfo` or `getSpcifyLunCalInfo` answer, in KASI's order."""
    return [_lunar_day(item) for item in read_items(xml)]


def _term(item: dict[str, str]) -> KasiTerm:
    date = _DATE.fullmatch(item.get("locdate", ""))
    clock = _CLOCK.fullmatch(item.get("kst", ""))
    try:
        longitude = int(item.get("sunLongitude", ""))
        if date is None or clock is None or longitude % 15:
            raise ValueError
        hour, minute = (int(part) for part in clock.groups())
        # Minute 60 is real: 2019 대한 is given as "1760". The sum carries it over, into the next day if need be.
        if hour > 24 or minute > 60:
            raise ValueError
        year, month, day = (int(part) for part in date.groups())
        midnight = dt.datetime(year, month, day)
        published = midnight + dt.timedelta(hours=hour, minutes=minute)
    except (ValueError, OverflowError):
        raise _strange_item(item) from None
    k = (longitude - _FIRST_LONGITUDE) % 360 // 15
    return KasiTerm(midnight.year, k, item.get("dateName", ""), published)


def _lunar_day(item: dict[str, str]) -> KasiLunarDay:
    try:
        year, month, day = (int(item[name]) for name in ("lunYear", "lunMonth", "lunDay"))
        solar = tuple(int(item[name]) for name in ("solYear", "solMonth", "solDay"))
        leap = _LEAP_WORDS[item["lunLeapmonth"]]
        length = int(item["lunNday"]) if item.get("lunNday") else None
        found = KasiLunarDay(solar[0], solar[1], solar[2], LunarDate(year, month, day, leap), length)
        _ = found.gregorian
    except (KeyError, ValueError, OverflowError):
        raise _strange_item(item) from None
    return found


def _text(root: ET.Element, path: str) -> str:
    return (root.findtext(path) or "").strip()


def _refused(code: str, message: str) -> HyperCubeError:
    number = int(code) if code.isascii() and code.isdigit() and len(code) < 4 else 99
    kind, meaning, fix = _REASONS.get(number, (ErrorKind.UNAVAILABLE, "unknown error", _RETRY))
    return HyperCubeError(
        kind,
        f"KASI refused the call with code {shown(code)} ({meaning}): {shown(message)}.",
        fix=fix,
        details={"code": code, "kasi_message": message},
    )


def _unreadable(why: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.UNAVAILABLE, f"The answer is not one of KASI's: {why}.", fix=f"Check the address. {_RETRY}"
    )


def _strange_item(item: dict[str, str]) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.UNAVAILABLE,
        f"KASI sent an item that cannot be read: {shown(str(item))}.",
        fix="Leave this item out of the comparison.",
    )
