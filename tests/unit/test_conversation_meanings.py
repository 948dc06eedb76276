"""What a term means is checked against the chart like any sentence, but for the terms that it explains."""

import pytest

from hypercube.core.reading import ReadingLanguage
from hypercube.saju import chart
from hypercube.saju.conversation.asked import FactQuestion, FactTopic
from hypercube.saju.conversation.compose import Written
from hypercube.saju.conversation.meanings import EXCUSED, meaning_said
from hypercube.saju.conversation.meanings_ko import GODS, PLACES, RELATIONS
from hypercube.saju.grounding import lexicon

BIRTHS = ("1990-05-03T07:20", "1985-11-12T21:40", "2001-08-30T13:05", "1978-02-14T06:15", "1969-05-01T02:10")
CHARTS = [
    chart(birth, sex=sex, place="서울", include=("facts", "luck", "periods"), as_of="2026-11-27")
    for birth in BIRTHS
    for sex in ("female", "male")
]
QUESTIONS = [
    *(FactQuestion(FactTopic.GODS, key) for key in GODS),
    *(FactQuestion(FactTopic.RELATIONS, key) for key in RELATIONS),
    *(FactQuestion(FactTopic.PILLARS, key) for key in PLACES),
    *(FactQuestion(FactTopic.SINSAL, word) for word in lexicon.SINSAL),
    *(FactQuestion(topic) for topic in FactTopic),
]


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_no_meaning_is_cut_of_any_chart(language: ReadingLanguage) -> None:
    for question in QUESTIONS:
        text = meaning_said(question, language)
        for each in CHARTS:
            written = Written()
            written.explain(each, text, EXCUSED.get(question.topic, frozenset()))
            assert written.checked.cut == 0, text
            assert written.text == text


def test_what_a_meaning_says_of_the_chart_is_checked() -> None:
    written = Written()
    written.explain(CHARTS[0], "편관은 압박을 이기는 힘입니다. 일간은 갑목(甲木)입니다.", frozenset({"god"}))
    assert written.text == "편관은 압박을 이기는 힘입니다."
    assert written.checked.cut == 1


def test_a_term_that_is_not_explained_is_a_claim() -> None:
    text = "삼합(三合)은 세 지지가 한 오행으로 뜻을 모으는 것입니다."
    written = Written()
    written.explain(CHARTS[0], text, frozenset())
    assert written.text == ""
