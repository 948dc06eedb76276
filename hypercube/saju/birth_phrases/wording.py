"""What the conversation is told: what was understood, and what is still to be asked."""

from typing import Final

from hypercube.core.chart import Calendar, Sex
from hypercube.saju.birth_phrases.draft import BirthDraft
from hypercube.saju.birth_phrases.people import SELF, SEX_OF_ROLE
from hypercube.saju.birth_phrases.values import ClockTime, Field, Language
from hypercube.saju.lunar import leap_month_of
from hypercube.saju.reading.josa import with_particle

_MONTHS: Final = str.split(
    "January February March April May June July August September October November December"
)


def said_back(draft: BirthDraft, language: Language) -> str:
    """What was understood of everybody, plainly, with what was assumed; empty where nothing was."""
    people = (draft, *draft.others)
    known = [(person, _known(person, language)) for person in people]
    lines: list[str] = []
    for person, parts in known:
        if not parts:
            continue
        whose = f"{_label(person.role, language)}: " if person.role else ""
        if whose == "" and len([1 for _, each in known if each]) > 1:
            whose = "본인: " if language == "ko" else "You: "
        listed = ", ".join(parts)
        if language == "ko":
            lines.append(f"{whose}{listed}{_as(listed)} 이해했습니다.")
        else:
            lines.append(f"{whose}I understood {listed}.")
        lines.extend(_assumed(person, language))
    return " ".join(lines)


def question(draft: BirthDraft, language: Language) -> str | None:
    """What to ask next, one short message: the first doubt, else all that is missing; None where nothing is."""
    for person in (draft, *draft.others):
        whose = ""
        if person.role:
            whose = f"{_label(person.role, language)}: "
        if person.doubts:
            return whose + person.doubts[0].question(language)
        if person.missing and (person is draft or _known(person, language)):
            return whose + _ask(person, language)
    if draft.about is not None and draft.about not in {person.role for person in (draft, *draft.others)}:
        expected = BirthDraft(role=draft.about, sex=SEX_OF_ROLE.get(draft.about))
        return f"{_label(draft.about, language)}: {_ask(expected, language)}"
    return None


def _label(role: str, language: Language) -> str:
    """A role as it opens a line: 아내, Boyfriend."""
    if role == SELF and language == "en":
        return "You"
    return role[:1].upper() + role[1:] if language == "en" else role


def _ask(draft: BirthDraft, language: Language) -> str:
    names = [_missing_name(draft, field, language) for field in draft.missing]
    if language == "ko":
        listed = ", ".join(names)
        return f"{with_particle(listed, '을')} 알려 주세요."
    listed = names[0] if len(names) == 1 else ", ".join(names[:-1]) + " and " + names[-1]
    return f"Please tell me the {listed}."


def _missing_name(draft: BirthDraft, field: Field, language: Language) -> str:
    ko = language == "ko"
    if field is Field.DATE:
        date = draft.date
        lacking = [date.year is None, date.month is None, date.day is None]
        if all(lacking):
            return "태어난 날짜(양력인지 음력인지도)" if ko else "date of birth (solar or lunar)"
        words = ("년도", "월", "일") if ko else ("year", "month", "day")
        names = [word for word, lacks in zip(words, lacking, strict=True) if lacks]
        return f"태어난 {'과 '.join(names)}" if ko else f"{' and '.join(names)} of birth"
    if field is Field.TIME:
        return "태어난 시각(모르면 '모름')" if ko else "time of birth (or 'unknown')"
    return "성별" if ko else "sex"


def _known(draft: BirthDraft, language: Language) -> list[str]:
    """The parts that are known, in words."""
    ko = language == "ko"
    moment: list[str] = []
    if ko and draft.calendar is not None and not _impossible(draft):
        moment.append("음력" if draft.calendar is Calendar.LUNAR else "양력")
    date = "" if _impossible(draft) else (_korean_date if ko else _english_date)(draft)
    time = (_korean_time if ko else _english_time)(draft)
    moment.extend(each for each in (date, time) if each)
    parts = [(" " if ko else ", ").join(moment)] if date or time else []
    if draft.place is not None:
        parts.append(draft.place)
    if draft.sex is not None:
        male = draft.sex is Sex.MALE
        parts.append(("남자" if male else "여자") if ko else ("male" if male else "female"))
    return parts


def _impossible(draft: BirthDraft) -> bool:
    return any(doubt.field is Field.DATE and doubt.derived for doubt in draft.doubts)


def _korean_date(draft: BirthDraft) -> str:
    date = draft.date
    leap = "윤" if draft.leap_month else ""
    words = (
        "" if date.year is None else f"{date.year}년",
        "" if date.month is None else f"{leap}{date.month}월",
        "" if date.day is None else f"{date.day}일",
    )
    return " ".join(word for word in words if word)


def _english_date(draft: BirthDraft) -> str:
    date = draft.date
    lunar = draft.calendar is Calendar.LUNAR
    if lunar or date.month is None or not 1 <= date.month <= 12:
        leap = "leap " if draft.leap_month else ""
        words = [
            f"{name} {value}"
            for name, value in (("year", date.year), (f"{leap}month", date.month), ("day", date.day))
            if value is not None
        ]
        return ("lunar " if lunar and words else "") + " ".join(words)
    name = _MONTHS[date.month - 1]
    day = "" if date.day is None else f" {date.day}"
    return f"{name}{day}" + ("" if date.year is None else f", {date.year}")


def _korean_time(draft: BirthDraft) -> str:
    if draft.time_unknown:
        return "시간 모름"
    if draft.hour_range is not None:
        return draft.hour_range.name
    return "" if draft.time is None else korean_clock(draft.time)


def korean_clock(time: ClockTime) -> str:
    """오전 7시 20분; 낮 12시; 0시 5분."""
    if time.hour == 0:
        words = "0시"
    elif time.hour == 12:
        words = "낮 12시"
    else:
        words = f"{'오전' if time.hour < 12 else '오후'} {time.hour if time.hour < 12 else time.hour - 12}시"
    words += f" {time.minute}분" if time.minute or time.second else ""
    return words + (f" {time.second}초" if time.second else "")


def _english_time(draft: BirthDraft) -> str:
    if draft.time_unknown:
        return "time unknown"
    if draft.hour_range is not None:
        return f"the hour {draft.hour_range.name}"
    return "" if draft.time is None else draft.time.iso()


def _assumed(draft: BirthDraft, language: Language) -> list[str]:
    """Defaults that were used because nothing was said, each as a sentence."""
    ko = language == "ko"
    lines: list[str] = []
    if draft.date.complete and draft.calendar is None and not _impossible(draft):
        lines.append("양력으로 보았습니다." if ko else "I took the date as solar (Gregorian).")
    if _ordinary_assumed(draft):
        lines.append(
            f"윤달이 아닌 {draft.date.month}월로 보았습니다."
            if ko
            else f"I took the ordinary month {draft.date.month}, not the leap month."
        )
    if draft.complete and draft.place is None and not draft.time_unknown:
        lines.append(
            "태어난 곳은 말씀하지 않아 한국 시계로 계산합니다."
            if ko
            else "No place was given, so I use the clock of Korea."
        )
    if draft.hour_range is not None and draft.complete:
        clock = draft.birth_input().birth.partition("T")[2]
        name = draft.hour_range.name
        lines.append(
            f"{name}의 모든 시각이 같은 사주라서 그 가운데인 {clock}으로 계산합니다."
            if ko
            else f"All minutes of {name} give the same chart; I use its middle, {clock}."
        )
    return lines


def _ordinary_assumed(draft: BirthDraft) -> bool:
    """Whether that lunar month comes twice in its year, and nobody said which of the two it is."""
    if draft.calendar is not Calendar.LUNAR or draft.leap_month is not None:
        return False
    if any(doubt.field is Field.DATE for doubt in draft.doubts):
        return False
    year = draft.date.year
    return year is not None and draft.date.complete and leap_month_of(year) == draft.date.month


def _as(word: str) -> str:
    return with_particle(word, "으로")[len(word) :]
