"""The words of a sentence as terms: places with their positions, values with their keys."""

import re
from dataclasses import dataclass, replace
from typing import Final

from hypercube.saju.grounding import english, lexicon, patterns
from hypercube.saju.grounding.place_names import Place, places_of
from hypercube.saju.grounding.roles import luck_detail, natal_detail
from hypercube.saju.grounding.values import value_of

_ROW: Final = 3
"""Pillars in a row from which they are the chart's own."""
_ORDER: Final = ("year", "month", "day", "hour")
_ROW_GAP: Final = re.compile(r"(?:\([^)]*\))?\s?(?:[,·/\-–]|와|과|그리고|and)?\s?(?:그리고 |and )?")
_VOIDS: Final = re.compile(r"(?:으로는|[은이])? ?")
"""Between 공망 and its two letters, which may look like a pillar: 공망은 신유."""
_BESIDE: Final = re.compile(r"(?:\([年月日時][柱干支]\))?(?:은|는|이|가)?[ :：]{0,2}(?:[가-힣]{2}\()?")
"""Between a place and the pillar or letter that is its: 연주 경오(庚午)월주 경진."""
_LUCK: Final = re.compile(r"대운|\bluck\b|\bcycle|\bdaeun", re.IGNORECASE)
_PILLARS: Final = ("pillar", "pillar_both", "pillar_ko", "pillar_en")


@dataclass(frozen=True, slots=True)
class Term:
    """A place, or something said of one."""

    kind: str
    value: lexicon.Value
    start: int
    end: int
    text: str
    places: tuple[Place, ...] = ()
    detail: str = ""


def terms(sentence: str) -> list[Term]:
    """Every term of a sentence, in order."""
    found: list[Term] = []
    scanned = patterns.scan(sentence)
    row = _row(sentence, scanned)
    for kind, text, start, end in scanned:
        if start in row:
            index = _index(text)
            if index is not None:
                found.append(Term("pillar", index, start, end, text, detail=f"natal:{row[start]}"))
        elif not (
            found and found[-1].kind == "void_pair" and _VOIDS.fullmatch(sentence[found[-1].end : start])
        ):
            found += _terms(sentence, kind, text, start, end, found)
    return found


def _row(sentence: str, scanned: list[tuple[str, str, int, int]]) -> dict[int, str]:
    """Three or four pillars one after another are the year, month, day and hour: position by start."""
    if sum(kind in _PILLARS for kind, *_ in scanned) < _ROW or _LUCK.search(sentence):
        return {}
    run: list[tuple[int, int]] = []
    for kind, _, start, end in scanned:
        if kind not in _PILLARS:
            continue
        if run and not _ROW_GAP.fullmatch(sentence[run[-1][1] : start]):
            if len(run) >= _ROW:
                break
            run = []
        run.append((start, end))
    if not _ROW <= len(run) <= len(_ORDER):
        return {}
    return {start: position for (start, _), position in zip(run, _ORDER, strict=False)}


def _index(text: str) -> int | None:
    bare = text.split("(")[0]
    found = lexicon.PILLAR_HANJA.get(bare, lexicon.PILLAR_HANGUL.get(bare))
    return english.pillar_of(bare) if found is None else found


def _terms(sentence: str, kind: str, text: str, start: int, end: int, before: list[Term]) -> list[Term]:
    last = next((each.places[-1] for each in reversed(before) if each.kind == "place"), None)
    places = places_of(kind, text, last)
    if places and kind == "place_en" and re.search(r"\bby (?:the )?$", sentence[:start]):
        return []  # what a sinsal is read from, not where it falls
    if places:
        return [Term("place", "", start, end, text, places)]
    if kind in _PILLARS:
        return _pillar(sentence, text, start, end, before)
    value = value_of(sentence, kind, text, start, end)
    if value is None:
        return []
    name, found, detail = value
    return [Term(name, found, start, end, text, detail=detail)]


def _pillar(sentence: str, text: str, start: int, end: int, before: list[Term]) -> list[Term]:
    index = _index(text)
    if index is None:
        return []
    term = Term("pillar", index, start, end, text)
    passing = Term("place", "", end, end, "", ((f"pillar:{index}", "pillar"),))
    placed = _near_place(sentence, before, start)
    lucks = [each.end for each in before if each.kind == "pillar" and each.detail.startswith("luck")]
    after = lucks[-1] if lucks else None
    if luck := luck_detail(sentence, start, end, first=not lucks, placed=placed, after=after):
        return [replace(term, detail=luck), passing]
    own = next((each for each in reversed(before) if each.kind == "place"), None)
    beside = own is not None and bool(_BESIDE.fullmatch(sentence[own.end : start]))
    role = "" if beside else natal_detail(sentence, start, end)
    if role == "another":
        return [replace(term, detail=role)]
    if role.startswith("civil"):
        return [replace(term, detail=role), passing]
    if role:
        return [replace(term, detail=role)]
    rest = sentence[end:]
    everyday = text.split("(")[0] in lexicon.PILLAR_HANGUL and not placed and not rest.startswith("(")
    if everyday and not re.match(r"(?:년|월|일|시)(?:[은는이가의에을를도, ]|$)", rest):
        return []  # 무술을, 정사를
    return [term]


def _near_place(sentence: str, before: list[Term], start: int) -> bool:
    last = [each for each in before if each.kind == "place"]
    return bool(last) and start - last[-1].end <= 8 and "," not in sentence[last[-1].end : start]
