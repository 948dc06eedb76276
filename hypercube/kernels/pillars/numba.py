"""Four pillars with Numba, one core: three look-ups and two multiply-shift divisions a chart.

Measured 2026-11-22 on one core of an AMD EPYC (AVX-512, 32 kB L1), Numba 0.65.0, NumPy 2.3.5, 8 M random
births of 1799-2201 with random offsets, medians of 15 interleaved runs: 353-380 M charts/s, 0.30 of
np.copyto's bandwidth (12 bytes read + 4 written a chart, against read + write of the copy). Tried and slower:
arithmetic in place of the two small tables 0.13 (an earlier run of that day), a compare in place of the carry
of packed.py 0.24, one 32-bit store in place of two 16-bit ones 0.26-0.28. No vector gather is generated: a
chart costs about ten cycles of scalar code. benchmarks/pillars.py, through the public wrapper: 317-372 M
charts/s and 0.26-0.38 of a copy whose own rate moved between 13 and 23 GB/s (benchmarks/results).

The divisions are exact for all that reaches them (M = ceil(2**s / d), e = M d - 2**s; exact if x e < 2**s):
    / 225   x < 2**30   M = 1221679587, s = 38, e = 131       (seconds / 16 -> clock hours)
    / 1440  x < 2**23   M = 5965233, s = 33, e = 928          (clock hours -> 60-day cycles)
Every index is masked or clamped, so a row outside the table reads valid memory; the caller then raises.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.packed import MAX_OFFSET_S, load_packed

_LIMIT: Final = MAX_OFFSET_S
_compiled: Callable[..., bool] | None = None


def _kernel(
    utc_seconds: Any,  # int64[N]
    offset_seconds: Any,  # int32[N]
    out: Any,  # uint16[2 N]: (year, month), (day, hour) of each row
    entries: Any,  # uint32[buckets]
    year_month: Any,  # uint16[721]
    day_hour: Any,  # uint16[1440]
    base_utc_s: int,
    span_s: int,
    base_local_s: int,
) -> bool:
    """Compiled by `_compile`: uint64 throughout, so that no index can be negative."""
    u64 = np.uint64
    last_bucket = u64(entries.shape[0] - 1)
    furthest, widest = u64(0), u64(0)
    for i in range(utc_seconds.shape[0]):
        utc, offset = utc_seconds[i], offset_seconds[i]
        u = u64(utc - base_utc_s)
        # A value below the range wraps to a huge one: one maximum checks both ends.
        furthest = max(furthest, u)
        widest = max(widest, u64(offset + _LIMIT))
        entry = u64(entries[min(u >> u64(21), last_bucket)])
        out[2 * i] = year_month[(entry + (u & u64(0x1FFFFF))) >> u64(21)]
        sixteenths = (u64(utc + offset - base_local_s) >> u64(4)) & u64(0x3FFFFFFF)
        clock_hour = (sixteenths * u64(1221679587)) >> u64(38)
        cycle = (clock_hour * u64(5965233)) >> u64(33)
        out[2 * i + 1] = day_hour[clock_hour - cycle * u64(1440)]
    return furthest < u64(span_s) and widest <= u64(2 * _LIMIT)  # type: ignore[return-value]


@functools.cache
def _compile() -> Callable[..., bool]:
    """Compile (0.5 s) or read from Numba's file cache; both once a process."""
    import numba
    from numba import types

    def vector(dtype: Any, readonly: bool = True) -> Any:
        # Declared read-only, a parameter takes both kinds of array; without it each kind would compile anew.
        return types.Array(dtype, 1, "C", readonly=readonly)

    signature = types.boolean(
        vector(types.int64),
        vector(types.int32),
        vector(types.uint16, readonly=False),
        vector(types.uint32),
        vector(types.uint16),
        vector(types.uint16),
        types.int64,
        types.int64,
        types.int64,
    )
    try:
        return numba.njit([signature], nogil=True, cache=True)(_kernel)  # type: ignore[no-any-return]
    except RuntimeError:  # no writable place for the file cache (a read-only image)
        return numba.njit([signature], nogil=True)(_kernel)  # type: ignore[no-any-return]


def is_warm() -> bool:
    """Whether the kernel is compiled in this process, so that a call starts at once."""
    return _compiled is not None


def warm_up() -> None:
    """Compile now."""
    global _compiled
    _compiled = _compile()


def pillars(
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32],
    day_boundary: str,
    out: NDArray[np.uint8],
) -> bool:
    """Fill `out` with the sexagenary indices; shapes and result as `reference.pillars`.

    Releases the GIL while it runs. Returns False, with `out` meaningless, when a row is out of range.
    """
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    packed = load_packed()
    words = out.reshape(-1).view(np.uint16)
    target = words if words.flags.aligned else np.empty_like(words)
    inside = _compiled(
        utc_seconds,
        offset_seconds,
        target,
        packed.entries,
        packed.year_month,
        packed.day_hour[day_boundary],
        packed.base_utc_s,
        packed.span_s,
        packed.base_local_s,
    )
    if target is not words:
        words[:] = target
    return bool(inside)
