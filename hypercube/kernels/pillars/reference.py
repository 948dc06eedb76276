"""Four pillars in NumPy: the specification that every other backend must equal bit for bit.

Every pillar is a running count modulo 60 (0 = 甲子):

    month   counted by 절 from the solar-term table           (month number + 2) % 60
    year    twelve months                                      (month number // 12) % 60
    day     civil days of the local clock                      (day number + 17) % 60
    hour    double-hours of the local clock, the first at 23:00  (double-hour number + 24) % 60

Day and double-hour numbers count from 1970-01-01 of the local clock, a 辛巳 day (17) that opens with a 戊子
hour (24, by 五鼠遁). A double-hour number runs on from day to day, so the hour stem follows by itself.
Check: JDN of 1970-01-01 = 2440588 and (2440588 + 49) % 60 = 17.

Conventions at 23:00-23:59 (`day_boundary`; the names are defined in `hypercube.kernels.pillars`):

    midnight   day of the civil date, hour stem of the next day (야자시)
    zi23       day and hour stem of the next day (정자시)
    same_day   day and hour stem of the civil date
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.packed import MAX_OFFSET_S
from hypercube.kernels.pillars.terms import load_terms

DAY_S: Final = 86_400
DOUBLE_HOUR_S: Final = 7_200
ZI_LEAD_S: Final = 3_600
"""The 子 double-hour begins this long before midnight."""
DAY_PILLAR_OF_1970: Final = 17
HOUR_PILLAR_OF_1970: Final = 24
_ROWS_AT_ONCE: Final = 65_536
"""Rows handled together, so that the temporaries stay in the second-level cache."""


def is_warm() -> bool:
    """Always: nothing is compiled."""
    return True


def warm_up() -> None:
    """Read the solar-term table."""
    load_terms()


def pillars(
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32],
    day_boundary: str,
    out: NDArray[np.uint8],
) -> bool:
    """Fill `out` with the sexagenary indices.

    Args:
        utc_seconds: int64[N] POSIX seconds.
        offset_seconds: int32[N] seconds to add for the local clock.
        day_boundary: "midnight", "zi23" or "same_day".
        out: uint8[N, 4]: year, month, day, hour. Left unfinished when a row is out of range.

    Returns:
        Whether every row lies inside the solar-term table and every offset within `MAX_OFFSET_S`.
    """
    table = load_terms()
    first, last = table.first_utc_s, table.last_utc_s
    for start in range(0, len(utc_seconds), _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        utc, offset = utc_seconds[rows], offset_seconds[rows]
        if (
            utc.min() < first
            or utc.max() > last
            or offset.min() < -MAX_OFFSET_S
            or offset.max() > MAX_OFFSET_S
        ):
            return False
        month_number = table.month_number(utc)
        local = utc + offset
        day = local // DAY_S
        double_hour = (local + ZI_LEAD_S) // DOUBLE_HOUR_S
        if day_boundary == "zi23":
            day = double_hour // 12
        elif day_boundary == "same_day":
            # 23:xx already counts as the next day's 子; go back the twelve double-hours of a day.
            double_hour = double_hour - 12 * (double_hour // 12 - day)
        out[rows, 0] = month_number // 12 % 60
        out[rows, 1] = (month_number + 2) % 60
        out[rows, 2] = (day + DAY_PILLAR_OF_1970) % 60
        out[rows, 3] = (double_hour + HOUR_PILLAR_OF_1970) % 60
    return True
