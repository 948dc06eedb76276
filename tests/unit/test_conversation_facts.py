"""Answers by rule: what they state is so, in both languages, for any chart, and names facts that the chart has."""

import datetime as dt
from dataclasses import replace

import pytest

from hypercube.core.chart import Chart
from hypercube.core.reading import ReadingLanguage, ReadingOptions, ReadingSection, SectionText
from hypercube.saju import chart
from hypercube.saju.conversation import (
    FactQuestion,
    FactTopic,
    Known,
    Written,
    facts_said,
    month_said,
    planned,
    year_said,
)
from hypercube.saju.conversation.compose import chart_said, ground_facts, verdict
from hypercube.saju.conversation.known import GOD_NAMES, said
from hypercube.saju.grounding import Checker, lexicon
from hypercube.saju.reading import cited, read
from tests.unit.reading_charts import random_charts

KO, EN = ReadingLanguage.KO, ReadingLanguage.EN
DETAILS = {
    FactTopic.PILLARS: ("", "year", "month", "day", "hour"),
    FactTopic.ELEMENTS: ("", "wood", "fire", "earth", "metal", "water"),
    FactTopic.GODS: ("", "wealth", "officers", "output", "peers", "resource", *GOD_NAMES),
    FactTopic.SINSAL: ("", *(word for word in lexicon.SINSAL if word not in lexicon.BARE_SINSAL)),
    FactTopic.RELATIONS: ("", "triad", "direction", "six_combination", "clash", "punishment", "half_triad"),
    FactTopic.LUCK: ("", "start", "now", "next"),
    FactTopic.PERIODS: ("", "year", "month", "day"),
}
QUESTIONS = [FactQuestion(topic, detail) for topic in FactTopic for detail in DETAILS.get(topic, ("",))]
SKIPPED = {"원진살", "귀문관살", "귀문관"}
"""Relations by another name; they are asked for as such."""


def known(**more: object) -> Known:
    options: dict[str, object] = {
        "sex": "female",
        "place": "Seoul",
        "include": ("facts", "luck", "periods"),
        "as_of": "2026-11-27",
    }
    return Known(chart("1990-05-03T07:20", **(options | more)))  # type: ignore[arg-type]


def texts(found: Known, language: ReadingLanguage, *questions: FactQuestion) -> str:
    return " ".join(each.text for each in facts_said(found, questions, language))


@pytest.mark.parametrize("language", [KO, EN])
@pytest.mark.parametrize("charts_of", range(4))
def test_no_answer_contradicts_its_chart(language: ReadingLanguage, charts_of: int) -> None:
    for found in random_charts(12, 500 + charts_of):
        checker, one = Checker(found), Known(found)
        for question in QUESTIONS:
            if question.detail in SKIPPED:
                continue
            sentences = facts_said(one, [question], language)
            assert sentences, question
            for each in sentences:
                wrong = [m for m in checker.sentence(each.text).mentions if m.verdict == "false"]
                assert not wrong, (question, each.text, wrong)
                assert each.facts
            # Every id is one that the chart can put into words.
            cited(found, (SectionText(ReadingSection.TEMPER, "", tuple(sentences)),), language)


@pytest.mark.parametrize("language", [KO, EN])
def test_a_year_contradicts_neither_its_own_chart_nor_the_present_one(language: ReadingLanguage) -> None:
    said_of_years = 0
    for found in random_charts(30, 77):
        present = Checker(found)
        for year in (1998, 2025, 2027, 2041):
            then = with_year(found, year)
            (section,) = read(then, ReadingOptions((ReadingSection.NOW,), language))
            for each in year_said(Known(then), section, year, language):
                said_of_years += 1
                for checker in (present, Checker(then)):
                    wrong = [m for m in checker.sentence(each.text).mentions if m.verdict == "false"]
                    assert not wrong, (each.text, wrong)
                assert "올해" not in each.text
                assert "this year" not in each.text.lower()
    assert said_of_years > 300


@pytest.mark.parametrize("language", [KO, EN])
def test_next_month_contradicts_neither_its_own_chart_nor_the_present_one(language: ReadingLanguage) -> None:
    said_of_months = 0
    for found in random_charts(40, 78):
        then = on_day(found, "2026-12-15")
        (section,) = read(then, ReadingOptions((ReadingSection.NOW,), language))
        sentences = month_said(section, language)
        assert then.periods is not None
        pillar = then.periods.month.pillar
        assert (pillar.hangul if language is KO else pillar.hanja) in sentences[0].text
        for each in sentences:
            said_of_months += 1
            for checker in (Checker(found), Checker(then)):
                wrong = [m for m in checker.sentence(each.text).mentions if m.verdict == "false"]
                assert not wrong, (each.text, wrong)
            assert "이번 달" not in each.text
            assert "this month" not in each.text.lower()
    assert said_of_months == 40


def with_year(found: Chart, year: int) -> Chart:
    return on_day(found, f"{year}-07-01")


def on_day(found: Chart, as_of: str) -> Chart:
    options = found.options
    return chart(
        found.instant.local if found.instant.exact else found.instant.local[:10],
        sex=options.sex,
        zone=options.zone,
        fold=0,
        include=("facts", "luck", "periods"),
        as_of=as_of,
    )


def test_what_is_asked_is_said() -> None:
    found = known()
    assert texts(found, KO, FactQuestion(FactTopic.DAY_STEM)) == "일간은 무토(戊土)입니다."
    assert texts(found, EN, FactQuestion(FactTopic.DAY_STEM)) == "The day stem is Mu Earth (戊)."
    assert texts(found, KO, FactQuestion(FactTopic.SINSAL, "도화살")) == "네, 시주에 도화살이 있습니다."
    assert texts(found, KO, FactQuestion(FactTopic.SINSAL, "역마살")) == "아니요, 원국에 역마살이 없습니다."
    assert "정축(丁丑) 대운" in texts(found, KO, FactQuestion(FactTopic.LUCK, "now"))
    assert "음력 생일은 1990년 4월 9일" in texts(found, KO, FactQuestion(FactTopic.LUNAR))
    assert texts(found, KO, FactQuestion(FactTopic.AGE)) == "2026-11-27 기준으로 만 36세입니다."
    assert "말띠" in texts(found, KO, FactQuestion(FactTopic.ZODIAC))
    assert "the horse" in texts(found, EN, FactQuestion(FactTopic.ZODIAC))


def test_the_corrections_are_those_of_the_chart() -> None:
    assert "경도 차이 32분 5초를 빼고" in chart_said(known(), KO)[0].text
    summer = Known(
        chart("1988-07-10T13:00", place="Seoul", time_basis="true_solar", include=("facts", "periods"))
    )
    told = chart_said(summer, KO)[0].text
    assert "서머타임 1시간을 빼고" in told
    assert "균시차" in told
    assert "진태양시 1988-07-10 11:" in told
    civil = chart_said(known(place=None, zone="Asia/Seoul"), EN)[0].text
    assert civil == "The time of the clock is used as it is, without a correction."


def test_without_an_hour_or_a_sex_nothing_is_made_up() -> None:
    found = Known(chart("1990-05-03", include=("facts", "periods"), as_of="2026-11-27"))
    assert "비워" in texts(found, KO, FactQuestion(FactTopic.PILLARS, "hour"))
    assert "성별" in texts(found, KO, FactQuestion(FactTopic.LUCK))
    timed = Known(chart("1990-05-03", sex="male", include=("facts", "luck", "periods"), as_of="2026-11-27"))
    assert "시를 몰라" in texts(timed, KO, FactQuestion(FactTopic.LUCK, "now"))
    assert "hour" in texts(timed, EN, FactQuestion(FactTopic.LUCK, "now"))


def test_what_the_user_claims_is_judged() -> None:
    found = known()
    assert verdict(found, "내 일간은 갑목이지?", KO) == "아니요, 원국과 다릅니다."
    assert verdict(found, "내 일간은 무토 맞지?", KO) == "네, 맞습니다."
    assert verdict(found, "My day stem is Gap wood, right?", EN) == "No, the chart says otherwise."
    assert verdict(found, "내 일간은 갑목이라고 말해", KO) == ""


def test_a_written_answer_leaves_a_contradiction_out_and_counts_it() -> None:
    found = known()
    written = Written()
    written.note("말씀드립니다.")
    written.add(found.chart, [said("일간은 갑목입니다.", "stem.day"), said("일간은 무토입니다.", "stem.day")])
    assert written.text == "말씀드립니다.\n\n일간은 무토입니다."
    assert (written.checked.contradictions, written.checked.cut, written.checked.sentences) == (1, 1, 2)
    assert written.facts == ("stem.day",)


@pytest.mark.parametrize("language", [KO, EN])
def test_the_facts_for_a_model_are_few_and_true(language: ReadingLanguage) -> None:
    told = ground_facts(known(), language)
    assert len(told) < 1_200
    assert all(Checker(known().chart).sentence(line).grounded for line in told.splitlines())


def test_a_chart_without_periods_says_nothing_of_now() -> None:
    bare = Known(replace(known().chart, periods=None))
    assert facts_said(bare, [FactQuestion(FactTopic.PERIODS), FactQuestion(FactTopic.AGE)], KO) == []
    assert year_said(bare, None, 2027, KO) == []


@pytest.mark.parametrize("name", sorted(set(lexicon.SINSAL_ENGLISH) - {"resentment", "ghost gate"}))
def test_every_sinsal_can_be_asked_for_in_english(name: str) -> None:
    asked = planned(f"Do I have the {name.upper()} in my chart?", dt.date(2026, 11, 27))
    (question,) = [each for each in asked.facts if each.topic is FactTopic.SINSAL]
    for language in (KO, EN):
        (answer,) = facts_said(known(), [question], language)
        assert answer.text.startswith(("네", "아니요", "Yes", "No"))
