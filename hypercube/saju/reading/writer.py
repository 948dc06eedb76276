"""The writer of one reading: picks a way to say each thing, by the chart and never by chance.

What a few values settle (`tell`) is worked out once for these values and a manner of writing: a passage of sentences
to be said, each with its lines. After that a passage costs one look-up, and a choice among its lines.
"""

import functools
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from weakref import WeakSet

from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingTone,
)
from hypercube.saju.reading.book import CORPORA, Book, book
from hypercube.saju.reading.corpus.table import Corpus
from hypercube.saju.reading.line import FormedLine, Line
from hypercube.saju.reading.naming import Names, names_at
from hypercube.saju.reading.time_of_life import TimeOfLife

SHORT, NORMAL, LONG = 0, 1, 2
"""From which length on a sentence is said."""
_LEVELS: Final = {ReadingLength.SHORT: SHORT, ReadingLength.NORMAL: NORMAL, ReadingLength.LONG: LONG}
_MASK: Final = 0xFFFF_FFFF_FFFF_FFFF
_STEP: Final = 0x9E37_79B9_7F4A_7C15
_PASSAGES: Final = 65_536
"""Passages kept by all manners together, of one to six sentences: 0.9 to 1.6 KB each with their lines."""
Passage = list[tuple[int, list[Line | FormedLine | None], "_Saying"]]
"""By sentence: how many ways there are, the line of each that was said before, and how to make it."""


@dataclass(frozen=True, slots=True)
class _Saying:
    """A sentence to be said: one of `variants`, filled with `words`, citing `facts`."""

    variants: tuple[str, ...]
    facts: tuple[str, ...]
    words: dict[str, str]


@dataclass(slots=True, eq=False, weakref_slot=True)
class Manner:
    """A language, its schools and how to write, as all readings share it that ask for the same."""

    book: Book
    corpus: Corpus
    """Of the language, for a time of life."""
    names: Names
    level: int
    warm: bool
    explains: bool
    passages: dict[tuple[Any, ...], Passage] = field(default_factory=dict)
    """By what tells them, and the values that it was told."""


_manners: Final[WeakSet[Manner]] = WeakSet()


@dataclass(slots=True)
class _Told:
    """How many passages were worked out since they were last forgotten: no fewer than are kept."""

    count: int = 0


_told: Final = _Told()


class Speaker:
    """What sentences are said to: a passage that is worked out, or a reading."""

    __slots__ = ("_manner", "explains", "level", "names")

    def __init__(self, manner: Manner) -> None:
        self._manner = manner
        self.names = manner.names
        self.level = manner.level
        self.explains = manner.explains

    def say(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A sentence of a table, if the reading is at least that long."""
        raise NotImplementedError

    def add(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A picture or an encouragement, which a plain reading does without."""
        if self._manner.warm:
            self.say(level, table, key, facts, **words)

    def explain(self, topic: str, facts: tuple[str, ...]) -> None:
        """What a term means, for a beginner."""
        if self.explains:
            self.say(SHORT, "GLOSS", topic, facts)


class _Passage(Speaker):
    """Notes what a passage says."""

    __slots__ = ("said",)

    def __init__(self, manner: Manner) -> None:
        super().__init__(manner)
        self.said: Passage = []

    def say(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A sentence of a table, if the reading is at least that long."""
        if level <= self.level:
            variants = self._manner.corpus[table][key]
            if not variants:
                return
            self.said.append((len(variants), [None] * len(variants), _Saying(variants, facts, words)))


class Writer(Speaker):
    """Collects the sentences of a section; `take` hands them over."""

    __slots__ = ("_lines", "_passages", "at", "seed")

    def __init__(self, manner: Manner, seed: int) -> None:
        super().__init__(manner)
        self._passages = manner.passages
        self.seed = seed
        self.at = 0
        """How much was said."""
        self._lines: list[Line | FormedLine] = []

    def say(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A sentence of a table, if the reading is at least that long."""
        if level > self.level:
            return
        manner = self._manner
        variants = manner.corpus[table][key]
        if not variants:
            return
        self.at = at = self.at + 1
        count = len(variants)
        template = variants[mixed(self.seed, at, count)] if count > 1 else variants[0]
        self._lines.append(manner.book.line(template, facts, words))

    def tell(self, what: Callable[..., None], *given: Any) -> None:
        """A passage that follows from a few values, and from nothing else.

        Args:
            what: says its sentences to the speaker that it is given before the values.
            given: hashable; kept passages are found by them, so there should be few different ones.
        """
        found = self._passages.get((what, given))
        if found is None:
            found = self._worked_out(what, given)
        at, x0, lines = self.at, self.seed + self.at * _STEP, self._lines
        for count, said, saying in found:
            at += 1
            x0 += _STEP
            which = 0
            if count > 1:
                # `mixed`, without the call.
                x = x0 & _MASK
                x = ((x ^ x >> 30) * 0xBF58_476D_1CE4_E5B9) & _MASK
                x = ((x ^ x >> 27) * 0x94D0_49BB_1331_11EB) & _MASK
                which = (x >> 33) % count
            line = said[which]
            if line is None:
                line = self._manner.book.line(saying.variants[which], saying.facts, saying.words)
                said[which] = line
            lines.append(line)
        self.at = at

    def _worked_out(self, what: Callable[..., None], given: tuple[Any, ...]) -> Passage:
        passage = _Passage(self._manner)
        what(passage, *given)
        if _told.count >= _PASSAGES:
            for each in _manners:
                each.passages.clear()
            _told.count = 0
        self._manner.passages[what, given] = passage.said
        _told.count += 1
        return passage.said

    def most(self, normal: int, long: int) -> int:
        """How many of a kind are said at this length: none in a short reading."""
        return (0, normal, long)[self.level]

    def take(self) -> list[Line | FormedLine]:
        """The lines so far; the next section begins empty."""
        found, self._lines = self._lines, []
        return found

    def pick(self, choices: Sequence[Any]) -> Any:
        """One of several, by the chart."""
        self.at += 1
        return choices[mixed(self.seed, self.at, len(choices))]


def mixed(seed: int, at: int, count: int) -> int:
    """A well-mixed number below `count` from a seed and how much was said (splitmix64)."""
    x = (seed + at * _STEP) & _MASK
    x = ((x ^ x >> 30) * 0xBF58_476D_1CE4_E5B9) & _MASK
    x = ((x ^ x >> 27) * 0x94D0_49BB_1331_11EB) & _MASK
    return (x >> 33) % count


@functools.lru_cache(maxsize=192)
def manner(
    language: ReadingLanguage,
    length: ReadingLength,
    tone: ReadingTone,
    audience: ReadingAudience,
    versions: tuple[str, ...],
    time: TimeOfLife = TimeOfLife.GROWN,
) -> Manner:
    """How to write; `versions` are those of the schools."""
    made = Manner(
        book=book(language, versions),
        corpus=CORPORA[language, time],
        names=names_at(language, time),
        level=_LEVELS[length],
        warm=tone is ReadingTone.WARM,
        explains=audience is ReadingAudience.BEGINNER,
    )
    _manners.add(made)
    return made


def writer(versions: tuple[str, ...], options: ReadingOptions, seed: int, time: TimeOfLife) -> Writer:
    """A writer for these options, of somebody at that time of life."""
    how = manner(options.language, options.length, options.tone, options.audience, versions, time)
    return Writer(how, seed)
