"""Births as people say them in a conversation, in Korean or English: text -> `BirthDraft` -> `BirthInput`.

    read_birth      one turn of the person who asks, merged into what was known; corrections win
    said_back       what was understood, in one or two plain sentences, with every assumption
    question        what to ask next: the first doubt, else what is missing; None when the birth is complete

A conversation is read by folding its turns:

    draft = EMPTY_DRAFT
    for turn in turns:
        draft = read_birth(turn, today=today, earlier=draft)
    if draft.complete:
        birth = draft.birth_input(include=("facts",))

Pure: no model, no clock, no network. Ambiguous phrases are never settled silently (docs/birth-phrases.md).
"""

from hypercube.saju.birth_phrases.draft import EMPTY_DRAFT, BirthDraft
from hypercube.saju.birth_phrases.merging import read_birth
from hypercube.saju.birth_phrases.values import (
    ClockTime,
    Doubt,
    DoubtKind,
    DraftDate,
    Field,
    HourRange,
    Language,
    Span,
)
from hypercube.saju.birth_phrases.wording import question, said_back

__all__ = [
    "EMPTY_DRAFT",
    "BirthDraft",
    "ClockTime",
    "Doubt",
    "DoubtKind",
    "DraftDate",
    "Field",
    "HourRange",
    "Language",
    "Span",
    "question",
    "read_birth",
    "said_back",
]
