"""The checker of two charts against labelled sentences."""

from functools import cache
from pathlib import Path

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju import chart
from hypercube.saju.grounding.pair import PairChecker
from hypercube.saju.grounding.people import BOTH, FIRST, SECOND, UNNAMED, segments

FOLDER = Path(__file__).parent.parent / "golden" / "grounding"


def rows(file: str) -> list[list[str]]:
    return [line.split("\t") for line in (FOLDER / file).read_text(encoding="utf-8").splitlines()]


@cache
def checkers() -> dict[str, PairChecker]:
    found = {}
    for name, *fields in rows("pair_births.tsv"):
        people = [
            chart(birth, sex=sex, place=place or None, include=("facts",), fold=0)
            for birth, sex, place in (fields[:3], fields[3:])
        ]
        found[name] = PairChecker(people[0], people[1])
    return found


@pytest.mark.parametrize(
    ("file", "corrupted", "recall"),
    [
        ("pair_rule.tsv", 900, 0.99),
        ("pair_hand.tsv", 40, 0.99),
        ("pair_held_out.tsv", 30, 0.99),
        ("pair_unseen.tsv", 20, 0.95),
    ],
)
def test_corrupted_sentences_are_caught_and_true_ones_left(file: str, corrupted: int, recall: float) -> None:
    lies = [row for row in rows(file) if row[2] == "f"]
    truths = [row for row in rows(file) if row[2] == "t"]
    assert len(lies) >= corrupted
    missed = [text for name, _, _, text in lies if checkers()[name].grounded(text)]
    alarms = [text for name, _, _, text in truths if not checkers()[name].grounded(text)]
    assert 1 - len(missed) / len(lies) >= recall, missed
    assert len(alarms) / len(truths) <= 0.01, alarms


def test_a_mention_says_whose_it_is_and_what_is_there_instead() -> None:
    check = checkers()["a"].sentence("첫째 분은 무토 일간, 둘째 분은 경금 일간이세요.")
    (right, wrong) = [each for each in check.mentions if each.kind == "stem"]
    assert (right.text, right.scope, right.verdict) == ("무토", "first day.stem", "true")
    assert (wrong.text, wrong.scope, wrong.verdict) == ("경금", "second day.stem", "false")
    assert wrong.expected == "辛"
    assert check.text[wrong.start : wrong.end] == "경금"


def test_a_relation_between_the_two_is_not_looked_for_inside_one() -> None:
    # Within the first chart the month and the day punish each other (辰辰); between the two there is only 파.
    assert not checkers()["a"].grounded("두 분의 일지는 자형의 관계입니다.")
    assert checkers()["a"].grounded("첫째 분은 월지와 일지가 자형이고, 둘째 분은 극신강합니다.")
    assert not checkers()["a"].grounded("첫째 분은 월지와 일지가 육합이고, 둘째 분은 극신강합니다.")


@pytest.mark.parametrize(
    "text",
    [
        "만약 두 분의 일지가 육합이라면 더 편했을 것입니다.",
        "충은 변화를 뜻합니다.",
        "두 분은 합이 좋다는 말을 자주 들으십니다.",
        "백년해로하시기를 바랍니다.",
    ],
)
def test_what_is_supposed_or_said_in_general_is_no_claim(text: str) -> None:
    assert checkers()["c"].grounded(text)


def test_nobody_named_must_be_somebody() -> None:
    assert checkers()["a"].grounded("일간이 무토입니다.")
    assert checkers()["a"].grounded("일간이 신금(辛金)입니다.")
    assert not checkers()["a"].grounded("일간이 갑목입니다.")


def test_an_unknown_hour_bears_nothing_out() -> None:
    assert not checkers()["c"].grounded("첫째 분의 시지와 둘째 분의 시지가 반합입니다.")
    assert not checkers()["c"].grounded("첫째 분의 시주는 신축입니다.")


def test_every_sentence_of_a_text_is_checked_where_it_stands() -> None:
    text = "첫째 분은 무토 일간입니다. 둘째 분은 갑목 일간입니다."
    first, second = checkers()["a"].text(text)
    assert (first.grounded, second.grounded) == (True, False)
    assert text[second.start :] == second.text


def test_segments_go_from_name_to_name() -> None:
    text = "무토 일간인 첫째 분과 신금 일간인 둘째 분은 다르지만 두 분 모두 바쁩니다."
    found = segments(text)
    assert [each.who for each in found] == [FIRST, SECOND, BOTH]
    assert text[found[1].start : found[1].end].startswith("신금 일간인 둘째 분")
    assert [each.who for each in segments("아무도 없습니다.")] == [UNNAMED]


def test_a_chart_without_facts_is_refused() -> None:
    bare = chart("1990-05-03T07:20")
    with pytest.raises(HyperCubeError) as caught:
        PairChecker(bare, bare)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
