"""What the words for bonds and conflicts stand for, and the letters that they name: 을경합, 자오충, 卯酉沖."""

import re
from typing import Final

from hypercube.saju.facts.symbols import BRANCH
from hypercube.saju.grounding import lexicon
from hypercube.saju.grounding.lexicon import BRANCH_LETTERS, STEM_LETTERS

Found = tuple[str, lexicon.Value, str]
"""Kind, value and detail."""
_RELATION_HANJA: Final = {
    **dict.fromkeys("沖冲衝", "충"),
    "合": "합",
    "刑": "형",
    "破": "파",
    "害": "해",
    "三合": "삼합",
    "三刑": "삼형",
}
_HANGUL_OF: Final = {
    **dict(zip(lexicon.STEM_HANJA, STEM_LETTERS, strict=True)),
    **dict(zip(lexicon.BRANCH_HANJA, BRANCH_LETTERS, strict=True)),
}


def relation(sentence: str, text: str, start: int, _: int) -> Found | None:
    """A relation named in Korean or hanja, with the letters before it."""
    name = _RELATION_HANJA.get(text) or re.sub(r"\(.\)|살$", "", text)
    pair = re.search(
        rf"(?<![가-힣])([{STEM_LETTERS}{BRANCH_LETTERS}]{{2,3}}) ?$", sentence[:start]
    ) or re.search(rf"([{lexicon.STEM_HANJA}]{{2}}|[{lexicon.BRANCH_HANJA}]{{2,3}}) ?$", sentence[:start])
    if name == "합":
        return ("relation", "combination", _letters(pair))
    if name not in lexicon.RELATIONS:
        return None
    if (
        text == "해"
        and not pair
        and re.search(r"(?:[의는은인한된될할던그이새첫]|같은|다음|지난) $", sentence[:start])
    ):
        return None  # 자오충의 해: a year
    return ("relation", lexicon.RELATIONS[name], _letters(pair))


def relation_en(sentence: str, text: str, start: int, end: int) -> Found | None:
    """A relation named in English; None where the word is an everyday one."""
    if (
        not re.search(
            r"between|pillar|branch|stem|with (?:this year|the (?:day|month|year|hour))|\b(?:Rat|Ox"
            r"|Tiger|Rabbit|Dragon|Snake|Horse|Goat|Sheep"
            r"|Monkey|Rooster|Dog|Pig)\b|palace",
            sentence,
        )
        or "usage" in sentence
    ):
        return None
    low = text.lower()
    if low.startswith("harm") and sentence[:start].lower().endswith("six "):
        return None  # one of the twelve sinsal
    if low in lexicon.SINSAL_ENGLISH and re.match(r" star\b| stands? in", sentence[end:]):
        return ("sinsal", frozenset({lexicon.SINSAL_ENGLISH[low]}), "")
    if low.startswith("combin"):
        return ("relation", "combination", "")
    for form in (low, low.removesuffix("s"), low.removesuffix("es"), low.removesuffix("ing")):
        if form in lexicon.RELATIONS_ENGLISH:
            return ("relation", lexicon.RELATIONS_ENGLISH[form], "")
    return None


def _letters(found: re.Match[str] | None) -> str:
    """The two or three letters in front, 을경 or 자오 or 인사신, as indices."""
    if found is None:
        return ""
    letters = "".join(_HANGUL_OF.get(each, each) for each in found.group(1))
    if found.group(1) != letters and found.group(1)[0] in BRANCH:
        return "branches:" + ",".join(str(BRANCH[each]) for each in found.group(1))
    if all(each in STEM_LETTERS for each in letters) and not all(each in BRANCH_LETTERS for each in letters):
        return "stems:" + ",".join(str(STEM_LETTERS.index(each)) for each in letters)
    if all(each in BRANCH_LETTERS for each in letters):
        return "branches:" + ",".join(str(BRANCH_LETTERS.index(each)) for each in letters)
    return ""
