"""Verdicts looked up are the verdicts of the rules, for true sentences and false ones."""

from typing import Any

import pytest

from hypercube.core.reading import ReadingLanguage, ReadingLength, ReadingOptions
from hypercube.saju.grounding import claims
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.judged import Judged, judge
from hypercube.saju.grounding.noted import Look, Noted, Unnoted
from hypercube.saju.grounding.verdicts import FALSE, TRUE
from hypercube.saju.reading.read import written
from tests.unit.reading_charts import random_charts


@pytest.mark.parametrize("language", list(ReadingLanguage))
def test_sentences_of_some_charts_get_the_same_verdicts_in_all_others(language: ReadingLanguage) -> None:
    """Said of another chart, most sentences are false."""
    charts = random_charts(40, seed=77)
    options = ReadingOptions(language=language, length=ReadingLength.LONG)
    texts = {
        line.sentence.text for each in charts[:4] for part in written(each, options) for line in part.lines
    }
    known = [Judged(claims(text)) for text in sorted(texts)]
    seen: set[str] = set()
    for _ in range(2):  # the second time nothing grows any more
        for chart in charts:
            ground = Ground.of(chart)
            for each in known:
                found = each.verdicts(ground)
                assert found == judge(each.claims, Ground.of(chart))
                seen.update(found)
    assert {TRUE, FALSE} <= seen


@pytest.mark.parametrize("text", ["This is the picture of Ding fire (丁).", "사주에 정화가 있습니다."])
def test_a_letter_without_a_place_is_soon_looked_up(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where it stands is one question: the verdict does not hang on all four pillars."""
    charts = random_charts(60, seed=5)
    known = Judged(claims(text))
    assert {each.kind for each in known.claims} == {"stem"}
    expected = [judge(known.claims, Ground.of(each)) for each in charts]
    assert len(set(expected)) > 1
    assert [known.verdicts(Ground.of(each)) for each in charts] == expected
    calls: list[object] = []
    monkeypatch.setattr("hypercube.saju.grounding.judged.judge", lambda *given: calls.append(given))
    assert [known.verdicts(Ground.of(each)) for each in charts] == expected
    assert not calls


def test_what_was_looked_at_can_be_looked_at_again() -> None:
    one, other = (Ground.of(each) for each in random_charts(2, seed=3))
    log: dict[Look, Any] = {}
    noted = Noted(one, log)
    assert noted.pillar("day") == one.pillar("day")
    assert noted.facts.strength.level.key == one.facts.strength.level.key
    assert noted.visible["wood"] == one.visible["wood"]
    assert ("hour" in noted.places) == ("hour" in one.places)
    assert noted.places.get("day").stage.key == one.places["day"].stage.key
    assert noted.places.get("luck") is None
    assert [look.at(one) for look in log] == list(log.values())
    assert next(iter(log)).at(other) == other.pillar("day")


def test_what_cannot_be_noted_is_refused() -> None:
    noted = Noted(Ground.of(random_charts(1, seed=3)[0]), {})
    for look in (
        lambda: list(noted.visible),
        lambda: noted.visible.values(),
        lambda: noted.facts.pillars,
        lambda: noted.luck,
        lambda: bool(noted.facts),
        lambda: noted.facts == noted.facts,
        lambda: str(noted.facts.strength),
        lambda: len(noted.places),
        lambda: noted.sinsal,
    ):
        with pytest.raises(Unnoted):
            look()
