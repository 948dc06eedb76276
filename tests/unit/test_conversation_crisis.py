"""A crisis is heard in whatever words it comes, and in ordinary ones it is not heard."""

import datetime as dt
from pathlib import Path

import pytest

from hypercube.saju.conversation import Asked, planned
from hypercube.saju.conversation.beyond import CRISIS

GOLDEN = Path(__file__).parents[1] / "golden" / "conversation" / "crisis.tsv"
TODAY = dt.date(2026, 11, 27)


def questions() -> list[list[str]]:
    return [line.split("\t") for line in GOLDEN.read_text("utf-8").splitlines() if not line.startswith("#")]


def test_there_are_questions_enough() -> None:
    every = questions()
    assert sum(kind == "crisis" for _, kind in every) >= 25
    assert sum(kind == "other" for _, kind in every) >= 10


@pytest.mark.parametrize(("question", "kind"), questions())
def test_a_crisis_is_heard_alone(question: str, kind: str) -> None:
    asked = planned(question, TODAY)
    assert (asked == Asked(beyond=(CRISIS,))) == (kind == "crisis")
    assert (CRISIS in asked.beyond) == (kind == "crisis")


@pytest.mark.parametrize("question", ["내 수명은 몇 살?", "제 수명은 언제까지예요?", "나 언제 죽어?"])
def test_of_a_death_no_time_is_spoken_of(question: str) -> None:
    asked = planned(question, TODAY)
    assert "lifespan" in asked.beyond
    assert not asked.when
