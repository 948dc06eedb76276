"""A draft against the calendar, the clock and the house's tables: what cannot be, as doubts that say what could."""

import datetime as dt
from dataclasses import replace

from hypercube.core.calendar import LunarDate
from hypercube.core.chart import BirthInput, Calendar
from hypercube.core.errors import HyperCubeError
from hypercube.saju.birth_phrases import doubts
from hypercube.saju.birth_phrases.branch_hours import exists, one_chart
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.values import Doubt, DraftDate, Field
from hypercube.saju.lunar import lunar_to_solar
from hypercube.saju.years import FIRST_YEAR


def checked(draft: BirthDraft, today: dt.date) -> BirthDraft:
    """The draft with its derived doubts made anew, in the order date, time, sex, place."""
    kept = [doubt for doubt in draft.doubts if not doubt.derived]
    plain = replace(draft, doubts=tuple(kept))
    if not any(doubt.field is Field.DATE for doubt in kept):
        found = _date(plain, today)
        if found is not None:
            kept.append(found)
        elif plain.date.complete and not any(doubt.field in (Field.TIME, Field.PLACE) for doubt in kept):
            timed = _time(plain)
            if timed is not None:
                kept.append(timed)
    order = list(Field)
    return replace(draft, doubts=tuple(sorted(kept, key=lambda doubt: order.index(doubt.field))))


def _date(draft: BirthDraft, today: dt.date) -> Doubt | None:
    date = draft.date
    if date.month is not None and not 1 <= date.month <= 12:
        return doubts.bad_date(
            Field.DATE,
            f"{date.month}월은 없습니다. 몇 월인지 다시 알려 주세요.",
            f"There is no month {date.month}. Which month is it?",
        )
    longest = _longest_month(draft)
    if date.day is not None and not 1 <= date.day <= longest:
        lunar = (
            " 음력 생일이면 '음력'이라고 알려 주세요." if date.day == 30 and draft.calendar is None else ""
        )
        month = "" if date.month is None else f"{date.month}월 "
        return doubts.bad_date(
            Field.DATE,
            f"{month}{date.day}일은 없습니다. 며칠인지 다시 알려 주세요.{lunar}",
            f"There is no day {date.day} in that month. Which day is it?",
        )
    if date.year is None:
        return None
    if date.year < FIRST_YEAR:
        return doubts.bad_date(
            Field.DATE,
            f"{date.year}년은 너무 이릅니다. {FIRST_YEAR}년부터 볼 수 있어요. 태어난 해를 다시 알려 주세요.",
            f"The year {date.year} is too early: births from {FIRST_YEAR} on can be read. Which year is it?",
        )
    if date.year > today.year:
        return _to_come(date)
    if date.month is None or date.day is None:
        return None
    try:
        civil = _civil(draft, date.year, date.month, date.day)
    except HyperCubeError as error:
        return doubts.bad_date(
            Field.DATE,
            f"음력 {date.year}년 {'윤' if draft.leap_month else ''}{date.month}월 {date.day}일은 없습니다. "
            f"날짜와 윤달을 다시 알려 주세요.",
            f"{error.message} {error.fix or ''}".strip(),
        )
    return _to_come(date) if civil > today else None


def _to_come(date: DraftDate) -> Doubt:
    return doubts.bad_date(
        Field.DATE,
        f"{date.iso().replace('-??', '')}은 아직 오지 않은 날입니다. 태어난 날을 다시 알려 주세요.",
        f"{date.iso().replace('-??', '')} is yet to come. What is the date of birth?",
    )


def _longest_month(draft: BirthDraft) -> int:
    if draft.calendar is Calendar.LUNAR:
        return 30
    month, year = draft.date.month, draft.date.year
    if month is None:
        return 31
    if year is None or not 1 <= year <= 9998:
        year = 2000  # a leap year: what no year has
    return (dt.date(year + month // 12, month % 12 + 1, 1) - dt.timedelta(days=1)).day


def _civil(draft: BirthDraft, year: int, month: int, day: int) -> dt.date:
    if draft.calendar is Calendar.LUNAR:
        return lunar_to_solar(LunarDate(year, month, day, bool(draft.leap_month)))
    return dt.date(year, month, day)


def next_day(draft: BirthDraft) -> BirthDraft:
    """The same birth one day later, as a solar date; the date must be complete and exist."""
    date = draft.date
    assert date.year is not None
    assert date.month is not None
    assert date.day is not None
    civil = _civil(draft, date.year, date.month, date.day) + dt.timedelta(days=1)
    moved = DraftDate(civil.year, civil.month, civil.day)
    if draft.calendar is Calendar.LUNAR:
        return replace(draft, date=moved, calendar=Calendar.SOLAR, leap_month=None)
    return replace(draft, date=moved)


def _time(draft: BirthDraft) -> Doubt | None:
    birth = BirthInput(
        birth=draft.date.iso(),
        place=draft.place,
        fold=draft.fold,
        calendar=draft.calendar or Calendar.SOLAR,
        leap_month=bool(draft.leap_month),
    )
    if draft.hour_range is not None:
        if draft.hour_range.name == "자시":
            return replace(doubts.which_zi(draft.date), derived=True)
        return None if one_chart(draft.hour_range, birth) else doubts.needs_minutes(draft.hour_range.name)
    if draft.time is None:
        return _refused(exists(birth), draft)
    return _refused(exists(replace(birth, birth=f"{birth.birth}T{draft.time.iso()}")), draft)


def _refused(error: HyperCubeError | None, draft: BirthDraft) -> Doubt | None:
    if error is None:
        return None
    choices = error.details.get("choices", ())
    if draft.time is not None and len(choices) == 2:
        skipped = "skipped" in error.message
        return doubts.clock_changed(("fold 0", "fold 1"), draft.time.iso(), skipped=skipped)
    return doubts.bad_date(
        Field.DATE,
        "그 날짜와 시각으로는 사주를 세울 수 없습니다. 날짜를 다시 알려 주세요.",
        f"{error.message} {error.fix or ''}".strip(),
    )
