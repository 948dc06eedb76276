"""Hidden stems (지장간): the stems inside each branch, in two sets.

Korean set: 여기 (left over from the month before), 중기, 본기, with the days of thirty that each governs in
its month (월률분야). Source: the table of Korean textbooks, after 三命通會 卷二. Elsewhere one finds 7/2/21 or
9/3/18 in place of 7/7/16 for 寅申巳亥, 己戊 as 여기 of 申, and 10/10/10 for 午: not used here.

Chinese set: main, middle, residual. Source: 淵海子平. It counts no days; where shares are needed they are 60,
30 and 10 per cent, 70 and 30 with two stems, as is usual today.

The main stem of a branch is the same in both.
"""

from typing import Final, NamedTuple

from hypercube.core.schools import HiddenStemSet
from hypercube.saju.facts.symbols import STEM, by_branch


class Hidden(NamedTuple):
    """A hidden stem of a branch."""

    stem: int
    role: str
    """residual, middle or main."""
    days: int | None
    """Of thirty; None in the Chinese set."""
    share: int
    """Of thirty, in both sets."""


KOREAN_ROLES: Final = ("residual", "middle", "main")
CHINESE_ROLES: Final = ("main", "middle", "residual")

_KOREAN: Final = """
    子壬10癸20 丑癸9辛3己18 寅戊7丙7甲16 卯甲10乙20 辰乙9癸3戊18 巳戊7庚7丙16
    午丙10己9丁11 未丁9乙3己18 申戊7壬7庚16 酉庚10辛20 戌辛9丁3戊18 亥戊7甲7壬16
"""
_CHINESE: Final = (
    "子癸 丑己癸辛 寅甲丙戊 卯乙 辰戊乙癸 巳丙庚戊 午丁己 未己丁乙 申庚壬戊 酉辛 戌戊辛丁 亥壬甲"
)
_SHARES: Final = {1: (30,), 2: (21, 9), 3: (18, 9, 3)}


def _korean(text: str) -> tuple[Hidden, ...]:
    letters = [letter for letter in text if letter in STEM]
    days = [int(number) for number in "".join(" " if c in STEM else c for c in text).split()]
    roles = KOREAN_ROLES if len(letters) == 3 else ("residual", "main")
    return tuple(
        Hidden(STEM[letter], role, number, number)
        for letter, role, number in zip(letters, roles, days, strict=True)
    )


def _chinese(text: str) -> tuple[Hidden, ...]:
    return tuple(
        Hidden(STEM[letter], role, None, share)
        for letter, role, share in zip(text, CHINESE_ROLES, _SHARES[len(text)], strict=False)
    )


HIDDEN: Final = {
    HiddenStemSet.KOREAN: tuple(_korean(text) for text in by_branch(_KOREAN)),
    HiddenStemSet.CHINESE: tuple(_chinese(text) for text in by_branch(_CHINESE)),
}
"""By set, then by branch: the stems in the order that the set is written in."""

MAIN: Final = tuple(hidden[0].stem for hidden in HIDDEN[HiddenStemSet.CHINESE])
"""The main hidden stem (본기) of each branch."""


def slots(school: HiddenStemSet, branch: int) -> tuple[Hidden | None, ...]:
    """Three slots: 여기, 중기, 본기 in the Korean set, main, middle, residual in the Chinese; None where empty."""
    roles = KOREAN_ROLES if school is HiddenStemSet.KOREAN else CHINESE_ROLES
    found = {hidden.role: hidden for hidden in HIDDEN[school][branch]}
    return tuple(found.get(role) for role in roles)
