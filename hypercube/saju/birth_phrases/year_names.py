"""Years by their sexagenary name (경오년) and by their animal (말띠): which years they can be."""

import datetime as dt
import re
from typing import Final

_STEMS: Final = "갑을병정무기경신임계"
_BRANCHES: Final = "자축인묘진사오미신유술해"
NAMES: Final = {f"{_STEMS[i % 10]}{_BRANCHES[i % 12]}": i for i in range(60)}
"""갑자 0 … 계해 59."""
YEAR_NAME: Final = rf"(?<![가-힣])({'|'.join(NAMES)})"
_YEAR_OF_GAPJA: Final = 1984
_OLDEST: Final = 105
ANIMALS: Final = {
    "쥐": 0,
    "소": 1,
    "호랑이": 2,
    "범": 2,
    "토끼": 3,
    "용": 4,
    "뱀": 5,
    "말": 6,
    "양": 7,
    "원숭이": 8,
    "잔나비": 8,
    "닭": 9,
    "개": 10,
    "돼지": 11,
}
_ANIMAL: Final = re.compile(
    rf"(?:(?<![가-힣])|(?<=년생)|(?<=년))({'|'.join(sorted(ANIMALS, key=len, reverse=True))})\s?띠"
)


def years_named(name: str, today: dt.date) -> tuple[int, ...]:
    """The years of that name in which somebody alive can have been born, latest first."""
    return tuple(
        year for year in range(today.year, today.year - _OLDEST - 1, -1) if is_named(year, NAMES[name])
    )


def is_named(year: int, index: int) -> bool:
    """Whether `index` is the sexagenary index of a year."""
    return (year - _YEAR_OF_GAPJA - index) % 60 == 0


def animal_in(text: str) -> int | None:
    """The branch of the one animal that is said as someone's own (말띠); None where there is none, or several."""
    found = {ANIMALS[match[1]] for match in _ANIMAL.finditer(text)}
    return found.pop() if len(found) == 1 else None


def animal_of(year: int) -> int:
    """Branch of a year, 0 = 자."""
    return (year - _YEAR_OF_GAPJA) % 12


def animal_name(branch: int) -> str:
    """말띠 for 6."""
    return next(name for name, each in ANIMALS.items() if each == branch) + "띠"
