"""Which of its kind a fact question asks for: the fire of the elements, 도화살 of the sinsal, the luck pillar now."""

import re
from collections.abc import Callable
from typing import Final

from hypercube.saju.conversation.asked import FactTopic
from hypercube.saju.conversation.known import NOBLES
from hypercube.saju.grounding import lexicon

_POSITIONS: Final = {
    "year": r"(?<![가-힣])[연년]주(?!의)|(?<![가-힣])[연년]지(?=[가는은을를의에 ?]|$)|\byear (?:pillar|branch)\b",
    "month": r"(?<![가-힣])월주|(?<![가-힣])월지(?=[가는은을를의에 ?]|$)|\bmonth (?:pillar|branch)\b",
    "day": r"(?<![가-힣])일주(?!일)|(?<![가-힣])일지(?=[가는은을를의에 ?]|$)|\bday (?:pillar|branch)\b",
    "hour": r"(?<![가-힣])시주|(?<![가-힣])시지(?=[가는은을를의에 ?]|$)|\bhour (?:pillar|branch)\b",
}
_ELEMENTS: Final = {
    "wood": "나무|목|木",
    "fire": "불|화|火",
    "earth": "흙|토|土",
    "metal": "쇠|금|金",
    "water": "물|수|水",
}
_HOW_MUCH: Final = re.compile(
    r"\b(?:do i|have|lack|missing|much|many|any|a lot|my chart)\b|[가-힣]", re.IGNORECASE
)
_CAN: Final = re.compile(r"[가-힣] 수(?:가|는|도)? ?[있없]")
"""할 수 있다 is about no water."""
_ONE_ELEMENT: Final = {
    key: re.compile(
        rf"(?<![가-힣])(?:{names})(?: ?(?:기운|오행))?(?:이|가|은|는|도|의)?\s?(?:기운|얼마|많|적|없|있|부족|몇)"
        rf"|\b{key}\b",
        re.IGNORECASE,
    )
    for key, names in _ELEMENTS.items()
}
_ONE_POSITION: Final = {key: re.compile(pattern, re.IGNORECASE) for key, pattern in _POSITIONS.items()}
_GODS: Final = {
    **lexicon.GODS,
    "재물성": "wealth",
    "인수": "direct_resource",
    **{name: key for name, key in lexicon.GODS_ENGLISH.items() if name not in ("peer", "peers")},
}
_GOD: Final = re.compile(
    "|".join(
        rf"(?<![가-힣]){name}(?!격|대운|가(?![가-힣]? )|데|지)"
        if not name.isascii()
        else rf"\b{name}s?\b(?! structure)"
        for name in sorted(_GODS, key=len, reverse=True)
    ),
    re.IGNORECASE,
)
_SINSAL: Final = {name: name for name in lexicon.SINSAL if name not in lexicon.BARE_SINSAL} | {
    "백호대살": "백호살",
    "괴강": "괴강살",
    "도화": "도화살",
    "역마": "역마살",
    "화개": "화개살",
    "백호": "백호살",
    "홍염": "홍염살",
    "현침": "현침살",
    "귀문": "귀문관살",
    "귀문관": "귀문관살",
    "천을": "천을귀인",
    "문창": "문창귀인",
    "양인": "양인살",
}
_ENGLISH_SINSAL: Final = {
    english: next(
        word
        for word, keys in lexicon.SINSAL.items()
        if any(each.split("_")[0] == key for each in keys) and not word.endswith("대살")
    )
    for english, key in lexicon.SINSAL_ENGLISH.items()
}
_ENGLISH_SINSAL.update(
    {
        "dohwa": "도화살",
        "yeokma": "역마살",
        "hwagae": "화개살",
        "yangin": "양인살",
        "baekho": "백호살",
        "goegang": "괴강살",
        "hongyeom": "홍염살",
    }
)
"""Romanized, as people write who have no Korean keyboard."""
_SINSAL_WORD: Final = re.compile(
    "|".join(
        [rf"(?<![가-힣]){name}" for name in sorted(_SINSAL, key=len, reverse=True)]
        + [rf"\b{name}\b" for name in sorted(_ENGLISH_SINSAL, key=len, reverse=True)]
    ),
    re.IGNORECASE,
)
_RELATIONS: Final = {
    "삼합": "triad",
    "방합": "direction",
    "반방합": "half_direction",
    "공합": "arched_triad",
    "상형": "mutual_punishment",
    "형살": "punishment",
    "지지충": "clash",
    "파살": "break",
    "해살": "harm",
    "육합": "six_combination",
    "반합": "half_triad",
    "천간합": "stem_combination",
    "천간충": "stem_clash",
    "삼형": "triple_punishment",
    "자형": "self_punishment",
    "원진": "resentment",
    "귀문": "ghost_gate",
}
_RELATION: Final = re.compile(
    "|".join(rf"(?<![가-힣]){name}(?!동|식|문)" for name in sorted(_RELATIONS, key=len, reverse=True))
)
_SINGLE: Final = {"충": "clash", "형": "punishment", "파": "break", "해": "harm"}
_SINGLE_RELATION: Final = re.compile(
    r"(?<![가-힣])([충형파해])(?:(?:이|가|은|는|란|이란)? ?(?:뭐(?=예|에|야|죠|지|임|냐|니|\W*$)"
    r"|뭔가요|무엇(?=인|이|\W*$))"
    r"|(?:의|은|는)? ?(?:뜻|의미)(?=[이은는을가 ?]|$))"
)
"""Of one letter they are everyday words, and terms only where it is asked what they are."""
_JOSA: Final = r"(?:이나|이랑|이|가|은|는|도|랑|와|과|나)?"
_SINGLES_ALONE: Final = re.compile(
    r"^\W*(?:(?:그럼|그러면|혹시|제|내|저|나|저한테|나한테|사주에|원국에|제 ?사주에|내 ?사주에)(?:는|도)?\W+)*"
    rf"(?:[합충형파해]{_JOSA}\W*)+(?:있|없)[가-힣]{{0,4}}(?:\W*[합충형파해](?:은|는|도)(?:요)?)*\W*$"
)
"""파 있어? 해는?: nothing but such letters in a turn that asks whether they are there."""
_SINGLE_LETTER: Final = re.compile(r"(?<![가-힣])[충형파해](?![가-힣]{2})")
_ENGLISH_RELATION: Final = {
    "triad": r"\btriads?\b",
    "six_combination": r"\bsix combinations?\b",
    "clash": r"(?<!stem )\bclash(?:es)?\b",
    "punishment": r"\bpunishments?\b",
    "stem_combination": r"\bstem combinations?\b",
    "stem_clash": r"\bstem clash(?:es)?\b",
    "harm": r"\bharms\b",
}
_ONE_RELATION: Final = {key: re.compile(pattern, re.IGNORECASE) for key, pattern in _ENGLISH_RELATION.items()}
_LUCK: Final = re.compile(r"대운|\bluck pillars?\b", re.IGNORECASE)
_LUCK_DETAIL: Final = (
    (
        "start",
        re.compile(r"대운수|대운이? ?(?:몇 ?살|언제부터|시작)|첫 ?대운|\bfirst luck pillar\b", re.IGNORECASE),
    ),
    (
        "next",
        re.compile(
            r"다음 ?대운|대운이? ?(?:언제 ?바뀌|바뀌)|\bnext luck pillar\b|\bluck pillars? changes?\b",
            re.IGNORECASE,
        ),
    ),
    (
        "now",
        re.compile(
            r"(?:지금|현재|요즘|이번|올해)[^.?!]{0,6}대운|\bluck pillar am i\b|\bcurrent luck\b|"
            r"luck pillar[^.?!]{0,12}\bnow\b",
            re.IGNORECASE,
        ),
    ),
)
_PERIODS: Final = (
    (
        "year",
        re.compile(
            r"세운|올해[^.?!]{0,4}(?:간지|무슨 해)|\bthis year'?s? pillar\b|\bpillar (?:of|for) this year\b",
            re.IGNORECASE,
        ),
    ),
    (
        "month",
        re.compile(
            r"월운|이번 ?달[^.?!]{0,4}(?:간지|무슨 달)|\bthis month'?s? pillar\b|\bpillar (?:of|"
            r"for) this month\b",
            re.IGNORECASE,
        ),
    ),
    (
        "day",
        re.compile(
            r"일진|오늘의? ?(?:운(?!동|전|영|명)|간지|무슨 날)|\btoday'?s pillar\b|\bpillar (?:of|for) today\b",
            re.IGNORECASE,
        ),
    ),
)


def details(topic: FactTopic, text: str) -> tuple[str, ...] | None:
    """The single ones that a turn asks for; None where it names none, so that its topic's own words decide."""
    found = _READERS[topic](text) if topic in _READERS else ()
    return tuple(dict.fromkeys(found)) or None


def _positions(text: str) -> tuple[str, ...]:
    named = tuple(key for key, pattern in _ONE_POSITION.items() if pattern.search(text))
    return () if len(named) > 2 else named


def _elements(text: str) -> tuple[str, ...]:
    if not _HOW_MUCH.search(text):
        return ()
    said = _CAN.sub(" ", text)
    return tuple(key for key, pattern in _ONE_ELEMENT.items() if pattern.search(said))


def _gods(text: str) -> tuple[str, ...]:
    return tuple(_GODS[match[0]] for match in _lower(_GOD, text, _GODS))


def _lower(pattern: re.Pattern[str], text: str, table: dict[str, str]) -> list[tuple[str]]:
    found = []
    for match in pattern.finditer(text):
        word = match[0].lower()
        word = word if word in table else word.rstrip("s")
        found.append((word,))
    return found


_NOBLE: Final = re.compile(
    r"(?<![가-힣])귀인|\bnobles?\b|\bnoble ?(?:man|men|people|person|stars?)\b|\bbenefactors?\b",
    re.IGNORECASE,
)


def _sinsal(text: str) -> tuple[str, ...]:
    found = []
    for match in _SINSAL_WORD.finditer(text):
        word = match[0].lower()
        korean = _ENGLISH_SINSAL.get(word, word)
        # Bare names (육수, 금여) are everyday words in Korean and asked for in English only.
        found.append(_SINSAL.get(korean, korean))
    found = [each for each in found if each not in ("원진살", "귀문관살")]
    if not any(each.endswith(NOBLES) for each in found) and _NOBLE.search(text):
        found.append(NOBLES)
    return tuple(found)


def _relations(text: str) -> tuple[str, ...]:
    found = [_RELATIONS[match[0]] for match in _RELATION.finditer(text)]
    found += [_SINGLE[match[1]] for match in _SINGLE_RELATION.finditer(text)]
    if "합" not in text and _SINGLES_ALONE.search(text):
        found += [_SINGLE[match[0]] for match in _SINGLE_LETTER.finditer(text)]
    found += [key for key, pattern in _ONE_RELATION.items() if pattern.search(text)]
    return tuple(found)


def _first(choices: tuple[tuple[str, re.Pattern[str]], ...]) -> Callable[[str], tuple[str, ...]]:
    return lambda text: tuple(key for key, pattern in choices if pattern.search(text))


def _luck(text: str) -> tuple[str, ...]:
    return _first(_LUCK_DETAIL)(text) if _LUCK.search(text) else ()


_READERS: Final[dict[FactTopic, Callable[[str], tuple[str, ...]]]] = {
    FactTopic.PILLARS: _positions,
    FactTopic.ELEMENTS: _elements,
    FactTopic.GODS: _gods,
    FactTopic.SINSAL: _sinsal,
    FactTopic.RELATIONS: _relations,
    FactTopic.LUCK: _luck,
    FactTopic.PERIODS: _first(_PERIODS),
}
