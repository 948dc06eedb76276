"""A reading (해석) as plain data: sentences that name the facts they rest on, and what was checked.

Facts are `hypercube.core.facts`; a reading is opinion, so every sentence says which facts it reads and, where
schools differ, by which one. The JSON of `POST /v1/saju/readings` is the shape of `Reading`.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar

from hypercube.core.chart import BirthInput, ChartOptions, Pillars, Versions


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
class ReadingRequest:
    """A birth, and how to read it. What the reading needs beside the pillars is included by itself."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    birth: BirthInput
    options: ReadingOptions = ReadingOptions()


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
    pillars: Pillars
    notes: tuple[str, ...]
    """Of the chart: what a reader should know before trusting it."""
    reading_options: ReadingOptions
    options: ChartOptions
    versions: Versions


@dataclass(frozen=True, slots=True)
class ReadingEvent:
    """A piece of a reading as it is streamed: a sentence, or at the end the rest."""

    section: ReadingSection | None = None
    title: str = ""
    sentence: ReadingSentence | None = None
    done: Reading | None = None
    """With the last event: the whole reading, whose sentences went before."""
