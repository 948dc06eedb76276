"""Solar time in NumPy: the specification that every other backend must equal bit for bit.

    longitude part     240 s * longitude in degrees east, as one float64 product
    equation of time   apparent minus mean solar time = GAST - right ascension + 12 h - UT1 (build_terms.py),
                       four-point Lagrange interpolation in a table of every fourth day, exactly (table.py)

Each part is rounded to whole seconds by itself, halves away from zero. The longitude part is floor((d + 1) / 2) with
d = floor(480 |longitude|): the product by 480 is twice that by 240, last bit included, and a conversion that
truncates follows it, so no addition is near that a compiler could fuse. The equation of time is whole numbers
throughout: what is rounded is the interpolated value itself.

Time argument: POSIX seconds as in the solar-term table (UTC from 1972, UT1 before), and the value holds for that
instant. Mean solar time is UT1 plus longitude; UTC stands in for UT1 here. They agree within 0.9 s while there
are leap seconds; without any, the forecast is 2.3 s in 2050, 27 s in 2100, 152 s in 2200 (docs/accuracy).
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.solar_offset.table import (
    LOW_BITS,
    SCALE,
    STEP_S,
    UNIT,
    load_equation_of_time,
)

SECONDS_A_DEGREE: Final = 240
"""Mean solar time runs one hour, 3,600 s, ahead every 15 degrees east."""
MOST_DEGREES: Final = 180.0
_LOW: Final = (1 << LOW_BITS) - 1
_ROWS_AT_ONCE: Final = 8_192
"""Rows handled together, so that the temporaries stay in the second-level cache."""


def is_warm() -> bool:
    """Always: nothing is compiled."""
    return True


def warm_up() -> None:
    """Read the tables."""
    load_equation_of_time()


def solar_offset(
    utc_seconds: NDArray[np.int64],
    longitude_degrees: NDArray[np.float64] | None,
    longitude_seconds: int,
    apparent: bool,
    out: NDArray[np.int32],
) -> bool:
    """Fill `out` with the seconds to add to UTC.

    Args:
        utc_seconds: int64[N] POSIX seconds.
        longitude_degrees: float64[N] degrees east, or None.
        longitude_seconds: the longitude part of all rows where `longitude_degrees` is None.
        apparent: add the equation of time.
        out: int32[N]. Left unfinished when a row is out of range.

    Returns:
        Whether every instant lies inside the solar-term table and every longitude within 180 degrees.
    """
    table = load_equation_of_time()
    span = np.uint64(table.span_s)
    for start in range(0, len(utc_seconds), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        utc, filled = utc_seconds[rows], out[rows]
        # An instant before the first one wraps to a huge number: one maximum checks both ends.
        if (utc - table.base_utc_s).view(np.uint64).max() >= span:
            return False
        if longitude_degrees is None:
            filled[:] = longitude_seconds
        else:
            degrees = longitude_degrees[rows]
            # Written so that NaN is refused as well.
            if not np.abs(degrees).max() <= MOST_DEGREES:
                return False
            filled[:] = longitude_part(degrees)
        if apparent:
            filled += rounded_equation_of_time(utc)
    return True


def longitude_part(degrees: NDArray[np.float64]) -> NDArray[np.int32]:
    """Whole seconds int32[N] of float64[N] degrees within 180; 0.5 -> 1, -0.5 -> -1."""
    doubled = (degrees * (2 * SECONDS_A_DEGREE)).astype(np.int32)  # truncates toward zero
    part: NDArray[np.int32] = np.sign(doubled) * ((np.abs(doubled) + 1) >> 1)
    return part


def rounded_equation_of_time(utc_seconds: NDArray[np.int64]) -> NDArray[np.int32]:
    """Whole seconds int32[N] at POSIX seconds int64[N] inside the table, exact; table.py says how."""
    table = load_equation_of_time()
    since = utc_seconds - table.start_s
    cell = since // STEP_S
    r = since - cell * STEP_S
    b0, b1, b2, b3 = (each.take(cell) for each in table.cubics)
    w = b3 * r
    w += b2 * np.int64(STEP_S)
    w *= r
    w += b1 * np.int64(STEP_S**2)
    high, low = w >> LOW_BITS, w & _LOW
    high *= r
    low *= r
    high += b0 * np.int64(SCALE)  # high + (low >> LOW_BITS) is N >> LOW_BITS
    low -= high + (low >> LOW_BITS) < 0
    high += low >> LOW_BITS
    high += UNIT // 2
    high //= UNIT
    rounded: NDArray[np.int32] = high.astype(np.int32)
    return rounded


def equation_of_time(utc_seconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds float64[N], not rounded, at POSIX seconds int64[N] inside the table."""
    table = load_equation_of_time()
    since = utc_seconds - table.start_s
    cell = since // STEP_S
    p = (since - cell * STEP_S) / STEP_S
    b0, b1, b2, b3 = (each.take(cell) for each in table.cubics)
    seconds: NDArray[np.float64] = (((b3 * p + b2) * p + b1) * p + b0) / 6_000.0
    return seconds
