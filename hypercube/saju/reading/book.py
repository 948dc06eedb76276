"""A corpus made ready: templates compiled once, and sentences kept, since the same ones come again and again."""

import functools
import re
from dataclasses import dataclass, field
from typing import Final

from hypercube.core.reading import ReadingLanguage, ReadingSentence
from hypercube.saju.reading.corpus import en, ko
from hypercube.saju.reading.corpus.table import Corpus
from hypercube.saju.reading.josa import with_particle

CORPUS_VERSION: Final = "2"
"""Rises with any change of the text or of the rules that choose it: same version, same facts, same text."""
_SLOT: Final = re.compile(r"\{(\w+)(?::(\w+))?\}")
_KEPT: Final = 200_000
"""Sentences kept; some 400 bytes each."""
_CORPORA: Final[dict[ReadingLanguage, Corpus]] = {
    ReadingLanguage.KO: ko.CORPUS,
    ReadingLanguage.EN: en.CORPUS,
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


@dataclass(slots=True)
class Book:
    """One language under one choice of schools."""

    corpus: Corpus
    versions: tuple[str, ...]
    """Of the schools, as `ChartFacts.schools` gives them."""
    _kept: dict[tuple[str, tuple[str, ...], tuple[str, ...]], ReadingSentence] = field(default_factory=dict)

    def sentence(self, template: str, facts: tuple[str, ...], words: dict[str, str]) -> ReadingSentence:
        """The sentence of a template and its words, citing `facts`."""
        key = (template, facts, tuple(words.values()))
        found = self._kept.get(key)
        if found is None:
            if len(self._kept) >= _KEPT:
                self._kept.clear()
            found = ReadingSentence(filled(template, words), facts, self._schools(facts))
            self._kept[key] = found
        return found

    def passing(self, template: str, facts: tuple[str, ...], words: dict[str, str]) -> ReadingSentence:
        """The same without keeping it: for a sentence that few charts share."""
        return ReadingSentence(filled(template, words), facts, self._schools(facts))

    def _schools(self, facts: tuple[str, ...]) -> tuple[str, ...]:
        topics = {
            topic
            for fact in facts
            for start, topic in _TOPICS.items()
            if fact == start or fact.startswith(f"{start}.")
        }
        return tuple(version for version in self.versions if version.split("/")[0] in topics)


@functools.lru_cache(maxsize=64)
def book(language: ReadingLanguage, versions: tuple[str, ...]) -> Book:
    """The book of a language under some schools."""
    return Book(_CORPORA[language], versions)


@functools.lru_cache(maxsize=4_096)
def _compiled(template: str) -> tuple[str, tuple[tuple[str, str | None], ...]]:
    slots = tuple((name, particle) for name, particle in _SLOT.findall(template))
    text = _SLOT.sub("%s", template.replace("%", "%%"))
    return text, tuple((name, particle or None) for name, particle in slots)


def filled(template: str, words: dict[str, str]) -> str:
    """A template with its words: `{word}` as it is, `{word:은}` with the particle that fits it."""
    text, slots = _compiled(template)
    filled = text % tuple(
        words[name] if particle is None else with_particle(words[name], particle) for name, particle in slots
    )
    # A template may begin with a word that is written small elsewhere: "the day branch".
    return filled[:1].upper() + filled[1:]
