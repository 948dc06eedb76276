"""The questions that a conversation is asked where what it said cannot be taken as it stands."""

from typing import Final

from hypercube.saju.birth_phrases.values import Doubt, DoubtKind, DraftDate, Field

_LISTED: Final = 4


def _korean_day(date: DraftDate) -> str:
    words = (
        "" if date.year is None else f"{date.year}년",
        "" if date.month is None else f"{date.month}월",
        "" if date.day is None else f"{date.day}일",
    )
    return " ".join(word for word in words if word)


def which_date(readings: tuple[DraftDate, ...]) -> Doubt:
    """5/3/1990, 25년생, 경오년: several dates."""
    ko = ", ".join(_korean_day(each) for each in readings[:_LISTED])
    en = " or ".join(each.iso() for each in readings[:_LISTED])
    return Doubt(
        Field.DATE,
        DoubtKind.AMBIGUOUS,
        tuple(each.iso() for each in readings),
        f"{ko} 가운데 어느 날인가요?" if readings[0].month else f"{ko} 가운데 어느 해인가요?",
        f"Which date is it: {en}?",
    )


def replaced_date(old: DraftDate, new: DraftDate) -> Doubt:
    """A second birthday without a word of correction."""
    return Doubt(
        Field.DATE,
        DoubtKind.CONFLICT,
        (old.iso(), new.iso()),
        f"앞서 {_korean_day(old)}이라고 하셨는데 {_korean_day(new)}로 고칠까요, 아니면 다른 분의 생일인가요?",
        f"You said {old.iso()} before. Shall I change it to {new.iso()}, or is that somebody else's birth?",
    )


def two_dates(readings: tuple[DraftDate, ...]) -> Doubt:
    """Two days in one turn, and nothing says which is the birth."""
    first, second = readings[:2]
    return Doubt(
        Field.DATE,
        DoubtKind.CONFLICT,
        tuple(each.iso() for each in readings),
        f"{_korean_day(first)}과 {_korean_day(second)} 가운데 어느 날이 생일인가요?",
        f"Which is the date of birth: {first.iso()} or {second.iso()}?",
    )


def calendar_unsure() -> Doubt:
    """양력인지 음력인지."""
    return Doubt(
        Field.DATE,
        DoubtKind.AMBIGUOUS,
        ("solar", "lunar"),
        "양력 생일인가요, 음력 생일인가요? 모르시면 양력으로 보겠습니다.",
        "Is that a solar or a lunar date? If you do not know, I take it as solar.",
    )


def animal_differs(date: DraftDate, said: str, own: str) -> Doubt:
    """1990년생 양띠."""
    return Doubt(
        Field.DATE,
        DoubtKind.CONFLICT,
        (date.iso(),),
        f"{date.year}년생은 {own}인데 {said}라고 하셨어요. 태어난 해를 다시 알려 주세요.",
        f"Those born in {date.year} have the animal {own}, but you said {said}. Which year is right?",
    )


def which_half(readings: tuple[str, ...]) -> Doubt:
    """7시, 12시, at 7."""
    if readings[0].startswith("00") and readings[-1].startswith("12"):
        ko = "밤 12시(0시)인가요, 낮 12시인가요?"
    elif len(readings) == 2:
        ko = f"{_spoken(readings[0])}인가요, {_spoken(readings[1])}인가요?"
    else:
        ko = f"{', '.join(_spoken(each) for each in readings[:_LISTED])} 가운데 언제인가요?"
    return Doubt(
        Field.TIME, DoubtKind.AMBIGUOUS, readings, ko, f"Which time is it: {' or '.join(readings[:_LISTED])}?"
    )


def which_night(readings: tuple[str, ...], date: DraftDate) -> Doubt:
    """자정, 밤 12시, 밤 1시: the night before that day, or the one after it."""
    day = "" if date.day is None else f"{date.day}일 "
    start, minute = readings[0].split(":")[:2]
    hour = int(start)
    clock = f"{hour}시" + (f" {int(minute)}분" if int(minute) else "")
    return Doubt(
        Field.TIME,
        DoubtKind.AMBIGUOUS,
        readings,
        f"{day}{clock}(그날이 시작되는 새벽)인가요, 그날 밤을 넘긴 다음 날 {clock}인가요? '시작' 또는 "
        f"'다음 날'로 알려 주세요.",
        f"Was it {hour:02}:{minute} at the start of that day, or {hour:02}:{minute} after that day's "
        f"evening (the next day)? "
        "Please say 'start' or 'next day'.",
    )


def between(readings: tuple[str, ...]) -> Doubt:
    """7시에서 9시 사이."""
    return Doubt(
        Field.TIME,
        DoubtKind.AMBIGUOUS,
        readings,
        "그 사이 어느 시각인지 더 정확히 알려 주세요. 모르시면 '시간 모름'이라고 해 주세요.",
        "Please give the time more exactly, or say that it is unknown.",
    )


def no_such_time(said: str) -> Doubt:
    """25시, 오전 15시."""
    return Doubt(
        Field.TIME,
        DoubtKind.IMPOSSIBLE,
        (),
        f"'{said}'라는 시각은 없습니다. 0시 0분에서 23시 59분 사이로 다시 알려 주세요.",
        f"There is no time '{said}'. Please give it between 00:00 and 23:59.",
    )


def several_times(readings: tuple[str, ...]) -> Doubt:
    """Two times in one turn."""
    return Doubt(
        Field.TIME,
        DoubtKind.CONFLICT,
        readings,
        f"{', '.join(_spoken(each) for each in readings[:_LISTED])} 가운데 태어난 시각은 언제인가요?",
        f"Which is the time of birth: {' or '.join(readings[:_LISTED])}?",
    )


def which_zi(date: DraftDate) -> Doubt:
    """자시 without its half."""
    day = "그날" if date.day is None else f"{date.day}일"
    return Doubt(
        Field.TIME,
        DoubtKind.AMBIGUOUS,
        ("조자시", "야자시"),
        f"자시는 자정에 날이 바뀝니다. {day} 0시가 지난 뒤(조자시)인가요, {day} 밤 11시가 지난 "
        f"뒤(야자시)인가요?",
        "The hour of the Rat holds midnight. Was it after 00:00 of that day (조자시), or after 23:00 "
        "of that day (야자시)?",
    )


def needs_minutes(name: str) -> Doubt:
    """A branch hour whose minutes have different pillars."""
    return Doubt(
        Field.TIME,
        DoubtKind.AMBIGUOUS,
        (),
        f"그날 {name} 안에서 절기가 바뀌어 사주가 달라집니다. 몇 시 몇 분인지 알려 주시거나 '시간 "
        f"모름'이라고 해 주세요.",
        f"Within {name} of that day the pillars change. Please give the time by the clock, or say that "
        f"it is unknown.",
        derived=True,
    )


def clock_changed(readings: tuple[str, ...], said: str, *, skipped: bool) -> Doubt:
    """A time that summer time showed twice or never."""
    happened = "한 번도 없었습니다" if skipped else "두 번 있었습니다"
    return Doubt(
        Field.TIME,
        DoubtKind.AMBIGUOUS,
        readings,
        f"시계를 바꾼 날이라 {said}이 {happened}. 바꾸기 전 시계로 '먼저'인가요, 바꾼 뒤 시계로 '나중'인가요?",
        f"The clock was changed that day, and {said} came {'never' if skipped else 'twice'}. Is it by "
        f"the clock before "
        "the change ('first') or after it ('second')?",
        derived=True,
    )


def bad_date(field: Field, problem_ko: str, problem_en: str, readings: tuple[str, ...] = ()) -> Doubt:
    """A date that does not exist or cannot be a birth."""
    return Doubt(field, DoubtKind.IMPOSSIBLE, readings, problem_ko, problem_en, derived=True)


def which_place(name: str, choices: tuple[str, ...]) -> Doubt:
    """광주, Portland."""
    listed = ", ".join(f"'{each}'" for each in choices[:_LISTED])
    return Doubt(
        Field.PLACE,
        DoubtKind.AMBIGUOUS,
        choices,
        f"'{name}'라는 곳이 여럿입니다. {listed} 가운데 어디인가요?",
        f"There are several places called '{name}': {listed}. Which one?",
    )


def which_city(country: str) -> Doubt:
    """미국에서 태어났어요."""
    return Doubt(
        Field.PLACE,
        DoubtKind.AMBIGUOUS,
        (),
        f"{country}의 어느 도시인가요? 시차 때문에 도시가 필요합니다.",
        f"Which city in {country}? The time zone depends on it.",
    )


def unknown_place(name: str) -> Doubt:
    """A place that the house does not know."""
    return Doubt(
        Field.PLACE,
        DoubtKind.IMPOSSIBLE,
        (),
        f"'{name}'을 찾지 못했습니다. 시·군·구 이름이나 큰 도시로, 모르시면 '모름'이라고 알려 주세요.",
        f"I do not know '{name}'. Please name the city or county.",
    )


def _spoken(reading: str) -> str:
    hour, minute = (int(part) for part in reading.split(":")[:2])
    day = "다음 날 " if hour >= 24 else ""
    hour %= 24
    if hour in (0, 12):
        words = "0시" if hour == 0 else "낮 12시"
    else:
        words = f"오전 {hour}시" if hour < 12 else f"오후 {hour - 12}시"
    return day + words + (f" {minute}분" if minute else "")
