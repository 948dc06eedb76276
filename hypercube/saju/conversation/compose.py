"""The written answer to a turn: paragraphs of sentences that name the facts they state."""

import re
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import groupby
from operator import attrgetter
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.compatibility import CompatibilityLength, CompatibilityOptions, PairSentence
from hypercube.core.reading import (
    Checked,
    ReadingLanguage,
    ReadingLength,
    ReadingSection,
    ReadingSentence,
)
from hypercube.saju.conversation import facts_en, facts_en_time, facts_ko, facts_ko_time, phrases
from hypercube.saju.conversation.asked import Asked, FactQuestion, FactTopic
from hypercube.saju.conversation.known import Known
from hypercube.saju.grounding import CHECKER_VERSION, Checker, cut
from hypercube.saju.pairing import explained

_SAY: Final = {ReadingLanguage.KO: facts_ko.SAY, ReadingLanguage.EN: facts_en.SAY}
_CORRECTIONS: Final = {
    ReadingLanguage.KO: facts_ko_time.corrections,
    ReadingLanguage.EN: facts_en_time.corrections,
}
_GROUND_FACTS: Final = (
    FactQuestion(FactTopic.PILLARS),
    FactQuestion(FactTopic.DAY_STEM),
    FactQuestion(FactTopic.ELEMENTS),
    FactQuestion(FactTopic.STRENGTH),
    FactQuestion(FactTopic.STRUCTURE),
    FactQuestion(FactTopic.USEFUL),
    FactQuestion(FactTopic.LUCK, "now"),
    FactQuestion(FactTopic.PERIODS),
)


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph; `title` stands in a line of its own above it."""

    sentences: tuple[ReadingSentence, ...]
    title: str = ""


@dataclass(slots=True)
class Written:
    """A written answer, checked as it grows: what contradicts its chart is left out and counted."""

    paragraphs: list[Paragraph] = field(default_factory=list)
    _checks: list[Checked] = field(default_factory=list)

    def note(self, text: str) -> None:
        """A paragraph of the conversation itself, which states no fact."""
        if text:
            self.paragraphs.append(Paragraph((ReadingSentence(text, (), ()),)))

    def explain(self, chart: Chart, text: str, excused: Set[str]) -> None:
        """A paragraph of what a term means, true of every chart; what contradicts this one is left out.

        Args:
            chart: the chart spoken of.
            text: the meaning; empty for none.
            excused: kinds of mentions that name what is explained and claim nothing.
        """
        checks = [
            replace(check, mentions=tuple(each for each in check.mentions if each.kind not in excused))
            for check in Checker(chart).text(text)
        ]
        kept, counted = cut(checks)
        self._checks.append(counted)
        if kept:
            self.paragraphs.append(Paragraph(tuple(ReadingSentence(each.text, (), ()) for each in kept)))

    def add(self, chart: Chart, sentences: Iterable[ReadingSentence], title: str = "") -> None:
        """A paragraph about a chart."""
        kept = self._grounded(chart, sentences)
        if kept:
            self.paragraphs.append(Paragraph(kept, title))

    def go_on(self, chart: Chart, sentences: Iterable[ReadingSentence]) -> None:
        """More sentences of the last paragraph, which may be about the chart on another day."""
        kept = self._grounded(chart, sentences)
        last = self.paragraphs.pop() if self.paragraphs else Paragraph(())
        self.paragraphs.append(Paragraph((*last.sentences, *kept), last.title))

    def _grounded(self, chart: Chart, sentences: Iterable[ReadingSentence]) -> tuple[ReadingSentence, ...]:
        checker = Checker(chart)
        every = list(sentences)
        checks = [checker.sentence(each.text) for each in every]
        self._checks.append(cut(checks)[1])
        return tuple(each for each, check in zip(every, checks, strict=True) if check.grounded)

    def add_pair(
        self,
        first: Chart,
        second: Chart,
        language: ReadingLanguage,
        length: ReadingLength,
        *,
        couple: bool = True,
    ) -> None:
        """What the compatibility of two charts rests on, each sentence checked against both.

        `couple`: false for a boss or a sister, of whom nothing is said that rests on the stars of a spouse.
        """
        short = length is ReadingLength.SHORT
        options = CompatibilityOptions(
            language, CompatibilityLength.SHORT if short else CompatibilityLength.NORMAL
        )
        pair, checks = explained(first, second, options)
        self._checks.append(cut(checks)[1])
        title = phrases.TOGETHER[language]
        said_of = [each for each in pair.sentences if couple or not _of_spouses(each)]
        for _, about in groupby(said_of, attrgetter("about")):
            said = tuple(ReadingSentence(each.text, each.facts, each.schools) for each in about)
            self.paragraphs.append(Paragraph(said, title))
            title = ""

    def count(self, checked: Checked) -> None:
        """What was looked at elsewhere."""
        self._checks.append(checked)

    @property
    def checked(self) -> Checked:
        """Everything that was looked at."""
        return total(self._checks)

    @property
    def facts(self) -> tuple[str, ...]:
        """Ids of the facts that its sentences state, each once."""
        every = (fact for each in self.paragraphs for sentence in each.sentences for fact in sentence.facts)
        return tuple(dict.fromkeys(every))

    def pieces(self) -> Iterable[str]:
        """Its text, sentence by sentence with the space between them."""
        for at, paragraph in enumerate(self.paragraphs):
            lead = "\n\n" if at else ""
            if paragraph.title:
                lead += f"{paragraph.title}\n"
            for number, sentence in enumerate(paragraph.sentences):
                yield f"{' ' if number else lead}{sentence.text}"

    @property
    def text(self) -> str:
        """The whole of it."""
        return "".join(self.pieces())


def _of_spouses(sentence: PairSentence) -> bool:
    """Whether it rests on the stars of a husband or a wife, or is advice on sharing a home and families."""
    advises = any(each.startswith("pair.part.") for each in sentence.facts)
    return sentence.about == "spouse_star" or (sentence.about == "advice" and advises)


def total(counts: Sequence[Checked]) -> Checked:
    """Several counts as one."""
    return Checked(
        sentences=sum(each.sentences for each in counts),
        mentions=sum(each.mentions for each in counts),
        confirmed=sum(each.confirmed for each in counts),
        contradictions=sum(each.contradictions for each in counts),
        cut=sum(each.cut for each in counts),
        version=CHECKER_VERSION,
        asked_again=sum(each.asked_again for each in counts),
        unfit=sum(each.unfit for each in counts),
    )


def facts_said(
    known: Known, questions: Iterable[FactQuestion], language: ReadingLanguage
) -> list[ReadingSentence]:
    """The answers to fact questions, each sentence once."""
    found: dict[str, ReadingSentence] = {}
    for each in questions:
        for sentence in _SAY[language][each.topic](known, each.detail):
            found.setdefault(sentence.text, sentence)
    return list(found.values())


_ANSWERED: Final = re.compile(r"^(?:네|아니요|Yes|No)(?:, |: )")


def stated(sentences: Iterable[ReadingSentence]) -> list[ReadingSentence]:
    """The same facts where nobody asked whether it is so: without the yes or no that a sentence begins with."""
    found = []
    for each in sentences:
        head = "In your chart: " if each.text.startswith("Yes: ") else ""
        text = _ANSWERED.sub(head, each.text)
        found.append(each if text == each.text else replace(each, text=text[:1].upper() + text[1:]))
    return found


def chart_said(known: Known, language: ReadingLanguage) -> list[ReadingSentence]:
    """The corrections of the clock and the pillars that came of it."""
    pillars = _SAY[language][FactTopic.PILLARS](known, "")
    return [*_CORRECTIONS[language](known), *pillars]


def ground_facts(known: Known, language: ReadingLanguage) -> str:
    """The facts that a model is told while it answers something else, one a line."""
    return "\n".join(each.text for each in facts_said(known, _GROUND_FACTS, language))


def verdict(known: Known, text: str, language: ReadingLanguage) -> str:
    """Whether what the user says of the chart, asking to have it confirmed, is so; empty where nothing is said."""
    if not phrases.CONFIRM.search(text):
        return ""
    checks = Checker(known.chart).text(text[: phrases.CONFIRM_READ])
    verdicts = {mention.verdict for check in checks for mention in check.mentions}
    if "false" in verdicts:
        return phrases.WRONG[language]
    return phrases.RIGHT[language] if "true" in verdicts else ""


def sections_of(asked: Asked) -> tuple[ReadingSection, ...]:
    """The sections of the reading that answer it; none for facts alone."""
    if asked.whole:
        return tuple(ReadingSection)
    return asked.sections


def length_of(asked: Asked) -> ReadingLength:
    """How long a section is: a whole reading is short unless more is asked for."""
    if asked.whole and asked.length is ReadingLength.NORMAL:
        return ReadingLength.SHORT
    return asked.length
