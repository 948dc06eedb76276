"""UTC to the clock of a zone, for arrays: the other direction of `zones`, on the same clock changes."""

import functools
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.saju.zones import Zone, load_zone

Int64 = NDArray[np.int64]

_DAY_S: Final = 86_400


def offset_at(utc_seconds: Int64, zone: Zone) -> NDArray[np.int32]:
    """Civil time minus UTC in seconds, summer time included, int32[N], at POSIX seconds int64[N]."""
    return zone.offsets[_changes(zone.name).searchsorted(utc_seconds, side="right")]


def local_ms(utc_ms: Int64, zone: Zone) -> Int64:
    """Milliseconds since 1970-01-01T00:00 on the zone's clock, int64[N], of POSIX milliseconds int64[N]."""
    return utc_ms + 1_000 * offset_at(utc_ms // 1_000, zone).astype(np.int64)


def local_day(utc_seconds: Int64, zone: Zone) -> Int64:
    """Civil date in the zone, as int64[N] days since 1970-01-01, of POSIX seconds int64[N]."""
    return (utc_seconds + offset_at(utc_seconds, zone)) // _DAY_S


@functools.cache
def _changes(name: str) -> Int64:
    """The instants at which the clock changes: the later wall clock less the larger offset."""
    zone = load_zone(name)
    changes: Int64 = zone.wall_late - np.maximum(zone.offsets[:-1], zone.offsets[1:])
    return changes
