"""The small tables, exhaustively, against rules written here in another way than in the package."""

import pytest

from hypercube.core.schools import HiddenStemSet, LifeStageSchool
from hypercube.saju.facts.climate import CLIMATE_GODS
from hypercube.saju.facts.hidden_stems import HIDDEN, MAIN, slots
from hypercube.saju.facts.life_stages import LIFE_STAGES, OFFICE_BRANCH, life_stage
from hypercube.saju.facts.nayin import NAYIN, NAYIN_ELEMENT, nayin
from hypercube.saju.facts.symbols import BRANCH, BRANCH_ELEMENT, STEM, STEM_ELEMENT, by_stem
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, inverse, ten_god
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL, twelve_sinsal
from hypercube.saju.facts.void import void_branches

STEMS, BRANCHES = "甲乙丙丁戊己庚辛壬癸", "子丑寅卯辰巳午未申酉戌亥"
FEEDS = {"木": "火", "火": "土", "土": "金", "金": "水", "水": "木"}
CONTROLS = {"木": "土", "土": "水", "水": "火", "火": "金", "金": "木"}
ELEMENT = dict(zip(STEMS, "木木火火土土金金水水", strict=True))
YANG = set("甲丙戊庚壬")


def god_by_words(day: str, other: str) -> str:
    same = (day in YANG) == (other in YANG)
    me, it = ELEMENT[day], ELEMENT[other]
    if me == it:
        return "비견" if same else "겁재"
    if FEEDS[me] == it:
        return "식신" if same else "상관"
    if CONTROLS[me] == it:
        return "편재" if same else "정재"
    if CONTROLS[it] == me:
        return "편관" if same else "정관"
    assert FEEDS[it] == me
    return "편인" if same else "정인"


def test_ten_gods_by_the_cycle_of_elements() -> None:
    table = [[TEN_GODS[ten_god(day, stem)].hangul for stem in range(10)] for day in range(10)]
    assert table == [[god_by_words(day, stem) for stem in STEMS] for day in STEMS]
    # Each day stem meets every ten god once.
    assert all(len(set(row)) == 10 for row in table)


def test_ten_god_seen_from_the_other_side() -> None:
    for day in range(10):
        for stem in range(10):
            assert ten_god(stem, day) == inverse(ten_god(day, stem))
            assert inverse(inverse(ten_god(day, stem))) == ten_god(day, stem)


def test_ten_god_of_a_branch_is_that_of_its_main_stem() -> None:
    main = dict(zip(BRANCHES, "癸己甲乙戊丙丁己庚辛戊壬", strict=True))
    for day in STEMS:
        for branch in BRANCHES:
            assert TEN_GODS[branch_god(STEM[day], BRANCH[branch])].hangul == god_by_words(day, main[branch])


@pytest.mark.parametrize("school", HiddenStemSet)
def test_hidden_stems_fill_their_branch(school: HiddenStemSet) -> None:
    for branch, hidden in enumerate(HIDDEN[school]):
        assert sum(each.share for each in hidden) == 30
        assert sum(each.role == "main" for each in hidden) == 1
        main = next(each for each in hidden if each.role == "main")
        assert main.stem == MAIN[branch]
        assert main.share == max(each.share for each in hidden)
        assert STEM_ELEMENT[main.stem] == BRANCH_ELEMENT[branch]
        assert [each for each in slots(school, branch) if each] == list(hidden)
        assert len({each.stem for each in hidden}) == len(hidden)


def test_the_korean_first_stem_is_left_over_from_the_month_before() -> None:
    hidden = HIDDEN[HiddenStemSet.KOREAN]
    for branch in range(12):
        before = hidden[(branch - 1) % 12][-1].stem
        first = hidden[branch][0].stem
        assert STEM_ELEMENT[first] == STEM_ELEMENT[before]
    # 월률분야: births 7 7 16, cardinals 10 20, stores 9 3 18; 午 has three.
    days = {"寅申巳亥": [7, 7, 16], "子卯酉": [10, 20], "午": [10, 9, 11], "辰戌丑未": [9, 3, 18]}
    for branches, expected in days.items():
        for branch in branches:
            assert [each.days for each in hidden[BRANCH[branch]]] == expected


@pytest.mark.parametrize("school", HiddenStemSet)
def test_every_triad_has_its_element_inside(school: HiddenStemSet) -> None:
    for triad, element in (("申子辰", 4), ("寅午戌", 1), ("巳酉丑", 3), ("亥卯未", 0)):
        for branch in triad:
            inside = {STEM_ELEMENT[each.stem] for each in HIDDEN[school][BRANCH[branch]]}
            assert element in inside, branch


def test_life_stages_by_walking_the_branches() -> None:
    births = dict(zip(STEMS, "亥午寅酉寅酉巳子申卯", strict=True))
    for stem in STEMS:
        at = BRANCHES.index(births[stem])
        for code in range(12):
            assert life_stage(STEM[stem], at) == code
            at = (at + (1 if stem in YANG else -1)) % 12
    assert " ".join(stage.hangul for stage in LIFE_STAGES) == "장생 목욕 관대 건록 제왕 쇠 병 사 묘 절 태 양"


def test_yin_is_born_where_yang_dies() -> None:
    for yang in range(0, 10, 2):
        for branch in range(12):
            assert (life_stage(yang, branch) == 0) == (life_stage(yang + 1, branch) == 7)
            together = life_stage(yang + 1, branch, LifeStageSchool.YIN_FORWARD)
            assert together == life_stage(yang, branch)


def test_the_office_of_each_stem() -> None:
    assert [BRANCHES[branch] for branch in OFFICE_BRANCH] == list("寅卯巳午巳午申酉亥子")


def test_nayin_elements_by_their_numbers() -> None:
    stem_number = {stem: 1 + i // 2 for i, stem in enumerate(STEMS)}
    branch_number = {b: n for n, row in ((1, "子丑午未"), (2, "寅卯申酉"), (3, "辰巳戌亥")) for b in row}
    by_number = {1: "wood", 2: "metal", 3: "water", 4: "fire", 0: "earth"}
    for pillar in range(60):
        number = stem_number[STEMS[pillar % 10]] + branch_number[BRANCHES[pillar % 12]]
        assert NAYIN_ELEMENT[nayin(pillar)] == by_number[number % 5]
    assert len({name.key for name in NAYIN}) == len({name.hanja for name in NAYIN}) == 30
    assert len({name.hangul for name in NAYIN}) == 30


def test_void_is_what_the_ten_of_a_decade_leave_out() -> None:
    for decade in range(6):
        reached = {pillar % 12 for pillar in range(10 * decade, 10 * decade + 10)}
        for pillar in range(10 * decade, 10 * decade + 10):
            assert set(void_branches(pillar)) == set(range(12)) - reached
            assert void_branches(pillar)[0] % 2 == 0


def test_twelve_sinsal_by_the_triads() -> None:
    begins = {"申子辰": "巳", "寅午戌": "亥", "巳酉丑": "寅", "亥卯未": "申"}
    for triad, first in begins.items():
        for basis in triad:
            row = [(BRANCHES.index(first) + step) % 12 for step in range(12)]
            assert [twelve_sinsal(BRANCH[basis], branch) for branch in row] == list(range(12))
            names = [TWELVE_SINSAL[twelve_sinsal(BRANCH[basis], BRANCH[each])].hangul for each in triad]
            assert names == ["지살", "장성살", "화개살"]


@pytest.mark.parametrize(
    ("day", "month", "gods"),
    [
        ("甲", "寅", "丙癸"),
        ("甲", "午", "癸丁庚"),
        ("乙", "申", "丙癸己"),
        ("丙", "亥", "甲戊庚壬"),
        ("丁", "子", "甲庚"),
        ("戊", "卯", "丙甲癸"),
        ("戊", "未", "癸丙甲"),
        ("己", "卯", "甲癸丙"),
        ("庚", "丑", "丙丁甲"),
        ("辛", "子", "丙戊壬甲"),
        ("壬", "午", "癸庚辛"),
        ("癸", "亥", "庚辛戊丁"),
    ],
)
def test_climate_gods_of_the_text(day: str, month: str, gods: str) -> None:
    assert "".join(STEMS[stem] for stem in CLIMATE_GODS[STEM[day]][BRANCH[month]]) == gods


def test_the_first_choice_of_every_month() -> None:
    # From 寅 to 丑, as the text has them month by month.
    rows = {
        "甲": "丙庚庚癸癸癸庚庚庚庚丁丁",
        "乙": "丙丙癸癸癸癸丙癸癸丙丙丙",
        "丙": "壬壬壬壬壬壬壬壬甲甲壬壬",
        "丁": "甲庚甲甲壬甲甲甲甲甲甲甲",
        "戊": "丙丙甲甲壬癸丙丙甲甲丙丙",
        "己": "丙甲丙癸癸癸丙丙甲丙丙丙",
        "庚": "戊丁甲壬壬丁丁丁甲丁丁丙",
        "辛": "己壬壬壬壬壬壬壬壬壬丙丙",
        "壬": "庚戊甲壬癸辛戊甲甲戊戊丙",
        "癸": "辛庚丙辛庚庚丁辛辛庚丙丙",
    }
    for day, row in rows.items():
        first = [CLIMATE_GODS[STEM[day]][(2 + month) % 12][0] for month in range(12)]
        assert "".join(STEMS[stem] for stem in first) == row


def test_climate_gods_are_one_to_five_different_stems() -> None:
    assert len(CLIMATE_GODS) == 10
    for row in CLIMATE_GODS:
        assert len(row) == 12
        assert all(1 <= len(cell) <= 5 and len(set(cell)) == len(cell) for cell in row)
    # Summer wants water for fire, winter wants fire for wood and earth.
    assert all(CLIMATE_GODS[STEM["丙"]][BRANCH[b]][0] == STEM["壬"] for b in "巳午未")
    assert all(CLIMATE_GODS[STEM[s]][BRANCH[b]][0] == STEM["丙"] for s in "乙己" for b in "亥子丑")


def test_a_table_with_a_letter_twice_or_a_wrong_one_is_refused() -> None:
    with pytest.raises(ValueError, match="not a table"):
        by_stem("甲丑 甲寅")
    with pytest.raises(ValueError, match="not a table"):
        by_stem("子丑")
