"""A text against a chart: what each sentence says of it, what contradicts it, and the text without that."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import Checked, Mention
from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.sentences import sentences
from hypercube.saju.grounding.verdicts import FALSE, TRUE
from hypercube.saju.grounding.verify import verify

CHECKER_VERSION: Final = "2"
"""Rises when the same text may get another verdict."""


@dataclass(frozen=True, slots=True)
class SentenceCheck:
    """One sentence and what it says of the chart."""

    text: str
    start: int
    """Of the sentence in its text, in characters."""
    mentions: tuple[Mention, ...]

    @property
    def grounded(self) -> bool:
        """Whether nothing in it contradicts the chart."""
        return all(each.verdict != FALSE for each in self.mentions)


class Checker:
    """Checks any number of sentences against one chart."""

    def __init__(self, chart: Chart) -> None:
        """The chart needs facts; luck and periods are checked where it has them.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a chart without facts.
        """
        self._ground = Ground.of(chart)

    def sentence(self, text: str, start: int = 0) -> SentenceCheck:
        """One sentence."""
        found = claims(text)
        return SentenceCheck(text, start, tuple(self._mention(each, found) for each in found))

    def text(self, text: str) -> list[SentenceCheck]:
        """Every sentence of a text."""
        return [self.sentence(text[start:end], start) for start, end in sentences(text)]

    def grounded(self, text: str) -> bool:
        """Whether a sentence contradicts nothing; the quick form."""
        found = claims(text)
        return all(verify(each, self._ground, found)[0] != FALSE for each in found)

    def _mention(self, claim: Claim, beside: tuple[Claim, ...]) -> Mention:
        verdict, expected = verify(claim, self._ground, beside)
        scope = " ".join(f"{position}.{part}" for position, part in claim.scope or claim.near) or "chart"
        return Mention(claim.kind, claim.text, claim.start, claim.end, scope, verdict, expected)


def cut(checks: Iterable[SentenceCheck]) -> tuple[list[SentenceCheck], Checked]:
    """The sentences that contradict nothing, and the count of all."""
    every = list(checks)
    kept = [each for each in every if each.grounded]
    return kept, checked([[mention.verdict for mention in each.mentions] for each in every])


def checked(sentences: Sequence[Sequence[str]]) -> Checked:
    """The count of some sentences' verdicts; one with a contradiction is cut."""
    verdicts = list(chain.from_iterable(sentences))
    contradictions = verdicts.count(FALSE)
    return Checked(
        sentences=len(sentences),
        mentions=len(verdicts),
        confirmed=verdicts.count(TRUE),
        contradictions=contradictions,
        cut=sum(1 for each in sentences if FALSE in each) if contradictions else 0,
        version=CHECKER_VERSION,
    )
