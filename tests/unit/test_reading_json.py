"""The quick JSON of readings is the JSON of readings."""

import itertools
from dataclasses import replace

from hypercube.core.reading import ReadingAudience, ReadingLanguage, ReadingLength, ReadingOptions, events
from hypercube.gateway.http.reading_json import event_json, reading_json
from hypercube.gateway.http.responses import encode
from hypercube.saju.interpretation import interpret
from hypercube.saju.reading import cited
from hypercube.saju.reading.citing import fact_words
from tests.unit.reading_charts import random_charts

_CHARTS = random_charts(60, seed=31)


def test_bytes_are_those_of_the_encoder() -> None:
    """Twice over, so that what was kept is compared, too."""
    ways = list(itertools.product(ReadingLanguage, ReadingLength, ReadingAudience))
    for _ in range(2):
        for chart, (language, length, audience) in zip(_CHARTS, itertools.cycle(ways), strict=False):
            options = ReadingOptions(language=language, length=length, audience=audience)
            reading = interpret(chart, options)
            assert reading_json(reading) == encode(reading)
            for event in events(reading):
                assert event_json(event) == encode(event)


def test_what_a_model_wrote_is_not_taken_for_the_corpus() -> None:
    reading = interpret(_CHARTS[0])
    section = reading.sections[0]
    mixed = replace(section.sentences[0], written_by='a "model"')
    other = replace(
        reading,
        sections=(replace(section, sentences=(mixed,), written_by="mixed", fallback="unfit"),),
        prompt="narrate@1",
    )
    assert reading_json(other) == encode(other)


def test_facts_in_words_are_those_of_their_own_chart() -> None:
    """Words are kept by pillar and relation, and each chart says its own."""
    for _ in range(2):
        for chart, language in itertools.product(_CHARTS, ReadingLanguage):
            sections = interpret(chart, ReadingOptions(language=language, length=ReadingLength.LONG)).sections
            say = fact_words(chart, language)
            for fact in cited(chart, sections, language):
                assert fact.text == say(fact.id)
