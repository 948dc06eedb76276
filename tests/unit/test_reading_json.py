"""The JSON of a reading that is put together is the JSON that its dataclasses give."""

from dataclasses import replace

import pytest

from hypercube.core.reading import MIXED, ReadingLanguage, ReadingLength, ReadingOptions
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
