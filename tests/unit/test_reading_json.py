"""The JSON of a reading that is put together is the JSON that its dataclasses give."""

from dataclasses import replace

import pytest

from hypercube.core.reading import MIXED, ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.gateway.http import reading_json as written
from hypercube.gateway.http.reading_json import reading_json
from hypercube.gateway.http.responses import encode
from hypercube.saju.interpretation import interpret
from tests.unit.reading_charts import random_charts


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_the_same_bytes(language: ReadingLanguage) -> None:
    for chart in random_charts(30, seed=8):
        for length in ReadingLength:
            reading = interpret(chart, ReadingOptions(language=language, length=length))
            assert reading_json(reading) == encode(reading)


def test_the_same_bytes_where_a_model_wrote_too() -> None:
    reading = interpret(random_charts(1, seed=8)[0])
    section = reading.sections[0]
    told = replace(section.sentences[0], text='In "other" words\n', written_by="a model")
    mixed = replace(section, sentences=(told, *section.sentences), written_by=MIXED, fallback="unfit")
    whole = replace(reading, sections=(mixed, *reading.sections[1:]), written_by=MIXED, prompt="retell@1")
    assert reading_json(whole) == encode(whole)
    assert reading_json(replace(whole, sections=())) == encode(replace(whole, sections=()))


def test_the_same_bytes_when_said_again(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(written, "_MET", 8)  # fewer than one reading has: forgotten in the middle of it
    monkeypatch.setattr(written, "_KEPT", 8)
    readings = [interpret(chart) for chart in random_charts(5, seed=9)]
    for reading in (*readings, *readings, readings[0], readings[0]):
        assert reading_json(reading) == encode(reading)


def test_what_hardly_comes_again_is_not_kept() -> None:
    """A form's sentence is made anew for each reading, so that encoding and keeping it would be for nothing."""
    written._encoded.clear()
    written._met.clear()
    once: set[str] = set()
    again: set[str] = set()
    for chart in random_charts(40, seed=10):
        first, second = (
            [each for section in interpret(chart).sections for each in section.sentences] for _ in "12"
        )
        once |= {each.text for each, other in zip(first, second, strict=True) if each is not other}
        again |= {each.text for each, other in zip(first, second, strict=True) if each is other}
        del first, second
        reading_json(interpret(chart))
    kept = {piece.text for piece, _ in written._encoded.values()}
    assert len(once) > 80
    # A short one may be said of two people.
    assert len(kept & once) < len(once) / 8
    assert len(kept & again) > len(again) / 8
