"""Bonds and conflicts between stems and between branches (합충형파해, 원진, 귀문), as data.

Pairs are bits of a mask for two pillars; what needs three branches (삼합, 방합, 삼형) is a bit of a mask for
the set of branches that a chart has.

Sources: 三命通會 卷二 (論十干合, 論支元六合, 論支元三合, 論將軍刑破衝擊, 論六害) and 淵海子平. 원진 and 귀문
as in Korean usage. Where schools differ: 午未 turns to fire here (others: to earth, or not at all); 戊 and 己
clash with no stem; two of 寅巳申 or 丑戌未 count as punishment; a half 삼합 that lacks the middle branch
(공합) has its own bit, since many do not count it; so have two of a 방합.
"""

import functools
from typing import Final, NamedTuple

from hypercube.core.facts import Name
from hypercube.saju.facts.symbols import BRANCH, ELEMENTS, STEM, UNKNOWN


class PairRule(NamedTuple):
    """A relation of two stems or two branches; its place in `PAIR_RULES` is its bit."""

    name: Name
    of: str
    """stem or branch."""
    pairs: dict[frozenset[int], int | None]
    """The pairs, each with the element it turns to (0..4) or None. A pair of equals is a set of one."""


class GroupRule(NamedTuple):
    """A relation of three branches; its place in `GROUP_RULES` is its bit."""

    name: Name
    members: tuple[int, int, int]
    element: int | None


_ELEMENT: Final = {"木": 0, "火": 1, "土": 2, "金": 3, "水": 4}


def _pairs(text: str, letters: dict[str, int]) -> dict[frozenset[int], int | None]:
    return {
        frozenset(letters[letter] for letter in entry[:2]): _ELEMENT.get(entry[2:]) for entry in text.split()
    }


def _rule(key: str, hangul: str, hanja: str, english: str, of: str, text: str) -> PairRule:
    return PairRule(Name(key, hangul, hanja, english), of, _pairs(text, STEM if of == "stem" else BRANCH))


PAIR_RULES: Final = (
    _rule(
        "stem_combination",
        "천간합",
        "天干合",
        "stem combination",
        "stem",
        "甲己土 乙庚金 丙辛水 丁壬木 戊癸火",
    ),
    _rule("stem_clash", "천간충", "天干沖", "stem clash", "stem", "甲庚 乙辛 丙壬 丁癸"),
    _rule(
        "six_combination",
        "육합",
        "六合",
        "six combination",
        "branch",
        "子丑土 寅亥木 卯戌火 辰酉金 巳申水 午未火",
    ),
    _rule(
        "half_triad",
        "반합",
        "半合",
        "half triad, with its middle branch",
        "branch",
        "申子水 子辰水 寅午火 午戌火 巳酉金 酉丑金 亥卯木 卯未木",
    ),
    _rule(
        "arched_triad",
        "공합",
        "拱合",
        "half triad, without its middle branch",
        "branch",
        "申辰水 寅戌火 巳丑金 亥未木",
    ),
    _rule(
        "half_direction",
        "반방합",
        "半方合",
        "two of a directional trio",
        "branch",
        "寅卯木 卯辰木 寅辰木 巳午火 午未火 巳未火 申酉金 酉戌金 申戌金 亥子水 子丑水 亥丑水",
    ),
    _rule("clash", "충", "沖", "clash", "branch", "子午 丑未 寅申 卯酉 辰戌 巳亥"),
    _rule("punishment", "형", "刑", "punishment of the trios", "branch", "寅巳 巳申 寅申 丑戌 戌未 丑未"),
    _rule("mutual_punishment", "상형", "相刑", "mutual punishment", "branch", "子卯"),
    _rule("self_punishment", "자형", "自刑", "self punishment", "branch", "辰辰 午午 酉酉 亥亥"),
    _rule("break", "파", "破", "break", "branch", "子酉 丑辰 寅亥 卯午 巳申 未戌"),
    _rule("harm", "해", "害", "harm", "branch", "子未 丑午 寅巳 卯辰 申亥 酉戌"),
    _rule("resentment", "원진", "怨嗔", "resentment", "branch", "子未 丑午 寅酉 卯申 辰亥 巳戌"),
    _rule("ghost_gate", "귀문", "鬼門", "ghost gate", "branch", "子酉 丑午 寅未 卯申 辰亥 巳戌"),
)
"""By bit of a pair mask (uint16)."""


def _group(key: str, hangul: str, hanja: str, english: str, entry: str) -> GroupRule:
    first, second, third = (BRANCH[letter] for letter in entry[:3])
    return GroupRule(Name(key, hangul, hanja, english), (first, second, third), _ELEMENT.get(entry[3:]))


GROUP_RULES: Final = (
    *(_group("triad", "삼합", "三合", "triad", e) for e in ("申子辰水", "寅午戌火", "巳酉丑金", "亥卯未木")),
    *(
        _group("direction", "방합", "方合", "directional trio", entry)
        for entry in ("亥子丑水", "巳午未火", "申酉戌金", "寅卯辰木")
    ),
    *(
        _group("triple_punishment", "삼형", "三刑", "triple punishment", entry)
        for entry in ("寅巳申", "丑戌未")
    ),
)
"""By bit of a group mask (uint16)."""

PAIRS: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""The six pairs of positions, in the order of the columns of `Facts.pair_relations`."""


@functools.lru_cache(maxsize=4_096)
def pair_mask(first: int, second: int) -> int:
    """The bits that hold between two sexagenary indices, in either order; 0 with an unknown hour."""
    if UNKNOWN in (first, second):
        return 0
    stem = frozenset((first % 10, second % 10))
    branch = frozenset((first % 12, second % 12))
    return sum(
        1 << bit
        for bit, rule in enumerate(PAIR_RULES)
        if (stem if rule.of == "stem" else branch) in rule.pairs
    )


def pair_element(bit: int, first: int, second: int) -> str | None:
    """The element that relation `bit` of two sexagenary indices turns to, or None."""
    rule = PAIR_RULES[bit]
    count = 10 if rule.of == "stem" else 12
    element = rule.pairs[frozenset((first % count, second % count))]
    return None if element is None else ELEMENTS[element]


def group_mask(present: int) -> int:
    """The bits that hold for a set of branches, given as a mask of twelve bits."""
    return sum(
        1 << bit
        for bit, rule in enumerate(GROUP_RULES)
        if all(present >> member & 1 for member in rule.members)
    )
