"""Days, ages and times to come: every sentence is borne out by the chart, and every term has its meaning."""

import datetime as dt
import random

import pytest

from hypercube.core.chart import Chart
from hypercube.core.reading import ReadingLanguage, ReadingSection, ReadingSentence
from hypercube.saju import chart
from hypercube.saju.conversation import (
    FactQuestion,
    FactTopic,
    Known,
    ages_said,
    begins_said,
    covering,
    day_said,
    meaning_said,
    when_said,
)
from hypercube.saju.conversation.numerals import spelt
from hypercube.saju.grounding import Checker, lexicon

SECTIONS = (ReadingSection.RELATIONSHIPS, ReadingSection.WORK, ReadingSection.WEALTH)


def a_chart(draw: random.Random) -> Chart:
    day = dt.date(1940, 1, 1) + dt.timedelta(draw.randrange(27_000))
    as_of = dt.date(2026, 1, 1) + dt.timedelta(draw.randrange(900))
    return chart(
        f"{day}T{draw.randrange(24):02}:{draw.randrange(60):02}",
        sex=draw.choice(("male", "female")),
        place="서울",
        include=("facts", "luck", "periods"),
        as_of=as_of.isoformat(),
    )


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_what_is_said_of_times_is_borne_out_by_the_chart(language: ReadingLanguage) -> None:
    draw = random.Random(11)
    for _ in range(40):
        known = Known(a_chart(draw))
        checker = Checker(known.chart)
        said: list[ReadingSentence] = []
        for brief in (False, True):
            said += day_said(known, language, brief=brief)
        for first, last in ((30, 39), (50, 59), (35, 35), (20, 20), (88, 88), (1, 1)):
            said += ages_said(known, first, last, language)
            said += [begins_said(known, at, language) for at in covering(known, first, last)]
        for section in SECTIONS:
            said += when_said(known, (section,), language)
        for each in said:
            assert checker.sentence(each.text).grounded, each.text


def test_the_luck_pillars_of_ten_years_are_those_that_run_in_them() -> None:
    known = Known(chart("1990-05-03T07:20", sex="female", place="서울", include=("facts", "luck", "periods")))
    assert known.chart.luck is not None
    pillars = known.chart.luck.pillars
    for first, last in ((30, 39), (40, 49), (35, 35)):
        there = covering(known, first, last)
        assert there
        for at, each in enumerate(pillars[:-1]):
            runs = each.age < last + 1 and pillars[at + 1].age > first
            assert (at in there) == runs
    assert covering(known, 0, 0) in ((), (0,))


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_every_term_has_its_meaning(language: ReadingLanguage) -> None:
    for word in lexicon.SINSAL:
        assert meaning_said(FactQuestion(FactTopic.SINSAL, word), language), word
    for key in {*lexicon.GODS.values()} - {"day_master"}:
        assert meaning_said(FactQuestion(FactTopic.GODS, key), language), key
    for key in lexicon.RELATIONS.values():
        assert meaning_said(FactQuestion(FactTopic.RELATIONS, key), language), key
    assert not meaning_said(FactQuestion(FactTopic.AGE), language)


@pytest.mark.parametrize(
    ("age", "word"), [(3, "3"), (10, "열"), (20, "스물"), (21, "스물하나"), (35, "서른다섯"), (103, "103")]
)
def test_an_age_is_spelt_as_it_is_counted(age: int, word: str) -> None:
    assert spelt(age) == word
