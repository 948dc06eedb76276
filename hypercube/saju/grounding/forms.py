"""The claims of sentences that differ in ages, years and pillars only, worked out once for all of them.

A form is the text of a sentence around its slots. The extractor reads it twice, with different values in the slots;
from the first reading follows which claim takes which value from where, and the second must come out the same by
that rule, or there is no form. tests/unit/test_grounding_forms.py holds every form of the corpus against the
extractor, over the values that `fits` lets in. Whatever does not fit is read by the extractor itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from itertools import accumulate
from typing import Final

from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.english import ROMAN_BRANCHES, ROMAN_STEMS
from hypercube.saju.signs import PILLARS

OLDEST: Final = 130
"""Years; ages are whole numbers up to this."""
YEARS: Final = range(1800, 2200)


class Slot(StrEnum):
    """What may stand in a slot."""

    AGE = "age"
    YEAR = "year"
    HANGUL = "hangul"
    """A pillar: 갑자."""
    HANJA = "hanja"
    """甲子."""
    ROMAN = "roman"
    """Gap-ja."""


_NAMES: Final[dict[Slot, tuple[str, ...]]] = {
    Slot.HANGUL: tuple(each.hangul for each in PILLARS),
    Slot.HANJA: tuple(each.hanja for each in PILLARS),
    Slot.ROMAN: tuple(
        f"{ROMAN_STEMS[each.stem.index]}-{ROMAN_BRANCHES[each.branch.index].lower()}" for each in PILLARS
    ),
}
"""Of pillars, by sexagenary index."""
_INDEX: Final = {name: index for names in _NAMES.values() for index, name in enumerate(names)}
VALUES: Final[dict[Slot, tuple[str, ...]]] = {
    Slot.AGE: tuple(map(str, range(OLDEST + 1))),
    Slot.YEAR: tuple(map(str, YEARS)),
    **_NAMES,
}
"""What may stand in each slot: all that forms are held against the extractor with."""
_VALUES: Final = {slot: frozenset(values) for slot, values in VALUES.items()}
_KINDS: Final = {Slot.AGE: "age", Slot.YEAR: "year"}
"""Of the claim that takes its value from a slot; a pillar's, for the others."""
_SAMPLES: Final = {
    Slot.AGE: ("13", "7"),
    Slot.YEAR: ("2031", "1987"),
}
_NEXT: Final = 13
"""Pillars from one sample to the sample of the next slot."""


def fits(slot: Slot, text: str) -> bool:
    """Whether a word may stand in a slot."""
    return text in _VALUES[slot]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    """One claim of a form; itself a key, so it is equal to no other."""

    claim: Claim
    """As the first reading has it."""
    slot: int
    """Whose value it takes; -1 for its own."""
    start: tuple[int, int]
    """Characters of text before it, and how many slots."""
    end: tuple[int, int]
    pillar: bool
    """Whether the slot holds a pillar, whose index is the claim's value."""


_MADE: Final = 65_536
_Key = tuple[_Row, tuple[str, ...], int, int]
_made: Final[dict[_Key, Claim]] = {}
"""Claims by row, the words of slots within them, start and end: the same pillars, years and ages come again."""


@dataclass(frozen=True, slots=True)
class Form:
    """The text around the slots, one piece more than slots, and the claims."""

    pieces: tuple[str, ...]
    slots: tuple[Slot, ...]
    rows: tuple[_Row, ...]

    def claims(self, values: Sequence[str]) -> tuple[Claim, ...]:
        """What the extractor finds in the sentence with these values, each of which fits its slot."""
        before = (0, *accumulate(map(len, values)))
        found = []
        for row in self.rows:
            (characters, first), (more, last) = row.start, row.end
            key = row, tuple(values[first:last]), characters + before[first], more + before[last]
            found.append(_made.get(key) or self._claim(key, values))
        return tuple(found)

    def _claim(self, key: _Key, values: Sequence[str]) -> Claim:
        row, _, start, end = key
        value = row.claim.value
        if row.slot >= 0:
            value = _INDEX[values[row.slot]] if row.pillar else values[row.slot]
        text = filled(self.pieces, values)[start:end]
        if len(_made) >= _MADE:
            _made.clear()
        made = _made[key] = replace(row.claim, value=value, start=start, end=end, text=text)
        return made


def filled(pieces: Sequence[str], values: Sequence[str]) -> str:
    """The sentence of a form."""
    parts = [*pieces, *values]
    parts[::2], parts[1::2] = pieces, values
    return "".join(parts)


def learned(pieces: tuple[str, ...], slots: tuple[Slot, ...]) -> Form | None:
    """The form of some text around slots, one piece more than slots; None where its claims do not follow from them."""
    first, second = (_sample(slots, which) for which in (0, 1))
    spans, at = [], 0
    for piece, value in zip(pieces, first, strict=False):
        at += len(piece)
        spans.append((at, at + len(value)))
        at += len(value)
    rows = []
    for claim in claims(filled(pieces, first)):
        if any(low < edge < high for edge in (claim.start, claim.end) for low, high in spans):
            return None
        rows.append(_row(claim, slots, first, spans))
    form = Form(pieces, slots, tuple(rows))
    return form if form.claims(second) == claims(filled(pieces, second)) else None


def _row(
    claim: Claim, slots: Sequence[Slot], values: Sequence[str], spans: Sequence[tuple[int, int]]
) -> _Row:
    slot, start, end = (
        _slot(claim, slots, values, spans),
        _place(claim.start, spans),
        _place(claim.end, spans),
    )
    return _Row(claim, slot, start, end, pillar=slot >= 0 and slots[slot] in _NAMES)


def _sample(slots: Sequence[Slot], which: int) -> list[str]:
    """Values unlike one another; 甲子 after Gap-ja stays the same pillar."""
    found, index = [], 4 + 40 * which
    for at, slot in enumerate(slots):
        if slot not in _NAMES:
            found.append(_SAMPLES[slot][which])
            continue
        if at and not (slot is Slot.HANJA and slots[at - 1] is Slot.ROMAN):
            index = (index + _NEXT) % len(PILLARS)
        found.append(_NAMES[slot][index])
    return found


def _slot(
    claim: Claim, slots: Sequence[Slot], values: Sequence[str], spans: Sequence[tuple[int, int]]
) -> int:
    """The slot that a claim takes its value from; -1 for none."""
    for at, (slot, value, (low, high)) in enumerate(zip(slots, values, spans, strict=True)):
        said = _INDEX[value] if slot in _NAMES else value
        covers = claim.start <= low and high <= claim.end
        if covers and claim.kind == _KINDS.get(slot, "pillar") and claim.value == said:
            return at
    return -1


def _place(edge: int, spans: Sequence[tuple[int, int]]) -> tuple[int, int]:
    """An edge of a claim as characters of text, and slots, that it lies behind."""
    passed = [high - low for low, high in spans if high <= edge]
    return edge - sum(passed), len(passed)
