"""The words of a sentence as terms: places with their positions, values with their keys."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.facts.symbols import BRANCH, STEM
from hypercube.saju.grounding import lexicon
from hypercube.saju.grounding.lexicon import BRANCH_LETTERS, STEM_LETTERS

_PART_EN: Final = {"pillar": "pillar", "pillars": "pillar", "stem": "stem", "stems": "stem", "branch": "branch", "branches": "branch"}  # fmt: skip
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
_NOW: Final = re.compile(r"현재|지금|지나고 있|지나고 계|한가운데|now in|You are in", re.IGNORECASE)
_NEXT: Final = re.compile(r"다음 대운|바뀌|changes to", re.IGNORECASE)
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
    scanned = lexicon.scan(sentence)
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
    value = _value(sentence, kind, text, start, end)
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
    if _LUCK_AFTER.match(closed) or (
        "대운" in sentence
        and re.match(r"에서|으로|로|,|입니다|이|에 ", rest)
        and _no_place(sentence, before, start)
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
        if name == "년생" or (name == "년" and "띠" in sentence):
            return [_with(term, "natal:year")]
        if _NATAL.search(sentence) and not re.search(
            r"올해|이번 달|오늘", sentence[max(0, start - 8) : start]
        ):
            if not re.search(r"\d{4}년 ?$", sentence[:start]) or "태어" in sentence:
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


def _value(
    sentence: str, kind: str, text: str, start: int, end: int
) -> tuple[str, lexicon.Value, str] | None:
    low = text.lower()
    if kind == "stem":
        return _letter(text, low)
    if kind == "branch":
        bare = text.split("(")[0]
        index = lexicon.BRANCH_NAMES.get(bare)
        return ("branch", BRANCH[text[0]] if index is None else index, "")
    if kind == "month_of":
        letter = re.search(rf"\(([{lexicon.BRANCH_HANJA}])", text)
        first = letter.group(1) if letter else text[0]
        index = BRANCH[first] if first in BRANCH else BRANCH_LETTERS.index(first)
        return ("month_of", index, "")
    if kind == "god":
        bare = text.split("(")[0]
        god = (
            lexicon.GODS.get(bare)
            or lexicon.GODS_HANJA.get(bare)
            or lexicon.GODS_ENGLISH.get(low)
            or lexicon.GODS_ENGLISH[low[:-1]]
        )
        if bare == "인성" and not re.search(r"\(印|십성|관성|재성|비겁|식상|과다|사주|원국", sentence):
            return None  # character, in everyday language
        return ("god", god, "")
    if kind == "stage":
        return _stage(sentence, text, low, end)
    if kind == "relation":
        name = re.sub(r"\(.\)|살$", "", text)
        pair = re.search(r"([가-힣]{2}) ?$", sentence[:start])
        if name == "합":
            return ("relation", "combination", _pair(pair))
        if name not in lexicon.RELATIONS:
            return None
        return ("relation", lexicon.RELATIONS[name], _pair(pair))
    if kind == "relation_en":
        if not re.search(r"between|pillar|branch|stem", sentence, re.IGNORECASE) or "usage" in sentence:
            return None
        return ("relation", lexicon.RELATIONS_ENGLISH[low], "")
    if kind == "sinsal":
        name = text if text in lexicon.SINSAL else text.removesuffix("살")
        if name in lexicon.STAGES and "운성" in sentence[:start]:
            return ("stage", lexicon.STAGES[name], "")
        if lexicon.bare_sinsal(name) and not re.search(
            r"[연년월일시]주[·\w]*(?:에|의) ?(?:놓인 )?$|신살로는", sentence[:start]
        ):
            return None
        return ("sinsal", lexicon.SINSAL[name], "")
    if kind == "sinsal_en":
        named = re.search(
            r"\b(?:the|your|has an?|have an?|with an?|is an?|no) $", sentence[:start], re.IGNORECASE
        )
        plain = low == "blade" and not re.search(r"pillar|branch|chart|star", sentence)
        if not named or plain or "structure" in sentence[end : end + 11]:
            return None
        return ("sinsal", frozenset({lexicon.SINSAL_ENGLISH[low]}), "")
    if kind == "structure":
        return ("structure", lexicon.STRUCTURES.get(text) or lexicon.STRUCTURES_ENGLISH[low], "")
    if kind == "strength":
        return ("strength", lexicon.STRENGTHS[text], "")
    if kind == "strength_en":
        return ("strength", low.replace(" ", "_"), "")
    simple = {"nayin": lexicon.NAYINS, "zodiac": lexicon.ZODIAC}
    if kind in simple:
        return (kind, simple[kind][text], "")  # type: ignore[index]
    if kind == "zodiac_en":
        which, *_, animal = low.split()
        return ("zodiac" if which == "year" else "month_of", lexicon.ANIMALS[animal], "")
    if kind == "season":
        return ("season", _SEASONS[low.removeprefix("한").removeprefix("in ")], "")
    if kind == "sex":
        return ("sex", "female" if low in ("여성", "여자", "a woman") else "male", "")
    if kind == "direction":
        if not re.search(r"대운|월주|\bluck\b", sentence):
            return None
        return ("direction", "forward" if low == "순행" or low.endswith("forward") else "backward", "")
    if kind == "void":
        return _void(sentence, end)
    if kind in ("age", "year"):
        return _number(sentence, kind, text, start, end)
    return ("date", text, "") if kind == "date" else None


_SEASONS: Final = {
    "봄": "spring",
    "여름": "summer",
    "가을": "autumn",
    "겨울": "winter",
    "spring": "spring",
    "summer": "summer",
    "autumn": "autumn",
    "winter": "winter",
}


def _letter(text: str, low: str) -> tuple[str, lexicon.Value, str]:
    bare = text.split("(")[0]
    if text[0] in STEM:
        return ("stem", STEM[text[0]], "")
    if bare == "신금":
        if "(" not in text:
            return ("stem", 7, "or_branch")
        return ("stem", 7, "") if "辛" in text else ("branch", 8, "")
    if bare in lexicon.STEM_NAMES:
        return ("stem", lexicon.STEM_NAMES[bare], "")
    return ("stem", lexicon.STEM_ROMAN[low], "")


def _stage(sentence: str, text: str, low: str, end: int) -> tuple[str, lexicon.Value, str] | None:
    name = text.removesuffix("지")
    if name in lexicon.STAGES:
        told = "운성" in sentence[:end] or (len(text) > 2 and text.endswith("지"))
        return ("stage", lexicon.STAGES[name], "") if told else None
    key = lexicon.STAGES_ENGLISH.get(low.removeprefix("the "))
    return None if key is None else ("stage", key, "")


def _pair(found: re.Match[str] | None) -> str:
    """ "을경", "자오": the letters in front, as indices."""
    if found is None:
        return ""
    letters = found.group(1)
    if all(each in STEM_LETTERS for each in letters) and not all(each in BRANCH_LETTERS for each in letters):
        return "stems:" + ",".join(str(STEM_LETTERS.index(each)) for each in letters)
    if all(each in BRANCH_LETTERS for each in letters):
        return "branches:" + ",".join(str(BRANCH_LETTERS.index(each)) for each in letters)
    return ""


def _void(sentence: str, end: int) -> tuple[str, lexicon.Value, str] | None:
    said = re.match(rf"[은이]? ?([{BRANCH_LETTERS}]{{2}}|[{lexicon.BRANCH_HANJA}]{{2}})", sentence[end:])
    basis = (
        "year"
        if re.search(r"연주|년주|연지|년지", sentence[:end])
        else "day"
        if "일주" in sentence[:end]
        else ""
    )
    if said is None:
        return ("void", "", basis)
    letters = said.group(1)
    pair = tuple(BRANCH[each] if each in BRANCH else BRANCH_LETTERS.index(each) for each in letters)
    return ("void_pair", pair, basis)


def _number(sentence: str, kind: str, text: str, start: int, end: int) -> tuple[str, lexicon.Value, str]:
    number = re.search(r"\d+(?:\.\d+)?", text)
    assert number is not None
    rest = sentence[end : end + 6]
    detail = "end" if rest.startswith("까지") else "start"
    if kind == "age" and re.search(r"현재|지금 ", sentence[:start]) and "대운" not in sentence[:start]:
        detail = "now"
    if kind == "year" and re.search(r"태어|생(?:이|입|$)|\bborn\b", sentence):
        detail = "birth"
    return (kind, number.group(), detail)
