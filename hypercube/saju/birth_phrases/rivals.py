"""A second birthday without a word of correction: whether it replaces the first or is somebody else's must be asked.

Until that is answered it is kept beside the first as `BirthDraft.rival`, and what is told meanwhile is told of it.
"""

from dataclasses import replace

from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.accepting import Pieces
from hypercube.saju.birth_phrases.applying import applied
from hypercube.saju.birth_phrases.corrections import affirms, picked, refuses
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.people import SEX_OF_ROLE
from hypercube.saju.birth_phrases.turn import Turn
from hypercube.saju.birth_phrases.values import DoubtKind, DraftDate, Field


def opens_rival(draft: BirthDraft, turn: Turn, pieces: Pieces) -> bool:
    """Whether `pieces` tell a whole date of which neither the year nor the day is the draft's."""
    old, new = draft.date, _told(pieces)
    if new is None or turn.correcting or not old.complete:
        return False
    if any(doubt.field is Field.DATE for doubt in draft.doubts):
        return False
    return old.year != new.year and (old.month, old.day) != (new.month, new.day)


def with_rival(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft as it was, with what `pieces` tell kept beside it, and the question which of the two it is."""
    rival = applied(BirthDraft(), turn, pieces)
    return replace(draft, rival=rival).doubting(doubts.replaced_date(draft.date, rival.date))


def answered_rival(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft after a turn that names nobody: settled by a yes, a no or one of the two dates, else told more of."""
    rival = draft.rival
    assert rival is not None
    told, index = _told(pieces), picked(turn.source.text)
    if told is not None and told in (draft.date, rival.date):
        index = int(told == rival.date)
    elif pieces.telling or pieces.sexes or pieces.places or pieces.calendars:
        return replace(draft, rival=applied(rival, turn, pieces))
    elif index is None and affirms(turn.text):
        index = 1
    elif index is None and refuses(turn.text):
        index = 0
    if index is None:
        return draft
    kept, _ = parted(draft, None)
    return _over(kept, rival) if index else kept


def parted(draft: BirthDraft, role: str | None) -> tuple[BirthDraft, BirthDraft]:
    """The draft without its rival, and the rival as a person of its own."""
    rival = draft.rival
    assert rival is not None
    open_doubts = tuple(
        doubt
        for doubt in draft.doubts
        if doubt.field is not Field.DATE or doubt.kind is not DoubtKind.CONFLICT
    )
    sex = rival.sex if rival.sex is not None else SEX_OF_ROLE.get(role or "")
    return replace(draft, rival=None, doubts=open_doubts), replace(rival, role=role, sex=sex)


def _told(pieces: Pieces) -> DraftDate | None:
    """The one whole date that is told, if there is one."""
    whole = {said.readings for said in pieces.dates}
    readings = whole.pop() if len(whole) == 1 else ()
    return readings[0] if len(readings) == 1 and readings[0].complete else None


def _over(draft: BirthDraft, told: BirthDraft) -> BirthDraft:
    """The draft with everything that was told of its rival."""
    timed = told.time is not None or told.time_unknown or told.hour_range is not None
    timed = timed or any(doubt.field is Field.TIME for doubt in told.doubts)
    by_clock = told if timed else draft
    fields = {doubt.field for doubt in told.doubts}
    return replace(
        draft,
        date=told.date,
        calendar=told.calendar,
        leap_month=told.leap_month,
        time=by_clock.time,
        time_unknown=by_clock.time_unknown,
        hour_range=by_clock.hour_range,
        fold=by_clock.fold,
        sex=draft.sex if told.sex is None else told.sex,
        place=draft.place if told.place is None else told.place,
        doubts=(*(doubt for doubt in draft.doubts if doubt.field not in fields), *told.doubts),
    )
