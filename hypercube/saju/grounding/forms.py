"""The claims of sentences that differ in ages, years and pillars only, worked out once for all of them.

A form is the text of a sentence around its slots. The extractor reads it twice, with different values in the slots;
from the first reading follows which claim takes which value from where, and the second must come out the same by
that rule, or there is no form. tests/unit/test_grounding_forms.py holds every form of the corpus against the
extractor, over the values that `fits` lets in. Whatever does not fit is read by the extractor itself.
"""

from collections.abc import Sequence
from dataclasses import dataclass
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


@dataclass(frozen=True, slots=True)
class _Row:
    """One claim of a form."""

    claim: Claim
    """As the first reading has it."""
    slot: int
    """Whose value it takes; -1 for its own."""
    start: tuple[int, int]
    """Characters of text before it, and how many slots."""
    end: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Form:
    """The text around the slots, one piece more than slots, and the claims."""

    pieces: tuple[str, ...]
    slots: tuple[Slot, ...]
    rows: tuple[_Row, ...]

    def claims(self, values: Sequence[str]) -> tuple[Claim, ...]:
        """What the extractor finds in the sentence with these values, each of which fits its slot."""
        text = filled(self.pieces, values)
        before = (0, *accumulate(map(len, values)))
        found = []
        for row in self.rows:
            claim, start, end = (
                row.claim,
                row.start[0] + before[row.start[1]],
                row.end[0] + before[row.end[1]],
            )
            value = claim.value
            if row.slot >= 0:
                value = values[row.slot]
                if self.slots[row.slot] in _NAMES:
                    value = _INDEX[value]
            found.append(
                Claim(
                    claim.kind,
                    value,
                    claim.scope,
                    start,
                    end,
                    text[start:end],
                    claim.negated,
                    claim.asserted,
                    claim.detail,
                    claim.near,
                    claim.anywhere,
                    claim.hidden,
                )
            )
        return tuple(found)


def filled(pieces: Sequence[str], values: Sequence[str]) -> str:
    """The sentence of a form."""
    return "".join([part for pair in zip(pieces, values, strict=False) for part in pair]) + pieces[-1]


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
        rows.append(
            _Row(
                claim, _slot(claim, slots, first, spans), _place(claim.start, spans), _place(claim.end, spans)
            )
        )
    form = Form(pieces, slots, tuple(rows))
    return form if form.claims(second) == claims(filled(pieces, second)) else None


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
