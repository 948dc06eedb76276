"""Civil time to UTC by the pinned IANA zone data, for arrays of births.

The data are those of the `tzdata` package, never the system's, so that the same birth gives the same chart on
every machine. A zone is unrolled once into arrays of clock changes for 1799-2202; after that a birth is two
binary searches.

    wall clock    ──────a──────┐            at the instant T the offset goes from a to b
                               T ──────b──────
    b < a   the hours from T + b to T + a come twice        (ambiguous)
    b > a   the hours from T + a to T + b never come        (skipped)

Either way `fold` 0 reads the clock by a and `fold` 1 by b, as PEP 495 does.
"""

import functools
import importlib
import io
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from importlib.resources import files
from typing import Final
from zoneinfo import ZoneInfo

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.saju.tzif import transitions

OK: Final = 0
"""The civil time came exactly once."""
AMBIGUOUS: Final = 1
"""The civil time came twice."""
SKIPPED: Final = 2
"""The civil time never came."""
FOLD_NOT_GIVEN: Final = -1

DEFAULT_ZONE: Final = "Asia/Seoul"
_FIRST: Final = datetime(1799, 1, 1, tzinfo=UTC)
_LAST_YEAR: Final = 2202
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, eq=False, slots=True)
class Zone:
    """One zone's k clock changes, in read-only arrays. Spell i lies before change i, spell k after all."""

    name: str
    wall_late: NDArray[np.int64]
    """[k] later of the two wall clocks at each change: the spell of a fold-0 reading."""
    wall_early: NDArray[np.int64]
    """[k] earlier of the two: the spell of a fold-1 reading."""
    offsets: NDArray[np.int32]
    """[k + 1] civil time minus UTC in each spell, seconds."""
    dst: NDArray[np.int32]
    """[k + 1] summer-time part of it."""


@dataclass(frozen=True, eq=False, slots=True)
class Resolved:
    """What civil times mean; all arrays [N]."""

    utc_seconds: NDArray[np.int64]
    offset_seconds: NDArray[np.int32]
    """Civil time minus UTC, summer time included."""
    dst_seconds: NDArray[np.int32]
    status: NDArray[np.uint8]
    """`OK`, `AMBIGUOUS` or `SKIPPED`; where not OK, the rest follows `fold` (0 where it was not given)."""


@functools.cache
def tzdata_version() -> str:
    """The IANA release in use, e.g. 2026f."""
    return str(importlib.import_module("tzdata").IANA_VERSION)


@functools.cache
def zone_names() -> frozenset[str]:
    """Every zone of the data."""
    return frozenset(files("tzdata").joinpath("zones").read_text("utf-8").split())


def load_zone(name: str) -> Zone:
    """The zone of that IANA name; INVALID_ARGUMENT (`zone`), with the nearest name, when there is none."""
    if name not in zone_names():
        raise _unknown_zone(name)
    return _load(name)


@functools.cache
def _load(name: str) -> Zone:
    """A few milliseconds, once a zone and process."""
    data = files("tzdata").joinpath("zoneinfo", *name.split("/")).read_bytes()
    info = ZoneInfo.from_file(io.BytesIO(data), key=name)
    first = int((_FIRST - _EPOCH).total_seconds())
    changes: list[int] = []
    spells = [_spell(info, first)]
    for at in transitions(data, _LAST_YEAR):
        if at <= first:
            continue
        spell = _spell(info, at)
        if spell != spells[-1]:
            changes.append(at)
            spells.append(spell)
    instants = np.array(changes, dtype=np.int64)
    offsets, dst = np.array(spells, dtype=np.int32).T.copy()
    zone = Zone(
        name=name,
        wall_late=instants + np.maximum(offsets[:-1], offsets[1:]),
        wall_early=instants + np.minimum(offsets[:-1], offsets[1:]),
        offsets=offsets,
        dst=dst,
    )
    for array in (zone.wall_late, zone.wall_early, zone.offsets, zone.dst):
        array.flags.writeable = False
    return zone


def _spell(info: ZoneInfo, at: int) -> tuple[int, int]:
    """Offset and summer-time part in force from an instant on, seconds."""
    local = (_EPOCH + timedelta(seconds=at)).astimezone(info)
    offset, dst = local.utcoffset() or timedelta(), local.dst() or timedelta()
    return int(offset.total_seconds()), int(dst.total_seconds())


def resolve(local_seconds: NDArray[np.int64], zone: Zone, fold: NDArray[np.int8]) -> Resolved:
    """What civil times of one zone mean.

    Args:
        local_seconds: int64[N] civil times, as seconds since 1970-01-01T00:00 on the same wall clock.
        zone: from `load_zone`.
        fold: int8[N] 0, 1, or -1 = not given.
    """
    before = zone.wall_late.searchsorted(local_seconds, side="right")
    after = zone.wall_early.searchsorted(local_seconds, side="right")
    spell = np.where(fold == 1, after, before)
    offsets = zone.offsets[spell]
    earlier, later = zone.offsets[before], zone.offsets[after]
    status = np.where(earlier > later, AMBIGUOUS, np.where(earlier < later, SKIPPED, OK)).astype(np.uint8)
    return Resolved(local_seconds - offsets, offsets, zone.dst[spell], status)


def _unknown_zone(name: str) -> HyperCubeError:
    close = _nearest_zone(name[:64].lower())
    guess = f"Did you mean {close!r}? " if close else ""
    return invalid(
        f"zone {shown(name)!r} is not in the IANA time zone data {tzdata_version()}.",
        param="zone",
        value=name,
        fix=f"{guess}Write an IANA name such as Asia/Seoul, or leave `zone` out for {DEFAULT_ZONE}.",
        nearest=close,
    )


@functools.lru_cache(maxsize=1_024)
def _nearest_zone(name: str) -> str | None:
    """Looked for among the cities of the same initial: a batch may hold thousands of misspelt zones."""
    close = nearest(name, _zones_by_initial().get(_initial(name), ()))
    return next((known for known in zone_names() if known.lower() == close), None)


@functools.cache
def _zones_by_initial() -> dict[str, list[str]]:
    by_initial: dict[str, list[str]] = {}
    for name in sorted(zone_names()):
        by_initial.setdefault(_initial(name.lower()), []).append(name.lower())
    return by_initial


def _initial(name: str) -> str:
    return name.rpartition("/")[2][:1]
