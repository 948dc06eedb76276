"""The luck pillars (대운) of one birth by plain integers: what `luck.luck_columns` makes of one, sooner.

For the two ways of counting whose pillars begin on birthdays; the others are left to the arrays, and so are births
on a 29 February, which has no birthday in most years.
"""

import datetime as dt
from typing import Final

from hypercube.core.calendar import Luck, LuckAge, LuckPillar, LuckStart
from hypercube.core.chart import Sex
from hypercube.saju.luck import DATE_METHODS, PILLARS, YEARS_EACH
from hypercube.saju.signs import PILLARS as SIXTY

_DAY_MS: Final = 86_400_000
BIRTHDAYS: Final = (LuckAge.ROUNDED, LuckAge.FLOORED)


def luck_alone(number: int, past_ms: int, left_ms: int, born: dt.date, sex: Sex, luck_age: LuckAge) -> Luck:
    """The ten luck pillars of one birth.

    Args:
        number: month number, see `hypercube.kernels.pillars.terms`.
        past_ms: milliseconds from the last 절 to the birth.
        left_ms: milliseconds from the birth to the next.
        born: the civil day of the birth.
        sex: decides the direction.
        luck_age: one of `BIRTHDAYS`.
    """
    forward = (number // 12 % 2 == 0) is (sex is Sex.MALE)
    distance = left_ms if forward else past_ms
    rounded = max(1, (2 * distance + 3 * _DAY_MS) // (6 * _DAY_MS))
    floored = distance // (3 * _DAY_MS)
    days = (240 * distance + _DAY_MS) // (2 * _DAY_MS)
    age = rounded if luck_age is LuckAge.ROUNDED else floored
    month, step = (number + 2) % 60, 1 if forward else -1
    first = born.year + age
    return Luck(
        forward=forward,
        start=LuckStart(
            days=distance / _DAY_MS,
            exact=distance / (3 * _DAY_MS),
            rounded=rounded,
            floored=floored,
            years=days // 360,
            months=days % 360 // 30,
            days_over=days % 30,
        ),
        luck_age=luck_age,
        date_method=DATE_METHODS[luck_age],
        pillars=tuple(
            [
                LuckPillar(
                    SIXTY[(month + step * (at + 1)) % 60],
                    float(age + YEARS_EACH * at),
                    f"{first + YEARS_EACH * at}-{born.month:02}-{born.day:02}",
                )
                for at in range(PILLARS)
            ]
        ),
    )
