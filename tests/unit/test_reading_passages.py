"""What is kept between readings changes none of them, and is bounded."""

import pytest

from hypercube.core.chart import Chart
from hypercube.core.reading import (
    Reading,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingTone,
)
from hypercube.saju.grounding import forms
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import citing, writer
from hypercube.saju.reading.book import book
from hypercube.saju.reading.time_of_life import time_of_life
from tests.unit.reading_charts import random_charts

CHARTS = 60
MANNERS = [
    ReadingOptions(language=language, length=length, tone=tone, audience=audience)
    for language in ReadingLanguage
    for length, tone, audience in (
        (ReadingLength.NORMAL, ReadingTone.WARM, ReadingAudience.GENERAL),
        (ReadingLength.LONG, ReadingTone.PLAIN, ReadingAudience.BEGINNER),
        (ReadingLength.SHORT, ReadingTone.WARM, ReadingAudience.BEGINNER),
    )
]


def forget() -> None:
    """Everything that one reading leaves for the next."""
    writer.manner.cache_clear()
    book.cache_clear()
    forms._made.clear()
    for each in citing._kept.values():
        each.clear()


def alone(chart: Chart, options: ReadingOptions) -> Reading:
    forget()
    return interpret(chart, options)


@pytest.mark.parametrize("options", MANNERS, ids=lambda each: f"{each.language}-{each.length}")
def test_a_reading_is_the_same_after_any_others(options: ReadingOptions) -> None:
    charts = random_charts(CHARTS, seed=41)
    expected = [alone(each, options) for each in charts]
    forget()
    assert [interpret(each, options) for each in charts] == expected
    assert [interpret(each, options) for each in reversed(charts)] == expected[::-1]


def test_manners_of_one_book_do_not_mix() -> None:
    charts = random_charts(12, seed=43)
    expected = [[alone(each, options) for options in MANNERS] for each in charts]
    forget()
    assert [[interpret(each, options) for options in MANNERS] for each in charts] == expected


def test_what_is_kept_is_bounded_and_changes_nothing_when_it_is_full(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    charts, options = random_charts(CHARTS, seed=47), MANNERS[0]
    expected = [interpret(each, options) for each in charts]
    most = 25
    monkeypatch.setattr(writer, "_PASSAGES", most)
    monkeypatch.setattr(forms, "_MADE", most)
    monkeypatch.setattr(citing, "_KEPT", most)
    monkeypatch.setattr("hypercube.saju.reading.book._KEPT", most)
    forget()
    for chart, reading in zip(charts, expected, strict=True):
        assert interpret(chart, options) == reading
        versions = tuple(each.version for each in chart.facts.schools) if chart.facts else ()
        how = writer.manner(
            options.language, options.length, options.tone, options.audience, versions, time_of_life(chart)
        )
        assert 0 < len(how.passages) <= most
        assert 0 < len(how.book.kept) <= most
        assert 0 < len(forms._made) <= most
        assert 0 < len(citing._kept[options.language]) <= most
