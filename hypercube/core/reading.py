"""A reading (해석) as plain data: sentences that name the facts they rest on, and what was checked.

Facts are `hypercube.core.facts`; a reading is opinion, so every sentence says which facts it reads and, where
schools differ, by which one. The JSON of `POST /v1/saju/readings` is the shape of `Reading`.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from enum import StrEnum
from operator import attrgetter
from typing import Any, ClassVar, Final

from hypercube.core.chart import BirthInput, Chart, Include

CORPUS: Final = "corpus"
MIXED: Final = "mixed"
"""Who wrote, beside the names of models."""
_BIRTH: Final = tuple(each.name for each in fields(BirthInput))
_INCLUDE: Final = _BIRTH.index("include")
_BEFORE: Final = attrgetter(*_BIRTH[:_INCLUDE])
_AFTER: Final = attrgetter(*_BIRTH[_INCLUDE + 1 :])
"""The fields of a birth but `include`, of a request."""


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


class ReadingWriter(StrEnum):
    """Who writes it."""

    CORPUS = "corpus"
    """Sentences written by hand, chosen by rule."""
    MODEL = "model"
    """A served model, from those sentences and their facts; each of its sentences is checked before it leaves, and
    where it does not write well enough the corpus does."""


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

    Attributes:
        writer: who writes; None leaves it to the server's settings.
        model: which served model writes; empty for the server's own choice. It changes nothing for the corpus.
        question: what the reader wants to know, at most 300 characters; a model is shown it, the corpus is not.
        stream: sentence by sentence.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    sections: tuple[ReadingSection, ...] = ()
    language: ReadingLanguage = ReadingLanguage.KO
    length: ReadingLength = ReadingLength.NORMAL
    tone: ReadingTone = ReadingTone.WARM
    audience: ReadingAudience = ReadingAudience.GENERAL
    writer: ReadingWriter | None = None
    model: str = ""
    question: str = ""
    stream: bool = False

    def to_birth(self) -> BirthInput:
        """The birth alone, with all that a reading needs included."""
        include = (
            (Include.FACTS, Include.LUCK, Include.PERIODS) if self.sex else (Include.FACTS, Include.PERIODS)
        )
        values: tuple[Any, ...] = (*_BEFORE(self), include, *_AFTER(self))
        return BirthInput(*values)

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
    written_by: str = CORPUS
    """`corpus`, or the name of the model in whose words it is."""


@dataclass(frozen=True, slots=True)
class SectionText:
    """One section."""

    section: ReadingSection
    title: str
    sentences: tuple[ReadingSentence, ...]
    written_by: str = CORPUS
    """`corpus`, the name of a model, or `mixed`."""
    fallback: str = ""
    """Why the corpus wrote what a model was asked for: an error kind such as `unavailable` or `deadline_exceeded`, or
    `unfit` where too few of the model's sentences could leave; empty where it did not."""


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
    """`corpus`: sentences written by hand and chosen by rule; the name of a model; or `mixed`."""
    corpus_version: str
    checked: Checked
    as_of: str
    """The day that counted as now."""
    options: ReadingOptions
    chart: Chart
    """The chart that was read, without its facts, luck and periods."""
    prompt: str = ""
    """The template by which a model was asked; empty where none was."""


@dataclass(frozen=True, slots=True)
class FormedReading:
    """A reading in a form of the caller's."""

    structured: dict[str, Any]
    """As the caller's schema says; its texts are the reading's own sentences."""
    sources: dict[str, list[str]]
    """Ids of the facts that each property rests on, by its path: `outlook.wealth`."""
    written_by: str
    """`corpus`, the name of a model, or `mixed`."""
    corpus_version: str
    checked: Checked
    """Of the sections that the schema needs, whole."""
    as_of: str
    """The day that counted as now."""
    prompt: str = ""
    """The template by which a model was asked; empty where none was."""


@dataclass(frozen=True, slots=True)
class ReadingEvent:
    """A piece of a reading as it is streamed: a sentence, or at the end the rest."""

    section: ReadingSection | None = None
    title: str = ""
    sentence: ReadingSentence | None = None
    done: Reading | None = None
    """With the last event: the reading without its sections, which went before."""
    fallback: str = ""
    """As of `SectionText`, with the sentences that the corpus put in a model's place."""


def events(reading: Reading) -> Iterator[ReadingEvent]:
    """A reading as it is streamed: each sentence, then the rest."""
    for section in reading.sections:
        for sentence in section.sentences:
            fallback = section.fallback if sentence.written_by == CORPUS else ""
            yield ReadingEvent(section.section, section.title, sentence, fallback=fallback)
    yield ReadingEvent(done=replace(reading, sections=()))


def joined(pieces: Iterable[ReadingEvent]) -> Reading | None:
    """The reading that `events` was given; None where its end is missing."""
    found: dict[ReadingSection, list[ReadingEvent]] = {}
    for piece in pieces:
        if piece.section is not None and piece.sentence is not None:
            found.setdefault(piece.section, []).append(piece)
        if piece.done is not None:
            return replace(piece.done, sections=tuple(map(_section, found.values())))
    return None


def _section(pieces: Sequence[ReadingEvent]) -> SectionText:
    section, sentences = (
        pieces[0].section,
        tuple(each.sentence for each in pieces if each.sentence is not None),
    )
    assert section is not None  # `joined` took those that have one
    return SectionText(
        section,
        pieces[0].title,
        sentences,
        writers(each.written_by for each in sentences),
        next((each.fallback for each in pieces if each.fallback), ""),
    )


def writers(each: Iterable[str]) -> str:
    """Who wrote something that has several parts: the one that wrote them all, or `mixed`."""
    names = set(each)
    return names.pop() if len(names) == 1 else MIXED if names else CORPUS
