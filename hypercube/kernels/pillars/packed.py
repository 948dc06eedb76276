"""The small look-up tables of the fast kernels: 24 kB + 1.4 kB + 2.9 kB, made to stay in a cache.

Month and year: one gather. Time is cut into buckets of 2**21 s (24.3 days). Two 절 are at least 29.4 days
apart, so a bucket holds at most one, and its entry says everything through one carry:

    u = utc_seconds - base_utc_s             bucket = u >> 21, position = u & (2**21 - 1)
    entry = m << 21                          no 절 in the bucket; m = month number % 720
            (m + 1 << 21) - threshold        m before the 절, which comes at this position
    month720 = (entry + position) >> 21      0..720, where 720 stands for 0

Day and hour: one gather. All conventions repeat after 60 days = 1,440 clock hours:

    h = (utc_seconds + offset_seconds - base_local_s) // 3600 % 1440,  base_local_s = 00:00 of a 甲子 day
"""

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.terms import load_terms

BUCKET_BITS: Final = 21
MAX_OFFSET_S: Final = 26 * 3_600
"""Largest |offset_seconds|: 15 h of zone and summer time, the mean and true solar corrections, and room."""
_DAY_PILLAR_OF_1970: Final = 17


@dataclass(frozen=True, eq=False)
class PackedTables:
    """Read-only arrays for a kernel; see the module docstring for how they are read."""

    entries: NDArray[np.uint32]
    """[buckets] see the module; an entry is at most 720 << 21."""
    year_month: NDArray[np.uint16]
    """[721] by month720: the bytes year index, month index."""
    day_hour: dict[str, NDArray[np.uint16]]
    """[1440] by clock hour of the 60-day cycle: the bytes day index, hour index; one a `day_boundary`."""
    base_utc_s: int
    """First second of bucket 0, also the first second that has an answer."""
    span_s: int
    """Answers exist for base_utc_s <= utc_seconds < base_utc_s + span_s."""
    base_local_s: int
    """00:00 of the local 甲子 day from which clock hours count; no valid local second lies before it."""


def _entries(jie_s: NDArray[np.int64], number0: int) -> NDArray[np.uint32]:
    base, mask = int(jie_s[0]), (1 << BUCKET_BITS) - 1
    buckets = ((int(jie_s[-1]) - base) >> BUCKET_BITS) + 1
    starts = base + (np.arange(buckets, dtype=np.int64) << BUCKET_BITS)
    # Months begun before the bucket's first second, and the 절 inside it if there is one.
    begun = np.searchsorted(jie_s, starts, side="left")
    inside = np.searchsorted(jie_s, starts + mask, side="right") - begun
    if inside.max() > 1:
        raise ValueError("a bucket holds two 절: the table is not a solar-term table")
    thresholds = np.where(inside == 1, jie_s[np.minimum(begun, len(jie_s) - 1)] - starts, 0)
    month720 = (number0 + begun - 1) % 720
    entries: NDArray[np.uint32] = ((month720 + inside << BUCKET_BITS) - thresholds).astype(np.uint32)
    return entries


def _pairs(first: NDArray[np.int64], second: NDArray[np.int64]) -> NDArray[np.uint16]:
    """Two small integers side by side in memory, as the two bytes of one 16-bit store."""
    return np.stack([first, second], axis=1).astype(np.uint8).view(np.uint16).reshape(-1)


def _year_month() -> NDArray[np.uint16]:
    month = np.arange(721) % 720
    return _pairs(month // 12, (month + 2) % 60)


def _day_hour(day_boundary: str) -> NDArray[np.uint16]:
    clock_hour = np.arange(1_440)
    day, double_hour = clock_hour // 24, (clock_hour + 1) // 2
    if day_boundary == "zi23":
        day = double_hour // 12
    elif day_boundary == "same_day":
        double_hour = double_hour - 12 * (clock_hour % 24 == 23)
    return _pairs(day % 60, double_hour % 60)


@functools.cache
def load_packed() -> PackedTables:
    """The tables of this package, made once a process (under a millisecond)."""
    terms = load_terms()
    jie_s = terms.jie_s
    earliest_day = (int(jie_s[0]) - MAX_OFFSET_S) // 86_400
    gapja_day = earliest_day - (earliest_day + _DAY_PILLAR_OF_1970) % 60
    packed = PackedTables(
        entries=_entries(jie_s, terms.jie_number0),
        year_month=_year_month(),
        day_hour={name: _day_hour(name) for name in ("midnight", "zi23", "same_day")},
        base_utc_s=terms.first_utc_s,
        span_s=terms.last_utc_s - terms.first_utc_s + 1,
        base_local_s=gapja_day * 86_400,
    )
    packed.entries.flags.writeable = False
    for table in (packed.year_month, *packed.day_hour.values()):
        table.flags.writeable = False
    return packed
