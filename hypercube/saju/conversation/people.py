"""Of whom a conversation speaks: the births that its turns give, whose chart is asked for, and what still lacks.

A conversation has no memory here: everything is read again from the user's turns, so nothing is lost when old turns
are cut for a model, and nothing that an assistant, a system or a tool turn says changes a birth.
"""

import datetime as dt
import functools
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hypercube.saju.birth_phrases import EMPTY_DRAFT, BirthDraft, Field, Language, question, read_birth
from hypercube.saju.birth_phrases.people import SELF, SEX_OF_ROLE, awaited
from hypercube.saju.birth_phrases.somebody import SOMEBODY_ENGLISH
from hypercube.saju.conversation import words
from hypercube.saju.conversation.asked import Asked
from hypercube.saju.conversation.done_without import doubts_left, unsure_calendar
from hypercube.saju.conversation.whom import COUPLE, named, says_role, unknown

_OWN: Final = re.compile(
    r"저는|나는|제 ?생일|내 ?생일|제가|내가|저의|본인|\bi was born\b|\bmy birth|\bmy date\b|\bi am\b",
    re.IGNORECASE,
)
_HANGUL: Final = re.compile(r"[가-힣]")
_OF_BIRTH: Final = re.compile(
    r"\d|[월일시]생|생일|생년|태어|출생|모름|몰라|모르|[남여]자|[남여]성|[양음]력|윤달|"
    r"[자축인묘진사오미신유술해]시|천구백|이천|구십|팔십|칠십"
    r"|\b(?:born|birth|male|female|woman|man|girl|boy|lunar|unknown)\b",
    re.IGNORECASE,
)
_SHORT: Final = 120
"""Characters of a turn that is read whatever it says."""
_LONGEST: Final = 4_000
MOST_READ: Final = 40_000
"""Characters of a conversation that are read for births."""


@dataclass(frozen=True, slots=True)
class People:
    """Who is spoken of after the last turn.

    Attributes:
        draft: everybody, as read from all turns.
        subject: whose chart is asked for.
        partner: the other one of a couple, where compatibility is asked for and somebody was named.
        together: whether it is.
        changed: whether the last turn said something of a birth.
        given_up: what is missing, or in doubt, and was asked for before without an answer; it is done without now.
        newly: whether the question for that was the last thing said.
        absent: the role of somebody whose chart is asked for and whose birth nobody told.
    """

    draft: BirthDraft
    subject: BirthDraft
    partner: BirthDraft | None
    together: bool
    changed: bool
    given_up: tuple[Field, ...] = ()
    newly: bool = False
    absent: str | None = None

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
            alone = replace(person, others=(), about=None, doubts=doubts_left(person, self.given_up))
            if alone.doubts or set(person.missing) - set(self.given_up):
                return question(alone, language)
        return None


def dated(person: BirthDraft) -> bool:
    """Whether a part of the birth date is known."""
    date = person.date
    return any(part is not None for part in (date.year, date.month, date.day))


@dataclass(frozen=True, slots=True)
class Told:
    """The births of a conversation before and after its last turn.

    Attributes:
        before: everybody, as read from all turns but the last.
        draft: everybody, as read from all turns.
        together: whether compatibility was asked for in any turn.
        pending: whether the turn before the last asked for it.
        just_told: whether the turn before the last said something of the writer's birth.
    """

    before: BirthDraft
    draft: BirthDraft
    together: bool
    pending: bool
    just_told: bool

    @property
    def birth_years(self) -> frozenset[int]:
        """In which somebody was born."""
        years = (each.date.year for each in (self.draft, *self.draft.others))
        return frozenset(year for year in years if year is not None)


def told(turns: Sequence[str], today: dt.date) -> Told:
    """Read the births of a conversation.

    Args:
        turns: what the user wrote, oldest first; at least one.
        today: no birth lies after it.
    """
    reader = _Reader(today)
    earlier = EMPTY_DRAFT
    for text in _read(turns[:-1]):
        earlier = reader.everybody
        reader.take(text)
    before = reader.everybody
    just_told = len(turns) > 1 and _may_tell(turns[-2]) and _facts(earlier) != _facts(before)
    if _may_tell(turns[-1]):
        reader.take(turns[-1])
    pending = len(turns) > 1 and bool(words.TOGETHER.search(turns[-2]))
    return Told(before, reader.everybody, reader.together, pending, just_told)


def people(births: Told, asked: Asked, text: str) -> People:
    """Who is spoken of.

    Args:
        births: of the conversation.
        asked: what its last turn asks.
        text: the last turn.
    """
    before, draft = births.before, births.draft
    changed = _facts(draft) != _facts(before)
    # Whoever was asked for the other's birth, and gives it now, still wants the two compared.
    if changed and (births.pending or (births.together and len(draft.others) > len(before.others))):
        asked = replace(asked, together=True)
    subject, partner, together = _whom(draft, before, asked, text)
    absent = None
    if not changed and not together and dated(draft) and asked.of_somebody:
        absent = unknown(text, (draft, *draft.others))
    found = People(draft, subject, partner, together, changed, absent=absent)
    if not changed and (unsure := unsure_calendar(before)):
        found = replace(found, given_up=unsure, newly=births.just_told)
    if changed or not asked.of_a_chart or not before.date.complete:
        return found
    # It was asked for in the answer to the turn before, and this turn goes on without it.
    lacking = [each for each in subject.missing if each in (Field.TIME, Field.SEX)]
    if Field.TIME not in lacking and any(each.field is Field.TIME for each in subject.doubts):
        lacking.append(Field.TIME)
    return replace(found, given_up=(*lacking, *found.given_up), newly=births.just_told)


class _Reader:
    """Folds turns into a draft; a birth given for compatibility, without a word of whose it is, is the other's."""

    def __init__(self, today: dt.date) -> None:
        self._today = today
        self._draft = EMPTY_DRAFT
        self._other: BirthDraft | None = None
        self._together = False

    @property
    def together(self) -> bool:
        """Whether compatibility was asked for."""
        return self._together

    @property
    def everybody(self) -> BirthDraft:
        """What was read so far."""
        if self._other is None:
            return self._draft
        return replace(self._draft, others=(*self._draft.others, self._other))

    def take(self, text: str) -> None:
        """The next turn."""
        self._together = self._together or bool(words.TOGETHER.search(text))
        if not self._take_other(text):
            self._draft = _birth(text, self._today, self._draft)

    def _take_other(self, text: str) -> bool:
        """Whether the turn tells of the other person."""
        draft = self._draft
        if (
            not self._together
            or not draft.date.complete
            or any(map(dated, draft.others))
            or _OWN.search(text)
        ):
            return False
        if draft.about is not None or (self._other is not None and self._other.complete):
            return False
        role = (_HANGUL.search(text) and "상대방") or "partner"
        if self._other is not None:
            role = self._other.role or role
        alone = _birth(text, self._today, replace(self._other or EMPTY_DRAFT, role=None))
        told_of = [each for each in alone.others if dated(each)]
        if len(told_of) > 1 or (told_of and dated(alone)) or not (told_of or dated(alone)):
            return False
        other = told_of[0] if told_of else replace(alone, role=alone.role or alone.about or role)
        if other.role in SOMEBODY_ENGLISH:
            # "Are we compatible? He was born …"
            other = replace(other, role=role)
        if other.sex is None:
            other = replace(other, sex=SEX_OF_ROLE.get(other.role or ""))
        self._other = replace(other, others=(), about=None)
        return True


@functools.lru_cache(maxsize=4_096)
def _birth(text: str, today: dt.date, earlier: BirthDraft) -> BirthDraft:
    """Kept, because a conversation is read again from its beginning with every turn."""
    return read_birth(text, today=today, earlier=earlier)


def _may_tell(text: str) -> bool:
    return len(text) <= _SHORT or bool(_OF_BIRTH.search(text))


def _read(turns: Sequence[str]) -> list[str]:
    """The turns that may tell of a birth: all of them, or of a very long conversation its beginning and its end."""
    told_in = [each[:_LONGEST] for each in turns if _may_tell(each)]
    if sum(map(len, told_in)) <= MOST_READ:
        return told_in
    first = _as_many(told_in, MOST_READ // 2)
    return first + _as_many(told_in[len(first) :][::-1], MOST_READ // 2)[::-1]


def _as_many(turns: Sequence[str], room: int) -> list[str]:
    found = []
    for each in turns:
        room -= len(each) + 1
        if room < 0:
            break
        found.append(each)
    return found


def _facts(draft: BirthDraft) -> BirthDraft:
    # Somebody who was only asked about has no birth yet, and changes nothing.
    told_of = (each for each in draft.others if dated(each) or each.time or each.time_unknown or each.place)
    others = tuple(replace(each, spans=(), about=None) for each in told_of)
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
        role = None if new else awaited(text.lower())
        if role and not any(says_role(role, each.role) for each in (draft, *others)):
            return draft, None, True
        newest = (new or others)[-1:]
        return draft, (None if new else named(text, others)) or next(iter(newest), None), True
    if not others:
        return draft, None, False
    if asked.each and mine:
        return draft, named(text, others) or others[-1], False
    if new and mine and COUPLE.search(new[-1].role or ""):
        return draft, new[-1], asked.whole or not asked.of_somebody
    if new and (not mine or not _writer_changed(draft, before)):
        return new[-1], None, False
    meant = named(text, others)
    if meant is None and (draft.role is None or not says_role(text, draft.role)):
        # Whoever writes is meant where nobody is named, though somebody else's birth came first.
        meant = next((each for each in others if each.role == SELF), None)
    if meant is not None:
        return meant, None, False
    return (draft, None, False) if mine else (others[-1], None, False)


def _writer_changed(draft: BirthDraft, before: BirthDraft) -> bool:
    return replace(_facts(draft), others=()) != replace(_facts(before), others=())
