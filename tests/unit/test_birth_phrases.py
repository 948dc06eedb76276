"""Reading births out of conversations: what holds for every text, and what is said back. Phrases: tests/golden."""

import datetime as dt
import importlib
import pkgutil
import re
import re._constants as sre
import re._parser as sre_parser
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import hypercube.saju.birth_phrases as package
from hypercube.core.chart import BirthInput, Calendar, Include, Sex
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.saju import chart
from hypercube.saju.birth_phrases import (
    EMPTY_DRAFT,
    BirthDraft,
    DoubtKind,
    DraftDate,
    Field,
    Language,
    question,
    read_birth,
    said_back,
)
from hypercube.saju.birth_phrases.branch_hours import HOUR_RANGES, clock_in
from hypercube.saju.birth_phrases.turn import MOST_READ

TODAY = dt.date(2026, 11, 27)
PIECES = st.sampled_from(
    str.split(
        "1990년 5월 3일 13월 31일 90년생 900503 5/3/1990 7시 7:20 24시 25시 반 20분 오전 오후 밤 자정 자시 진시 "
        "음력 양력 윤달 윤5월 여자 남자 서울 광주 미국에서 태어났어요 아니 아니라 말고 몰라요 모름 네 첫번째 다음날 "
        "남편은 저는 엄마 궁합 운세 어때? "
        "경오년생 말띠 2030년 1750년 초사흘 섣달 구십년 오월 삼일 may 3rd , . ( ) / - ~ : born female in 0 99999999999"
    )
)
TEXTS = st.one_of(
    st.text(max_size=60),
    st.lists(PIECES, max_size=12).map(" ".join),
    st.lists(PIECES, max_size=8).map("".join),
)


def told(*turns: str) -> BirthDraft:
    draft = EMPTY_DRAFT
    for turn in turns:
        draft = read_birth(turn, today=TODAY, earlier=draft)
    return draft


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(TEXTS, min_size=1, max_size=4))
def test_any_conversation_is_read_without_an_exception(turns: list[str]) -> None:
    draft = told(*turns)
    for person in (draft, *draft.others):
        if person.complete:
            assert isinstance(person.birth_input(), BirthInput)
        else:
            with pytest.raises(HyperCubeError) as refused:
                person.birth_input()
            assert refused.value.kind is ErrorKind.INVALID_ARGUMENT
            assert question(draft, "ko")
        assert not {doubt.field for doubt in person.doubts} & set(person.missing)
    for language in ("ko", "en"):
        assert isinstance(said_back(draft, language), str)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(st.lists(TEXTS, max_size=2), TEXTS)
def test_a_turn_is_read_alike_each_time(before: list[str], text: str) -> None:
    earlier = told(*before)
    assert read_birth(text, today=TODAY, earlier=earlier) == read_birth(text, today=TODAY, earlier=earlier)


@settings(deadline=None, derandomize=True, max_examples=300)
@given(TEXTS)
def test_a_complete_birth_has_a_chart(text: str) -> None:
    draft = told(text, "여자예요")
    if draft.complete:
        assert chart(draft.birth_input()).pillars.year.index in range(60)


def test_spans_say_where_each_piece_stood() -> None:
    text = "저는 구십년 오월 삼일 아침 일곱시 반 서울에서 태어난 여자예요"
    found = {(span.field, span.text) for span in told(text).spans}
    assert found >= {
        (Field.DATE, "구십년 오월 삼일"),
        (Field.TIME, "아침 일곱시 반"),
        (Field.SEX, "여자"),
        (Field.PLACE, "서울"),
    }
    for span in told(text).spans:
        assert text[span.start : span.end] == span.text


@pytest.mark.parametrize(
    "filler",
    ["1", "1.", " ", "1990-05-03-", "5월 3일 ", "남편은 ", "서울 부산 ", "in at the ", "음력 ", "가"],
)
def test_a_long_text_costs_no_more_than_its_beginning(filler: str) -> None:
    text = filler * (100_000 // len(filler))
    assert read_birth(text, today=TODAY) == read_birth(text[:MOST_READ], today=TODAY)


def _patterns() -> Iterator[tuple[str, re.Pattern[str]]]:
    for module in pkgutil.iter_modules(package.__path__):
        names = vars(importlib.import_module(f"{package.__name__}.{module.name}"))
        for name, value in names.items():
            for each in value if isinstance(value, tuple) else (value,):
                first = each[0] if isinstance(each, tuple) and each else each
                if isinstance(first, re.Pattern):
                    yield f"{module.name}.{name}", first


def _repeats(tree: Any) -> Iterator[tuple[bool, Any]]:
    """Every repetition of a parsed pattern: whether it has no bound, and its body."""
    for operation, value in tree:
        if operation in (sre.MAX_REPEAT, sre.MIN_REPEAT):
            yield value[1] == sre.MAXREPEAT, value[2]
            yield from _repeats(value[2])
        elif operation is sre.SUBPATTERN:
            yield from _repeats(value[3])
        elif operation is sre.BRANCH:
            for branch in value[1]:
                yield from _repeats(branch)
        elif operation in (sre.ASSERT, sre.ASSERT_NOT):
            yield from _repeats(value[1])


def test_no_pattern_can_look_far() -> None:
    """Every repetition has a bound, so that a text of `MOST_READ` characters costs a bounded number of steps each."""
    patterns = dict(_patterns())
    assert len(patterns) > 40
    unbounded = {
        name: pattern.pattern[:80]
        for name, pattern in patterns.items()
        if any(endless for endless, _ in _repeats(sre_parser.parse(pattern.pattern, pattern.flags)))
    }
    assert unbounded == {}


def test_what_was_understood_is_said_back() -> None:
    draft = told("1990년 5월 3일 오전 7시 20분 서울 여자")
    assert (
        said_back(draft, "ko")
        == "1990년 5월 3일 오전 7시 20분, 서울, 여자로 이해했습니다. 양력으로 보았습니다."
    )
    assert said_back(draft, "en") == (
        "I understood May 3, 1990, 07:20, 서울, female. I took the date as solar (Gregorian)."
    )
    assert question(draft, "ko") is None


def test_an_ordinary_lunar_month_beside_a_leap_month_is_said_back_as_assumed() -> None:
    assert "윤달이 아닌" in said_back(told("음력 1990년 5월 10일 여자"), "ko")
    assert "윤달이 아닌" not in said_back(told("음력 1990년 5월 10일 평달 여자"), "ko")
    assert "윤달이 아닌" not in said_back(told("음력 1990년 4월 9일 여자"), "ko")


@pytest.mark.parametrize(
    ("turns", "language", "asked"),
    [
        (
            ["안녕하세요"],
            "ko",
            "태어난 날짜(양력인지 음력인지도), 태어난 시각(모르면 '모름'), 성별을 알려 주세요.",
        ),
        (["1990년 5월 3일"], "ko", "태어난 시각(모르면 '모름'), 성별을 알려 주세요."),
        (["90년생 여자"], "ko", "태어난 월과 일, 태어난 시각(모르면 '모름')을 알려 주세요."),
        (["1990년 5월 3일 7시 여자"], "ko", "오전 7시인가요, 오후 7시인가요?"),
        (["May 3, 1990, female"], "en", "Please tell me the time of birth (or 'unknown')."),
        (["5/3/1990 male 7am"], "en", "Which date is it: 1990-05-03 or 1990-03-05?"),
        (
            ["1990년 5월 3일 오전 7시 여자", "남편은 1988년 3월 2일"],
            "ko",
            "남편: 태어난 시각(모르면 '모름')을 알려 주세요.",
        ),
        (
            ["1990년 5월 3일 오전 7시 여자", "남편이랑 궁합 봐주세요"],
            "ko",
            "남편: 태어난 날짜(양력인지 음력인지도), 태어난 시각(모르면 '모름')을 알려 주세요.",
        ),
    ],
)
def test_one_short_question_asks_for_what_is_open(turns: list[str], language: Language, asked: str) -> None:
    assert question(told(*turns), language) == asked


def test_a_birth_becomes_what_the_house_takes() -> None:
    draft = told("음력 1990년 윤5월 10일 오후 2시 반 부산 남자")
    assert draft.birth_input(include=(Include.FACTS,), as_of="2026-11-27") == BirthInput(
        birth="1990-05-10T14:30",
        sex=Sex.MALE,
        place="부산",
        calendar=Calendar.LUNAR,
        leap_month=True,
        include=(Include.FACTS,),
        as_of="2026-11-27",
    )
    assert told("1990년 5월 3일 시 모름 여자").birth_input().birth == "1990-05-03"


def test_an_unfinished_birth_is_refused_with_what_is_open() -> None:
    with pytest.raises(HyperCubeError) as refused:
        told("1990년 5월 3일 7시").birth_input()
    assert refused.value.param == "time"
    assert refused.value.details == {"missing": ["sex"], "doubts": ["time"]}
    assert refused.value.fix == "Which time is it: 07:00 or 19:00?"


@pytest.mark.parametrize("place", [None, "서울", "부산", "뉴욕"])
@pytest.mark.parametrize("name", sorted(set(HOUR_RANGES) - {"자시"}))
def test_a_branch_hour_gives_a_chart_of_that_branch(name: str, place: str | None) -> None:
    base = BirthInput(birth="1990-05-20", place=place)
    made = chart(replace(base, birth=f"1990-05-20T{clock_in(HOUR_RANGES[name], base).iso()}"))
    assert made.pillars.hour is not None
    assert made.pillars.hour.index % 12 == "자축인묘진사오미신유술해".index(name[-2])
    assert made.instant.solar.startswith("1990-05-20")


def test_a_branch_hour_in_which_a_term_falls_needs_the_minutes() -> None:
    draft = told("2024년 2월 4일 유시 여자")  # 입춘 at 17:27 by the clock of Korea
    assert [(doubt.field, doubt.kind) for doubt in draft.doubts] == [(Field.TIME, DoubtKind.AMBIGUOUS)]
    assert "절기" in (question(draft, "ko") or "")
    assert told("2024년 2월 4일 유시 여자", "오후 5시 40분이요").complete
    assert told("2024년 2월 4일 미시 여자").complete


def test_the_minute_that_stands_for_a_branch_hour_is_said() -> None:
    draft = told("1990년 5월 3일 진시 서울 여자")
    minute = draft.birth_input().birth.partition("T")[2]
    assert minute in said_back(draft, "ko")
    assert minute in said_back(draft, "en")


def test_a_doubt_about_a_place_is_asked_once() -> None:
    """The place may stay open: a doubt about it must not hold up the conversation."""
    draft = told("1990년 5월 3일 오전 7시 여자 역삼동에서 태어났어요")
    assert not draft.complete
    assert read_birth("모르겠어요", today=TODAY, earlier=draft).complete


def test_nobody_else_overwrites_the_first_person() -> None:
    draft = told(
        "1990년 5월 3일 오전 7시 여자", "남편은 1988년 3월 2일 오후 2시", "아들은 2018년 7월 7일 오전 9시"
    )
    assert draft.date == DraftDate(1990, 5, 3)
    assert [(each.role, each.date.iso()) for each in draft.others] == [
        ("남편", "1988-03-02"),
        ("아들", "2018-07-07"),
    ]


def test_the_conversation_of_the_document() -> None:
    draft = told("90년생 여자고 생일은 5월 3일이에요", "7시 20분이요")
    assert question(draft, "ko") == "오전 7시 20분인가요, 오후 7시 20분인가요?"
    draft = read_birth("아침이요. 서울이요", today=TODAY, earlier=draft)
    assert draft.birth_input() == BirthInput(birth="1990-05-03T07:20", sex=Sex.FEMALE, place="서울")
    assert (
        said_back(draft, "ko")
        == "1990년 5월 3일 오전 7시 20분, 서울, 여자로 이해했습니다. 양력으로 보았습니다."
    )
    assert question(draft, "ko") is None
