"""Luck pillars (대운) for arrays of births; a single person is an array of one.

Direction     yang year stem and male, or yin and female: forward (순행), else backward (역행).
Distance      forward: from birth to the next 절; backward: from the previous 절 to birth; by absolute instants in
              milliseconds. At the second of a 절 the new month has begun: forward counts the whole month.
Start age     three days are a year; `LuckAge` names the four ways to count.
Pillars       month pillar +1, +2 … forward, -1, -2 … backward, ten years each.

Ages and dates belong together, so the date of the first pillar goes by the same option (`DATE_METHODS`).
"""

from dataclasses import dataclass
from types import MappingProxyType
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.calendar import LuckAge
from hypercube.core.chart import Sex
from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.kernels.pillars.terms import load_terms

Int64 = NDArray[np.int64]

MALE: Final = 0
FEMALE: Final = 1
SEX_MISSING: Final = -1
PILLARS: Final = 10
YEARS_EACH: Final = 10

DATE_METHODS: Final = MappingProxyType(
    {
        LuckAge.EXACT: "exact_365.2425",
        LuckAge.ROUNDED: "birthday",
        LuckAge.FLOORED: "birthday",
        LuckAge.YMD: "ymd_added",
    }
)
"""How the first pillar's date follows from its age.

    exact_365.2425   birth's civil time + age * 365.2425 days; the date it falls on
    birthday         the civil birthday on which that age is reached (29 February: 1 March in common years)
    ymd_added        civil birth date + years and months (day cut to the month's last), then + days

Later pillars begin ten calendar years apart, on the same day of the year (29 February: 1 March in common years).
"""

_DAY_S: Final = 86_400
_DAY_MS: Final = 86_400_000
_EXACT_DAYS_PER_DAY: Final = 365.2425 / 3
_FIRST_MARCH: Final = -200
"""1770, counted from 1970: before any birth of the term table; the last is behind the last pillar."""
_MARCHES: Final[Int64] = (
    (np.arange(_FIRST_MARCH, 400) * 12 + 2).astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
)
"""Days since 1970-01-01 of each 1 March."""
_WALKS: Final[NDArray[np.uint8]] = np.array(
    [[[(month + step * i) % 60 for i in range(1, PILLARS + 1)] for month in range(60)] for step in (-1, 1)],
    dtype=np.uint8,
)
"""[2, 60, 10] the luck pillars by direction (1 = forward) and month pillar."""
_YMD_PER_DAY: Final = 120
"""A day of distance is a third of a 360-day year."""


@dataclass(frozen=True, eq=False, slots=True)
class LuckColumns:
    """Luck pillars in columns, [N] unless said otherwise."""

    luck_age: LuckAge
    date_method: str
    forward: NDArray[np.uint8]
    """1 = forward, 0 = backward."""
    distance_ms: Int64
    """Milliseconds to the next (forward) or from the previous 절."""
    exact: NDArray[np.float64]
    """Start age in years."""
    rounded: NDArray[np.int32]
    floored: NDArray[np.int32]
    ymd: NDArray[np.int32]
    """[N, 3] years 0 to 10, months 0 to 11, days 0 to 29."""
    pillars: NDArray[np.uint8]
    """[N, 10] sexagenary indices."""
    ages: NDArray[np.float64]
    """[N, 10] age at the start of each pillar, by `luck_age`; `ymd` as years + months / 12 + days / 360."""
    start_days: Int64
    """[N, 10] civil date at which each begins, days since 1970-01-01."""

    @property
    def days(self) -> NDArray[np.float64]:
        """The distance in days."""
        return self.distance_ms / _DAY_MS


def luck_columns(
    utc_seconds: Int64,
    local_seconds: Int64,
    sex: NDArray[np.int8],
    *,
    luck_age: LuckAge | str = LuckAge.ROUNDED,
) -> LuckColumns:
    """The ten luck pillars of every birth.

    Args:
        utc_seconds: int64[N] POSIX seconds of the births, inside the solar-term table.
        local_seconds: int64[N] the same by the clock of the birth place, seconds since 1970-01-01T00:00 on it;
            for the dates only.
        sex: int8[N] `MALE`, `FEMALE`, or `SEX_MISSING`, which is refused.
        luck_age: how the start age is counted.

    Raises:
        HyperCubeError: INVALID_ARGUMENT: `luck_age`, or the first row with no sex or outside the table.
    """
    age = luck_age_of(luck_age)
    missing = (sex != MALE) & (sex != FEMALE)
    if missing.any():
        raise sex_missing(f"sex[{int(np.argmax(missing))}]")
    table = load_terms()
    table.require_inside(utc_seconds)
    number = table.month_number(utc_seconds)
    yang = (number // 12) % 2 == 0
    forward = yang == (sex == MALE)
    jie_ms, row = table.jie_ms, number - table.jie_number0
    birth_ms = utc_seconds * 1_000
    distance = np.where(forward, jie_ms[row + 1] - birth_ms, birth_ms - jie_ms[row])
    # Whole numbers throughout, so that halves are exactly halves.
    rounded = np.maximum(1, (2 * distance + 3 * _DAY_MS) // (6 * _DAY_MS))
    floored = distance // (3 * _DAY_MS)
    ymd_days = (2 * _YMD_PER_DAY * distance + _DAY_MS) // (2 * _DAY_MS)
    ymd = np.stack([ymd_days // 360, ymd_days % 360 // 30, ymd_days % 30], axis=-1)
    exact = distance / (3 * _DAY_MS)
    first_age = {
        LuckAge.EXACT: exact,
        LuckAge.ROUNDED: rounded,
        LuckAge.FLOORED: floored,
        LuckAge.YMD: ymd_days / 360,
    }[age]
    return LuckColumns(
        luck_age=age,
        date_method=DATE_METHODS[age],
        forward=forward.astype(np.uint8),
        distance_ms=distance,
        exact=exact,
        rounded=rounded.astype(np.int32),
        floored=floored.astype(np.int32),
        ymd=ymd.astype(np.int32),
        pillars=_WALKS[forward.astype(np.intp), (number + 2) % 60],
        ages=first_age[:, None] + YEARS_EACH * np.arange(float(PILLARS)),
        start_days=_start_days(local_seconds, distance, first_age, ymd, age),
    )


def luck_position(columns: LuckColumns, days: Int64) -> NDArray[np.int8]:
    """Which pillar runs on civil days int64[N] (since 1970-01-01): int8[N] 0 to 9, -1 before the first.

    The tenth pillar is taken to run on: 9 also stands for every later day.
    """
    begun: NDArray[np.int8] = (columns.start_days <= days[:, None]).sum(axis=1).astype(np.int8) - np.int8(1)
    return begun


def sex_code(sex: Sex | None, *, param: str = "sex") -> int:
    """`MALE` or `FEMALE`; INVALID_ARGUMENT when it was not given, because the direction depends on it."""
    if sex is None:
        raise sex_missing(param)
    return MALE if sex is Sex.MALE else FEMALE


def sex_missing(param: str) -> HyperCubeError:
    """The error for luck pillars asked for without a sex."""
    return invalid(
        f"{param} is not given, and luck pillars (대운) run forward or backward by it.",
        param=param,
        fix="Give sex 'male' or 'female', or do not ask for luck pillars.",
    )


def luck_age_of(value: Any) -> LuckAge:
    """The `LuckAge` of that name; INVALID_ARGUMENT with the choices."""
    try:
        return LuckAge(value)
    except ValueError:
        known = [each.value for each in LuckAge]
        close = nearest(value, known) if isinstance(value, str) and len(value) < 40 else None
        raise invalid(
            f"luck_age is {shown(value)!r}, which is not a choice.",
            param="luck_age",
            value=value,
            fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(known)}.",
            choices=known,
        ) from None


def _start_days(local: Int64, distance: Int64, first_age: Any, ymd: Int64, age: LuckAge) -> Int64:
    """[N, 10] civil days on which the pillars begin; `local` is the civil time of birth in seconds."""
    birth = local // _DAY_S
    if age is LuckAge.EXACT:
        first = (local + np.floor(distance * (_EXACT_DAYS_PER_DAY / 1_000)).astype(np.int64)) // _DAY_S
    elif age is LuckAge.YMD:
        month = _month(birth)
        in_month = birth - _first_day(month)
        target = month + 12 * ymd[:, 0] + ymd[:, 1]
        first = np.minimum(_first_day(target) + in_month, _first_day(target + 1) - 1) + ymd[:, 2]
    else:
        first = _years_later(birth, np.asarray(first_age, dtype=np.int64)[:, None])[:, 0]
    return _years_later(first, YEARS_EACH * np.arange(PILLARS, dtype=np.int64)[None, :])


def _years_later(day: Int64, years: Int64) -> Int64:
    """[N, K] the same day of the year, `years` int64[N or 1, K] on; 29 February becomes 1 March.

    Years that begin in March have their leap day last, so a day's place in them is the same in every year.
    """
    march_year = (_month(day) - 2) // 12
    in_year = day - _first_of_march(march_year)
    return _first_of_march(march_year[:, None] + years) + in_year[:, None]


def _first_of_march(year: Int64) -> Int64:
    """Days since 1970-01-01 of 1 March of years counted from 1970."""
    return _MARCHES[year - _FIRST_MARCH]


def _month(day: Int64) -> Int64:
    """Months since 1970-01 of days since 1970-01-01."""
    return day.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64)


def _first_day(month: Int64) -> Int64:
    """Days since 1970-01-01 on which months since 1970-01 begin."""
    return month.astype("datetime64[M]").astype("datetime64[D]").astype(np.int64)
