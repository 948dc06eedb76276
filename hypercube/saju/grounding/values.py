"""What the words of a term stand for: its kind, its key or index, and a detail where the kind needs one."""

import re
from typing import Final

from hypercube.saju.facts.symbols import BRANCH, STEM
from hypercube.saju.grounding import lexicon, patterns
from hypercube.saju.grounding.lexicon import BRANCH_LETTERS, STEM_LETTERS


def value_of(
    sentence: str, kind: str, text: str, start: int, end: int
) -> tuple[str, lexicon.Value, str] | None:
    """Kind, value and detail of the words that a pattern found; None where they are everyday words."""
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
        if patterns.bare_sinsal(name) and not re.search(
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
    """The two letters in front, 을경 or 자오, as indices."""
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
