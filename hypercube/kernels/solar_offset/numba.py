"""Solar time with Numba, one core; the arithmetic and its bounds are those of solar_offset.cu.

Every index is inside the table, also for a row that is not: the caller then raises.
"""

import functools
from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.solar_offset.reference import MOST_DEGREES
from hypercube.kernels.solar_offset.table import BIAS_S, SCALE, STEP_S, UNIT, load_equation_of_time

_BIAS: Final = UNIT // 2 + BIAS_S * UNIT
_NO_DEGREES: Final = np.zeros(0, dtype=np.float64)
_compiled: Callable[..., bool] | None = None


def _kernel(
    utc_seconds: Any,  # int64[N]
    degrees: Any,  # float64[N], or empty: `seconds` for all
    seconds: int,
    apparent: bool,
    out: Any,  # int32[N]
    table: Any,  # int32[points]
    base_utc_s: int,
    span_s: int,
    lead_s: int,
) -> bool:
    """Compiled by `_compile`; unsigned where an index comes from, so that none can be negative."""
    u64, i64 = np.uint64, np.int64
    each = degrees.shape[0] > 0
    good = True
    for i in range(utc_seconds.shape[0]):
        u = u64(utc_seconds[i] - base_utc_s)
        inside: Any = u < u64(span_s)
        total = i64(seconds)
        if each:
            known = (degrees[i] >= -MOST_DEGREES) & (degrees[i] <= MOST_DEGREES)
            inside &= known
            doubled = i64((degrees[i] if known else 0.0) * 480.0)
            sign = doubled >> i64(63)
            total = (((abs(doubled) + i64(1)) >> i64(1)) ^ sign) - sign
        good &= inside
        if apparent:
            since = (u if inside else u64(0)) + u64(lead_s)
            point = ((since >> u64(9)) * u64(50903317)) >> u64(35)
            r = i64(since - point * u64(STEP_S))
            y0, y1 = i64(table[point - u64(1)]), i64(table[point])
            y2, y3 = i64(table[point + u64(1)]), i64(table[point + u64(2)])
            b1, b2 = 6 * y2 - 2 * y0 - 3 * y1 - y3, 3 * (y0 - 2 * y1 + y2)
            w = ((y3 - y0 + 3 * (y1 - y2)) * r + b2 * STEP_S) * r + b1 * (STEP_S * STEP_S)
            carry = (w & i64(0x7FFFFFF)) * r
            n = y1 * (6 * SCALE) + (w >> i64(27)) * r
            negative = (n + (carry >> i64(27))) >> i64(63)
            x = u64(n + ((carry + negative) >> i64(27)) + _BIAS)
            least = ((x >> u64(36)) * u64(39049)) >> u64(20)
            total += i64(least) - BIAS_S + i64(x - least * u64(UNIT) >= u64(UNIT))
        out[i] = total
    return good


@functools.cache
def _compile() -> Callable[..., bool]:
    """Compile (a second) or read from Numba's file cache; both once a process."""
    import numba
    from numba import types

    def vector(dtype: Any, readonly: bool = True) -> Any:
        # Declared read-only, a parameter takes both kinds of array; without it each kind would compile anew.
        return types.Array(dtype, 1, "C", readonly=readonly)

    signature = types.boolean(
        vector(types.int64),
        vector(types.float64),
        types.int64,
        types.boolean,
        vector(types.int32, readonly=False),
        vector(types.int32),
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


def solar_offset(
    utc_seconds: NDArray[np.int64],
    longitude_degrees: NDArray[np.float64] | None,
    longitude_seconds: int,
    apparent: bool,
    out: NDArray[np.int32],
) -> bool:
    """Fill `out`; arguments and result as `reference.solar_offset`. Releases the GIL while it runs."""
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    table = load_equation_of_time()
    inside = _compiled(
        utc_seconds,
        _NO_DEGREES if longitude_degrees is None else longitude_degrees,
        longitude_seconds,
        apparent,
        out,
        table.milliseconds,
        table.base_utc_s,
        table.span_s,
        table.lead_s,
    )
    return bool(inside)
