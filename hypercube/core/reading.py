"""A reading (해석) as plain data: sentences that name the facts they rest on, and what was checked.

Facts are `hypercube.core.facts`; a reading is opinion, so every sentence says which facts it reads and, where
schools differ, by which one. The JSON of `POST /v1/saju/readings` is the shape of `Reading`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from typing import ClassVar, Final

from hypercube.core.chart import BirthInput, Chart, Include

CORPUS: Final = "corpus"


class ReadingSection(StrEnum):
    """What a reading speaks of, in the order of a whole one."""

    TEMPER = "temper"
    """기질·성격."""
    WORK = "work"
    """직업·재능."""
    WEALTH = "wealth"
    """재물."""
    RELATIONSHIPS = "relationships"
    """관계·결혼."""
    HEALTH = "health"
    """건강."""
    LUCK = "luck"
    """대운 흐름."""
    NOW = "now"
    """올해와 이번 달."""
    ADVICE = "advice"
    """조언."""


class ReadingLanguage(StrEnum):
    """The language of the text."""

    KO = "ko"
    EN = "en"


class ReadingLength(StrEnum):
    """How much is said of each section."""

    SHORT = "short"
    NORMAL = "normal"
    LONG = "long"


class ReadingTone(StrEnum):
    """How it is said."""

    WARM = "warm"
    """With pictures and encouragement."""
    PLAIN = "plain"
    """What the facts are read as, and little else."""


class ReadingAudience(StrEnum):
    """Who it is for."""

    GENERAL = "general"
    BEGINNER = "beginner"
    """Each term of the field is explained where it first matters."""


@dataclass(frozen=True, slots=True)
class ReadingOptions:
    """How a reading is written.

    Attributes:
        sections: which, in any order; empty for all.
        language: of the text.
        length: how much of each section.
        tone: how it is said.
        audience: who it is for.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sections: tuple[ReadingSection, ...] = ()
    language: ReadingLanguage = ReadingLanguage.KO
    length: ReadingLength = ReadingLength.NORMAL
    tone: ReadingTone = ReadingTone.WARM
    audience: ReadingAudience = ReadingAudience.GENERAL


@dataclass(frozen=True, slots=True)
class ReadingRequest(BirthInput):
    """A birth, and how to read it; the fields mean what `BirthInput` and `ReadingOptions` say.

    `include` is set by the reading itself: facts and periods, and luck where the sex is given.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sections: tuple[ReadingSection, ...] = ()
    language: ReadingLanguage = ReadingLanguage.KO
    length: ReadingLength = ReadingLength.NORMAL
    tone: ReadingTone = ReadingTone.WARM
    audience: ReadingAudience = ReadingAudience.GENERAL

    def to_birth(self) -> BirthInput:
        """The birth alone, with all that a reading needs included."""
        include = (
            (Include.FACTS, Include.LUCK, Include.PERIODS) if self.sex else (Include.FACTS, Include.PERIODS)
        )
        values = {each.name: getattr(self, each.name) for each in fields(BirthInput)}
        return BirthInput(**{**values, "include": include})

    def to_options(self) -> ReadingOptions:
        """How it is to be read."""
        return ReadingOptions(self.sections, self.language, self.length, self.tone, self.audience)


@dataclass(frozen=True, slots=True)
class ReadingSentence:
    """One sentence."""

    text: str
    facts: tuple[str, ...]
    """Ids of the facts it reads; at least one."""
    schools: tuple[str, ...]
    """Versions of the schools it depends on, as in `ChartFacts.schools`."""


@dataclass(frozen=True, slots=True)
class SectionText:
    """One section."""

    section: ReadingSection
    title: str
    sentences: tuple[ReadingSentence, ...]


@dataclass(frozen=True, slots=True)
class CitedFact:
    """A fact that a sentence cites."""

    id: str
    text: str
    """The fact in words, in the language of the reading."""


@dataclass(frozen=True, slots=True)
class Mention:
    """What a text says about the chart at one place."""

    kind: str
    """pillar, stem, branch, ten_god, stage, relation, sinsal, element, strength, structure, luck, age, year …"""
    text: str
    """The words."""
    start: int
    """Of the words in their sentence, in characters."""
    end: int
    scope: str
    """Of what it is said: a position, luck, this_year, … or `chart`."""
    verdict: str
    """true, false (a contradiction) or open (nothing in the chart decides it, or nothing is claimed)."""
    expected: str = ""
    """For a false one: what the chart has there."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What the grounding checker looked at before the reading left."""

    sentences: int
    mentions: int
    """Facts of the chart that the sentences mention."""
    confirmed: int
    """Of `mentions`, those that the chart bears out."""
    contradictions: int
    """Of `mentions`, those that it does not; their sentences were cut."""
    cut: int
    """Sentences left out for that reason."""
    version: str
    """Of the checker."""
    asked_again: int = 0
    """How often a model was asked for a sentence again."""
    unfit: int = 0
    """Sentences of a model left out for another reason: not in the language, repeated, without basis, unfinished."""


@dataclass(frozen=True, slots=True)
class Grounding:
    """What an answer about a chart rests on."""

    written_by: str
    """`corpus`, the name of a model, or `mixed`."""
    facts: tuple[str, ...]
    """Ids of the facts that its sentences state."""
    checked: Checked


@dataclass(frozen=True, slots=True)
class Reading:
    """A whole reading."""

    sections: tuple[SectionText, ...]
    facts: tuple[CitedFact, ...]
    """Every fact that a sentence cites, once."""
    written_by: str
    """`corpus`: sentences written by hand and chosen by rule."""
    corpus_version: str
    checked: Checked
    as_of: str
    """The day that counted as now."""
    options: ReadingOptions
    chart: Chart
    """The chart that was read, without its facts, luck and periods."""


@dataclass(frozen=True, slots=True)
class ReadingEvent:
    """A piece of a reading as it is streamed: a sentence, or at the end the rest."""

    section: ReadingSection | None = None
    title: str = ""
    sentence: ReadingSentence | None = None
    done: Reading | None = None
    """With the last event: the reading without its sections, which went before."""


def events(reading: Reading) -> Iterator[ReadingEvent]:
    """A reading as it is streamed: each sentence, then the rest."""
    for section in reading.sections:
        for sentence in section.sentences:
            yield ReadingEvent(section.section, section.title, sentence)
    yield ReadingEvent(done=replace(reading, sections=()))


def joined(pieces: Iterable[ReadingEvent]) -> Reading | None:
    """The reading that `events` was given; None where its end is missing."""
    sections: dict[ReadingSection, tuple[str, list[ReadingSentence]]] = {}
    for piece in pieces:
        if piece.section is not None and piece.sentence is not None:
            sections.setdefault(piece.section, (piece.title, []))[1].append(piece.sentence)
        if piece.done is not None:
            texts = (SectionText(key, title, tuple(each)) for key, (title, each) in sections.items())
            return replace(piece.done, sections=tuple(texts))
    return None
