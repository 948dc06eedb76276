"""The writer of one reading: picks a way to say each thing, by the chart and never by chance."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingTone,
)
from hypercube.saju.reading.book import Book
from hypercube.saju.reading.line import FormedLine, Line
from hypercube.saju.reading.naming import NAMES, Names

SHORT, NORMAL, LONG = 0, 1, 2
"""From which length on a sentence is said."""
_LEVELS: Final = {ReadingLength.SHORT: SHORT, ReadingLength.NORMAL: NORMAL, ReadingLength.LONG: LONG}
_MASK: Final = 0xFFFF_FFFF_FFFF_FFFF


@dataclass(slots=True)
class Writer:
    """Collects the sentences of a section; `take` hands them over."""

    book: Book
    names: Names
    seed: int
    level: int
    warm: bool
    explains: bool
    korean: bool
    at: int = 0
    """How much was said."""
    _lines: list[Line | FormedLine] = field(default_factory=list)

    def say(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A sentence of a table, if the reading is at least that long."""
        if level > self.level:
            return
        book = self.book
        variants = book.corpus[table][key]
        self.at = at = self.at + 1
        count = len(variants)
        template = variants[mixed(self.seed, at, count)] if count > 1 else variants[0]
        # Most lines were said before, so that is looked at here, without a call.
        found = book.kept.get((template, facts, tuple(words.values())))
        self._lines.append(book.line(template, facts, words) if found is None else found)

    def add(self, level: int, table: str, key: Any, facts: tuple[str, ...], **words: str) -> None:
        """A picture or an encouragement, which a plain reading does without."""
        if self.warm:
            self.say(level, table, key, facts, **words)

    def explain(self, topic: str, facts: tuple[str, ...]) -> None:
        """What a term means, for a beginner."""
        if self.explains:
            self.say(SHORT, "GLOSS", topic, facts)

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
    x = (seed + at * 0x9E37_79B9_7F4A_7C15) & _MASK
    x = ((x ^ x >> 30) * 0xBF58_476D_1CE4_E5B9) & _MASK
    x = ((x ^ x >> 27) * 0x94D0_49BB_1331_11EB) & _MASK
    return (x >> 33) % count


def writer(book: Book, options: ReadingOptions, seed: int) -> Writer:
    """A writer for these options."""
    return Writer(
        book=book,
        names=NAMES[options.language],
        seed=seed,
        level=_LEVELS[options.length],
        warm=options.tone is ReadingTone.WARM,
        explains=options.audience is ReadingAudience.BEGINNER,
        korean=options.language is ReadingLanguage.KO,
    )
