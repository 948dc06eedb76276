"""Luck pillars (대운) of many births as codes: what `luck.luck_columns` says, without its [N, 10] of ages and dates.

Those follow from two numbers: pillar k begins at start age + 10 k, ten calendar years after the one before it.
"""

import functools
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import LuckAge
from hypercube.kernels.pillars.terms import load_terms
from hypercube.saju.bulk.births import END_LOCAL_S, FIRST_LOCAL_S
from hypercube.saju.bulk.instants import Jie
from hypercube.saju.facts import LifeStageSchool, Schools
from hypercube.saju.facts.life_stages import life_stage
from hypercube.saju.facts.ten_gods import branch_god, ten_god
from hypercube.saju.luck import MALE, PILLARS, luck_columns

Int64 = NDArray[np.int64]
Codes = NDArray[np.uint8]

_DAY_S: Final = 86_400
_DAY_MS: Final = 86_400_000
_FIRST_DAY: Final = FIRST_LOCAL_S // _DAY_S - 400
_LAST_DAY: Final = END_LOCAL_S // _DAY_S + 400
UNKNOWN_DAYS: Final = np.iinfo(np.int32).min
"""In `first_day`: not known."""


@dataclass(frozen=True, eq=False, slots=True)
class LuckCodes:
    """Luck pillars of N births. Rows without a chart, and all that hangs on an unknown hour, are masked as stated."""

    luck_age: LuckAge
    """How `first_day` counts the start age."""
    forward: Codes
    """[N] 1 = forward, 0 = backward, 255 = not known."""
    distance_ms: Int64
    """[N] milliseconds to the next (forward) or from the previous 절; -1 = not known."""
    exact: NDArray[np.float64]
    """[N] start age in years; NaN = not known."""
    rounded: NDArray[np.int8]
    """[N] 1 and up; -1 = not known."""
    floored: NDArray[np.int8]
    """[N] 0 and up; -1 = not known."""
    first_day: NDArray[np.int32]
    """[N] civil date on which the first pillar begins, days since 1970-01-01; int32 minimum = not known."""
    walk: Codes
    """[N, 4, 10] the four arrays below, side by side; 255 = not known."""

    @property
    def pillars(self) -> Codes:
        """[N, 10] sexagenary indices."""
        return self.walk[:, 0]

    @property
    def stem_gods(self) -> Codes:
        """[N, 10] codes of `TEN_GODS`: the pillars' stems against the day stem."""
        return self.walk[:, 1]

    @property
    def branch_gods(self) -> Codes:
        """[N, 10] the same of their branches' main hidden stems."""
        return self.walk[:, 2]

    @property
    def stages(self) -> Codes:
        """[N, 10] codes of `LIFE_STAGES`: the day stem in their branches."""
        return self.walk[:, 3]


def luck_codes(
    pillars: Codes,
    utc_seconds: Int64,
    local_seconds: Int64,
    jie: Jie,
    sex: NDArray[np.int8],
    *,
    schools: Schools,
    luck_age: LuckAge = LuckAge.ROUNDED,
) -> LuckCodes:
    """The luck pillars of births that are all in order and have a sex; arrays are [N]."""
    jie_ms = load_terms().jie_ms
    year, month, day = (pillars[:, column].astype(np.intp) for column in range(3))
    # Yang years have even indices; a man's luck runs forward in them, a woman's in the others.
    forward = (year & 1) ^ (sex == MALE)
    next_or_last = np.take(jie_ms, jie.row + forward, mode="clip")
    distance = np.abs(next_or_last - utc_seconds * 1_000)
    rounded = np.maximum(1, (2 * distance + 3 * _DAY_MS) // (6 * _DAY_MS)).astype(np.int8)
    floored = (distance // (3 * _DAY_MS)).astype(np.int8)
    if luck_age in (LuckAge.ROUNDED, LuckAge.FLOORED):
        first_day = _birthdays(local_seconds, rounded if luck_age is LuckAge.ROUNDED else floored)
    else:
        whole = luck_columns(utc_seconds, local_seconds, sex.astype(np.int8), luck_age=luck_age)
        first_day = whole.start_days[:, 0].astype(np.int32)
    walk = np.take(_walks(schools.life_stages), (forward * 60 + month) * 10 + day % 10, axis=0, mode="clip")
    return LuckCodes(
        luck_age=luck_age,
        forward=forward.astype(np.uint8),
        distance_ms=distance,
        exact=distance / (3 * _DAY_MS),
        rounded=rounded,
        floored=floored,
        first_day=first_day,
        walk=walk.reshape(-1, 4, PILLARS),
    )


def _birthdays(local_seconds: Int64, age: NDArray[np.int8]) -> NDArray[np.int32]:
    """Civil days int32[N] on which an age is reached; 29 February counts as 1 March in common years.

    Years that begin in March have their leap day last, so a day's place in them is the same in every year.
    """
    march_year, first_march = _march_years()
    day = local_seconds // _DAY_S
    year = np.take(march_year, day - _FIRST_DAY, mode="clip")
    moved = np.take(first_march, year + age) - np.take(first_march, year)
    return (day + moved).astype(np.int32)


@functools.cache
def _march_years() -> tuple[NDArray[np.int16], NDArray[np.int32]]:
    """Of every day, which of the 1 Marches in the second array came last."""
    first, last = (
        int(np.datetime64(day, "D").astype("datetime64[Y]").astype(int)) for day in (_FIRST_DAY, _LAST_DAY)
    )
    marches = (
        (np.arange(first - 1, last + 30) * 12 + 2)
        .astype("datetime64[M]")
        .astype("datetime64[D]")
        .astype(np.int32)
    )
    days = np.arange(_FIRST_DAY, _LAST_DAY + 1)
    return (np.searchsorted(marches, days, side="right") - 1).astype(np.int16), marches


@functools.lru_cache(maxsize=2)
def _walks(school: LifeStageSchool) -> Codes:
    """[2 * 60 * 10, 40] by direction, month pillar and day stem: pillars, gods of stems, of branches, stages."""
    rows = []
    for step in (-1, 1):
        for month in range(60):
            walk = [(month + step * k) % 60 for k in range(1, PILLARS + 1)]
            rows += [
                walk
                + [ten_god(stem, each % 10) for each in walk]
                + [branch_god(stem, each % 12) for each in walk]
                + [life_stage(stem, each % 12, school) for each in walk]
                for stem in range(10)
            ]
    return np.array(rows, dtype=np.uint8)
