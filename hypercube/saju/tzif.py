"""When the clocks of an IANA zone change: the instants in its TZif file, then its rule for all later years.

Only the *instants* are read here. What the clock shows between two of them is asked of `zoneinfo`, which
reads the same bytes, so the two can never disagree. Format: RFC 9636.
"""

import re
import struct
from collections.abc import Iterator
from datetime import date
from typing import Final

_HEADER: Final = struct.Struct(">4sc15x6I")
_FOOTER: Final = re.compile(
    r"(?:<[^>]+>|[A-Za-z]+)(?P<std>[-+\d:]+)"
    r"(?:(?:<[^>]+>|[A-Za-z]+)(?P<dst>[-+\d:]+)?,(?P<start>M[^,]+),(?P<end>M[^,]+))?"
)
# Only the day form Mm.w.d: the two others of POSIX occur in no zone of the data.
_EPOCH: Final = date(1970, 1, 1).toordinal()
_DAY_S: Final = 86_400
_DEFAULT_CHANGE_S: Final = 7_200
"""A rule without a time changes at 02:00."""


def transitions(data: bytes, last_year: int) -> list[int]:
    """Instants at which the clock may change, in order.

    Args:
        data: a TZif file of version 2 or later.
        last_year: the rule at the end of the file is followed through this year.

    Returns:
        POSIX seconds; some may change nothing but the zone's abbreviation.
    """
    start, counts = _block(data, 0)
    first_block_bytes = _block_bytes(counts, time_bytes=4)
    start, counts = _block(data, start + first_block_bytes)
    times = struct.unpack_from(f">{counts[3]}q", data, start)
    footer = data[start + _block_bytes(counts, time_bytes=8) :].decode("ascii").strip("\n")
    listed = [int(t) for t in times]
    since = listed[-1] if listed else -(2**62)
    return listed + [t for t in _rule(footer, since, last_year) if t > since]


def _block(data: bytes, at: int) -> tuple[int, tuple[int, ...]]:
    """Where a block's data begin, and its counts: isutc, isstd, leap, time, type, char."""
    magic, version, *counts = _HEADER.unpack_from(data, at)
    if magic != b"TZif" or version < b"2":
        raise ValueError("not a TZif file of version 2 or later")
    return at + _HEADER.size, tuple(counts)


def _block_bytes(counts: tuple[int, ...], time_bytes: int) -> int:
    isutc, isstd, leap, time, kind, char = counts
    return time * (time_bytes + 1) + kind * 6 + char + leap * (time_bytes + 4) + isstd + isutc


def _rule(footer: str, since: int, last_year: int) -> Iterator[int]:
    """Changes of every year from that of `since` on, by a POSIX TZ string such as EST5EDT,M3.2.0,M11.1.0."""
    match = _FOOTER.fullmatch(footer)
    if match is None:
        raise ValueError(f"cannot read the zone rule {footer!r}")
    if match["start"] is None:
        return
    # POSIX counts west of Greenwich as positive.
    standard = -_seconds(match["std"])
    summer = -_seconds(match["dst"]) if match["dst"] else standard + 3_600
    first_year = max(1799, 1970 + since // 31_557_600 - 1)
    for year in range(first_year, last_year + 1):
        # Each is given in the clock that it ends.
        yield from sorted((_change(match["start"], year) - standard, _change(match["end"], year) - summer))


def _change(rule: str, year: int) -> int:
    """Local seconds of one change in one year."""
    day, _, time = rule.partition("/")
    return (_day(day, year) - _EPOCH) * _DAY_S + (_seconds(time) if time else _DEFAULT_CHANGE_S)


def _day(rule: str, year: int) -> int:
    """Proleptic ordinal of Mm.w.d: weekday d (0 = Sunday) of week w of month m, where week 5 is the last."""
    month, week, weekday = (int(part) for part in rule[1:].split("."))
    first = date(year, month, 1)
    day = first.toordinal() + (weekday - first.isoweekday()) % 7 + 7 * (week - 1)
    next_month = date(year + month // 12, month % 12 + 1, 1).toordinal()
    return day if day < next_month else day - 7


def _seconds(clock: str) -> int:
    """[+-]h[:mm[:ss]] in seconds."""
    sign = -1 if clock[0] == "-" else 1
    parts = [int(part) for part in clock.lstrip("+-").split(":")]
    return sign * sum(part * unit for part, unit in zip(parts, (3_600, 60, 1), strict=False))
