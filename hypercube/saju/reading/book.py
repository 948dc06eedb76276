"""A corpus made ready: templates compiled once, and sentences kept, since the same ones come again and again.

Kept are the lines whose words few charts change (a place, an element). One with an age, a year or the four pillars in
it is hardly ever met again: of that, its form is kept (`hypercube.saju.grounding.forms`).
"""

import functools
from dataclasses import dataclass, field
from typing import Final
from weakref import WeakSet

from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.grounding.forms import filled as formed
from hypercube.saju.grounding.judged import Judged
from hypercube.saju.reading.corpus import en, ko
from hypercube.saju.reading.corpus.table import Corpus, overlaid
from hypercube.saju.reading.line import FormedLine, Line
from hypercube.saju.reading.template import compiled, filled, form_of
from hypercube.saju.reading.time_of_life import TimeOfLife

CORPUS_VERSION: Final = "3"
"""Rises with any change of the text or of the rules that choose it: same version, same facts, same text."""
_KEPT: Final = 200_000
"""Lines kept by all books together: some 1.5 KB each with what they claim, their verdicts and their words."""
CORPORA: Final[dict[tuple[ReadingLanguage, TimeOfLife], Corpus]] = {
    (ReadingLanguage.KO, TimeOfLife.YOUNG): overlaid(ko.CORPUS, ko.YOUNG),
    (ReadingLanguage.KO, TimeOfLife.GROWN): ko.CORPUS,
    (ReadingLanguage.KO, TimeOfLife.OLD): overlaid(ko.CORPUS, ko.OLD),
    (ReadingLanguage.EN, TimeOfLife.YOUNG): overlaid(en.CORPUS, en.YOUNG),
    (ReadingLanguage.EN, TimeOfLife.GROWN): en.CORPUS,
    (ReadingLanguage.EN, TimeOfLife.OLD): overlaid(en.CORPUS, en.OLD),
}
_TOPICS: Final = {
    "strength": "strength",
    "structure": "structure",
    "useful.balance": "balance_god",
    "useful.climate": "climate_god",
    "elements.weighted": "element_weights",
    "stage": "life_stages",
    "sinsal": "sinsal",
    "relation": "relations",
    "hidden": "hidden_stems",
    "sinsal.yangin": "blade",
    "sinsal.goegang": "goegang",
}
"""By the beginning of a fact's id: the topic of the school that it depends on."""
_SCHOOLS: Final = 16_384
"""Citations whose schools are kept."""


@dataclass(slots=True, eq=False, weakref_slot=True)
class Book:
    """One language under one choice of schools."""

    versions: tuple[str, ...]
    """Of the schools, as `ChartFacts.schools` gives them."""
    kept: dict[tuple[str, tuple[str, ...], tuple[str, ...]], Line] = field(default_factory=dict)
    """Lines by template, facts and words."""
    _judged: dict[str, Judged] = field(default_factory=dict)
    """Verdicts by text; no more than lines."""
    _cited: dict[tuple[str, ...], tuple[str, ...]] = field(default_factory=dict)

    def line(self, template: str, facts: tuple[str, ...], words: dict[str, str]) -> Line | FormedLine:
        """The line of a template and its words, citing `facts`."""
        if compiled(template).slots:
            form, values = form_of(template, words)
            if form is not None:
                text = formed(form.pieces, values)
                return FormedLine(ReadingSentence(text, facts, self._schools(facts)), form, values)
        found = self.kept.get((template, facts, tuple(words.values())))
        if found is not None:
            return found
        if _lines.count >= _KEPT:
            _forget()
        made = Line(ReadingSentence(filled(template, words), facts, self._schools(facts)), self._judged)
        self.kept[template, facts, tuple(words.values())] = made
        _lines.count += 1
        return made

    def forget(self) -> None:
        """Keep nothing of what was said."""
        self.kept.clear()
        self._judged.clear()

    def _schools(self, facts: tuple[str, ...]) -> tuple[str, ...]:
        found = self._cited.get(facts)
        if found is None:
            if len(self._cited) >= _SCHOOLS:
                self._cited.clear()
            topics = {
                topic
                for fact in facts
                for start, topic in _TOPICS.items()
                if fact == start or fact.startswith(f"{start}.")
            }
            found = tuple([version for version in self.versions if version.split("/")[0] in topics])
            self._cited[facts] = found
        return found


@dataclass(slots=True)
class _Lines:
    """How many lines were made since they were last forgotten: no fewer than are kept."""

    count: int = 0


_lines: Final = _Lines()
_books: Final[WeakSet[Book]] = WeakSet()


def _forget() -> None:
    for each in _books:
        each.forget()
    _lines.count = 0


@functools.lru_cache(maxsize=64)
def book(language: ReadingLanguage, versions: tuple[str, ...]) -> Book:
    """The book of a language under some schools, whatever the time of life."""
    made = Book(versions)
    _books.add(made)
    return made
