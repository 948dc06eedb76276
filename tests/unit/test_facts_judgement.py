"""Strength, structure and useful gods against a slow reckoning in words, and worked charts."""

import numpy as np
import pytest

from hypercube.saju.facts import describe, facts
from hypercube.saju.facts.life_stages import LIFE_STAGES
from hypercube.saju.facts.nayin import NAYIN
from hypercube.saju.facts.relations import PAIR_RULES
from hypercube.saju.facts.sinsal import KEYS
from hypercube.saju.facts.strength import LEVELS, REMEDIES, level
from hypercube.saju.facts.structure import STRUCTURES
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL

STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
_INSIDE = "癸 己癸辛 甲丙戊 乙 戊乙癸 丙庚戊 丁己 己丁乙 庚壬戊 辛 戊辛丁 壬甲"
INSIDE = dict(zip(BRANCHES, _INSIDE.split(), strict=True))
OFFICE = dict(zip(STEMS, "寅卯巳午巳午申酉亥子", strict=True))
GODS = ("비견", "겁재", "식신", "상관", "편재", "정재", "편관", "정관", "편인", "정인")


def god(day: str, other: str) -> str:
    a, b = STEMS.index(day), STEMS.index(other)
    return GODS[2 * ((b // 2 - a // 2) % 5) + (a + b) % 2]


def pillar(text: str) -> int:
    return next(i for i in range(60) if STEMS[i % 10] + BRANCHES[i % 12] == text)


def chart(text: str) -> list[int]:
    """Year, month, day and hour as they are read."""
    return [pillar(each) if each != "??" else 255 for each in text.split()]


def structure_in_words(row: list[int]) -> tuple[str, str, bool]:
    day, month = STEMS[row[2] % 10], BRANCHES[row[1] % 12]
    others = {STEMS[row[p] % 10] for p in (0, 1, 3) if row[p] != 255}
    main = INSIDE[month][0]
    if month == OFFICE[day]:
        return "건록격", main, main in others
    if day in "甲丙戊庚壬" and month == BRANCHES[(BRANCHES.index(OFFICE[day]) + 1) % 12]:
        return "양인격", main, main in others
    for stem in INSIDE[month]:
        if stem in others and god(day, stem) not in ("비견", "겁재"):
            return god(day, stem) + "격", stem, True
    if god(day, main) in ("비견", "겁재"):
        return "월겁격", main, main in others
    return god(day, main) + "격", main, False


def test_structure_of_many_charts() -> None:
    pillars = np.random.default_rng(1).integers(0, 60, (4_000, 4), dtype=np.uint8)
    pillars[::7, 3] = 255
    found = facts(pillars)
    seen = set()
    for i, row in enumerate(pillars.tolist()):
        name, stem, exposed = structure_in_words(row)
        assert STRUCTURES[found.structure[i]].hangul == name, row
        assert STEMS[found.structure_stem[i]] == stem, row
        assert bool(found.structure_exposed[i]) is exposed, row
        seen.add(name)
    assert seen == {f"{each}격" for each in GODS[2:]} | {"건록격", "양인격", "월겁격"}


@pytest.mark.parametrize(
    ("pillars", "name"),
    [
        ("甲子 丙寅 甲午 庚午", "건록격"),
        ("丁卯 癸卯 甲子 甲子", "양인격"),
        ("癸酉 辛酉 甲子 甲子", "정관격"),
        # 寅 holds 甲 丙 戊: only 戊, the last of them, is exposed.
        ("戊子 庚寅 癸丑 辛酉", "정관격"),
        # 戌 in the month of 甲: 辛 exposed before the main 戊 which is not.
        ("辛酉 丙戌 甲子 乙丑", "정관격"),
        # 壬 in 子 is left over in the Korean set, and does not make the structure.
        ("壬子 壬子 丙寅 戊戌", "정관격"),
        ("乙丑 庚辰 戊午 ??", "정관격"),
        ("甲子 戊辰 戊午 ??", "월겁격"),
        ("庚子 庚辰 己卯 ??", "월겁격"),
    ],
)
def test_worked_structures(pillars: str, name: str) -> None:
    found = describe(facts([chart(pillars)]), 0)
    assert found.structure.name.hangul == name


def test_support_points_of_many_charts() -> None:
    pillars = np.random.default_rng(2).integers(0, 60, (3_000, 4), dtype=np.uint8)
    pillars[::5, 3] = 255
    found = facts(pillars)
    mine = ("비견", "겁재", "편인", "정인")
    for i, row in enumerate(pillars.tolist()):
        day = STEMS[row[2] % 10]
        points = {}
        for position, points_of_branch in enumerate((10, 30, 15, 15)):
            if row[position] != 255:
                stem, branch = STEMS[row[position] % 10], BRANCHES[row[position] % 12]
                points["stem", position] = 10 if god(day, stem) in mine else 0
                points["branch", position] = points_of_branch if god(day, INSIDE[branch][0]) in mine else 0
        everything = sum(points.values())
        season, seat = points["branch", 1], points["branch", 2]
        company = everything - season - seat - points["stem", 2]
        assert found.support[i].tolist() == [everything, season, seat, company]
        assert points["stem", 2] == 10
        assert found.strength[i] == level(everything, 110 if row[3] != 255 else 85)


def test_levels_are_cut_where_they_say() -> None:
    names = {share: LEVELS[level(share, 100)].hangul for share in (0, 20, 21, 44, 45, 55, 56, 79, 80, 100)}
    assert list(names.values()) == [
        "극신약", "극신약", "신약", "신약", "중화", "중화", "신강", "신강", "극신강", "극신강",
    ]  # fmt: skip
    assert [level(support, 110) for support in range(111)] == sorted(level(s, 110) for s in range(111))


def test_the_remedy_of_many_charts() -> None:
    pillars = np.random.default_rng(3).integers(0, 60, (4_000, 4), dtype=np.uint8)
    pillars[::5, 3] = 255
    found = facts(pillars)
    reasons = set()
    for i in range(len(pillars)):
        peers, output, wealth, officers, resource = found.group_weights[i].tolist()
        own = int(pillars[i, 2]) % 10 // 2
        name = LEVELS[found.strength[i]].hangul
        if name == "중화":
            reason, groups = "중화", []
        elif name in ("신강", "극신강"):
            reason, groups = ("인성 과다", [2, 1]) if resource > peers else ("비겁 과다", [3, 1])
        else:
            worst = max(output, wealth, officers)
            reason, groups = (
                ("식상 과다", [4, 0])
                if output == worst
                else ("재성 과다", [0, 4])
                if wealth == worst
                else ("관성 과다", [4, 0])
            )
        assert REMEDIES[found.balance_reason[i]][0].hangul == reason
        expected = [(own + group) % 5 for group in groups] or [255, 255]
        assert found.balance_gods[i].tolist() == expected
        reasons.add(reason)
    assert len(reasons) == len(REMEDIES)


def test_a_described_chart() -> None:
    # 1990-05-03 07:20 by the clock of Seoul.
    found = describe(facts([chart("庚午 庚辰 乙卯 庚辰")]), 0)
    assert [each.position for each in found.pillars] == ["year", "month", "day", "hour"]
    year, month, day, hour = found.pillars
    assert year.stem_god is not None
    assert year.stem_god.hangul == "정관"
    assert day.stem_god is None
    assert day.stage.hangul == "건록"
    assert [(each.stem.hanja, each.role, each.days) for each in month.hidden_stems] == [
        ("乙", "residual", 9), ("癸", "middle", 3), ("戊", "main", 18),
    ]  # fmt: skip
    assert [(each.stem.hanja, each.days) for each in day.hidden_stems] == [("甲", 10), ("乙", 20)]
    assert year.nayin.hanja == "路傍土"
    assert year.nayin_element == "earth"
    assert "".join(each.hanja for each in found.void_day) == "子丑"
    assert "".join(each.hanja for each in found.void_year) == "戌亥"
    kinds = {(each.kind.hangul, each.positions, each.element) for each in found.relations}
    assert ("천간합", ("year", "day"), "metal") in kinds
    assert ("자형", ("month", "hour"), None) in kinds
    assert found.elements.visible.metal == 3
    assert found.elements.weighted.earth > found.elements.weighted.fire > 0
    assert (
        round(sum(getattr(found.elements.weighted, e) for e in ("wood", "fire", "earth", "metal", "water")))
        == 100
    )
    assert "건록" in {name.hangul for name in day.sinsal}
    rules = {rule.name.key for rule in found.sinsal_rules}
    assert rules == {name.key for each in found.pillars for name in each.sinsal}
    assert hour.twelve_by_year.hangul == "월살"
    assert [each.stem.hanja for each in found.useful_gods.climate] == ["癸", "丙", "戊"]
    assert [each.presence for each in found.useful_gods.climate] == ["hidden"] * 3
    chinese = describe(facts([chart("庚午 庚辰 乙卯 庚辰")], hidden_stems="chinese"), 0).useful_gods
    # 午 holds 丙 in the Korean set alone.
    assert [each.presence for each in chinese.climate] == ["hidden", "absent", "hidden"]
    assert found.strength.roots == ("month", "day", "hour")


def test_a_described_chart_without_an_hour() -> None:
    found = describe(facts([chart("庚午 庚辰 乙卯 庚辰"), chart("庚午 庚辰 乙卯 ??")]), 1)
    assert [each.position for each in found.pillars] == ["year", "month", "day"]
    assert not any("hour" in each.positions for each in found.relations)
    assert found.strength.available == 85
    assert found.elements.visible.metal == 2
    assert found.strength.roots == ("month", "day")


def test_the_chinese_set_has_no_days() -> None:
    found = describe(facts([chart("庚午 庚辰 乙卯 庚辰")], hidden_stems="chinese"), 0)
    assert [(each.stem.hanja, each.role, each.days) for each in found.pillars[0].hidden_stems] == [
        ("丁", "main", None), ("己", "middle", None),
    ]  # fmt: skip
    with pytest.raises(IndexError):
        describe(facts([[0, 0, 0, 0]]), 1)


def test_names_and_codes_say_the_same() -> None:
    pillars = np.random.default_rng(6).integers(0, 60, (300, 4), dtype=np.uint8)
    pillars[::5, 3] = 255
    for schools in ({}, {"hidden_stems": "chinese", "life_stages": "yin_forward"}):
        found = facts(pillars, **schools)
        for i in range(len(pillars)):
            named = describe(found, i)
            assert len(named.pillars) == (3 if pillars[i, 3] == 255 else 4)
            for p, each in enumerate(named.pillars):
                assert each.pillar.index == pillars[i, p]
                assert each.stem_god == (None if p == 2 else TEN_GODS[found.stem_gods[i, p]])
                assert each.branch_god == TEN_GODS[found.branch_gods[i, p]]
                stems = [s for s in found.hidden_stems[i, p].tolist() if s != 255]
                gods = [g for g in found.hidden_gods[i, p].tolist() if g != 255]
                assert [hidden.stem.index for hidden in each.hidden_stems] == stems
                assert [hidden.ten_god for hidden in each.hidden_stems] == [TEN_GODS[g] for g in gods]
                assert each.stage == LIFE_STAGES[found.stages[i, p]]
                assert each.own_stage == LIFE_STAGES[found.own_stages[i, p]]
                assert each.nayin == NAYIN[found.nayin[i, p]]
                assert each.twelve_by_year == TWELVE_SINSAL[found.twelve_by_year[i, p]]
                assert each.twelve_by_day == TWELVE_SINSAL[found.twelve_by_day[i, p]]
                assert ("day" in each.void_by) == found.void_by_day()[i, p]
                assert ("year" in each.void_by) == found.void_by_year()[i, p]
                flags = int(found.flags[i, p])
                assert [n.key for n in each.sinsal] == [k for bit, k in enumerate(KEYS) if flags >> bit & 1]
            listed = {each.kind.key for each in named.relations if len(each.positions) == 2}
            masks = int(np.bitwise_or.reduce(found.pair_relations[i]))
            assert listed <= {rule.name.key for bit, rule in enumerate(PAIR_RULES) if masks >> bit & 1}
