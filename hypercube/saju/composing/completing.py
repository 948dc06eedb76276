"""What the corpus adds to a section that a model wrote, so that it says enough and leaves out no word of care."""

from collections.abc import Sequence
from typing import Final

from hypercube.core.reading import CORPUS, ReadingSection, ReadingSentence
from hypercube.saju.composing.outline import Outline
from hypercube.saju.composing.sanity import runs
from hypercube.saju.grounding import SentenceCheck
from hypercube.saju.grounding.verdicts import TRUE

UNFIT: Final = "unfit"
"""The reason where nothing failed but too little of the model's text could leave."""
_ENOUGH: Final = 0.5
"""Share of the written sentences that a model's have to cover."""
_COPIED: Final = 0.75
"""Share of the letters' runs of the shorter of two sentences from which one is a copy of the other."""
_NATAL: Final = ("year", "month", "day", "hour")
_CAREFUL: Final = frozenset({ReadingSection.WEALTH, ReadingSection.HEALTH})
"""Sections whose last sentence sends the reader to an expert."""


def as_sentence(material: Outline, text: str, model: str, check: SentenceCheck) -> ReadingSentence:
    """A model's sentence with the facts and schools of what it says in other words.

    Said nearly as it was written it is the written sentence: a model that only drops or swaps a word has said
    nothing of its own, and the corpus says it better.
    """
    own = runs(text)
    for each in material.sentences:
        theirs = runs(each.text)
        if len(own & theirs) >= _COPIED * min(len(own), len(theirs)):
            return each
    near = material.basis(text)
    named = () if near else _named(check)
    near = near or (() if named else material.sentences)
    return ReadingSentence(
        text,
        tuple(dict.fromkeys([*named, *(fact for each in near for fact in each.facts)])),
        tuple(dict.fromkeys(school for each in near for school in each.schools)),
        model,
    )


def _named(check: SentenceCheck) -> tuple[str, ...]:
    """Ids of the chart's facts that a sentence names by their places."""
    found: list[str] = []
    for mention in check.mentions:
        places = [each.split(".") for each in mention.scope.split() if each.split(".")[0] in _NATAL]
        if mention.verdict == TRUE and mention.kind in ("strength", "structure"):
            found.append(mention.kind)
        elif mention.verdict == TRUE and mention.kind in ("pillar", "stem", "branch", "stage"):
            found += [f"{mention.kind}.{position}" for position, _ in places]
        elif mention.verdict == TRUE and mention.kind == "god":
            found += [f"god.{position}.{part}" for position, part in places if part in ("stem", "branch")]
    return tuple(each for each in dict.fromkeys(found) if each != "god.day.stem")


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
