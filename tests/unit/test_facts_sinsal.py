"""Every sinsal rule against a formula written here, over all pillars of its basis and all targets."""

from collections.abc import Callable

import numpy as np
import pytest

from hypercube.core.errors import HyperCubeError
from hypercube.saju.facts import BladeSchool, GoegangSchool, Schools, facts
from hypercube.saju.facts.sinsal import KEYS, VOID_BY_DAY, falls_on, rules
from hypercube.saju.facts.sinsal_rules import RULES

STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
OFFICE = [BRANCHES.index(b) for b in "寅卯巳午巳午申酉亥子"]
ANIMALS = dict(
    zip(
        ("쥐", "소", "범", "토끼", "용", "뱀", "말", "양", "원숭이", "닭", "개", "돼지"),
        range(12),
        strict=True,
    )
)
Formula = Callable[[int, int], bool]
"""(basis pillar, target pillar) -> whether it falls on the target."""


def branch_of(stem: Callable[[int], int]) -> Formula:
    return lambda basis, target: target % 12 == stem(basis % 10) % 12


def turned(branch: Callable[[int], int]) -> Formula:
    return lambda basis, target: target % 12 == branch(basis % 12) % 12


def listed(names: str) -> Formula:
    chosen = {i for i in range(60) if STEMS[i % 10] + BRANCHES[i % 12] in names.split()}
    return lambda _, target: target in chosen


def noble(basis: int, target: int) -> bool:
    verse = {"甲戊庚": "소 양", "乙己": "쥐 원숭이", "丙丁": "돼지 닭", "壬癸": "토끼 뱀", "辛": "말 범"}
    animals = next(animals for stems, animals in verse.items() if STEMS[basis % 10] in stems)
    return target % 12 in [ANIMALS[animal] for animal in animals.split()]


def heavenly_virtue(basis: int, target: int) -> bool:
    # 正月丁 二月申 三月壬 … from the month 寅 on.
    letter = "丁申壬辛亥甲癸寅丙乙巳庚"[(basis - 2) % 12]
    return letter in (STEMS[target % 10], BRANCHES[target % 12])


def monthly_virtue(basis: int, target: int) -> bool:
    return STEMS[target % 10] == {0: "壬", 1: "庚", 2: "丙", 3: "甲"}[basis % 12 % 4]


def great_ultimate(basis: int, target: int) -> bool:
    return BRANCHES[target % 12] in ("子午", "卯酉", "辰戌丑未", "寅亥", "巳申")[basis % 10 // 2]


def resentful(branch: int) -> int:
    return branch + 6 + (1 if branch % 2 == 0 else -1)


def ghostly(branch: int) -> int:
    return {0: 9, 9: 0, 2: 7, 7: 2}.get(branch, resentful(branch))


def season(branch: int) -> int:
    """0 winter 亥子丑, 1 spring, 2 summer, 3 autumn."""
    return (branch + 1) // 3 % 4


def lame(basis: int, target: int) -> bool:
    return BRANCHES[target % 12] in ("丑辰", "亥子", "卯未", "寅戌")[season(basis % 12)]


def own_office_is_void(_: int, target: int) -> bool:
    reached = {pillar % 12 for pillar in range(target // 10 * 10, target // 10 * 10 + 10)}
    return OFFICE[target % 10] not in reached


def resource_below(_: int, target: int) -> bool:
    element = [4, 2, 0, 0, 2, 1, 1, 2, 3, 3, 2, 4][target % 12]
    return (element + 1) % 5 == target % 10 // 2


FORMULAS: dict[str, Formula] = {
    "cheoneul": noble,
    "cheondeok": heavenly_virtue,
    "woldeok": monthly_virtue,
    "munchang": branch_of(lambda stem: OFFICE[stem] + 3),
    "mungok": branch_of(lambda stem: OFFICE[stem] + 9),
    "hakdang": branch_of(lambda stem: OFFICE[stem] + (-3 if stem % 2 == 0 else 3)),
    "taegeuk": great_ultimate,
    "cheonju": branch_of(lambda stem: OFFICE[(stem + 2) % 10]),
    "gugin": branch_of(lambda stem: OFFICE[stem] + 8),
    "geumyeo": branch_of(lambda stem: OFFICE[stem] + 2),
    "amrok": branch_of(lambda stem: 1 - OFFICE[stem]),
    "geonrok": branch_of(lambda stem: OFFICE[stem]),
    "yangin": lambda b, t: b % 2 == 0 and t % 12 == (OFFICE[b % 10] + 1) % 12,
    "biin": lambda b, t: b % 2 == 0 and t % 12 == (OFFICE[b % 10] + 7) % 12,
    "hongyeom": branch_of(lambda stem: (6, 6, 2, 7, 4, 4, 10, 9, 0, 8)[stem]),
    "nakjeong": branch_of(lambda stem: (5, 0, 8, 10, 3)[stem % 5]),
    # Counted round the nine palaces from 甲子 in the first: those that come to the fifth, the centre.
    "baekho": lambda _, t: t % 9 == 4,
    "goegang": listed("庚辰 庚戌 壬辰 戊戌"),
    "hyeonchim": lambda _, t: STEMS[t % 10] in "甲辛" and BRANCHES[t % 12] in "卯午申",
    "goran": listed("乙巳 丁巳 辛亥 戊申 甲寅"),
    "chachak": lambda _, t: t % 15 >= 12,
    "sipak": own_office_is_void,
    "hyosin": resource_below,
    "dohwa_year": turned(lambda branch: 9 - 3 * (branch % 4)),
    "dohwa_day": turned(lambda branch: 9 - 3 * (branch % 4)),
    "yeokma_year": turned(lambda branch: 2 - 3 * (branch % 4)),
    "yeokma_day": turned(lambda branch: 2 - 3 * (branch % 4)),
    "hwagae_year": turned(lambda branch: 4 - 3 * (branch % 4)),
    "hwagae_day": turned(lambda branch: 4 - 3 * (branch % 4)),
    "wonjin": turned(resentful),
    "gwimun": turned(ghostly),
    "cheonra": lambda b, t: {b % 12, t % 12} == {10, 11},
    "jimang": lambda b, t: {b % 12, t % 12} == {4, 5},
    "gosin": turned(lambda branch: 3 * season(branch) + 2),
    "gwasuk": turned(lambda branch: 3 * season(branch) - 2),
    "sangmun": turned(lambda branch: branch + 2),
    "jogaek": turned(lambda branch: branch - 2),
    "cheonui": turned(lambda branch: branch - 1),
    "geupgak": lame,
    "bokseong": lambda b, t: (
        t % 12 in ((2, 0), (1, 3), (2, 0), (11,), (8,), (7,), (6,), (5,), (4,), (1, 3))[b % 10]
    ),
    "yuksu": lambda _, t: t in (42, 43, 24, 54, 25, 55),
    "ildeok": lambda _, t: t in (50, 52, 4, 16, 58),
    "geumsin": lambda _, t: t in (1, 5, 9),
    "cheonsa": lambda b, t: t == (0, 14, 30, 44)[season(b % 12)],
}
POSITION = {"day": 2, "year": 0, "month": 1, "pillar": 2}


def test_there_is_a_formula_for_every_rule() -> None:
    assert set(FORMULAS) == set(KEYS)
    assert len(KEYS) >= 20
    assert all(rule.source and rule.name.hangul and rule.name.hanja for rule in RULES)


@pytest.mark.parametrize("key", KEYS)
def test_rule(key: str) -> None:
    rule = RULES[KEYS.index(key)]
    answer = [[falls_on(rule, basis, target) for target in range(60)] for basis in range(60)]
    expected = [[FORMULAS[key](basis, target) for target in range(60)] for basis in range(60)]
    assert answer == expected
    assert any(map(any, answer))


@pytest.mark.parametrize("key", KEYS)
def test_bit(key: str) -> None:
    rule = RULES[KEYS.index(key)]
    rng = np.random.default_rng(KEYS.index(key))
    pillars = rng.integers(0, 60, (2_000, 4), dtype=np.uint8)
    pillars[::5, 3] = 255
    found = facts(pillars).sinsal(key)
    basis = pillars[:, POSITION[rule.basis.split("_")[0]]].tolist()
    for i, row in enumerate(pillars.tolist()):
        for position, name in enumerate(("year", "month", "day", "hour")):
            falls = row[position] != 255 and name in rule.positions and FORMULAS[key](basis[i], row[position])
            assert bool(found[i, position]) is falls, (key, row, name)


def test_void_of_branches() -> None:
    rng = np.random.default_rng(7)
    pillars = rng.integers(0, 60, (500, 4), dtype=np.uint8)
    pillars[::3, 3] = 255
    found = facts(pillars)
    for void, flags in ((found.void_day, found.void_by_day()), (found.void_year, found.void_by_year())):
        for i, row in enumerate(pillars.tolist()):
            expected = [pillar != 255 and pillar % 12 in void[i].tolist() for pillar in row]
            assert flags[i].tolist() == expected
    # A pillar never falls into its own void.
    assert not found.void_by_day()[:, 2].any()
    assert not found.void_by_year()[:, 0].any()


def test_schools_change_their_rule_alone() -> None:
    yin = Schools(blade=BladeSchool.ALL_STEMS)
    changed = [a.name.key for a, b in zip(rules(Schools()), rules(yin), strict=True) if a != b]
    assert changed == ["yangin"]
    blade = rules(yin)[KEYS.index("yangin")]
    for basis in range(60):
        for target in range(60):
            assert falls_on(blade, basis, target) == (target % 12 == (OFFICE[basis % 10] + 1) % 12)
    six = Schools(goegang=GoegangSchool.SIX_PILLARS)
    assert [a.name.key for a, b in zip(rules(Schools()), rules(six), strict=True) if a != b] == ["goegang"]
    pillars = np.array([[58, 4, 16, 46]], np.uint8)  # 壬戌 戊辰 庚辰 庚戌
    assert facts(pillars).sinsal("goegang").tolist() == [[False, False, True, False]]
    assert facts(pillars, goegang="six_pillars").sinsal("goegang").tolist() == [[True] * 4]


def test_an_unknown_sinsal_is_refused_with_the_nearest() -> None:
    with pytest.raises(HyperCubeError, match=r"dohwa_yera.*Did you mean 'dohwa_year'"):
        facts([[0, 0, 0, 0]]).sinsal("dohwa_yera")
    assert len(RULES) <= VOID_BY_DAY
