"""Sentences that differ only in the names of pillars or in figures claim alike, so they are read once.

A pillar that says its role (경오년, 병술 대운, 庚午) and a figure are put out of the way by others of the same
length; what is claimed with them is filled in afterwards. `claims` of a sentence and of its mask differ in nothing
else, which a test holds for every sentence that we have.
"""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.grounding.lexicon import (
    BRANCH_HANJA,
    BRANCH_LETTERS,
    PILLAR_HANGUL,
    PILLAR_HANJA,
    STEM_HANJA,
    STEM_LETTERS,
)
from hypercube.saju.signs import PILLARS

_NAMED: Final = re.compile(
    rf"(?<![가-힣])[{STEM_LETTERS}][{BRANCH_LETTERS}](?=(?:년|월|일|시)[, 의에생]| ?대운)"
    rf"|(?<![一-鿿])[{STEM_HANJA}][{BRANCH_HANJA}](?![一-鿿])"
)
_INDEX: Final = PILLAR_HANGUL | PILLAR_HANJA
_HANGUL: Final = re.compile(r"[가-힣]")
_FIGURE: Final = re.compile(
    r"(?<![\d.])(?:\d{1,3}(?=[세살])|\d{4}(?=년))|(?<=\bage )\d{1,3}(?![\d.])|\b(?:19|20|21)\d\d\b(?!-)"
)
_SHARED: Final = 1
"""Pillars that sentences with the same ones may name."""
_STANDING_IN: Final = tuple(each.index for each in PILLARS)[::7][:9]
"""Sexagenary indices, as many as pillars are put out of the way in one sentence."""


@dataclass(frozen=True, slots=True)
class Mask:
    """A sentence with its pillars and figures put out of the way."""

    sentence: str
    pillars: dict[int, int]
    """The stand-in of each pillar named, to its own index."""
    figures: int

    @property
    def rare(self) -> bool:
        """Whether hardly two sentences have the same names and figures."""
        return bool(self.figures) or len(self.pillars) > _SHARED


def mask(sentence: str) -> Mask | None:
    """The mask of a sentence; None where there is nothing to put out of the way."""
    # In an English sentence the romanised name beside it, of another length, tells it apart anyway.
    found = (
        []
        if _HANGUL.search(sentence) is None
        else [each for each in _NAMED.finditer(sentence) if each.group() in _INDEX]
    )
    if len(found) > len(_STANDING_IN):
        return None
    pillars: dict[int, int] = {}
    text = sentence
    for match, stand_in in zip(found, _STANDING_IN, strict=False):
        name = match.group()
        hangul = name in PILLAR_HANGUL
        pillars[stand_in] = _INDEX[name]
        other = PILLARS[stand_in].hangul if hangul else PILLARS[stand_in].hanja
        text = text[: match.start()] + other + text[match.end() :]
    text, count = _FIGURE.subn(_figure, text)
    return Mask(text, pillars, count) if pillars or count else None


def _figure(match: "re.Match[str]") -> str:
    """The same number of digits; the century stays, since it tells a year from another figure."""
    digits = match.group()
    return digits[:2] + "77" if len(digits) == 4 else "7" * len(digits)
