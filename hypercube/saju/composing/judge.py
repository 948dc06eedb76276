"""A model's sentences, judged one by one: what may leave, and what is wrong with the rest."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import Checked, Mention, ReadingLanguage
from hypercube.saju.composing import sanity
from hypercube.saju.composing.outline import Outline, field_letters, of_the_field
from hypercube.saju.grounding import Checker, SentenceCheck, claims, cut
from hypercube.saju.grounding.verdicts import FALSE, TRUE
from hypercube.saju.signs import BRANCHES, STEMS

CONTRADICTION: Final = "contradiction"
BASELESS: Final = "no basis"
LEAK: Final = "leak"
REPETITION: Final = "repetition"
_AGAIN: Final = frozenset({CONTRADICTION, BASELESS, "language", "promise", "register"})
"""Faults that the model may do better when it is asked again; others are cut without a word."""
_WINDOW: Final = {ReadingLanguage.KO: 12, ReadingLanguage.EN: 20}
"""Letters in a row that a sentence may not share with the instructions."""
_LETTERS: Final = frozenset(each.hanja for each in (*STEMS, *BRANCHES)) | frozenset("木火土金水")
"""Han characters that any text about a chart may hold; what it says with them is checked."""
_FREE: Final = frozenset({"element_absent", "season", "useful_any", "direction", "sex"})
"""Kinds whose open mentions are ordinary words."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One sentence of a model."""

    text: str
    """Without the marks of a list around it."""
    check: SentenceCheck
    fault: str = ""
    """Why it may not leave; empty if it may."""

    @property
    def passed(self) -> bool:
        """Whether it may leave."""
        return not self.fault

    @property
    def worth_asking(self) -> bool:
        """Whether to ask the model again for this sentence."""
        return self.fault in _AGAIN

    @property
    def contradictions(self) -> tuple[Mention, ...]:
        """What the chart does not bear out."""
        return tuple(each for each in self.check.mentions if each.verdict == FALSE)


class Judge:
    """Judges the sentences of one answer about one chart, in their order.

    With an outline it is strict, as a reading needs: nothing is said that the outline does not name, in its language
    and register. Without one (a conversation) what no fact decides may be said.
    """

    def __init__(
        self,
        chart: Chart,
        language: ReadingLanguage,
        *,
        outline: Outline | None = None,
        secret: str = "",
        before: Iterable[str] = (),
        question: str = "",
    ) -> None:
        """Ready for a first sentence.

        Args:
            chart: with facts.
            language: in which the model should write.
            outline: what it writes from.
            secret: the instructions, which no sentence may repeat.
            before: sentences that were said already, and need not be said again.
            question: the reader's own words, which are no part of an answer.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a chart without facts.
        """
        self._checker = Checker(chart)
        self.language = language
        self._outline = outline
        self._secret = _windows(secret, _WINDOW[language])
        if outline is not None:
            for each in outline.texts:
                self._secret -= _windows(each, _WINDOW[language])
        self._before = [sanity.runs(each) for each in (*before, question) if each]
        self._judged: list[Judged] = []

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Every sentence so far."""
        return tuple(self._judged)

    def sentence(self, text: str) -> Judged:
        """Judge the next sentence; one that passes counts as said."""
        shown = sanity.cleaned(text)
        check = self._checker.sentence(shown)
        found = Judged(shown, check, self._fault(shown, check))
        self._judged.append(found)
        if found.passed:
            self._before.append(sanity.runs(shown))
        return found

    def checked(self, asked_again: int = 0) -> Checked:
        """What was looked at so far."""
        return checked(self._judged, asked_again)

    def _fault(self, text: str, check: SentenceCheck) -> str:
        known = _LETTERS | field_letters()
        if self._outline is not None:
            known |= self._outline.words
        found = sanity.fault(text, self.language, known, strict=self._outline is not None)
        if not check.grounded:
            return CONTRADICTION  # whatever else is wrong with it: contradictions are counted
        if found:
            return found
        if _windows(text, _WINDOW[self.language]) & self._secret:
            return LEAK
        if sanity.said_before(text, self._before):
            return REPETITION
        if self._outline is not None and not self._has_basis(text, check, self._outline):
            return BASELESS
        return ""

    def _has_basis(self, text: str, check: SentenceCheck, outline: Outline) -> bool:
        """Whether the chart bears out what it says, or the outline names it."""
        borne_out, rest = False, text
        for claim, mention in zip(claims(text), check.mentions, strict=True):
            if mention.verdict == TRUE:
                borne_out = True
                rest = rest[: mention.start] + " " * (mention.end - mention.start) + rest[mention.end :]
            elif claim.kind not in _FREE and (claim.kind, claim.value) not in outline.terms:
                return False
        return outline.counts(rest) and (
            borne_out or bool(outline.basis(text)) or of_the_field(text, self.language)
        )


def checked(judged: Iterable[Judged], asked_again: int = 0) -> Checked:
    """The count of sentences of a model: what contradicts, and what was left out for another reason."""
    every = list(judged)
    _, count = cut(each.check for each in every)
    return Checked(
        sentences=count.sentences,
        mentions=count.mentions,
        confirmed=count.confirmed,
        contradictions=count.contradictions,
        cut=count.cut,
        version=count.version,
        asked_again=asked_again,
        unfit=sum(1 for each in every if each.fault not in ("", CONTRADICTION)),
    )


def _windows(text: str, length: int) -> frozenset[str]:
    letters = re.sub(r"[^0-9a-z가-힣一-鿿]", "", text.casefold())
    return frozenset(letters[at : at + length] for at in range(len(letters) - length + 1))
