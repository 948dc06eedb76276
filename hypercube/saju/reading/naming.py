"""What things are called in a reading: in Korean, and in English."""

from dataclasses import dataclass, replace
from typing import Final

from hypercube.core.reading import ReadingLanguage, ReadingSection
from hypercube.saju.grounding.english import MONTHS
from hypercube.saju.reading.time_of_life import TimeOfLife
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

_STEM_NAMES: Final = ["갑목", "을목", "병화", "정화", "무토", "기토", "경금", "신금(辛金)", "임수", "계수"]
_ELEMENTS_KO: Final = {
    "wood": "목(木)",
    "fire": "화(火)",
    "earth": "토(土)",
    "metal": "금(金)",
    "water": "수(水)",
}
_ROMAN_STEMS: Final = ["Gap", "Eul", "Byeong", "Jeong", "Mu", "Gi", "Gyeong", "Sin", "Im", "Gye"]
_ROMAN_BRANCHES: Final = ["Ja", "Chuk", "In", "Myo", "Jin", "Sa", "O", "Mi", "Sin", "Yu", "Sul", "Hae"]


@dataclass(frozen=True, slots=True)
class Names:
    """The vocabulary of one language."""

    pillars: tuple[str, ...]
    """By sexagenary index."""
    stems: tuple[str, ...]
    elements: dict[str, str]
    stem_places: dict[str, str]
    """What the stem at a position is called."""
    branch_places: dict[str, str]
    pillar_places: dict[str, str]
    passing: dict[str, str]
    """What a luck pillar, year, month or day is called, with `%s` for its pillar."""
    comma: str
    """Between the members of a list."""
    last: str
    """Between its last two."""
    schools: dict[str, str]
    """Names of the life-stage schools."""
    who: dict[str | None, str]
    titles: dict[ReadingSection, str]
    language: ReadingLanguage


_KO: Final = Names(
    pillars=tuple(each.hangul for each in PILLARS),
    stems=tuple(_STEM_NAMES),
    elements=_ELEMENTS_KO,
    stem_places={"year": "연간", "month": "월간", "day": "일간", "hour": "시주 천간"},
    branch_places={"year": "연지", "month": "월지", "day": "일지", "hour": "시지"},
    pillar_places={"year": "연주", "month": "월주", "day": "일주", "hour": "시주"},
    passing={
        "luck": "%s 대운",
        "this_year": "올해 %s년",
        "this_month": "이번 달 %s월",
        "this_day": "오늘 %s일",
    },
    comma="·",
    last="·",
    schools={"yin_backward": "양순음역법", "yin_forward": "동생동사법"},
    who={"male": "이 남성의 사주", "female": "이 여성의 사주", None: "이 사주"},
    titles={
        ReadingSection.TEMPER: "기질·성격",
        ReadingSection.WORK: "직업·재능",
        ReadingSection.WEALTH: "재물",
        ReadingSection.RELATIONSHIPS: "관계·결혼",
        ReadingSection.HEALTH: "건강",
        ReadingSection.LUCK: "대운 흐름",
        ReadingSection.NOW: "올해와 이번 달",
        ReadingSection.ADVICE: "조언",
    },
    language=ReadingLanguage.KO,
)
_EN: Final = Names(
    pillars=tuple(
        f"{_ROMAN_STEMS[each.stem.index]}-{_ROMAN_BRANCHES[each.branch.index].lower()} ({each.hanja})"
        for each in PILLARS
    ),
    stems=tuple(f"{_ROMAN_STEMS[each.index]} {each.element.capitalize()} ({each.hanja})" for each in STEMS),
    elements={each: each.capitalize() for each in _ELEMENTS_KO},
    stem_places={each: f"the {each} stem" for each in ("year", "month", "day", "hour")},
    branch_places={each: f"the {each} branch" for each in ("year", "month", "day", "hour")},
    pillar_places={each: f"the {each} pillar" for each in ("year", "month", "day", "hour")},
    passing={
        "luck": "the %s luck pillar",
        "this_year": "this year's pillar %s",
        "this_month": "this month's pillar %s",
        "this_day": "today's pillar %s",
    },
    comma=", ",
    last=" and ",
    schools={"yin_backward": "yin stems running backward", "yin_forward": "yin stems running forward"},
    who={"male": "a man's", "female": "a woman's", None: "a"},
    titles={
        ReadingSection.TEMPER: "Temperament",
        ReadingSection.WORK: "Work and talent",
        ReadingSection.WEALTH: "Wealth",
        ReadingSection.RELATIONSHIPS: "Relationships",
        ReadingSection.HEALTH: "Well-being",
        ReadingSection.LUCK: "The luck pillars",
        ReadingSection.NOW: "This year and month",
        ReadingSection.ADVICE: "Advice",
    },
    language=ReadingLanguage.EN,
)
NAMES: Final = {ReadingLanguage.KO: _KO, ReadingLanguage.EN: _EN}
"""By language."""
_OF_CHILDREN: Final[dict[ReadingLanguage, dict[str | None, str]]] = {
    ReadingLanguage.KO: {
        "male": "이 남자아이의 사주",
        "female": "이 여자아이의 사주",
        None: "이 아이의 사주",
    },
    ReadingLanguage.EN: {"male": "a boy's", "female": "a girl's", None: "a child's"},
}


def names_at(language: ReadingLanguage, time: TimeOfLife) -> Names:
    """The vocabulary of a language; a child is no man or woman."""
    names = NAMES[language]
    return replace(names, who=_OF_CHILDREN[language]) if time is TimeOfLife.YOUNG else names


def listed(names: Names, words: list[str]) -> str:
    """Words as a list: 연지·월지; the year branch and the day branch."""
    if len(words) < 2:
        return "".join(words)
    return names.comma.join(words[:-1]) + names.last + words[-1]


def date_name(date: str, language: ReadingLanguage) -> str:
    """A civil day, YYYY-MM-DD, in words: 2026년 11월 28일; 28 November 2026."""
    year, month, day = map(int, date.split("-"))
    if language is ReadingLanguage.KO:
        return f"{year}년 {month}월 {day}일"
    return f"{day} {MONTHS[month - 1]} {year}"


def branch_name(index: int, language: ReadingLanguage) -> str:
    """A branch with its element: 진토; Jin Earth (辰)."""
    sign = BRANCHES[index]
    if language is ReadingLanguage.KO:
        return f"{sign.hangul}{_ELEMENTS_KO[sign.element][0]}"
    return f"{_ROMAN_BRANCHES[index]} {sign.element.capitalize()} ({sign.hanja})"
