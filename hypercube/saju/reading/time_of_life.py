"""Whether a reading is of a child, of somebody grown or of somebody old, on the day that counts as now.

Chart and rules are the same at every age. What they are said to mean is not: a child has no post and no spouse, and
at eighty-five nobody chooses a profession.
"""

from enum import StrEnum
from typing import Final

from hypercube.core.chart import Chart
from hypercube.saju.full_years import full_years

YOUNG_BELOW: Final = 14
"""Full years (만 나이)."""
OLD_FROM: Final = 75
"""Full years."""


class TimeOfLife(StrEnum):
    """What a corpus has words of its own for."""

    YOUNG = "young"
    GROWN = "grown"
    OLD = "old"


def time_of_life(chart: Chart) -> TimeOfLife:
    """By full years on `as_of`; grown where no day counts as now. Somebody who is yet to be born is young."""
    if chart.options.as_of is None:
        return TimeOfLife.GROWN
    years = full_years(chart.instant.local[:10], chart.options.as_of)
    if years < YOUNG_BELOW:
        return TimeOfLife.YOUNG
    return TimeOfLife.OLD if years >= OLD_FROM else TimeOfLife.GROWN
