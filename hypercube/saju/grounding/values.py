"""What the words of a term stand for: its kind, its key or index, and a detail where the kind needs one."""

import re
from collections.abc import Callable
from typing import Final

from hypercube.saju.facts.symbols import BRANCH, STEM
from hypercube.saju.grounding import english, lexicon, patterns
from hypercube.saju.grounding.lexicon import BRANCH_LETTERS
from hypercube.saju.grounding.numbers import number_of
from hypercube.saju.grounding.relation_words import Found, relation, relation_en

_SEASONS: Final = {
    "봄": "spring",
    "여름": "summer",
    "가을": "autumn",
    "겨울": "winter",
    **{each: each for each in ("spring", "summer", "autumn", "winter")},
}
_BASIS: Final = re.compile(
    r"(?:연주|년주|연지|년지|일주|일지)(?:\([^)]*\))?(?:(?:를|을)? ?기준"
    r"|(?:으로|로)(?:는)? |에서 (?:본|보)|의 공망|(?:가|이)? ?정한| 공망)"
)
"""What a void is read from: 연주로 본 공망. A place that is void (연지가 공망에 듭니다) is none."""
_ANIMALS_KO: Final = {word.removesuffix("띠"): index for word, index in lexicon.ZODIAC.items()}


def value_of(sentence: str, kind: str, text: str, start: int, end: int) -> Found | None:
    """Kind, value and detail of the words that a pattern found; None where they are everyday words."""
    rule = _RULES.get(kind)
    return None if rule is None else rule(sentence, text, start, end)


def _stem(_: str, text: str, __: int, ___: int) -> Found:
    bare = text.split("(")[0]
    if text[0] in STEM:
        return ("stem", STEM[text[0]], "")
    if bare == "신금":
        if "(" not in text:
            return ("stem", 7, "or_branch")
        return ("stem", 7, "") if "辛" in text else ("branch", 8, "")
    return ("stem", lexicon.STEM_NAMES[bare], "")


def _branch(_: str, text: str, __: int, ___: int) -> Found:
    index = lexicon.BRANCH_NAMES.get(text.split("(")[0])
    return ("branch", BRANCH[text[0]] if index is None else index, "")


def _month_of(sentence: str, text: str, start: int, end: int) -> Found | None:
    letter = re.search(rf"\(([{lexicon.BRANCH_HANJA}])", text)
    first = letter.group(1) if letter else text[0]
    index = BRANCH[first] if first in BRANCH else BRANCH_LETTERS.index(first)
    rest = sentence[end:]
    said = re.match(
        rf"생|에 (?:태어|난|나|났|출생)| ?출생|의 (?:{patterns.any_of(lexicon.STEM_NAMES)}|[{lexicon.STEM_HANJA}])",
        rest,
    )
    near = re.search(r"태어난 달(?:은|이|인)? ?$|월지(?:가|는)? ?$|계절은 ?$", sentence[:start])
    if "(" not in text and not said and not near and text[0] not in BRANCH:
        return None
    return ("month_of", index, "") if said or near else None


def _god(sentence: str, text: str, start: int, end: int) -> Found | None:
    bare = text.split("(")[0]
    if bare == "인성" and not re.search(
        r"\(印|십성|관성|재성|비겁|식상|과다|사주|원국|명식|[연월일시][간지주]|개|많|없|강하|대운|격|용신",
        sentence,
    ):
        return None  # character, in everyday language
    if bare == "상관" and re.match(
        r"(?:이|도|은)? ?(?:없이|없는 (?:일|말|사람|이야기)|관계)", sentence[end:]
    ):
        return None
    return ("god", lexicon.GODS.get(bare) or lexicon.GODS_HANJA[bare], "")


def _god_en(_: str, text: str, __: int, ___: int) -> Found | None:
    low = text.lower()
    if low in ("peer", "peers") and text[0].islower():
        return ("god", "peers" if low == "peers" else "peer", "everyday")
    return ("god", english.GODS.get(low) or english.GODS[low.removesuffix("s")], "")


def _stage(sentence: str, text: str, _: int, end: int) -> Found | None:
    name = text.removesuffix("지") if text not in lexicon.STAGES else text
    told = "운성" in sentence or (len(text) > 2 and text.endswith("지"))
    placed = len(name) == 2 and re.search(
        r"[월일시연년][간지주](?:의|가|는|에|에서)?[^,.]{0,14}$|위에서? ?$", sentence[: end - len(text)]
    )
    follows = re.match(
        r"(?:이라|에 (?:해당|놓|앉|자리|있)|의 (?:자리|기운|힘|지)|입니다|이 되|이며|이고|을 만|를 만|로 )",
        sentence[end:],
    )
    return ("stage", lexicon.STAGES[name], "") if told or (placed and follows) else None


def _stage_en(_: str, text: str, __: int, ___: int) -> Found | None:
    key = lexicon.STAGES_ENGLISH.get(text.lower().removeprefix("the "))
    return None if key is None else ("stage", key, "")


def _sinsal(sentence: str, text: str, start: int, _: int) -> Found | None:
    name = text if text in lexicon.SINSAL else text.removesuffix("살")
    if name in lexicon.STAGES:
        beside = re.search(r"(?:일간의|일주의) ?$", sentence[:start])
        if "운성" in sentence[:start] or beside:
            return ("stage", lexicon.STAGES[name], "")
    if patterns.bare_sinsal(name) and not re.search(
        r"[연년월일시]주[·\w]*(?:에|의) ?(?:놓인 )?$|신살로는", sentence[:start]
    ):
        return None
    return ("sinsal", lexicon.SINSAL[name], "")


def _sinsal_en(sentence: str, text: str, start: int, end: int) -> Found | None:
    named = re.search(
        r"\b(?:the|your|has an?|have an?|with an?|with|is an?|no|carr(?:y|ies) an?|holds? an?) $",
        sentence[:start],
        re.IGNORECASE,
    )
    low = text.lower()
    plain = low == "blade" and not re.search(r"pillar|branch|chart|star", sentence)
    told = re.match(
        r"(?: star)? (?:appears?|sits?|stands?|falls?|shows?|lies|lands?|is (?:in|on|found))\b",
        sentence[end:],
    )
    if not (named or told) or plain or "structure" in sentence[end : end + 11]:
        return None
    return ("sinsal", frozenset({lexicon.SINSAL_ENGLISH[low]}), "")


def _structure(_: str, text: str, __: int, ___: int) -> Found:
    return ("structure", lexicon.STRUCTURES.get(text) or lexicon.STRUCTURES_ENGLISH[text.lower()], "")


def _strength_en(_: str, text: str, __: int, ___: int) -> Found | None:
    words = [
        each
        for each in text.lower().split()
        if each in ("very", "extremely", "strong", "weak", "balanced", "neither")
    ]
    if "neither" in words:
        return None
    return ("strength", "_".join(words).replace("extremely", "very").replace("very_balanced", "balanced"), "")


def _self_strength(_: str, text: str, __: int, ___: int) -> Found:
    return ("strength", "weak" if "약" in text else "strong", "loose")


def _zodiac_en(_: str, text: str, __: int, ___: int) -> Found:
    which, *_rest, animal = text.lower().split()
    return ("zodiac" if which == "year" else "month_of", lexicon.ANIMALS[animal], "")


def _month_of_en(sentence: str, text: str, start: int, end: int) -> Found | None:
    if "month" not in text.lower():
        return None
    name = re.sub(r"(?i)\bthe\b|\bmonth\b|\bof\b", "", text).strip()
    index = english.BRANCH_BARE.get(name.title())
    return None if index is None else ("month_of", index, "")


def _sex(_: str, text: str, __: int, ___: int) -> Found:
    female = text.lower().removesuffix("아이") in ("여성", "여자", "a woman", "a girl")
    return ("sex", "female" if female else "male", "")


def _direction(sentence: str, text: str, _: int, __: int) -> Found | None:
    if not re.search(r"대운|월주|\bluck\b", sentence, re.IGNORECASE):
        return None
    low = text.lower()
    return ("direction", "forward" if low == "순행" or "forward" in low else "backward", "")


def _season(_: str, text: str, __: int, ___: int) -> Found:
    name = re.search(r"봄|여름|가을|겨울|spring|summer|autumn|winter", text.lower())
    assert name is not None
    return ("season", _SEASONS[name.group()], "")


def _void(sentence: str, _: str, __: int, end: int) -> Found:
    said = re.match(
        rf"(?:으로는|[은이])? ?(?:[연년일]주(?:를)? ?(?:기준(?:으로)?|로)(?:는)? )?"
        rf"([{BRANCH_LETTERS}]{{2}}|[{lexicon.BRANCH_HANJA}]{{2}}"
        rf"|[{BRANCH_LETTERS}][, ·](?:와 )?[{BRANCH_LETTERS}])"
        r"(?=[이가을를은는입로라예인,. (]|$)",
        sentence[end:],
    )
    based = _BASIS.findall(sentence[: end + (said.end() if said else 0)])
    basis = "" if not based else "day" if based[-1].startswith("일") else "year"
    if said is None:
        return ("void", "", basis)
    letters = re.sub(r"[, ·와]", "", said.group(1))
    pair = tuple(BRANCH[each] if each in BRANCH else BRANCH_LETTERS.index(each) for each in letters)
    return ("void_pair", pair, basis)


def _age(sentence: str, text: str, start: int, end: int) -> Found | None:
    bare = re.sub(
        r"(?i)^(?:만으로|만|ages?d?|at|turn(?:ing)?|from)(?: age)?(?: of)? ?|age |of |세$|살$", "", text
    ).strip()
    figure = re.search(r"\d+(?:\.\d+)?", bare)
    number = (
        figure.group() if figure else number_of(bare.replace(" ", "") if "가" <= bare[:1] <= "힣" else bare)
    )
    if number is None:
        return None
    detail = "end" if sentence[end : end + 6].startswith("까지") else "start"
    if re.search(r"\d ?[~\-–∼] ?$", sentence[:start]):
        return ("age", str(number), "end")  # 35~44세
    if re.search(r"올해 $", sentence[:start]) and "대운" not in sentence:
        return ("age", str(number), "now")
    if text.startswith("만으로") or re.match(
        r"(?:인|의|이신)? ?(?:지금|현재)|,? (?:아직|이제)", sentence[end:]
    ):
        return ("age", str(number), "now")
    if re.search(r"현재|지금 ", sentence[:start]) and "대운" not in sentence[:start]:
        detail = "now"
    return ("age", str(number), detail)


def _year(sentence: str, text: str, _: int, end: int) -> Found:
    number = re.search(r"\d+", text)
    assert number is not None
    detail = "end" if sentence[end : end + 6].startswith("까지") else "start"
    if re.search(r"태어|생(?:이|입|$)|\d년생|\bborn\b", sentence):
        detail = "birth"
    return ("year", number.group(), detail)


def _date(_: str, text: str, __: int, ___: int) -> Found:
    """2026-11-28, however it is written."""
    words = re.findall(r"\w+", text)
    if words[1] in english.MONTHS:
        day, month, year = words[0], str(english.MONTHS.index(words[1]) + 1), words[2]
    else:
        year, month, day = (re.sub(r"\D", "", each) for each in words)
    return ("date", f"{year}-{month:0>2}-{day:0>2}", "")


def _branch_en(sentence: str, text: str, start: int, end: int) -> Found | None:
    return ("branch", 9 if text == "You" else english.BRANCH_BARE[text], "placed")


_RULES: Final[dict[str, Callable[[str, str, int, int], Found | None]]] = {
    "stem": _stem,
    "stem_en": lambda _, text, __, ___: ("stem", english.STEM_ROMAN[text.lower()], ""),
    "stem_bare": lambda _, text, __, ___: ("stem", english.STEM_BARE[text], "placed"),
    "branch": _branch,
    "branch_en": _branch_en,
    "month_of": _month_of,
    "month_of_en": _month_of_en,
    "god": _god,
    "god_en": _god_en,
    "stage": _stage,
    "stage_en": _stage_en,
    "relation": relation,
    "relation_en": relation_en,
    "sinsal": _sinsal,
    "sinsal_en": _sinsal_en,
    "structure": _structure,
    "strength": lambda _, text, __, ___: ("strength", lexicon.STRENGTHS[text], ""),
    "strength_en": _strength_en,
    "self_strength": _self_strength,
    "nayin": lambda _, text, __, ___: ("nayin", lexicon.NAYINS[text], ""),
    "zodiac": lambda _, text, __, ___: ("zodiac", lexicon.ZODIAC[text], ""),
    "zodiac_ko": lambda _, text, __, ___: ("zodiac", _ANIMALS_KO[text.rstrip("해 ").removesuffix("의")], ""),
    "zodiac_en": _zodiac_en,
    "born_as": lambda _, text, __, ___: ("zodiac", lexicon.ANIMALS[text.lower().split()[-1]], ""),
    "season": _season,
    "sex": _sex,
    "direction": _direction,
    "void": _void,
    "age": _age,
    "year": _year,
    "date": _date,
    "luck": lambda *_: None,
}
