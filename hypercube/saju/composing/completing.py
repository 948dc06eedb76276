"""What the corpus adds to a section that a model wrote, so that it says enough and leaves out no word of care."""

from collections.abc import Sequence
from typing import Final

from hypercube.core.reading import CORPUS, ReadingSection, ReadingSentence
from hypercube.saju.composing.outline import Outline
from hypercube.saju.composing.sanity import runs

UNFIT: Final = "unfit"
"""The reason where nothing failed but too little of the model's text could leave."""
_ENOUGH: Final = 0.5
"""Share of the written sentences that a model's have to cover."""
_COPIED: Final = 0.75
"""Share of the letters' runs of the shorter of two sentences from which one is a copy of the other."""
_CAREFUL: Final = frozenset({ReadingSection.WEALTH, ReadingSection.HEALTH})
"""Sections whose last sentence sends the reader to an expert."""


def as_sentence(material: Outline, text: str, model: str) -> ReadingSentence:
    """A model's sentence with the facts and schools of what it says in other words.

    Said nearly as it was written it is the written sentence: a model that only drops or swaps a word has said
    nothing of its own, and the corpus says it better.
    """
    own = runs(text)
    for each in material.sentences:
        theirs = runs(each.text)
        if len(own & theirs) >= _COPIED * min(len(own), len(theirs)):
            return each
    near = material.basis(text) or material.sentences
    return ReadingSentence(
        text,
        tuple(dict.fromkeys(fact for each in near for fact in each.facts)),
        tuple(dict.fromkeys(school for each in near for school in each.schools)),
        model,
    )


def completing(
    material: Outline, said: Sequence[ReadingSentence]
) -> tuple[tuple[ReadingSentence, ...], bool]:
    """The written sentences that are to follow, and whether they are because a model's own say too little."""
    covered = {each.text for sentence in said for each in _bases(material, sentence)}
    missing = tuple(each for each in material.sentences if each.text not in covered)
    if len(covered) < _ENOUGH * len(material.sentences):
        return missing, True
    last = material.sentences[-1]
    return ((last,) if material.section in _CAREFUL and last in missing else ()), False


def _bases(material: Outline, sentence: ReadingSentence) -> tuple[ReadingSentence, ...]:
    return (sentence,) if sentence.written_by == CORPUS else material.basis(sentence.text)
