"""The grounding checker against labelled sentences, and its streaming form."""

from collections import Counter
from functools import cache
from pathlib import Path

import pytest

from hypercube.core.chart import Chart
from hypercube.saju import chart
from hypercube.saju.grounding import Checker, GroundedStream, claims, cut, sentences
from tests.unit.reading_charts import AS_OF

FOLDER = Path(__file__).parent.parent / "golden" / "grounding"


@cache
def charts() -> dict[str, Chart]:
    found = {}
    for line in (FOLDER / "charts.tsv").read_text(encoding="utf-8").splitlines():
        name, birth, sex, place, as_of = line.split("\t")
        found[name] = chart(
            birth, sex=sex, place=place or None, include=("facts", "luck", "periods"), as_of=as_of
        )
    return found


def measured(file: str) -> tuple[float, float, int]:
    """Recall on corrupted sentences, false alarms on true ones, and how many there are."""
    checkers = {name: Checker(found) for name, found in charts().items()}
    counted: Counter[tuple[bool, bool]] = Counter()
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        name, _, label, sentence = line.split("\t")
        counted[label == "f", not checkers[name].grounded(sentence)] += 1
    corrupted = counted[True, True] + counted[True, False]
    true = counted[False, True] + counted[False, False]
    return counted[True, True] / corrupted, counted[False, True] / true, corrupted + true


@pytest.mark.parametrize(
    ("file", "at_least"),
    [
        ("rule.tsv", 2_000),
        ("hand.tsv", 150),
        ("held_out.tsv", 90),
        ("unseen.tsv", 60),
        ("prose_1.tsv", 150),
        ("prose_2.tsv", 150),
        ("prose_3.tsv", 130),
        ("prose_4.tsv", 120),
    ],
)
def test_lies_are_found_and_truths_are_left(file: str, at_least: int) -> None:
    recall, alarms, count = measured(file)
    assert count >= at_least
    assert recall >= 0.99
    assert alarms <= 0.01


KNOWN_FAILURES = {
    "first_sight_1.tsv": (5, 0),
    "first_sight_2.tsv": (7, 0),
    "first_sight_3.tsv": (11, 1),
    "first_sight_4.tsv": (1, 0),
}
"""Of sets kept as they were first seen: lies that are still missed, and true sentences that are still cut."""


@pytest.mark.parametrize("file", KNOWN_FAILURES)
def test_what_is_known_to_fail_does_not_grow(file: str) -> None:
    checkers = {name: Checker(found) for name, found in charts().items()}
    missed, cut_wrongly = [], []
    for line in (FOLDER / file).read_text(encoding="utf-8").splitlines():
        name, _, label, sentence = line.split("\t")
        if checkers[name].grounded(sentence) is (label == "f"):
            (missed if label == "f" else cut_wrongly).append(sentence)
    assert len(missed) <= KNOWN_FAILURES[file][0], missed
    assert len(cut_wrongly) <= KNOWN_FAILURES[file][1], cut_wrongly


@pytest.fixture(scope="module")
def checker() -> Checker:
    return Checker(charts()["a"])  # 庚午 庚辰 戊辰 乙卯, a woman of 1990


@pytest.mark.parametrize(
    "written",
    [
        "일간은 무토입니다.",
        "일간은 戊입니다.",
        "일간은 戊土입니다.",
        "일간은 무토(戊土)입니다.",
        "Your day master is Wu Earth.",
    ],
)
def test_a_stem_is_known_in_every_spelling(checker: Checker, written: str) -> None:
    (mention,) = checker.sentence(written).mentions
    assert mention.verdict == "true"
    assert mention.scope == "day.stem"
    assert written[mention.start : mention.end] == mention.text


def test_a_contradiction_says_where_and_what_is_right(checker: Checker) -> None:
    sentence = "월지 술토에 뿌리를 둡니다."
    (mention,) = checker.sentence(sentence).mentions
    assert (mention.verdict, mention.scope, mention.expected) == ("false", "month.branch", "辰")
    assert sentence[mention.start : mention.end] == "술토"


@pytest.mark.parametrize(
    "harmless",
    [
        "갑자기 정신이 들어도 상관없이 충분히 쉬세요.",
        "해마다 시간을 내어 병을 다스리세요.",
        "만약 일간이 갑목이라면 달랐을 겁니다.",
        "정관은 책임을 뜻하는 별입니다.",
        "Take a strong tea and water the plants.",
        "",
        "?!…",
    ],
)
def test_everyday_words_and_suppositions_claim_nothing(checker: Checker, harmless: str) -> None:
    assert checker.grounded(harmless)


@pytest.mark.parametrize(
    "true",
    [
        "연주 경오(庚午)월주 경진(庚辰)일주 무진(戊辰)시주 을묘(乙卯)",  # a row without spaces
        "연간 경금 월간 경금 일간 무토 시주 을묘",
        "무토 일간이 월지 진토에 뿌리를 내렸습니다.",
        "마음을 합하고 있으면 좋습니다.",
        "일주로 본 공망은 술해입니다.",
        "대운은 9세 기묘, 19세 무인, 29세 정축, 39세 병자 순서로 이어집니다.",
        "신강이냐 신약이냐 물으신다면 신강입니다.",
        "인사신형은 원국에 없습니다.",
    ],
)
def test_true_sentences_that_were_once_cut(checker: Checker, true: str) -> None:
    assert [each for each in checker.sentence(true).mentions if each.verdict == "false"] == []


@pytest.mark.parametrize(
    "lie",
    [
        "연주 경오(庚午)월주 임인(壬寅)일주 무진(戊辰)시주 을묘(乙卯)",
        "연간 경금 월간 갑목 일간 무토",
        "일주로 본 공망은 진사입니다.",
        "대운은 9세 기묘, 19세 무인, 29세 정축, 39세 을해 순서로 이어집니다.",
        "축술미 삼형이 원국에 있습니다.",
        "천간은 경, 경, 갑, 을입니다.",
        "경금은 정재에 해당합니다.",
    ],
)
def test_lies_in_the_same_forms(checker: Checker, lie: str) -> None:
    assert not checker.grounded(lie)


def test_a_void_branch_is_void_whatever_it_is_read_from() -> None:
    found = charts()["n"]  # 辛未 辛丑 甲申 甲戌: the year branch is void by the day, the hour's by the year
    for sentence in ("연지가 공망에 듭니다.", "시지가 공망에 듭니다.", "연지가 일주 공망에 해당합니다."):
        assert Checker(found).grounded(sentence)
    assert not Checker(found).grounded("월지가 공망에 듭니다.")
    assert Checker(found).grounded("일주로 본 공망은 오미, 연주로 본 공망은 술해입니다.")
    assert not Checker(found).grounded("일주로 본 공망은 술해, 연주로 본 공망은 오미입니다.")


def test_a_sinsal_that_holds_the_name_of_a_ten_god_is_none() -> None:
    (mention,) = Checker(charts()["a"]).sentence("낙정관살; 물가를 조심하세요.").mentions
    assert mention.kind == "sinsal"


def test_a_text_is_cut_at_sentences(checker: Checker) -> None:
    text = "일간은 무토입니다. 월지는 술토입니다. 시주는 을묘입니다!"
    kept, count = cut(checker.text(text))
    assert [each.text for each in kept] == ["일간은 무토입니다.", "시주는 을묘입니다!"]
    assert (count.sentences, count.cut, count.contradictions, count.confirmed) == (3, 1, 1, 2)
    assert text[kept[1].start :] == "시주는 을묘입니다!"


def test_a_stream_holds_back_one_sentence_and_no_lie_leaves() -> None:
    stream = GroundedStream(charts()["a"])
    text = "일간은 무토입니다. 월지는 술토입니다.\n시주는 을묘입니다. 끝"
    left = []
    for letter in text:
        left.append(stream.feed(letter))
        assert len(sentences(stream.held)) <= 1
    left.append(stream.close())
    assert "".join(left) == "일간은 무토입니다.\n시주는 을묘입니다. 끝"
    assert [each.text.strip() for each in stream.cut_off] == ["월지는 술토입니다."]
    assert stream.checked().cut == 1


def test_a_stream_says_the_same_however_it_is_cut_up() -> None:
    text = "The hour pillar is 乙卯. The hour pillar is 甲寅. " * 3
    answers = set()
    for size in (1, 2, 7, 50, len(text)):
        stream = GroundedStream(charts()["a"])
        pieces = [stream.feed(text[at : at + size]) for at in range(0, len(text), size)]
        answers.add("".join(pieces) + stream.close())
    assert len(answers) == 1
    assert "甲寅" not in answers.pop()


def test_a_sentence_without_end_does_not_grow_for_ever() -> None:
    stream = GroundedStream(charts()["a"])
    for _ in range(100):
        stream.feed("좋은 하루 " * 20)
    assert len(stream.held) <= 2_200


def test_claims_need_no_chart() -> None:
    (claim,) = claims("연간과 월간에 식신이 나란히 있습니다.")
    assert claim.value == "eating_god"
    assert claim.scope == (("month", "stem"), ("year", "stem"))


def test_the_charts_are_of_one_day() -> None:
    assert {found.options.as_of for found in charts().values()} == {AS_OF}


@pytest.mark.parametrize(
    "sentence",
    ["여러 요소를 묘사합니다.", "두 사람은 유사합니다.", "의견을 진술해서 좋습니다.", "늘 먼저 인사합니다."],
)
def test_verbs_of_two_syllables_are_no_bonds(sentence: str) -> None:
    assert claims(sentence) == ()


@pytest.mark.parametrize("sentence", ["묘술합이 있습니다.", "묘술합입니다.", "축오해가 있습니다."])
def test_bonds_of_two_letters_are_read(sentence: str) -> None:
    assert [claim.kind for claim in claims(sentence)] == ["relation"]


@pytest.mark.parametrize(
    ("written", "grounded"),
    [
        # Luck of the chart: 기묘 무인 정축 병자 을해 …, of which 정축 is in force.
        ("정축 대운이 이어지는 동안 해가 바뀌어도 마음은 그대로입니다.", True),
        ("정축 대운이 바뀌어도 기본 성향은 그대로입니다.", True),
        ("정축 대운이 병자 대운으로 바뀌어도 놀라지 마세요.", True),
        ("정축 대운은 십 년을 가니, 해가 바뀌어도 마음은 그대로입니다.", True),
        ("지금의 정축 대운이 바뀌면 병자 대운이 옵니다.", True),
        ("다음은 병자 대운으로 바뀌어 갑니다.", True),
        ("갑자 대운이 바뀌어도 성향은 그대로입니다.", False),
        ("현재 병자 대운이 바뀌어도 그대로입니다.", False),
        ("정축 대운이 을해 대운으로 바뀌어도 괜찮습니다.", False),
        ("정축 대운이 바뀌어 을해 대운이 다음 대운으로 옵니다.", False),
        ("다음에 바뀌는 대운은 을해입니다.", False),
        ("곧 바뀌는 을해 대운에는 새로운 일이 생깁니다.", False),
        ("을해 대운이 다음에 바뀌어 들어옵니다.", False),
    ],
)
def test_a_luck_pillar_that_changes_is_not_the_one_it_changes_to(
    checker: Checker, written: str, grounded: bool
) -> None:
    assert checker.grounded(written) is grounded


@pytest.mark.parametrize(
    "written",
    [
        "2026-11-28 기준으로 올해는 병오년입니다.",
        "2026년 11월 28일 기준으로 올해는 병오년입니다.",
        "올해의 간지는 병오라, 2026년 11월 28일 현재 그 기운 안에 계십니다.",
        "As of 28 November 2026 this year's pillar is Byeong-o (丙午).",
        "As of 2026-11-28 this year's pillar is Byeong-o (丙午).",
    ],
)
def test_a_day_is_the_same_however_it_is_written(checker: Checker, written: str) -> None:
    assert [each.value for each in claims(written) if each.kind == "date"] == ["2026-11-28"]
    assert checker.grounded(written)
    for right, wrong in (("병오", "정미"), ("Byeong-o (丙午)", "Jeong-mi (丁未)")):
        if right in written:
            assert not checker.grounded(written.replace(right, wrong))


def test_the_year_of_a_birth_or_a_luck_pillar_is_still_looked_at(checker: Checker) -> None:
    assert checker.grounded("1990년 5월 3일에 태어나셨습니다.")
    assert not checker.grounded("1991년 5월 3일에 태어나셨습니다.")
