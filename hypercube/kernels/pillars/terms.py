"""The solar-term table: when the Sun's apparent longitude passes each multiple of 15 degrees, 1799-2201.

Built by `scripts/build_terms.py` from JPL DE440; evidence and limits in docs/accuracy/README.md.

Month number
    Month pillars are counted by 절 without a gap: number = 12 * (saju year - 4) + month, month 0 = 寅 (from
    입춘) ... 11 = 丑. Then the year pillar is (number // 12) % 60 and the month pillar (number + 2) % 60
    (五虎遁: a 甲 year begins with 丙寅 = 2). The 절 of index j in `jie_s` opens month `jie_number0 + j`.
"""

import functools
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]

_NAMES: Final = (
    "소한小寒 대한大寒 입춘立春 우수雨水 경칩驚蟄 춘분春分 청명淸明 곡우穀雨 "
    "입하立夏 소만小滿 망종芒種 하지夏至 소서小暑 대서大暑 입추立秋 처서處暑 "
    "백로白露 추분秋分 한로寒露 상강霜降 입동立冬 소설小雪 대설大雪 동지冬至"
)


class SolarTerm(NamedTuple):
    """One of the 24 terms of a year."""

    k: int
    """0 = 소한 ... 23 = 동지, in the order of the civil year; even = 절 (opens a month), odd = 중기."""
    hangul: str
    hanja: str
    longitude_degrees: int
    """Apparent solar longitude at which the term falls."""


TERMS: Final = tuple(
    SolarTerm(k, name[:2], name[2:], (285 + 15 * k) % 360) for k, name in enumerate(_NAMES.split())
)


@dataclass(frozen=True, eq=False)
class TermTable:
    """Every solar term of the table, and what it was computed from. All arrays are read-only."""

    instants_ms: Int64
    """[n] all 24 terms in order, POSIX milliseconds (UTC from 1972, UT1 before), for display."""
    jie_s: Int64
    """[m] the 12 절 of each year, POSIX seconds rounded up: `utc_seconds >= jie_s[j]` is in month j."""
    first_year: int
    """Civil year of `instants_ms[0]`."""
    first_k: int
    """`SolarTerm.k` of `instants_ms[0]`."""
    jie_number0: int
    """Month number (see the module) that `jie_s[0]` opens."""
    version: str
    ephemeris: str
    delta_t: str
    """Name of the Delta-T model."""
    delta_t_source: str
    """What that model rests on, and from when to when."""

    @property
    def first_utc_s(self) -> int:
        """The first second that has an answer."""
        return int(self.jie_s[0])

    @property
    def last_utc_s(self) -> int:
        """The last second that has an answer: one before the last 절, so that a next 절 always exists."""
        return int(self.jie_s[-1]) - 1

    @property
    def jie_ms(self) -> Int64:
        """[m] the 12 절 of each year in milliseconds, aligned with `jie_s`."""
        return self.instants_ms[self.first_k % 2 :: 2]

    def term(self, jie_index: int) -> SolarTerm:
        """Which of the 24 terms `jie_s[jie_index]` is."""
        if not 0 <= jie_index < len(self.jie_s):
            raise invalid(
                f"jie_index is {jie_index}, but the table holds 절 0 to {len(self.jie_s) - 1}.",
                param="jie_index",
                value=jie_index,
                fix="Use an index that nearest_jie returned.",
            )
        return TERMS[(self.first_k + self.first_k % 2 + 2 * jie_index) % 24]

    def term_name(self, jie_index: int) -> str:
        """The Korean name of `jie_s[jie_index]`: 입춘, 경칩, ..."""
        return self.term(jie_index).hangul

    def month_number(self, utc_seconds: Int64) -> Int64:
        """Month number int64[N] of POSIX seconds int64[N]; the caller has checked the range."""
        return np.searchsorted(self.jie_s, utc_seconds, side="right") + (self.jie_number0 - 1)

    def nearest_jie(self, utc_seconds: Int64) -> tuple[Int32, Int64]:
        """The nearest 절 of each instant.

        Args:
            utc_seconds: int64[N] POSIX seconds inside the table.

        Returns:
            int32[N] index into `jie_s`, and int64[N] seconds since it (negative = still to come). Where two
            are equally far, the earlier one.
        """
        seconds = np.asarray(utc_seconds)
        if seconds.dtype != np.int64:
            raise invalid(
                f"utc_seconds has dtype {seconds.dtype}, expected int64.",
                param="utc_seconds",
                value=str(seconds.dtype),
                fix="Convert it with .astype(numpy.int64).",
            )
        self.require_inside(seconds)
        before = np.searchsorted(self.jie_s, seconds, side="right") - 1
        since = seconds - self.jie_s[before]
        until = self.jie_s[before + 1] - seconds
        later = until < since
        return (before + later).astype(np.int32), np.where(later, -until, since)

    def require_inside(self, utc_seconds: Int64) -> None:
        """Raise for the first instant outside the table, naming its row."""
        outside = (utc_seconds < self.first_utc_s) | (utc_seconds > self.last_utc_s)
        if outside.any():
            row = int(np.argmax(outside.reshape(-1)))
            raise self.outside(row, int(utc_seconds.reshape(-1)[row]))

    def outside(self, row: int, value: int) -> HyperCubeError:
        """The error for one instant outside the table."""
        first, last = _iso(self.first_utc_s), _iso(self.last_utc_s)
        return invalid(
            f"utc_seconds[{row}] is {value}{_iso_or_nothing(value)}, outside the solar-term table "
            f"({first} to {last}).",
            param=f"utc_seconds[{row}]",
            value=value,
            fix="Give POSIX seconds of a birth in the years 1800 to 2200.",
            first=first,
            last=last,
        )


def _iso(utc_s: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=utc_s):%Y-%m-%dT%H:%M:%SZ}"


def _iso_or_nothing(utc_s: int) -> str:
    try:
        return f" ({_iso(utc_s)})"
    except OverflowError:
        return ""


@functools.cache
def load_terms() -> TermTable:
    """The table of this package, read once a process."""
    with (
        files("hypercube.kernels.pillars").joinpath("data/terms.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as stored,
    ):
        instants_ms = stored["instants_ms"].astype(np.int64)
        first_year, first_k = int(stored["first_year"]), int(stored["first_k"])
        metadata = json.loads(str(stored["metadata"]))
    # Ceiling, so that whole seconds compare as the exact instants do: s >= t holds exactly when s >= ceil(t).
    jie_s = -(-instants_ms[first_k % 2 :: 2] // 1_000)
    jie_k = first_k + first_k % 2
    # Month 0 (寅) opens at k = 2; 소한 (k = 0) opens month 11 of the saju year before.
    jie_number0 = 12 * (first_year - 4) + (jie_k - 2) // 2
    for array in (instants_ms, jie_s):
        array.flags.writeable = False
    return TermTable(
        instants_ms=instants_ms,
        jie_s=jie_s,
        first_year=first_year,
        first_k=first_k,
        jie_number0=jie_number0,
        version=metadata["version"],
        ephemeris=metadata["ephemeris"],
        delta_t=metadata["delta_t"],
        delta_t_source=metadata["delta_t_source"],
    )
