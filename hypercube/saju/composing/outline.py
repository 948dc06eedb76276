"""What a model is given to write a section from, and what its sentences can rest on.

The written reading is the outline: its sentences are true of the chart, cite their facts, and name their schools. A
model may say them in its own words; a term or a number that is in none of them has no basis.
"""

import functools
import re
from dataclasses import dataclass, field
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.reading import CitedFact, ReadingLanguage, ReadingSection, ReadingSentence, SectionText
from hypercube.saju.composing.sanity import pairs
from hypercube.saju.grounding import Claim, claims
from hypercube.saju.reading import cited
from hypercube.saju.reading.corpus import ko

_NUMBER: Final = re.compile(r"(\d+) ?([%가-힣]?)")
_WORD: Final = re.compile(r"[A-Za-z]+|[\u3400-\u9fff\uf900-\ufaff]")
_COMMON: Final = (
    "습니 니다 입니 합니 됩니 십니 세요 에요 예요 어요 아요 하는 하고 하며 에서 으로 에게 에는 까지 부터 처럼 이라 이니"
    " 있는 있어 있습 으면 시면 하면 다면 좋습 니까 당신 분입 분이 사람 것이 것입 것은 하지 그리 또한"
)
_STOP: Final = frozenset(_COMMON.split())
"""Pairs of letters that any two sentences share."""
_NEAR: Final = {ReadingLanguage.KO: 0.25, ReadingLanguage.EN: 0.55}
"""Share of a sentence's other pairs that the material must have, where they share no term."""
_OF_THE_FIELD: Final = 0.6
"""Share of its pairs that the corpus must have, where a sentence is of the field and not of the section."""
_TERM: Final = 0.3
"""What a shared term adds to what a sentence shares with one of the material."""
_ALSO: Final = 0.7
"""Part of the best score from which another sentence is a basis, too."""
_MOST: Final = 3
Key = tuple[str, object]


@dataclass(slots=True)
class Outline:
    """A section of the written reading as material."""

    section: ReadingSection
    title: str
    language: ReadingLanguage
    sentences: tuple[ReadingSentence, ...]
    facts: tuple[CitedFact, ...]
    terms: frozenset[Key]
    """What its sentences and facts name: kind and value of each claim."""
    numbers: frozenset[str]
    """In digits, in its sentences; what a fact has in digits is for the checker to confirm."""
    words: frozenset[str]
    """Latin words and Han characters."""
    _near: tuple[tuple[ReadingSentence, frozenset[Key], frozenset[str]], ...] = field(repr=False, default=())
    _letters: frozenset[str] = frozenset()

    @property
    def texts(self) -> tuple[str, ...]:
        """Everything that it gives to say."""
        return (*(each.text for each in self.sentences), *(each.text for each in self.facts), self.title)

    def counts(self, text: str) -> bool:
        """Whether every number of a sentence stands in the material, counting the same."""
        return all(
            number + unit in self.numbers or number in self.numbers for number, unit in _NUMBER.findall(text)
        )

    def basis(self, text: str) -> tuple[ReadingSentence, ...]:
        """The sentences, at most three, that `text` says in other words; none where it is about something else."""
        own, letters = keys(claims(text)), _content(text)
        if not own & self.terms and len(letters & self._letters) < _NEAR[self.language] * len(letters):
            return ()
        scores = [
            _TERM * len(own & terms) + len(letters & theirs) / max(1, len(letters))
            for _, terms, theirs in self._near
        ]
        best = max(scores, default=0.0)
        near = sorted(
            (at for at, score in enumerate(scores) if score > 0 and score >= _ALSO * best),
            key=lambda at: -scores[at],
        )
        return tuple(self._near[at][0] for at in sorted(near[:_MOST]))


def of_the_field(text: str, language: ReadingLanguage) -> bool:
    """Whether a sentence speaks of what readings speak of, by its words; told for Korean alone."""
    letters = _content(text)
    return language is ReadingLanguage.KO and len(letters & _field()[0]) >= _OF_THE_FIELD * len(letters)


def field_letters() -> frozenset[str]:
    """The Han characters that the Korean corpus writes."""
    return _field()[1]


@functools.cache
def _field() -> tuple[frozenset[str], frozenset[str]]:
    texts = [each for table in ko.CORPUS.values() for variants in table.values() for each in variants]
    letters = frozenset(word for each in texts for word in _WORD.findall(each) if not word.isascii())
    return frozenset(pair for each in texts for pair in _content(each)), letters


def keys(found: tuple[Claim, ...]) -> frozenset[Key]:
    """Claims without where they are made."""
    return frozenset((each.kind, each.value) for each in found)


def outline(chart: Chart, section: SectionText, language: ReadingLanguage) -> Outline:
    """The material of a section.

    Args:
        chart: with facts.
        section: as written.
        language: in which it is written.
    """
    facts = cited(chart, (section,), language)
    texts = [*(each.text for each in section.sentences), *(each.text for each in facts), section.title]
    whole = " ".join(texts)
    return Outline(
        section=section.section,
        title=section.title,
        language=language,
        sentences=section.sentences,
        facts=facts,
        terms=frozenset(key for each in texts for key in keys(claims(each))),
        numbers=frozenset(number for each in section.sentences for number in numbers(each.text)),
        words=frozenset(_WORD.findall(whole)),
        _near=tuple((each, keys(claims(each.text)), _content(each.text)) for each in section.sentences),
        _letters=frozenset(pair for each in texts for pair in _content(each)),
    )


def _content(text: str) -> frozenset[str]:
    """The pairs of letters of its words that tell what it is about."""
    return frozenset(pair for word in text.split() for pair in pairs(word)) - _STOP


def numbers(text: str) -> frozenset[str]:
    """The numbers written in digits, each with what it counts: 36%, 9세, 2019년; 11."""
    return frozenset(number + unit for number, unit in _NUMBER.findall(text))
