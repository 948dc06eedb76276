"""What a sentence claims about a chart, without looking at any chart: so it is worked out once a sentence.

A claim has a kind, a value and a scope: the places (position, part) that it is said of. Scope is found in the
clause: "연간과 월간에 식신이" is said of two places, "식신이 월간에 있어" of the one that follows, "올해 병오년은
연지와 자형" of this year and the year branch. What is supposed ("만약 … 이라면"), defined ("정관은 … 뜻하는") or said
of people in general is no claim.
"""

import functools
import re
from dataclasses import dataclass, replace
from typing import Final

from hypercube.saju.grounding import elements, lexicon
from hypercube.saju.grounding.terms import Term, terms

Place = tuple[str, str]
"""Position (year … hour, luck, this_year …, or `pillar:14` for a luck pillar named) and part (pillar, stem, branch)."""

_CLAUSE: Final = re.compile(
    r"[;:]|(?<=[가-힣)])[,](?!\s*(?:an? |the )?(?:[a-z]+ )?(?:resource|officer|wealth))"
    r"|(?<=[가-힣])(?:고|며|지만|는데)(?= )"
)
_JOIN: Final = re.compile(r"^(?:과|와|이랑|하고|및|·|,|\s|and|the)*$")
_SUPPOSED: Final = re.compile(
    r"만약|만일|가정하|이었다면|였다면|이라면|라면 |\bif\b|\bwould\b", re.IGNORECASE
)
_GENERAL: Final = re.compile(
    r"뜻(?:하는|합니다|해요|이에요)|의미(?:하는|합니다)|상징(?:하는|합니다)|말합니다|가리킵니다"
    r"|이란 |란 |라고 부|사람들|사람마다|이들은|보통|일반적으로|대체로|흔히 .*라고"
    r"|\bgenerally\b|stands? for|\busually\b|\bmeans\b|\bis called\b",
    re.IGNORECASE,
)
_NEGATED: Final = re.compile(
    r"^(?:살|격)?(?:한|인)? ?(?:사주|편|구조|명식|쪽)?(?:이|가|은|는|도|에|하지|지)?\s?"
    r"(?:하나도 |전혀 |아예 |따로 |겉에는 |글자에도 지장간에도 |원국에 |사주에 )?"
    r"(?:없(?!이)|아니|아닌|아닙|않|드러나지 않|보이지 않(?!는)|놓이지 않|있지 않|들어 있지 않)"
)
_NEGATED_BEFORE: Final = re.compile(r"\b(?:no|not an?|without an?|lacks an?|no visible) $", re.IGNORECASE)
_EXISTS: Final = re.compile(
    r"있|드러|많|강하|강한|두드러|뚜렷|과다|두터|가득|놓|자리|들어|없|보이|뿐|숨어|갖추|나란히|또렷"
)
_COUNT: Final = re.compile(
    r"^(?:이|가|은|는)?\s?(?:모두 )?(한|하나|두|둘|세|셋|네|넷|다섯|여섯|\d)\s?(?:개|글자)"
)
_NUMBERS: Final = {
    "한": 1,
    "하나": 1,
    "두": 2,
    "둘": 2,
    "세": 3,
    "셋": 3,
    "네": 4,
    "넷": 4,
    "다섯": 5,
    "여섯": 6,
}
_FORWARD: Final = re.compile(
    r"^(?:살|귀인)?(?:이|가|은|는|을|를|도)?\s?[^,.]{0,8}?$|^ (?:\w+ )?(?:in |on |at )(?:the |your )?$"
)
_SCOPED: Final = frozenset({"god", "stage", "sinsal", "void", "nayin"})
_BOUND: Final = frozenset({"pillar", "stem", "branch"})
_SELF_BEFORE: Final = re.compile(r"(?:봄|여름|가을|겨울)에 난 $|\b[Yy]ou are an? $")
_SELF_AFTER: Final = re.compile(
    r"^(?: \(.\))? person\b|^(?:으로|로) 태어|^ ?일주(?=[는의])|^(?:이라서|라서|이시|이세요)"
)
_REACH: Final = 16
"""Characters within which a letter belongs to the place before it."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One thing said of a chart."""

    kind: str
    value: lexicon.Value
    scope: tuple[Place, ...]
    start: int
    end: int
    text: str
    negated: bool = False
    asserted: bool = True
    """Whether it is said of this chart at all."""
    detail: str = ""
    """now, next, start, end, count:2 … as the kind needs."""
    near: tuple[Place, ...] = ()
    """Every place named in the clause, for what holds between places."""


@functools.lru_cache(maxsize=65_536)
def claims(sentence: str) -> tuple[Claim, ...]:
    """Every claim of a sentence, in order."""
    supposed = bool(_SUPPOSED.search(sentence))
    general = bool(_GENERAL.search(sentence))
    found: list[Claim] = []
    words = terms(sentence)
    clauses = _clauses(sentence)
    for at, word in enumerate(words):
        if word.kind == "place":
            continue
        claim = _claim(sentence, words, at, clauses)
        if claim is not None:
            found.append(claim)
    found += [
        Claim(each.kind, each.value, (), each.start, each.end, each.text, each.negated, detail=each.detail)
        for each in elements.statements(sentence)
    ]
    if supposed or general:
        found = [
            replace(each, asserted=False) if supposed or not (each.scope or each.near) else each
            for each in found
        ]
    return tuple(sorted(found, key=lambda each: each.start))


def _clauses(sentence: str) -> list[int]:
    return [match.end() for match in _CLAUSE.finditer(sentence)]


def _clause_of(clauses: list[int], at: int) -> int:
    return sum(1 for end in clauses if end <= at)


def _claim(sentence: str, words: list[Term], at: int, clauses: list[int]) -> Claim | None:
    word = words[at]
    here = _clause_of(clauses, word.start)
    inside = [each for each in words if each.kind == "place" and _clause_of(clauses, each.start) == here]
    near = tuple(dict.fromkeys(place for each in inside for place in each.places))
    after = sentence[word.end :]
    negated = bool(_NEGATED.match(after) or _NEGATED_BEFORE.search(sentence[: word.start]))
    scope: tuple[Place, ...] = ()
    detail = word.detail
    if word.kind in _BOUND:
        scope = _bound(sentence, words, at)
        if word.kind == "pillar" and not scope and not detail:
            return Claim(word.kind, word.value, (), word.start, word.end, word.text, asserted=False)
    elif word.kind in _SCOPED:
        scope = _scope(sentence, words, at, inside)
    asserted = True
    if word.kind == "god":
        if after.startswith("의 해"):
            scope = (("this_year", "pillar"),)
        detail, asserted = _of_god(sentence, after, scope)
    if word.kind in ("stem", "branch") and not scope:
        asserted = False
    if word.kind == "relation" and len(near) < 2 and not any(p[0].startswith("pillar:") for p in near):
        wide = tuple(dict.fromkeys(p for each in words if each.kind == "place" for p in each.places))
        near = wide or near
    return Claim(
        word.kind, word.value, scope, word.start, word.end, word.text, negated, asserted, detail, near
    )


def _of_god(sentence: str, after: str, scope: tuple[Place, ...]) -> tuple[str, bool]:
    """How a ten god is spoken of, and whether it is claimed to be there at all."""
    if count := _COUNT.match(after):
        number = count.group(1)
        return f"count:{_NUMBERS.get(number) or int(number)}", True
    if scope:
        return "", True
    if re.match(r"(?:\(印星\))?(?:의 무게가|이|가) 가장", after):
        return "most", True
    if re.match(r"(?:이|가|은|는|도)?\s?(?:거의|별로|그다지|많으면|많지|적|약)", after):
        return "", False
    asserted = bool(_EXISTS.search(after[:24]))
    if re.match(r"(?:이|가)? ?과다", after):
        return "excess", asserted
    if re.match(r"[가-힣]{0,2} ?(?:천간에 )?(?:투출|천간에)", after):
        return "stems", True
    return ("shown" if re.search(r"드러|visible|겉", sentence) else ""), asserted


def _bound(sentence: str, words: list[Term], at: int) -> tuple[Place, ...]:
    """The place that a pillar or letter belongs to: right before it, or "무토 일간" right after."""
    word = words[at]
    following = words[at + 1] if at + 1 < len(words) else None
    if following is not None and following.kind == "place" and word.kind == "stem":
        gap = sentence[word.end : following.start]
        if gap.strip() == "" and ("day", "stem") in following.places:
            return following.places
    if word.kind == "stem" and (
        _SELF_BEFORE.search(sentence[: word.start]) or _SELF_AFTER.match(sentence[word.end :])
    ):
        return (("day", "stem"),)
    before = at - 1
    if before >= 0 and words[before].kind == "god" and sentence[words[before].end : word.start] == "인 ":
        before -= 1  # 월간에는 편재인 정화가
    elif (
        before > 0
        and words[before].kind == "pillar"
        and word.kind != "pillar"
        and words[before - 1].kind == "place"
    ):
        before -= 1  # 일주 계해가 해수를
    while before >= 0 and words[before].kind == word.kind and words[before].end >= word.start - 2:
        before -= 1  # 무진(戊辰), Wu Earth (戊): twice the same
    if before < 0 or words[before].kind != "place":
        return ()
    place = words[before]
    gap = sentence[place.end : word.start]
    reach = 2 * _REACH if gap.isascii() else _REACH
    if len(gap) > reach and word.end - place.end > reach + len(word.text):
        return ()
    if gap != ", " and re.search(r"[,.]|먼저|에서 본|보다", gap):
        return ()
    part = {"pillar": ("pillar",), "stem": ("stem", "pillar"), "branch": ("branch", "pillar")}[word.kind]
    return tuple(each for each in place.places if each[1] in part and not each[0].startswith("pillar:"))


def _scope(sentence: str, words: list[Term], at: int, inside: list[Term]) -> tuple[Place, ...]:
    """The places that a ten god, stage or sinsal is said of."""
    word = words[at]
    before = [each for each in inside if each.end <= word.start]
    after = [each for each in inside if each.start >= word.end]
    if after and _FORWARD.match(sentence[word.end : after[0].start]):
        group = _joined(sentence, after)
        tail = sentence[group[-1].end :]
        gap = sentence[word.end : after[0].start]
        follows = tail.startswith(("에", ",", ".", " ")) or gap.startswith(" ")
        if follows and (not before or re.search(r"\b(?:in|on) (?:the )?$", gap)):
            return _of(group)
    if not before:
        return ()
    return _of(_joined(sentence, before[::-1], backwards=True))


def _joined(sentence: str, places: list[Term], *, backwards: bool = False) -> list[Term]:
    """The first place and those joined to it: "연주·월주", "연간과 월간"."""
    group = [places[0]]
    for each in places[1:]:
        gap = sentence[each.end : group[-1].start] if backwards else sentence[group[-1].end : each.start]
        if not _JOIN.match(gap):
            break
        group.append(each)
    return group


def _of(group: list[Term]) -> tuple[Place, ...]:
    return tuple(dict.fromkeys(place for each in group for place in each.places))
