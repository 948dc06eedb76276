"""Births whose hour is known by its branch alone: 자시, 축시 … 해시.

The branch is what decides the hour pillar, so that is what must come out: of all minutes of that day, by the clock of
the place, those are taken whose deciding time (`Chart.instant.solar`) lies in the branch's range on that same
date. Where all of them give the same four pillars, any of them will do and the middle one is used; where they do not
(자시 holds the change of day, a 절 may fall into any), the minutes must be asked for.
"""

import functools
from dataclasses import replace
from datetime import datetime
from typing import Final

from hypercube.core.chart import BirthInput, Chart
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.saju.birth_phrases.values import ClockTime, HourRange
from hypercube.saju.chart import charts

_HALVES: Final = (HourRange("조자시", 0, 60), HourRange("야자시", 1380, 1440))
HOUR_RANGES: Final = {
    each.name: each
    for each in (
        HourRange("자시", 1380, 60),
        *(
            HourRange(f"{branch}시", 60 + 120 * number, 180 + 120 * number)
            for number, branch in enumerate("축인묘진사오미신유술해")
        ),
        *_HALVES,
    )
}
"""By Korean name; 자시 and its two halves are three ranges."""
_MARGIN: Final = 180
"""Minutes that the clock may stand from the deciding time: zones and summer time stay within three hours."""


def clock_in(hours: HourRange, birth: BirthInput) -> ClockTime:
    """The minute that stands for a branch hour of the day in `birth`, a date alone with its place and calendar.

    Raises:
        HyperCubeError: INVALID_ARGUMENT (`time`): the minutes of that range give different pillars, or none is in it.
    """
    found = _minutes(hours, replace(birth, sex=None))
    if found is None:
        raise invalid(
            f"{hours.name} of {birth.birth} holds minutes of different pillars.",
            param="time",
            value=hours.name,
            fix="Give the time by the clock.",
        )
    return ClockTime(*divmod(found, 60))


def one_chart(hours: HourRange, birth: BirthInput) -> bool:
    """Whether all minutes of the branch hour give the same pillars."""
    return _minutes(hours, replace(birth, sex=None)) is not None


@functools.lru_cache(maxsize=1_024)
def _minutes(hours: HourRange, birth: BirthInput) -> int | None:
    """Minute of the day, by the clock, in the middle of the range; None where the minutes disagree."""
    if hours.end_minute < hours.first_minute:
        return None  # 자시: the day changes in its middle
    first, end = max(0, hours.first_minute - _MARGIN), min(1_440, hours.end_minute + _MARGIN)
    births = [
        replace(birth, birth=f"{birth.birth}T{ClockTime(*divmod(minute, 60)).iso()}")
        for minute in range(first, end)
    ]
    inside: list[tuple[int, Chart]] = []
    for minute, result in zip(range(first, end), charts(births), strict=True):
        # A minute that the clock skipped or showed twice has no chart, and is not needed.
        if result.chart is not None and _holds(hours, result.chart):
            inside.append((minute, result.chart))
    if not inside or any(chart.ambiguous for _, chart in inside):
        return None
    if len({chart.pillars.indices() for _, chart in inside}) != 1:
        return None
    return inside[len(inside) // 2][0]


def _holds(hours: HourRange, chart: Chart) -> bool:
    solar, local = datetime.fromisoformat(chart.instant.solar), datetime.fromisoformat(chart.instant.local)
    minute = solar.hour * 60 + solar.minute
    return solar.date() == local.date() and hours.first_minute <= minute < hours.end_minute


def exists(birth: BirthInput) -> HyperCubeError | None:
    """Why the house refuses a birth; None where it does not."""
    failure = charts([birth])[0].error
    return None if failure is None else HyperCubeError.of(failure)
