"""The pieces that a turn tells of one birth, put into its draft."""

import re
from dataclasses import replace
from typing import Final

from hypercube.core.chart import Calendar, Sex
from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.accepting import Pieces
from hypercube.saju.birth_phrases.calendars import CalendarSaid
from hypercube.saju.birth_phrases.checks import next_day
from hypercube.saju.birth_phrases.cues import born_near
from hypercube.saju.birth_phrases.dates import DateSaid
from hypercube.saju.birth_phrases.day_parts import EXPLICIT_HALF
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.times import TimeSaid
from hypercube.saju.birth_phrases.turn import Turn
from hypercube.saju.birth_phrases.values import ClockTime, Doubt, DraftDate, Field
from hypercube.saju.birth_phrases.year_names import animal_in, animal_name, animal_of

_LUNAR_WORDS: Final = re.compile(
    r"초하루|초이틀|초사흘|초나흘|초닷새|초엿새|초이레|초여드레|초아흐레|초열흘|섣달|동짓달|동지달|보름|스무날|스무하루|열하룻날"
)
_OFFICIAL: Final = re.compile(r"호적|주민등록|주민번호|민증|서류|신분증")


def applied(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft with the pieces in it; what they settle is doubted no more."""
    draft = _without(draft, Field.PLACE)
    if pieces.calendars or pieces.dates:
        draft = _with_date(draft, turn, pieces)
    if pieces.times:
        draft = _with_time(draft, turn, pieces)
    if pieces.sexes:
        chosen = _chosen_sex(turn, pieces)
        draft = replace(draft, sex=chosen if chosen is not None else draft.sex)
    elif any(said.sex for said in pieces.dates):
        draft = replace(draft, sex=next(said.sex for said in pieces.dates if said.sex))
    if pieces.places:
        draft = _with_place(draft, pieces)
    return draft


def _without(draft: BirthDraft, field: Field) -> BirthDraft:
    return replace(draft, doubts=tuple(doubt for doubt in draft.doubts if doubt.field is not field))


def _doubting(draft: BirthDraft, doubt: Doubt) -> BirthDraft:
    return replace(draft, doubts=(*draft.doubts, doubt))


def _with_date(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    dates = _real(turn, pieces.dates)
    whole = [said for said in dates if all(reading.complete for reading in said.readings)]
    if len({said.readings for said in whole}) > 1 and not turn.correcting:
        whole = _likelier(turn, whole)
    anchor = whole[-1] if whole else dates[0] if dates else None
    told = _calendar(anchor, pieces.calendars)
    before = draft
    if dates:
        draft = _dated(draft, turn, dates, whole)
        if told is None and _LUNAR_WORDS.search(turn.composed):
            draft = replace(draft, calendar=Calendar.LUNAR)
    if told is not None:
        if told.unsure:
            draft = _doubting(_without(draft, Field.DATE), doubts.calendar_unsure())
        else:
            draft = _with_calendar(draft, told)
    leap = any(said.leap for said in dates)
    if leap and not any(said.leap_month is False for said in pieces.calendars):
        draft = replace(draft, leap_month=True, calendar=Calendar.LUNAR)
    if draft.date != before.date:
        draft = replace(draft, fold=None)
    return _same_animal(draft, turn) if dates else draft


def _with_calendar(draft: BirthDraft, told: CalendarSaid) -> BirthDraft:
    calendar = told.calendar if told.calendar is not None else draft.calendar
    leap = told.leap_month if told.leap_month is not None else draft.leap_month
    if calendar is Calendar.SOLAR:
        leap = None
    kept = tuple(doubt for doubt in draft.doubts if doubt.readings != ("solar", "lunar"))
    return replace(draft, calendar=calendar, leap_month=leap, doubts=kept)


def _real(turn: Turn, dates: tuple[DateSaid, ...]) -> tuple[DateSaid, ...]:
    """Without the date of the papers where another is said to be the real one."""
    if len(dates) < 2:
        return dates
    real = tuple(
        said for said in dates if not _OFFICIAL.search(turn.text[max(0, said.start - 14) : said.start])
    )
    return real or dates


def _calendar(anchor: DateSaid | None, said: tuple[CalendarSaid, ...]) -> CalendarSaid | None:
    """The calendar nearest to the date; of the leap month and the calendar, both."""
    if not said:
        return None
    leaps = [each.leap_month for each in said if each.leap_month is not None]
    named = [each for each in said if each.calendar is not None or each.unsure] or list(said)
    if anchor is not None:
        named.sort(key=lambda each: min(abs(anchor.start - each.end), abs(each.start - anchor.end)))
    chosen = named[0]
    return replace(chosen, leap_month=leaps[-1]) if leaps else chosen


def _dated(draft: BirthDraft, turn: Turn, dates: tuple[DateSaid, ...], whole: list[DateSaid]) -> BirthDraft:
    """`whole`: those of the dates that are complete, less those that something else speaks against."""
    if len({said.readings for said in whole}) > 1 and not turn.correcting:
        readings = tuple(dict.fromkeys(reading for said in whole for reading in said.readings))
        return _doubting(_without(draft, Field.DATE), doubts.two_dates(readings))
    if whole:
        draft = _whole(draft, turn, whole[-1].readings)
        dates = tuple(said for said in dates if said.start > whole[-1].start and said not in whole)
    elif not draft.date.complete and turn.denied_dates:
        # "1990년 5월 3일 아니 6월 3일": what is taken back still tells the year.
        draft = replace(draft, date=_over(draft.date, turn.denied_dates[0].readings[0]))
    for said in dates:
        if not all(reading.complete for reading in said.readings):
            draft = _part(draft, said.readings)
    return draft


def _likelier(turn: Turn, whole: list[DateSaid]) -> list[DateSaid]:
    """Of several days those beside which a word of birth stands; of one birth in both calendars the solar one."""
    near = [said for said in whole if said.born or born_near(turn.text, said.start, said.end)] or whole
    solar = [
        said
        for said in near
        if any(each.calendar is Calendar.SOLAR and 0 <= said.start - each.end <= 4 for each in turn.calendars)
    ]
    return solar[:1] or near


def _whole(draft: BirthDraft, turn: Turn, readings: tuple[DraftDate, ...]) -> BirthDraft:
    asked = [doubt for doubt in draft.doubts if doubt.field is Field.DATE and not doubt.derived]
    settled = {reading for doubt in asked for reading in doubt.readings}
    matching = tuple(reading for reading in readings if reading.iso() in settled)
    if len(matching) == 1:
        readings = matching
    old = draft.date
    if len(readings) > 1:
        return _doubting(
            replace(_without(draft, Field.DATE), date=_common(readings)), doubts.which_date(readings)
        )
    new = readings[0]
    sound = old.complete and not any(doubt.field is Field.DATE for doubt in draft.doubts)
    if (
        sound
        and old.year != new.year
        and (old.month, old.day) != (new.month, new.day)
        and not turn.correcting
    ):
        return _doubting(draft, doubts.replaced_date(old, new))
    return replace(_without(draft, Field.DATE), date=new)


def _part(draft: BirthDraft, readings: tuple[DraftDate, ...]) -> BirthDraft:
    asked = [doubt for doubt in draft.doubts if doubt.field is Field.DATE and len(doubt.readings) > 1]
    open_readings = [_parsed(text) for doubt in asked for text in doubt.readings if text[0] in "12?"]
    fitting = [each for each in open_readings if any(_fits(each, reading) for reading in readings)]
    if len(set(fitting)) == 1:
        known = draft.date
        chosen = fitting[0]
        date = DraftDate(chosen.year, chosen.month or known.month, chosen.day or known.day)
        return replace(_without(draft, Field.DATE), date=date)
    merged = tuple(dict.fromkeys(_over(draft.date, reading) for reading in readings))
    draft = replace(draft, date=_common(merged))
    if len(merged) > 1:
        return _doubting(_without(draft, Field.DATE), doubts.which_date(merged))
    if open_readings and draft.date.complete:
        return _without(draft, Field.DATE)
    if open_readings:
        carried = tuple(dict.fromkeys(_over(each, readings[0]) for each in open_readings))
        draft = _without(draft, Field.DATE)
        return (
            _doubting(draft, doubts.which_date(carried))
            if len(carried) > 1
            else replace(draft, date=carried[0])
        )
    return draft


def _parsed(text: str) -> DraftDate:
    parts = [None if "?" in part else int(part) for part in text.split("-")]
    return DraftDate(*parts) if len(parts) == 3 else DraftDate()


def _fits(whole: DraftDate, part: DraftDate) -> bool:
    pairs = ((whole.year, part.year), (whole.month, part.month), (whole.day, part.day))
    return all(told is None or told == known for known, told in pairs)


def _over(known: DraftDate, told: DraftDate) -> DraftDate:
    return DraftDate(
        known.year if told.year is None else told.year,
        known.month if told.month is None else told.month,
        known.day if told.day is None else told.day,
    )


def _common(readings: tuple[DraftDate, ...]) -> DraftDate:
    """The parts on which all readings agree."""
    years, months, days = (
        {getattr(reading, part) for reading in readings} for part in ("year", "month", "day")
    )
    return DraftDate(*(each.pop() if len(each) == 1 else None for each in (years, months, days)))


def _same_animal(draft: BirthDraft, turn: Turn) -> BirthDraft:
    """A year's animal that was said settles the century of two digits, or contradicts the year."""
    animal = animal_in(turn.text)
    if animal is None:
        return draft
    for doubt in draft.doubts:
        if doubt.field is Field.DATE and len(doubt.readings) > 1:
            fitting = [
                each for each in map(_parsed, doubt.readings) if each.year and animal_of(each.year) == animal
            ]
            if len(fitting) == 1:
                return replace(_without(draft, Field.DATE), date=fitting[0])
    year, month = draft.date.year, draft.date.month
    if year is None or animal_of(year) == animal or (animal_of(year - 1) == animal and (month or 1) <= 2):
        return draft
    # Before 설 or 입춘 the animal is still that of the year before.
    differs = doubts.animal_differs(draft.date, animal_name(animal), animal_name(animal_of(year)))
    return _doubting(_without(draft, Field.DATE), differs)


def _chosen_sex(turn: Turn, pieces: Pieces) -> Sex | None:
    runs = [turn.run_of(said.start) for said in pieces.dates]
    beside = [said for said in pieces.sexes if turn.run_of(said.start) in runs]
    sexes = {said.sex for said in (beside or pieces.sexes)}
    return sexes.pop() if len(sexes) == 1 else (None if beside else pieces.sexes[-1].sex)


def _with_place(draft: BirthDraft, pieces: Pieces) -> BirthDraft:
    said = next((each for each in pieces.places if each.explicit), pieces.places[0])
    draft = replace(_without(draft, Field.PLACE), fold=None)
    if said.country:
        return _doubting(replace(draft, place=None), doubts.which_city(said.name))
    if not said.known:
        return _doubting(replace(draft, place=None), doubts.unknown_place(said.name))
    if said.choices:
        return _doubting(replace(draft, place=None), doubts.which_place(said.name, said.choices))
    return replace(draft, place=said.name)


def _with_time(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    known = [said for said in pieces.times if not said.unknown]
    if not known:
        return _timed(draft, unknown=True)
    values = list(dict.fromkeys((said.readings, said.hours) for said in known))
    said = known[-1] if turn.correcting else known[0]
    if len(values) > 1 and not turn.correcting:
        said = _agreeing(known) or said
        if said.hours is None and _agreeing(known) is None:
            readings = tuple(dict.fromkeys(reading for each in known for reading in each.readings))
            return _doubting(_timed(draft), doubts.several_times(readings))
    if said.impossible is not None:
        return _doubting(_timed(draft), doubts.no_such_time(said.impossible))
    if said.hours is not None:
        return replace(_timed(draft), hour_range=said.hours)
    if said.between:
        return _doubting(_timed(draft), doubts.between(said.readings))
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
            return _doubting(draft, doubts.which_night(readings, draft.date))
        return replace(draft, time=ClockTime(hour, minute, second[0] if second else None))
    draft = _timed(draft)
    if any(int(reading[:2]) >= 24 for reading in readings):
        return _doubting(draft, doubts.which_night(readings, draft.date))
    return _doubting(draft, doubts.which_half(readings))


def _timed(draft: BirthDraft, *, unknown: bool = False) -> BirthDraft:
    """Without the time that was known, and without doubts about it."""
    return replace(_without(draft, Field.TIME), time=None, time_unknown=unknown, hour_range=None, fold=None)


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
