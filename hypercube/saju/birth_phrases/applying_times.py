"""What a turn tells of the hour of a birth, put into its draft."""

from dataclasses import replace

from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.accepting import Pieces
from hypercube.saju.birth_phrases.checks import next_day
from hypercube.saju.birth_phrases.day_parts import EXPLICIT_HALF
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.times import TimeSaid
from hypercube.saju.birth_phrases.turn import Turn
from hypercube.saju.birth_phrases.values import ClockTime, Doubt, Field


def with_time(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft with the times of `pieces`, of which there is at least one."""
    known = [said for said in pieces.times if not said.unknown]
    if not known:
        return _timed(draft, unknown=True)
    values = list(dict.fromkeys((said.readings, said.hours) for said in known))
    said = known[-1] if turn.correcting else known[0]
    if len(values) > 1 and not turn.correcting:
        said = _agreeing(known) or said
        if said.hours is None and _agreeing(known) is None:
            readings = tuple(dict.fromkeys(reading for each in known for reading in each.readings))
            return _timed(draft).doubting(doubts.several_times(readings))
    if said.impossible is not None:
        return _timed(draft).doubting(doubts.no_such_time(said.impossible))
    if said.hours is not None:
        return replace(_timed(draft), hour_range=said.hours)
    if said.between:
        return _timed(draft).doubting(doubts.between(said.readings))
    readings = _narrowed(draft, turn, said)
    if not readings:
        return draft
    return with_readings(draft, readings)


def with_readings(draft: BirthDraft, readings: tuple[str, ...]) -> BirthDraft:
    """The draft with a time that is one of these; more than one is a doubt."""
    if len(readings) == 1:
        hour, minute, *second = (int(part) for part in readings[0].split(":"))
        draft = _timed(draft)
        if (
            hour >= 24
            and draft.date.complete
            and not any(doubt.field is Field.DATE for doubt in draft.doubts)
        ):
            draft, hour = next_day(draft), hour - 24
        elif hour >= 24:
            return draft.doubting(doubts.which_night(readings, draft.date))
        return replace(draft, time=ClockTime(hour, minute, second[0] if second else None))
    draft = _timed(draft)
    if any(int(reading[:2]) >= 24 for reading in readings):
        return draft.doubting(doubts.which_night(readings, draft.date))
    return draft.doubting(doubts.which_half(readings))


def _timed(draft: BirthDraft, *, unknown: bool = False) -> BirthDraft:
    """Without the time that was known, and without doubts about it."""
    return replace(draft.without(Field.TIME), time=None, time_unknown=unknown, hour_range=None, fold=None)


def _agreeing(known: list[TimeSaid]) -> TimeSaid | None:
    """진시 and 오전 8시 are one time: the clock, within its branch hour; 7시 and 오전 7시 are one, too."""
    clocks = [said for said in known if said.readings]
    common = set(clocks[0].readings) if clocks else set()
    for said in clocks[1:]:
        common &= set(said.readings)
    if len(common) != 1:
        return None
    return replace(clocks[0], readings=tuple(common), between=False)


def _narrowed(draft: BirthDraft, turn: Turn, said: TimeSaid) -> tuple[str, ...]:
    """Readings that fit what is already known: a part of the day, the half of the day that is being corrected."""
    asked = next((doubt for doubt in draft.doubts if doubt.field is Field.TIME and doubt.readings), None)
    if said.part is not None:
        return _by_part(draft, turn, said.part, asked)
    if said.minute is not None:
        return (replace(draft.time, minute=said.minute).iso(),) if draft.time and said.minute < 60 else ()
    readings = said.readings
    if asked is not None and len(readings) > 1:
        fitting = tuple(reading for reading in readings if reading in asked.readings)
        readings = fitting if len(fitting) == 1 else readings
    old = draft.time
    if turn.correcting and old is not None and len(readings) == 2:
        half = tuple(reading for reading in readings if (int(reading[:2]) < 12) == (old.hour < 12))
        readings = half if len(half) == 1 else readings
    if (
        old is not None
        and old.minute
        and said.whole_hour
        and any(each.whole_hour for each in turn.denied_times)
    ):
        # "7시가 아니라 8시" of one born at 7:20: whether the minutes stay is not said.
        readings = (*readings, *(f"{reading[:2]}:{old.minute:02}" for reading in readings))
    return readings


def _by_part(draft: BirthDraft, turn: Turn, part: str, asked: Doubt | None) -> tuple[str, ...]:
    """The one reading that a part of the day picks; empty where it picks none."""
    if asked is not None:
        readings = tuple(reading for reading in asked.readings if ":" in reading)
    elif turn.correcting and draft.time is not None:
        other = replace(draft.time, hour=(draft.time.hour + 12) % 24)
        readings = (draft.time.iso(), other.iso())
    else:
        return ()
    fitting = tuple(reading for reading in readings if int(reading[:2]) in EXPLICIT_HALF[part])
    if not fitting and part in ("am", "morning", "dawn"):
        # 3 in the morning: loosely said, but there is only one before noon.
        fitting = tuple(reading for reading in readings if int(reading[:2]) < 12)
    return fitting if len(fitting) == 1 else ()
