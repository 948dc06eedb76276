"""One turn of a conversation merged into what was known."""

import datetime as dt
import re
from dataclasses import replace
from typing import Final

from hypercube.saju.birth_phrases.accepting import Pieces, accepted
from hypercube.saju.birth_phrases.applying import applied
from hypercube.saju.birth_phrases.applying_times import with_readings
from hypercube.saju.birth_phrases.branch_hours import HOUR_RANGES
from hypercube.saju.birth_phrases.checks import checked
from hypercube.saju.birth_phrases.corrections import picked
from hypercube.saju.birth_phrases.draft import EMPTY_DRAFT, BirthDraft
from hypercube.saju.birth_phrases.people import SELF, SEX_OF_ROLE, Segment, awaited, segments_in
from hypercube.saju.birth_phrases.rivals import answered_rival, opens_rival, parted, with_rival
from hypercube.saju.birth_phrases.turn import MOST_READ, Turn, read_turn
from hypercube.saju.birth_phrases.unknown_times import says_unknown
from hypercube.saju.birth_phrases.values import Doubt, DraftDate, Field, Span

__all__ = ["MOST_READ", "read_birth"]

_MOST_PEOPLE: Final = 8
_START: Final = re.compile(r"시작|그날 ?새벽|당일|같은 ?날|\bstart|\bbeginning|same day")
_NEXT: Final = re.compile(r"다음 ?날|담날|넘어|넘긴|끝|\bnext\b|\bafter\b|\bend\b")
_SHORT: Final = 60
"""Characters of a turn that can be an answer and nothing else."""
_FROM_TO: Final = re.compile(r"(\d{1,2})일에서 (\d{1,2})일")


def read_birth(text: str, *, today: dt.date, earlier: BirthDraft = EMPTY_DRAFT) -> BirthDraft:
    """Read one turn of the person who asks; what it says wins over what was known.

    Args:
        text: the turn, in Korean or English; only its first `MOST_READ` characters are looked at.
        today: no birth lies after it; it also decides the century of two-digit years.
        earlier: the draft after the turn before.

    Never raises for a text: what cannot be right becomes a `Doubt`.
    """
    turn = read_turn(text, today, answering=earlier != EMPTY_DRAFT)
    people = _People(earlier)
    spans: list[Span] = []
    if (night := _night_answer(people.get(people.about), turn)) is not None:
        people.put(people.about, night)
        return people.draft(today, ())
    told = False
    segments = _ordered(turn, segments_in(turn.text), people, today)
    if (disputed := people.get(people.about)).rival is not None:
        named = next((segment.role for segment in segments if segment.said and segment.role), None)
        if named is None or named == people.about:
            pieces = accepted(turn, Segment(0, len(turn.text), None, said=False), disputed, today)
            people.put(people.about, answered_rival(disputed, turn, pieces))
            return people.draft(today, tuple(_spans(turn, pieces)))
        kept, other = parted(disputed, named)
        people.put(people.about, kept)
        people.put(named, other)
        people.about = named
        told = True
    for segment in segments:
        role = people.role_of(segment, turn)
        draft = people.get(role)
        pieces = accepted(turn, segment, draft, today)
        if segment.said and not pieces.telling and not people.knows(role):
            continue
        put = with_rival if opens_rival(draft, turn, pieces) else applied
        fresh = put(draft, turn, pieces)
        spans.extend(_spans(turn, pieces))
        if pieces.telling or fresh != draft:
            told = told or bool(pieces.telling or pieces.sexes or pieces.places or pieces.calendars)
            people.put(role, fresh)
            if segment.said or role == people.about:
                people.about = role
    if not told:
        role = people.about
        people.put(role, _answered(people.get(role), turn))
    expected = awaited(turn.text)
    if expected is not None and not people.knows(expected) and people.main.date.complete:
        people.about = expected
    return people.draft(today, tuple(sorted(spans, key=lambda span: (span.start, span.end))))


class _People:
    """Everybody of whom a conversation tells, by role; the draft itself comes first."""

    def __init__(self, earlier: BirthDraft) -> None:
        self._first = earlier.role
        self._drafts: dict[str | None, BirthDraft] = {
            earlier.role: replace(earlier, others=(), about=None, spans=())
        }
        self._drafts.update((each.role, each) for each in earlier.others)
        self.about = earlier.about if earlier.about is not None else earlier.role

    @property
    def main(self) -> BirthDraft:
        return self._drafts[self._first]

    def knows(self, role: str | None) -> bool:
        return role in self._drafts

    def get(self, role: str | None) -> BirthDraft:
        known = self._drafts.get(role)
        return known if known is not None else BirthDraft(role=role, sex=SEX_OF_ROLE.get(role or ""))

    def put(self, role: str | None, draft: BirthDraft) -> None:
        if self.main == BirthDraft(role=self._first) and not self.knows(role):
            # Nothing was known of the first person: whoever is told of first takes that place.
            self._drafts = {role: draft}
            self._first = role
        elif self.knows(role) or len(self._drafts) < _MOST_PEOPLE:
            self._drafts[role] = draft

    def role_of(self, segment: Segment, turn: Turn) -> str | None:
        """Whose a segment is: who is named, else whom a correction fits, else who is spoken about."""
        if segment.said:
            if segment.role is None and self._first is not None:
                return SELF
            return self._pointed(segment.role) if segment.pointed else segment.role
        for role, draft in self._drafts.items():
            if turn.denied_dates and all(draft.date.fits(said.readings[0]) for said in turn.denied_dates):
                return role
        return self.about

    def _pointed(self, role: str | None) -> str | None:
        """Whom a pronoun means: who is awaited, else the last of the others whose sex fits, else somebody new."""
        if self.about not in (None, self._first):
            return self.about
        sex = SEX_OF_ROLE.get(role or "")
        fitting = [
            each
            for each, draft in self._drafts.items()
            if each not in (None, SELF) and (sex is None or draft.sex in (None, sex))
        ]
        return fitting[-1] if fitting else role

    def draft(self, today: dt.date, spans: tuple[Span, ...]) -> BirthDraft:
        main = checked(self.main, today)
        others = tuple(checked(each, today) for role, each in self._drafts.items() if role != self._first)
        about = self.about if self.about != self._first else None
        if about is not None and self.knows(about) and next(o for o in others if o.role == about).complete:
            about = None
        return replace(main, others=others, about=about, spans=spans)


def _ordered(turn: Turn, segments: list[Segment], people: _People, today: dt.date) -> list[Segment]:
    """The writer's own first where nothing is known yet, so that they become the first person."""
    if people.main != EMPTY_DRAFT:
        return segments

    def telling(segment: Segment) -> bool:
        return segment.role is None and accepted(turn, segment, EMPTY_DRAFT, today).telling

    return sorted(segments, key=lambda segment: not telling(segment))


def _spans(turn: Turn, pieces: Pieces) -> list[Span]:
    groups = (
        (Field.DATE, pieces.dates),
        (Field.DATE, pieces.calendars),
        (Field.TIME, pieces.times),
        (Field.SEX, pieces.sexes),
        (Field.PLACE, pieces.places),
    )
    return [turn.span(field, said.start, said.end) for field, group in groups for said in group]


def _answered(draft: BirthDraft, turn: Turn) -> BirthDraft:
    """A turn that tells nothing by itself, as an answer to the question that was asked."""
    doubt = draft.doubts[0] if draft.doubts else None
    if says_unknown(turn.text):
        return _unknown(draft, doubt)
    if doubt is None or len(turn.text) > _SHORT:
        return draft
    if doubt.readings == ("fold 0", "fold 1"):
        fold = picked(turn.source.text)
        return draft if fold is None else replace(draft, fold=fold)
    index = picked(turn.source.text)
    if doubt.field is Field.DATE and index is not None and len(doubt.readings) == 2:
        chosen = doubt.readings[index]
        if chosen[0].isdigit() and "?" not in chosen:
            year, month, day = (int(part) for part in chosen.split("-"))
            return replace(_settled(draft, doubt), date=DraftDate(year, month, day))
    if doubt.readings == ("조자시", "야자시") and index is not None:
        return replace(draft, hour_range=HOUR_RANGES[doubt.readings[index]])
    if doubt.field is Field.TIME and index is not None and len(doubt.readings) == 2:
        return with_readings(draft, (doubt.readings[index],))
    return draft


def _settled(draft: BirthDraft, doubt: Doubt) -> BirthDraft:
    return replace(draft, doubts=tuple(each for each in draft.doubts if each is not doubt))


def _unknown(draft: BirthDraft, doubt: Doubt | None) -> BirthDraft:
    if doubt is not None and doubt.readings == ("solar", "lunar"):
        return _settled(draft, doubt)
    if doubt is not None and doubt.field is Field.PLACE:
        return draft.without(Field.PLACE)
    about_time = any(each.field is Field.TIME for each in draft.doubts) or Field.TIME in draft.missing
    if not about_time or (not draft.date.complete and doubt is not None and doubt.field is Field.DATE):
        return draft
    if draft == EMPTY_DRAFT:
        return draft
    kept = tuple(each for each in draft.doubts if each.field is not Field.TIME)
    return replace(draft, time=None, time_unknown=True, hour_range=None, doubts=kept)


def _night_answer(draft: BirthDraft, turn: Turn) -> BirthDraft | None:
    """Which of two nights: "시작", "다음 날", "3일에서 4일로 넘어가는 밤"; None where that is not what a turn tells."""
    doubt = next((each for each in draft.doubts if _of_nights(each)), None)
    text = turn.source.text
    if (
        doubt is None
        or len(text) > _SHORT
        or any(said.readings and not _late(said.readings) for said in turn.times)
    ):
        return None
    early, late = doubt.readings[0], doubt.readings[-1]
    if crossing := _FROM_TO.search(text):
        days = [int(crossing[1]), int(crossing[2])]
        if draft.date.day not in days:
            return None
        return with_readings(draft, (early if days[1] == draft.date.day else late,))
    if _NEXT.search(text):
        return with_readings(draft, (late,))
    if _START.search(text):
        return with_readings(draft, (early,))
    index = picked(text)
    return None if index is None else with_readings(draft, (doubt.readings[index],))


def _of_nights(doubt: Doubt) -> bool:
    return doubt.field is Field.TIME and _late(doubt.readings)


def _late(readings: tuple[str, ...]) -> bool:
    """Whether one of them is an hour of the night after the day of birth."""
    return any(int(each[:2]) >= 24 for each in readings if each[:2].isdigit())
