"""Of whom a conversation speaks: the births that its turns give, whose chart is asked for, and what still lacks.

A conversation has no memory here: everything is read again from the user's turns, so nothing is lost when old turns
are cut for a model, and nothing that an assistant, a system or a tool turn says changes a birth.
"""

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from hypercube.core.chart import BirthInput, Include, Sex
from hypercube.saju.birth_phrases import EMPTY_DRAFT, BirthDraft, Field, Language, question, read_birth
from hypercube.saju.conversation.asked import Asked

_COUPLE: Final = re.compile(
    r"남편|아내|와이프|배우자|남자 ?친구|여자 ?친구|남친|여친|연인|애인|약혼|상대|그 ?사람|그이|신랑|신부|예비"
    r"|husband|wife|spouse|partner|boyfriend|girlfriend|fianc",
    re.IGNORECASE,
)
_MORE_TURNS: Final = 400
"""User turns that are read: the first ones and the newest, half each."""


@dataclass(frozen=True, slots=True)
class People:
    """Who is spoken of after the last turn.

    Attributes:
        draft: everybody, as read from all turns.
        subject: whose chart is asked for.
        partner: the other one of a couple, where compatibility is asked for and somebody was named.
        together: whether it is.
        changed: whether the last turn said something of a birth.
        given_up: what is missing and was asked for before without an answer; it is done without now.
    """

    draft: BirthDraft
    subject: BirthDraft
    partner: BirthDraft | None
    together: bool
    changed: bool
    given_up: tuple[Field, ...] = ()

    @property
    def begun(self) -> bool:
        """Whether anything of the subject's birth date is known."""
        return dated(self.subject)

    @property
    def everybody(self) -> tuple[BirthDraft, ...]:
        """Whose charts the answer takes."""
        return (self.subject,) if self.partner is None else (self.subject, self.partner)

    def to_ask(self, language: Language) -> str | None:
        """The next question; None where nothing lacks that cannot be done without."""
        for person in self.everybody:
            alone = replace(person, others=(), about=None)
            if person.doubts or set(person.missing) - set(self.given_up):
                return question(alone, language)
        return None


def dated(person: BirthDraft) -> bool:
    """Whether a part of the birth date is known."""
    date = person.date
    return any(part is not None for part in (date.year, date.month, date.day))


def people(turns: Sequence[str], asked: Asked, today: dt.date) -> People:
    """Who is spoken of.

    Args:
        turns: what the user wrote, oldest first; at least one.
        asked: what the last of them asks.
        today: no birth lies after it.
    """
    before = EMPTY_DRAFT
    for text in _read(turns[:-1]):
        before = read_birth(text, today=today, earlier=before)
    draft = read_birth(turns[-1], today=today, earlier=before)
    changed = _facts(draft) != _facts(before)
    subject, partner, together = _whom(draft, before, asked, turns[-1])
    found = People(draft, subject, partner, together, changed)
    if changed or asked.of_a_chart is False or not before.date.complete:
        return found
    # It was asked for in the answer to the turn before, and this turn goes on without it.
    lacking = tuple(each for each in subject.missing if each in (Field.TIME, Field.SEX))
    return replace(found, given_up=lacking)


def _read(turns: Sequence[str]) -> Sequence[str]:
    half = _MORE_TURNS // 2
    return turns if len(turns) <= _MORE_TURNS else (*turns[:half], *turns[-half:])


def _facts(draft: BirthDraft) -> BirthDraft:
    others = tuple(replace(each, spans=(), about=None) for each in draft.others)
    return replace(draft, spans=(), about=None, others=others)


def _whom(
    draft: BirthDraft, before: BirthDraft, asked: Asked, text: str
) -> tuple[BirthDraft, BirthDraft | None, bool]:
    others = [each for each in draft.others if dated(each)]
    known_before = {each.role: _facts(each) for each in before.others}
    new = [each for each in others if known_before.get(each.role) != _facts(each)]
    mine = dated(draft)
    if asked.together:
        if not mine and len(others) > 1:
            return others[0], others[1], True
        newest = (new or others)[-1:]
        return draft, newest[0] if newest else None, True
    if not others:
        return draft, None, False
    if new and mine and _COUPLE.search(new[-1].role or ""):
        return draft, new[-1], not (asked.sections or asked.facts or asked.years)
    if new and (not mine or not _writer_changed(draft, before)):
        return new[-1], None, False
    named = [each for each in others if each.role and each.role in text]
    if named:
        return named[-1], None, False
    return (draft, None, False) if mine else (others[-1], None, False)


def _writer_changed(draft: BirthDraft, before: BirthDraft) -> bool:
    return replace(_facts(draft), others=()) != replace(_facts(before), others=())


def birth_of(person: BirthDraft, given_up: Sequence[Field], **extras: Any) -> BirthInput:
    """The birth of a person, done without what is given up.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for what is missing beside that, or in doubt.
    """
    filled = replace(person, others=(), about=None)
    if Field.TIME in given_up and Field.TIME in person.missing:
        filled = replace(filled, time_unknown=True)
    guessed = Field.SEX in given_up and person.sex is None
    if guessed:
        filled = replace(filled, sex=Sex.FEMALE)
    birth = filled.birth_input(**extras)
    if guessed:
        birth = replace(birth, sex=None)
    wanted = (Include.FACTS, Include.LUCK, Include.PERIODS) if birth.sex else (Include.FACTS, Include.PERIODS)
    return replace(birth, include=wanted)
