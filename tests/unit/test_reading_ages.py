"""Readings know how old the person is on the day that counts as now: a child, somebody grown, somebody old."""

import re
from collections.abc import Iterator
from dataclasses import replace

import pytest

from hypercube.core.chart import Chart
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingSection,
    ReadingTone,
)
from hypercube.saju import chart
from hypercube.saju.grounding import Checker
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import cited, read
from hypercube.saju.reading.book import CORPORA
from hypercube.saju.reading.form import Form
from hypercube.saju.reading.time_of_life import TimeOfLife, time_of_life

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
YOUNG, GROWN, OLD = TimeOfLife.YOUNG, TimeOfLife.GROWN, TimeOfLife.OLD
ALL = ("facts", "luck", "periods")
OPENED = (ReadingSection.WORK, ReadingSection.WEALTH, ReadingSection.RELATIONSHIPS)
ABSURD = {
    YOUNG: re.compile(
        r"취업|승진|이직|투자|신혼|배우자|남편|아내|결혼|배필|연애|동업|보증|거래처|판로|영업|예산|상사|가계부|계약서"
        r"|정산|재테크|일터|경력|직장|이 (?:남성|여성)의|재성이 한 글자|관성이 한 글자|하시면 후회"
        r"|\b(?:spouse|husband|wife|marr\w+|career|boss|budgets?|deals?|partnerships?|contracts?|income|accounts"
        r"|expenses|earn|partner|a (?:man|woman)'s)\b"
    ),
    OLD: re.compile(
        r"취업|승진|이직|투자|신혼|배필|연애|동업|거래처|판로|영업|상사|직업을 고르|재테크|일터를 고르셔야|부수입"
        r"|자격을 갖추|배우자를 뜻|고르시면"
        r"|\b(?:career|boss|deals|partnerships|side income|profession|new role|starting)\b"
    ),
}
"""What nobody says to a child, and what nobody says to somebody old."""


def person(years: int, *, sex: str | None = "female", month: int = 5, hour: int | None = 7) -> Chart:
    """Somebody of so many full years on 2026-11-28."""
    birth = f"{2026 - years}-{month:02}-03" + ("" if hour is None else f"T{hour:02}:20")
    include = ALL if sex else ("facts", "periods")
    return chart(birth, sex=sex, fold=0, include=include, as_of="2026-11-28")


def people(ages: range) -> Iterator[Chart]:
    for years in ages:
        for month in (2, 6, 10):
            sex = (None, "male", "female")[(years + month) % 3]
            yield person(
                years, sex=sex, month=month, hour=None if years % 5 == 0 else (years * 7 + month) % 24
            )


def told(found: Chart, options: ReadingOptions) -> str:
    return "\n".join(each.text for section in read(found, options) for each in section.sentences)


@pytest.mark.parametrize(
    ("birth", "as_of", "time"),
    [
        ("2012-11-29", "2026-11-28", YOUNG),  # 13, and 14 tomorrow
        ("2012-11-28", "2026-11-28", GROWN),
        ("1951-11-29", "2026-11-28", GROWN),  # 74, and 75 tomorrow
        ("1951-11-28", "2026-11-28", OLD),
        ("2024-02-29", "2038-02-28", YOUNG),
        ("2024-02-29", "2038-03-01", GROWN),
        ("2027-01-01", "2026-11-28", YOUNG),  # yet to be born
    ],
)
def test_age_is_in_full_years_on_the_day(birth: str, as_of: str, time: TimeOfLife) -> None:
    assert time_of_life(chart(birth, include=("facts", "periods"), as_of=as_of)) is time


def test_a_lunar_birth_counts_by_its_civil_day() -> None:
    # 2012-10-15 of the lunar calendar is 2012-11-28.
    given = {"calendar": "lunar", "include": ("facts", "periods"), "as_of": "2026-11-27"}
    assert time_of_life(chart("2012-10-15", **given)) is YOUNG  # type: ignore[arg-type]
    given["as_of"] = "2026-11-28"
    assert time_of_life(chart("2012-10-15", **given)) is GROWN  # type: ignore[arg-type]


def test_without_a_day_nobody_is_young_or_old() -> None:
    found = chart("2023-05-03T07:20", include=("facts",))
    assert time_of_life(found) is GROWN
    (section,) = read(found, ReadingOptions(sections=(ReadingSection.WORK,)))
    assert section.sentences[0].facts == ("structure",)


def test_a_day_is_enough_without_periods() -> None:
    found = chart("2023-05-03T07:20", include=("facts",), as_of="2026-11-28")
    sections = read(found, ReadingOptions(sections=OPENED))
    assert {section.sentences[0].facts for section in sections} == {("pillar.year",)}
    cited(found, sections, KO)


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize(("time", "ages"), [(YOUNG, range(14)), (OLD, range(75, 104))])
def test_nothing_is_said_that_is_absurd_at_that_age(
    time: TimeOfLife, ages: range, language: ReadingLanguage
) -> None:
    options = ReadingOptions(language=language, length=ReadingLength.LONG, audience=ReadingAudience.BEGINNER)
    for found in people(ages):
        sections = read(found, options)
        checker = Checker(found)
        for section in sections:
            for sentence in section.sentences:
                assert not ABSURD[time].search(sentence.text), sentence.text
                assert checker.sentence(sentence.text).grounded, sentence.text
        cited(found, sections, language)
        assert interpret(found, options).checked.contradictions == 0


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize("length", list(ReadingLength))
@pytest.mark.parametrize("tone", list(ReadingTone))
@pytest.mark.parametrize("years", [2, 13, 75, 88])
def test_sections_open_with_the_time_of_life(
    years: int, length: ReadingLength, tone: ReadingTone, language: ReadingLanguage
) -> None:
    found = person(years)
    time = time_of_life(found)
    own = CORPORA[language, time]["TIME_OF_LIFE"]
    sections = {
        each.section: each
        for each in read(found, ReadingOptions(language=language, length=length, tone=tone))
    }
    for section in OPENED:
        opening = sections[section].sentences[0]
        assert opening.text in own[section.value]
        assert opening.facts == ("as_of",)
    assert any(each.text in own["advice"] for each in sections[ReadingSection.ADVICE].sentences)


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize("time", [YOUNG, OLD])
def test_openings_vary_and_claim_nothing(time: TimeOfLife, language: ReadingLanguage) -> None:
    table = CORPORA[language, time]["TIME_OF_LIFE"]
    assert table.keys() == {"work", "wealth", "relationships", "advice"}
    checker = Checker(person(3))
    for variants in table.values():
        assert len(set(variants)) >= 3
        for each in variants:
            assert not re.search(r"\d", each)
            assert not checker.sentence(each).mentions, each
    seen = {
        read(found, ReadingOptions((ReadingSection.WORK,), language))[0].sentences[0].text
        for found in people(range(14) if time is YOUNG else range(75, 90))
    }
    assert seen == set(table["work"])


def test_between_the_ages_the_day_changes_only_what_depends_on_it() -> None:
    """At 14 and at 74 a reading has the words of anybody grown, and no more."""
    for years in (14, 40, 74):
        found = person(years)
        assert time_of_life(found) is GROWN
        without_day = replace(found, options=replace(found.options, as_of=None))
        assert read(found) == read(without_day)


def test_a_child_is_a_boy_a_girl_or_a_child() -> None:
    options = ReadingOptions((ReadingSection.TEMPER,), length=ReadingLength.SHORT)
    for sex, korean, english in (
        ("male", "이 남자아이의 사주", "a boy's chart"),
        ("female", "이 여자아이의 사주", "a girl's chart"),
        (None, "이 아이의 사주", "a child's chart"),
    ):
        child = person(5, sex=sex)
        assert korean in told(child, options)
        assert english in told(child, replace(options, language=EN))
        assert "이 남자아이의 사주" not in told(person(40, sex=sex), options)


def test_the_checker_knows_a_boy_from_a_girl() -> None:
    checker = Checker(person(5, sex="male"))
    assert checker.grounded("이 남자아이의 사주를 세워 봅니다.")
    assert not checker.grounded("이 여자아이의 사주를 세워 봅니다.")
    assert checker.grounded("This is a boy's chart.")
    assert not checker.grounded("This is a girl's chart.")


def test_a_form_of_the_callers_is_filled_from_the_same_sentences() -> None:
    form = Form(
        {"type": "object", "properties": {"summary": {"type": "string"}, "재물": {"type": "string"}}},
        "response_format",
    )
    filled = form.fill(interpret(person(3), ReadingOptions(sections=form.sections)))
    openings = CORPORA[KO, YOUNG]["TIME_OF_LIFE"]
    assert any(each in filled.values["summary"] for each in openings["work"])
    assert filled.values["재물"].startswith(openings["wealth"])
    assert filled.sources["재물"][0] == "as_of"
