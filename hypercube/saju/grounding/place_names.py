"""The places that the words of a text name: position (year … hour, luck, this_year …) and part."""

import re
from typing import Final

Place = tuple[str, str]
"""Position (year … hour, luck, this_year …, or `pillar:14` for a luck pillar named) and part (pillar, stem, branch)."""

POSITIONS: Final = {
    "연": "year",
    "년": "year",
    "월": "month",
    "일": "day",
    "시": "hour",
    "年": "year",
    "月": "month",
    "日": "day",
    "時": "hour",
}
_PARTS: Final = {
    "주": "pillar",
    "간": "stem",
    "지": "branch",
    "기둥": "pillar",
    "柱": "pillar",
    "干": "stem",
    "支": "branch",
}
_PASSING: Final = {
    "올해": "this_year",
    "금년": "this_year",
    "이번 달": "this_month",
    "이번달": "this_month",
    "이달": "this_month",
    "오늘": "this_day",
    "내년": "next_year",
    "작년": "last_year",
    "지난해": "last_year",
    "대운": "luck",
    "세운": "this_year",
    "월운": "this_month",
    "일진": "this_day",
}
_BORN: Final = {"해": "year", "달": "month", "날": "day", "시": "hour", **POSITIONS}
_PALACES: Final = (
    (("배우자", "부부", "결혼", "spouse", "marriage"), ("day", "branch")),
    (("자식", "자녀", "children"), ("hour", "pillar")),
    (("부모", "사회", "직업", "career", "parent"), ("month", "pillar")),
    (("조상",), ("year", "pillar")),
)


def places_of(kind: str, text: str, last: Place | None) -> tuple[Place, ...]:
    """The places that the words of a pattern name; () for words of another kind.

    Args:
        kind: of the pattern.
        text: the words.
        last: the place named before, to which "its stem" and "천간에" refer.
    """
    low = text.lower()
    if kind == "place":
        return (_korean(text),)
    if kind == "hour_stem":
        return (("hour", "stem"),)
    if kind == "which":
        return ((last[0] if last else "any", "stem" if text == "천간" else "branch"),)
    if kind == "born":
        position = _BORN[re.sub(r"의 .*", "", text)[-1]]
        return (
            (position, "stem" if text.endswith("천간") else "branch" if text.endswith("지지") else "pillar"),
        )
    if kind == "palace":
        return tuple(place for words, place in _PALACES if low.startswith(words))
    if kind in ("beneath", "beneath_en"):
        return (("day", "branch"),)
    if kind == "place_en":
        return (_english(low),)
    if kind == "places_en":
        part = {"pillars": "pillar", "stems": "stem", "branches": "branch"}[low.split()[-1]]
        return tuple((name, part) for name in re.findall(r"year|month|day|hour", low))
    if kind == "passing":
        head = re.sub(r"(?:의)? ?(?:천간|지지|앞면)$", "", text)
        part = "branch" if text.endswith("지지") else "stem" if text.endswith(("천간", "앞면")) else "pillar"
        return ((_PASSING[head.strip()], part),)
    if kind == "now_en":
        part = "stem" if low.endswith("stem") else "branch" if low.endswith("branch") else "pillar"
        if low.startswith("its"):
            return ((last[0] if last else "unknown", part),)
        return (("this_month" if "month" in low else "this_day" if "today" in low else "this_year", part),)
    return ()


def _korean(text: str) -> Place:
    bare = re.sub(r"\(.*?\)", "", text)
    if bare.startswith("생"):
        return (POSITIONS[bare[1]], "pillar")
    part = "stem" if bare.endswith("천간") else "branch" if bare.endswith("지지") else None
    return (POSITIONS[bare[0]], part or _PARTS[bare[1:].strip()[:2] if "기둥" in bare else bare[1]])


def _english(low: str) -> Place:
    if re.fullmatch(r"day[- ]?master|ilgan", low):
        return ("day", "stem")
    for words, place in _PALACES:
        if low.startswith(words):
            return place
    position = re.findall(r"year|month|day|hour", low)[-1]
    parts = re.findall(r"pillar|stem|branch|column", low)
    part = parts[0] if " of " in low else parts[-1]
    return (position, "pillar" if part == "column" else part)
