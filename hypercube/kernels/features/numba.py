"""Feature rows with Numba, one core: four records, six pair flags and two look-ups a chart; see tables.py."""

import functools
from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.features.tables import load_tables
from hypercube.kernels.packed_charts import Charts

_compiled: Callable[..., bool] | None = None


def _kernel(
    charts: Any,  # uint8[4 N]
    out: Any,  # uint64[8 N]
    records: Any,  # uint64[4 * 10 * 61 * 4]
    pairs: Any,  # uint16[61 * 61]
    groups: Any,  # uint16[4096]
    levels: Any,  # uint8[512]
) -> bool:
    """Compiled by `_compile`: uint64 throughout; every index is clamped, a wrong value is reported at the end."""
    u64 = np.uint64
    furthest, latest = u64(0), u64(0)
    sums_mask, lane = u64(0xFFFFFFFF), u64(0xFFF)
    for i in range(charts.shape[0] // 4):
        year, month, day = u64(charts[4 * i]), u64(charts[4 * i + 1]), u64(charts[4 * i + 2])
        hour = u64(charts[4 * i + 3])
        furthest = max(furthest, max(year, max(month, day)))
        # 255, the unknown hour, wraps to 0: one maximum checks the hours.
        latest = max(latest, (hour + u64(1)) & u64(255))
        year, month, day = min(year, u64(60)), min(month, u64(60)), min(day, u64(60))
        hour = min(hour, u64(60))
        day_row = (day % u64(10)) * u64(244)
        a = day_row + year * u64(4)
        b = day_row + month * u64(4) + u64(2440)
        c = day_row + day * u64(4) + u64(4880)
        d = day_row + hour * u64(4) + u64(7320)
        at = 8 * i
        out[at] = records[a]
        out[at + 1] = records[b]
        out[at + 2] = records[c]
        out[at + 3] = records[d]
        counts = records[a + u64(1)] + records[b + u64(1)] + records[c + u64(1)] + records[d + u64(1)]
        weights = records[a + u64(2)] + records[b + u64(2)] + records[c + u64(2)] + records[d + u64(2)]
        e, f, g, h = records[a + u64(3)], records[b + u64(3)], records[c + u64(3)], records[d + u64(3)]
        support = (e & sums_mask) + (f & sums_mask) + (g & sums_mask) + (h & sums_mask)
        masks = e | f | g | h
        unknown = h >> u64(63)
        level = u64(levels[(support & u64(255)) + (unknown << u64(8))])
        out[at + 4] = counts | (level << u64(56))
        # x // 30 = x * 2185 >> 16 for x <= 3315, two lanes of 24 bits at a time.
        even = (weights & u64(0xFFF000FFF)) * u64(2185)
        odd = ((weights >> u64(12)) & u64(0xFFF000FFF)) * u64(2185)
        last = ((weights >> u64(48)) & lane) * u64(2185)
        points = ((even >> u64(16)) & u64(0xFF)) | ((odd >> u64(8)) & u64(0xFF00))
        points |= ((even >> u64(24)) & u64(0xFF0000)) | ((odd >> u64(16)) & u64(0xFF000000))
        points |= (last << u64(16)) & u64(0xFF00000000)
        out[at + 5] = points | ((support & u64(0xFFFFFF)) << u64(40))
        year_row, month_row = year * u64(61), month * u64(61)
        out[at + 6] = (
            u64(pairs[year_row + month])
            | (u64(pairs[year_row + day]) << u64(16))
            | (u64(pairs[year_row + hour]) << u64(32))
            | (u64(pairs[month_row + day]) << u64(48))
        )
        out[at + 7] = (
            u64(pairs[month_row + hour])
            | (u64(pairs[day * u64(61) + hour]) << u64(16))
            | (u64(groups[(masks >> u64(32)) & lane]) << u64(32))
            | ((support >> u64(24)) << u64(48))
            | ((unknown ^ u64(1)) << u64(56))
        )
    return furthest < u64(60) and latest <= u64(60)  # type: ignore[return-value]


@functools.cache
def _compile() -> Callable[..., bool]:
    """Compile (about a second) or read from Numba's file cache; both once a process."""
    import numba
    from numba import types

    def vector(dtype: Any, readonly: bool = True) -> Any:
        return types.Array(dtype, 1, "C", readonly=readonly)

    signature = types.boolean(
        vector(types.uint8),
        vector(types.uint64, readonly=False),
        vector(types.uint64),
        vector(types.uint16),
        vector(types.uint16),
        vector(types.uint8),
    )
    try:
        return numba.njit([signature], nogil=True, cache=True)(_kernel)  # type: ignore[no-any-return]
    except RuntimeError:  # no writable place for the file cache (a read-only image)
        return numba.njit([signature], nogil=True)(_kernel)  # type: ignore[no-any-return]


def is_warm() -> bool:
    """Whether the kernel is compiled in this process, so that a call starts at once."""
    return _compiled is not None


def warm_up() -> None:
    """Compile, and build the tables, now."""
    global _compiled
    load_tables()
    _compiled = _compile()


def features(charts: Charts, out: NDArray[np.uint8]) -> bool:
    """Fill `out` uint8[N, 64]; shapes and result as `reference.features`. Releases the GIL while it runs."""
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    words = out.reshape(-1).view(np.uint64)
    target = words if words.flags.aligned else np.empty_like(words)
    right = _compiled(charts.reshape(-1), target, *load_tables())
    if target is not words:
        words[:] = target
    return bool(right)
