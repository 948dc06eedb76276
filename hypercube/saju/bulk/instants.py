"""Civil time to UTC, and instants to the 절 around them, by look-up tables instead of binary searches.

Time is cut into buckets of 2**21 s (24.3 days). Most buckets of a zone hold no clock change: one gather gives
their offset. The rest go through `zones.resolve`, which stays the only place that knows what a change means.
A bucket holds at most one 절, so one gather and one compare find the month.
"""

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.bulk.births import END_LOCAL_S, FIRST_LOCAL_S
from hypercube.saju.zones import load_zone, resolve

Int64 = NDArray[np.int64]
Int32 = NDArray[np.int32]

BITS: Final = 21
_CHANGES: Final = np.iinfo(np.int32).min
"""In the place of an offset: the clock changes somewhere in this bucket."""
_BASE: Final = FIRST_LOCAL_S - (1 << BITS)
_BUCKETS: Final = (END_LOCAL_S - _BASE >> BITS) + 2


@dataclass(frozen=True, eq=False, slots=True)
class Civil:
    """What civil times of one zone mean, all [N]; see `zones.Resolved`."""

    utc_seconds: Int64
    offset_seconds: Int32
    dst_seconds: Int32
    status: NDArray[np.uint8]


def to_utc(local_seconds: Int64, zone: str, fold: NDArray[np.int8]) -> Civil:
    """`zones.resolve` for civil times of the years 1800-2200.

    Args:
        local_seconds: int64[N] seconds since 1970-01-01T00:00 on the zone's clock.
        zone: an IANA name.
        fold: int8[N] 0, 1, or -1 = not given.
    """
    offsets, dst = _calm_offsets(zone)
    bucket = (local_seconds - _BASE) >> BITS
    offset = np.take(offsets, bucket, mode="clip")
    dst_seconds = np.take(dst, bucket, mode="clip")
    status = np.zeros(len(local_seconds), dtype=np.uint8)
    rough = np.flatnonzero(offset == _CHANGES)
    if len(rough):
        found = resolve(local_seconds[rough], load_zone(zone), fold[rough])
        offset[rough], dst_seconds[rough] = found.offset_seconds, found.dst_seconds
        status[rough] = found.status
    return Civil(local_seconds - offset, offset, dst_seconds, status)


@functools.lru_cache(maxsize=1_024)
def _calm_offsets(name: str) -> tuple[Int32, Int32]:
    """Offset and summer time of every bucket of the zone's clock in which it does not change."""
    zone = load_zone(name)
    starts = _BASE + (np.arange(_BUCKETS, dtype=np.int64) << BITS)
    first = zone.wall_late.searchsorted(starts, side="right")
    last = zone.wall_early.searchsorted(starts + ((1 << BITS) - 1), side="right")
    # The spell of a reading lies between these two whatever its fold; where they agree, there is one spell.
    offsets = np.where(first == last, zone.offsets[first], np.int32(_CHANGES)).astype(np.int32)
    return offsets, zone.dst[first]


@dataclass(frozen=True, eq=False, slots=True)
class Jie:
    """The 절 around instants, all [N]."""

    row: NDArray[np.intp]
    """The last 절 at or before the instant, as an index into the table's `jie_s`."""
    since: Int64
    """Seconds since it."""
    until: Int64
    """Seconds to the next."""


def around(utc_seconds: Int64) -> Jie:
    """The 절 before and after instants int64[N] inside the solar-term table."""
    begun, threshold = _jie_buckets()
    jie_s = load_terms().jie_s
    bucket = (utc_seconds - jie_s[0]) >> BITS
    row = np.take(begun, bucket, mode="clip")
    row += utc_seconds >= np.take(threshold, bucket, mode="clip")
    since = utc_seconds - np.take(jie_s, row, mode="clip")
    return Jie(row, since, np.take(jie_s[1:], row, mode="clip") - utc_seconds)


@functools.cache
def _jie_buckets() -> tuple[NDArray[np.intp], Int64]:
    """By bucket from the first 절 on: the 절 in force at its start, and the instant of the one inside, if any."""
    jie_s = load_terms().jie_s
    starts = np.arange(int(jie_s[0]), int(jie_s[-1]), 1 << BITS, dtype=np.int64)
    begun = np.searchsorted(jie_s, starts, side="right") - 1
    following = jie_s[begun + 1]
    inside = following < starts + (1 << BITS)
    return begun, np.where(inside, following, np.iinfo(np.int64).max)
