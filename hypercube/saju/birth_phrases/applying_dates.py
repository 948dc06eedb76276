"""What a turn tells of the day of a birth, put into its draft."""

import re
from dataclasses import replace
from typing import Final

from hypercube.core.chart import Calendar
from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.accepting import Pieces
from hypercube.saju.birth_phrases.calendars import CalendarSaid
from hypercube.saju.birth_phrases.cues import born_near
from hypercube.saju.birth_phrases.dates import DateSaid
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.turn import Turn
from hypercube.saju.birth_phrases.values import DraftDate, Field
from hypercube.saju.birth_phrases.year_names import animal_in, animal_name, animal_of

_LUNAR_WORDS: Final = re.compile(
    r"초하루|초이틀|초사흘|초나흘|초닷새|초엿새|초이레|초여드레|초아흐레|초열흘|섣달|동짓달|동지달|"
    r"보름|스무날|스무하루|열하룻날"
)
_OFFICIAL: Final = re.compile(r"호적|주민등록|주민번호|민증|서류|신분증")


def with_date(draft: BirthDraft, turn: Turn, pieces: Pieces) -> BirthDraft:
    """The draft with the dates and calendars of `pieces`; several that do not agree are a doubt."""
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
            draft = draft.without(Field.DATE).doubting(doubts.calendar_unsure())
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
        return draft.without(Field.DATE).doubting(doubts.two_dates(readings))
    if whole:
        draft = _whole(draft, whole[-1].readings)
        dates = tuple(said for said in dates if said.start > whole[-1].start and said not in whole)
    elif not draft.date.complete and turn.denied_dates:
        # "1990년 5월 3일 아니 6월 3일": what is taken back still tells the year.
        draft = replace(draft, date=draft.date.over(turn.denied_dates[0].readings[0]))
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


def _whole(draft: BirthDraft, readings: tuple[DraftDate, ...]) -> BirthDraft:
    asked = [doubt for doubt in draft.doubts if doubt.field is Field.DATE and not doubt.derived]
    settled = {reading for doubt in asked for reading in doubt.readings}
    matching = tuple(reading for reading in readings if reading.iso() in settled)
    if len(matching) == 1:
        readings = matching
    plain = draft.without(Field.DATE)
    if len(readings) > 1:
        return replace(plain, date=_common(readings)).doubting(doubts.which_date(readings))
    return replace(plain, date=readings[0])


def _part(draft: BirthDraft, readings: tuple[DraftDate, ...]) -> BirthDraft:
    asked = [doubt for doubt in draft.doubts if doubt.field is Field.DATE and len(doubt.readings) > 1]
    open_readings = [_parsed(text) for doubt in asked for text in doubt.readings if text[0] in "12?"]
    fitting = [each for each in open_readings if any(each.fits(reading) for reading in readings)]
    if len(set(fitting)) == 1:
        known = draft.date
        chosen = fitting[0]
        date = DraftDate(chosen.year, chosen.month or known.month, chosen.day or known.day)
        return replace(draft.without(Field.DATE), date=date)
    merged = tuple(dict.fromkeys(draft.date.over(reading) for reading in readings))
    draft = replace(draft, date=_common(merged))
    if len(merged) > 1:
        return draft.without(Field.DATE).doubting(doubts.which_date(merged))
    if open_readings and draft.date.complete:
        return draft.without(Field.DATE)
    if open_readings:
        carried = tuple(dict.fromkeys(each.over(readings[0]) for each in open_readings))
        draft = draft.without(Field.DATE)
        return (
            draft.doubting(doubts.which_date(carried))
            if len(carried) > 1
            else replace(draft, date=carried[0])
        )
    return draft


def _parsed(text: str) -> DraftDate:
    parts = [None if "?" in part else int(part) for part in text.split("-")]
    return DraftDate(*parts) if len(parts) == 3 else DraftDate()


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
                return replace(draft.without(Field.DATE), date=fitting[0])
    year, month = draft.date.year, draft.date.month
    if year is None or animal_of(year) == animal or (animal_of(year - 1) == animal and (month or 1) <= 2):
        return draft
    # Before 설 or 입춘 the animal is still that of the year before.
    differs = doubts.animal_differs(draft.date, animal_name(animal), animal_name(animal_of(year)))
    return draft.without(Field.DATE).doubting(differs)
