"""The words of a sentence as terms: places with their positions, values with their keys."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.grounding import lexicon, patterns
from hypercube.saju.grounding.values import value_of

_PART_EN: Final = {"pillars": "pillar", "stems": "stem", "branches": "branch"}
_POSITIONS: Final = {
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
_PARTS: Final = {"주": "pillar", "간": "stem", "지": "branch", "柱": "pillar", "干": "stem", "支": "branch"}
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
_BORN: Final = {"해": "year", "달": "month", "날": "day", "시": "hour"}
_NATAL: Final = re.compile(
    r"네 기둥|세 기둥|기둥을 세|태어난|원국|four pillars|three pillars|[가-힣]{2}년,? [가-힣]{2}월,? [가-힣]{2}일"
)
_ROLES: Final = {"년": "year", "월": "month", "일": "day", "시": "hour"}
_ROW: Final = 3
"""Pillars in a row from which they are the chart's own."""
_ORDER: Final = ("year", "month", "day", "hour")
_LUCK_AFTER: Final = re.compile(r"^(?:\([^)]*\))?\s?대운|^(?: \([^)]*\))? luck pillar")
_ROLE_AFTER: Final = re.compile(
    r"^(?:\([^)]*\))?\s?(년생|년|월|일|시)(?!주|지|간)(?=[ ,에은는의이을를과와로도입라부까생.]|$)"
)
_PLACE_AFTER: Final = re.compile(r"^(?:\([^)]*\))?\s?(?:일주|연주|년주|월주|시주)")
_ANOTHER: Final = re.compile(
    r"^의? ?(?:친구|어머니|아버지|배우자|상대|자녀|사람|분들|남편|아내|동료|형|언니|동생)"
)
_NOW: Final = re.compile(r"현재|지금|지나고 있|지나고 계|한가운데|now in|You are in", re.IGNORECASE)
_NEXT: Final = re.compile(r"다음 대운|바뀌|changes to|next luck", re.IGNORECASE)
_FIRST: Final = re.compile(
    r"첫|시작합니다|에서 시작|출발|the first,|forward from|backward from", re.IGNORECASE
)


@dataclass(frozen=True, slots=True)
class Term:
    """A place, or something said of one."""

    kind: str
    value: lexicon.Value
    start: int
    end: int
    text: str
    places: tuple[tuple[str, str], ...] = ()
    detail: str = ""


def terms(sentence: str) -> list[Term]:
    """Every term of a sentence, in order."""
    found: list[Term] = []
    scanned = patterns.scan(sentence)
    row = _row(sentence, scanned)
    for kind, text, start, end in scanned:
        if start in row:
            found.append(_with(Term("pillar", _index(text), start, end, text), f"natal:{row[start]}"))
        else:
            found += _terms(sentence, kind, text, start, end, found)
    return found


def _row(sentence: str, scanned: list[tuple[str, str, int, int]]) -> dict[int, str]:
    """Three or four pillars one after another are the year, month, day and hour: position by start."""
    if re.search(r"대운|\bluck\b", sentence):
        return {}
    run: list[tuple[int, int]] = []
    for kind, _, start, end in scanned:
        if kind not in ("pillar", "pillar_ko"):
            continue
        if run and not re.fullmatch(r"(?:\([^)]*\))?[,·/]?\s?(?:and )?", sentence[run[-1][1] : start]):
            if len(run) >= _ROW:
                break
            run = []
        run.append((start, end))
    if not _ROW <= len(run) <= len(_ORDER):
        return {}
    return {start: position for (start, _), position in zip(run, _ORDER, strict=False)}


def _index(text: str) -> int:
    bare = text.split("(")[0]
    found = lexicon.PILLAR_HANJA.get(bare, lexicon.PILLAR_HANGUL.get(bare))
    return lexicon.PILLAR_ROMAN[bare.lower()] if found is None else found


def _terms(sentence: str, kind: str, text: str, start: int, end: int, before: list[Term]) -> list[Term]:
    place = _place(kind, text, before)
    if place and kind == "place_en" and re.search(r"\bby (?:the )?$", sentence[:start]):
        return []  # what a sinsal is read from, not where it falls
    if place:
        return [Term("place", "", start, end, text, place)]
    if kind in ("pillar", "pillar_both", "pillar_ko", "pillar_en"):
        return _pillar(sentence, text, start, end, before)
    value = value_of(sentence, kind, text, start, end)
    if value is None:
        return []
    name, found, detail = value
    return [Term(name, found, start, end, text, detail=detail)]


def _place(kind: str, text: str, before: list[Term]) -> tuple[tuple[str, str], ...]:
    if kind == "place":
        return ((_POSITIONS[text[0]], _PARTS[text[1]]),)
    if kind == "hour_stem":
        return (("hour", "stem"),)
    if kind == "which":
        part = "stem" if text == "천간" else "branch"
        last = [each for each in before if each.kind == "place"]
        return ((last[-1].places[-1][0], part),) if last else (("unknown", part),)
    if kind == "born":
        return ((_BORN[text[-1]], "pillar"),)
    if kind == "spouse":
        return (("day", "branch"),)
    if kind == "place_en":
        if text.lower() == "day master":
            return (("day", "stem"),)
        position, part = text.lower().split()
        return ((position, part),)
    if kind == "places_en":
        names = re.findall(r"year|month|day|hour", text.lower())
        part = _PART_EN[text.lower().split()[-1]]
        return tuple((name, part) for name in names)
    if kind == "passing":
        head = re.sub(r"(?:의)? ?(?:천간|지지|앞면)$", "", text)
        part = "branch" if text.endswith("지지") else "stem" if text.endswith(("천간", "앞면")) else "pillar"
        return ((_PASSING[head.strip()], part),)
    if kind == "now_en":
        low = text.lower()
        part = "stem" if low.endswith("stem") else "branch" if low.endswith("branch") else "pillar"
        if low.startswith("its"):
            last = [each for each in before if each.kind == "place"]
            return ((last[-1].places[-1][0], part),) if last else (("unknown", part),)
        who = "this_month" if "month" in low else "this_day" if "today" in low else "this_year"
        return ((who, part),)
    return ()


def _pillar(sentence: str, text: str, start: int, end: int, before: list[Term]) -> list[Term]:
    bare, index = text.split("(")[0], _index(text)
    hangul = bare in lexicon.PILLAR_HANGUL
    rest = sentence[end:]
    closed = rest.removeprefix(")")
    term = Term("pillar", index, start, end, text)
    named = re.search(r"\bluck pillars?(?:,| is| was)? $", sentence[:start], re.IGNORECASE)
    if (
        named
        or _LUCK_AFTER.match(closed)
        or (
            "대운" in sentence
            and re.match(r"에서|으로|로|,|입니다|이|에 ", rest)
            and _no_place(sentence, before, start)
        )
    ):
        detail = "luck"
        if _NEXT.search(sentence):
            detail = "luck_next"
        elif _FIRST.search(sentence) and not any(each.detail.startswith("luck") for each in before):
            detail = "luck_first"
        elif _NOW.search(sentence):
            detail = "luck_now"
        luck = Term("pillar", index, start, end, text, detail=detail)
        return [luck, Term("place", "", end, end, "", ((f"pillar:{index}", "pillar"),))]
    if ", begins" in rest[:12] and "first" in sentence[:start]:
        return [Term("pillar", index, start, end, text, detail="luck_first")]
    if _PLACE_AFTER.match(closed):
        return [term] if _role_place(closed) is None else [_with(term, f"natal:{_role_place(closed)}")]
    role = _ROLE_AFTER.match(closed)
    if role:
        name = role.group(1)
        if name == "년생" and _ANOTHER.match(closed[role.end() :]):
            return [term]
        if name == "년생" or (name == "년" and "띠" in sentence):
            return [_with(term, "natal:year")]
        if (
            _NATAL.search(sentence)
            and not re.search(r"올해|이번 달|오늘", sentence[max(0, start - 8) : start])
            and (not re.search(r"\d{4}년 ?$", sentence[:start]) or "태어" in sentence)
        ):
            return [_with(term, f"natal:{_ROLES[name[0]]}")]
        year = re.search(r"(\d{4})년(?:은|인|에는|의)? ?$", sentence[:start])
        if year and name == "년":
            passing = Term("place", "", end, end, "", ((f"pillar:{index}", "pillar"),))
            return [_with(term, f"civil:{year.group(1)}"), passing]
        return [term]
    if re.match(r"\)? ?(?:year|day|month|hour)\b", closed) and not hangul:
        name = re.match(r"\)? ?(year|day|month|hour)\b", closed)
        assert name is not None
        year = re.search(r"\b(\d{4}) is an? $", sentence[:start])
        if year:
            return [_with(term, f"civil:{year.group(1)}")]
        if re.search(r"\bborn\b", sentence[:start], re.IGNORECASE):
            return [_with(term, f"natal:{name.group(1)}")]
    if re.search(r"\b(year|month|day|hour) $", sentence[:start], re.IGNORECASE) and "pillars" in sentence:
        name = re.search(r"\b(year|month|day|hour) $", sentence[:start], re.IGNORECASE)
        assert name is not None
        return [_with(term, f"natal:{name.group(1).lower()}")]
    if hangul and not _near_place(sentence, before, start) and not rest.startswith("("):
        return []  # an everyday word: 무술을, 정사를
    return [term]


def _with(term: Term, detail: str) -> Term:
    return Term(term.kind, term.value, term.start, term.end, term.text, term.places, detail)


def _role_place(closed: str) -> str | None:
    name = re.match(r"(?:\([^)]*\))?\s?(일주|연주|년주|월주|시주)", closed)
    return None if name is None else _POSITIONS[name.group(1)[0]]


def _no_place(sentence: str, before: list[Term], start: int) -> bool:
    return not _near_place(sentence, before, start)


def _near_place(sentence: str, before: list[Term], start: int) -> bool:
    last = [each for each in before if each.kind == "place"]
    return bool(last) and start - last[-1].end <= 8 and "," not in sentence[last[-1].end : start]
