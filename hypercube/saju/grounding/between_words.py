"""What a sentence about two people says is between them: bonds and conflicts, generation, sums; found by words.

Nothing here looks at a chart. A word of everyday language (합이 좋다, 해로하다) is a term only where what follows
says so.
"""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.grounding.lexicon import BRANCH_LETTERS, RELATIONS, RELATIONS_ENGLISH, STEM_LETTERS

COMBINATION: Final = "combination"
"""합 alone: any of the combinations."""
_LONG: Final = "|".join(sorted((each for each in RELATIONS if len(each) > 1), key=len, reverse=True))
_ENGLISH: Final = "|".join(
    sorted((re.escape(each) for each in (*RELATIONS_ENGLISH, COMBINATION)), key=len, reverse=True)
)
_ENDINGS: Final = "이 |이고|이라|이며|이 되|이기도|으로|을 |은 |도 |과 |의 |입니다|이에요|만 | 관계"
_AFTER: Final = f"(?:{_ENDINGS}|하는|하여|하고|하니|하지|합니다)"
_AFTER_OPEN: Final = r"(?:로 (?:이어|걸|엇갈|얽|맞|이루|맺)|가 (?:되|있|없)|를 이|와 |도 없|의 관계|입니다)"
_RELATION: Final = re.compile(
    rf"(?P<letters>(?<![가-힣])(?:[{STEM_LETTERS}]{{2}}|[{BRANCH_LETTERS}]{{2}}))? ?"
    rf"(?:(?P<long>{_LONG})(?:살|관살)?"
    rf"|(?P<hanja>(?:합|충|형|파|해)(?=\([合沖冲衝刑破害]\)))"
    rf"|(?P<paired>(?<=[{STEM_LETTERS}{BRANCH_LETTERS}]{{2}})(?:합|충|형|파|해)(?![가-힣]*[분실동]))"
    rf"|(?<![가-힣])(?P<short>합(?!이 (?:잘 |참 |좋|맞))|충|형)(?={_AFTER})"
    rf"|(?<![가-힣])(?P<open>파|해)(?={_AFTER_OPEN}))"
    rf"|(?i:\b(?:an?|the|no|in|of|any|and) (?:full |strong |mild )?(?P<english>{_ENGLISH})s?\b)"
    rf"|\b(?:branch|branches|stems?|masters?|pillars?) (?P<acts>clash|combine|harm|punish|break)\b"
)
_ACTS: Final = {"combine": COMBINATION, "punish": "punishment"}
_NOT: Final = re.compile(
    r"^(?:\([^)]*\))?(?:이나|도,? |이든|과|와|·)?(?:[가-힣]{1,3}(?:\([^)]*\))?)?(?:의 (?:관계|기운|작용))?"
    r"(?:이|가|은|는|도|으로|로)? ?(?:전혀 |하나도 |따로 )?(?:없|아니|아닙|아닌"
    r"|(?:보이지|놓이지|이루지|이루어지지|걸리지|맺지|하지|되지|이어지지|이어져 있지|얽혀 있지|있지) 않)"
)
_NOT_BEFORE: Final = re.compile(
    r"\b(?:no(?: combination and no)?|without|not|neither) (?:an? |any )?$", re.IGNORECASE
)
_GENERATES: Final = re.compile(
    r"(?<![가-힣])(?P<verb>생|극)(?=하|해|합니다|함|을 받)|\b(?P<english>feeds|nourishes|generates|controls)\b"
)
_TOGETHER: Final = re.compile(r"(?P<kind>상생|상극)(?=의|이|으로|하|입|관)")
_SAME: Final = re.compile(r"같은 오행|오행이 같|\bsame element\b")
_NAMED: Final = re.compile(r"(?P<from>[목화토금수])(?P<verb>생|극)(?P<to>[목화토금수])(?=[의으이로,. ]|$)")
_SUM: Final = re.compile(
    r"(?:총점|점수|더한 값|더하면|합계|궁합은|모두)[^0-9,.]{0,8}?(?P<ko>-?\d+) ?점"
    r"|(?:sum|total|score|together|add up)[^0-9.,;]{0,24}?(?P<en>-?\d+)(?: points)?"
)
_STAR: Final = re.compile(r"배우자(?:의)? 별|spouse stars?")


@dataclass(frozen=True, slots=True)
class Said:
    """One thing said to be between two people."""

    kind: str
    """relation, generation, together, same, named or sum."""
    value: str
    start: int
    end: int
    text: str
    negated: bool = False
    letters: tuple[str, tuple[int, int]] | None = None
    """Of a relation: stem or branch, and the two letters named with it."""


def said_between(sentence: str) -> list[Said]:
    """Everything that the sentence says of this kind, in order."""
    found = [_relation(sentence, match) for match in _RELATION.finditer(sentence)]
    for match in _GENERATES.finditer(sentence):
        verb = match["verb"] or ("극" if match["english"] == "controls" else "생")
        passive = sentence[match.end() : match.end() + 3] == "을 받"
        found.append(Said("generation", verb + ("<" if passive else ">"), *match.span(), match.group()))
    found += [
        Said("together", match["kind"], *match.span(), match.group())
        for match in _TOGETHER.finditer(sentence)
    ]
    found += [
        Said("same", "", *match.span(), match.group(), bool(_NOT.match(sentence[match.end() :])))
        for match in _SAME.finditer(sentence)
    ]
    found += [
        Said("named", match["from"] + match["verb"] + match["to"], *match.span(), match.group())
        for match in _NAMED.finditer(sentence)
    ]
    found += [
        Said("sum", match["ko"] or match["en"], *match.span(), match.group())
        for match in _SUM.finditer(sentence)
    ]
    found += [
        Said("star", "", *match.span(), match.group(), _starless(sentence, match))
        for match in _STAR.finditer(sentence)
    ]
    return sorted(found, key=lambda each: each.start)


def _relation(sentence: str, match: re.Match[str]) -> Said:
    english = match["english"]
    word = match["long"] or match["hanja"] or match["paired"] or match["short"] or match["open"] or ""
    if match["acts"]:
        kind = _ACTS.get(match["acts"], match["acts"])
    elif english:
        kind = RELATIONS_ENGLISH.get(english.lower(), COMBINATION)
    else:
        kind = RELATIONS.get(word, COMBINATION)
    rest = sentence[match.end() :].removeprefix("살")
    before = sentence[: match.start("english" if english else 0)]
    negated = bool(_NOT.match(rest) or (english and _NOT_BEFORE.search(before)))
    return Said("relation", kind, *match.span(), match.group().strip(), negated, _letters(match["letters"]))


def _starless(sentence: str, match: re.Match[str]) -> bool:
    """Whether a spouse star is denied: 배우자의 별이 드러나지 않으니."""
    rest = re.split(r"[,.;]", sentence[match.end() :])[0]
    return bool(
        re.search(r"없|않", rest) or re.search(r"\b(?:[Nn]either|[Nn]o|lacks?)\b", sentence[: match.start()])
    )


def _letters(text: str | None) -> tuple[str, tuple[int, int]] | None:
    if text is None:
        return None
    for part, known in (("branch", BRANCH_LETTERS), ("stem", STEM_LETTERS)):
        if all(each in known for each in text):
            return part, (known.index(text[0]), known.index(text[1]))
    return None
