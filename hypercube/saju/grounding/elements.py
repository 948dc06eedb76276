"""What a sentence says of the five elements and of yin and yang: none, how many, what share, the most, the useful one.

An element's name is an everyday word (목, 화, 수), so only these phrases count, not the name alone.
"""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.saju.grounding.lexicon import ELEMENT_OF

_E: Final = r"(?<![가-힣])([목화토금수])(?:\([木火土金水]\))?|([木火土金水])"
_N: Final = {
    "하나": 1,
    "한": 1,
    "두": 2,
    "둘": 2,
    "세": 3,
    "셋": 3,
    "네": 4,
    "넷": 4,
    "다섯": 5,
    "여섯": 6,
    "일곱": 7,
    "여덟": 8,
}
_NUMBER: Final = r"(\d+|하나|한|두|둘|세|셋|네|넷|다섯|여섯|일곱|여덟)"
_ONE: Final = r"(?<![가-힣])[목화토금수](?:\([木火土金水]\))?|[木火土金水]"
_ABSENT: Final = re.compile(
    rf"((?:{_ONE})(?:(?:과|와|,|·)\s?(?:{_ONE}))*)"
    r"(?: ?기운| ?오행)?(?:이|가|은|는|도)? ?(?:하나도 |전혀 |아예 )?(없|보이지 않|빠져 있)"
)
_COUNTED: Final = re.compile(
    rf"(?:{_E})(?: ?기운)?(?:이|가|은|는|의 개수는|의 숫자는|의 수는)? ?{_NUMBER} ?개"
)
_COUNTED_BEFORE: Final = re.compile(rf"{_NUMBER} ?개의 (?:{_E})")
_LISTED: Final = re.compile(rf"(?:{_E}) ?[:=]? ?(\d)(?=[,.\s)]|$)")
_LISTED_AT_LEAST: Final = 3
_SHARE: Final = re.compile(rf"(?:{_E})(?: ?기운)?(?:이|가|은|는|의 비중이|의 비중은)? ?(\d+)(?:\.\d+)?%")
_MOST: Final = re.compile(rf"(?:{_E})[^,.목화토금수木火土金水]{{0,24}}?(?:가장 (?:많|크|커|강|두|높)|으뜸)")
_LEAST: Final = re.compile(rf"(?:{_E})[^,.목화토금수木火土金水]{{0,24}}?(?:가장 (?:낮|적|약|부족))")
_LEAD: Final = re.compile(rf"기운이 (?:{_E})(?:으로|로) 쏠|(?:{_E})의 기운이 앞서")
_USEFUL: Final = re.compile(rf"용신(?:\([^)]*\))?(?: 후보)?(?:은|는|인|을|으로는|으로)? ?(?:{_E})")
_USEFUL_BEFORE: Final = re.compile(rf"(?:{_E}) 용신(?=이|인|으로|을|의)")
_WELCOME: Final = re.compile(rf"억부법으로 반기는 (?:{_E})")
_WEALTH: Final = re.compile(rf"재성의 오행은 (?:{_E})")
_FULL: Final = re.compile(
    r"다섯 오행이 드러난 글자에 빠짐없이|오행이 고루 갖추어|[Aa]ll five elements are|five elements are all present"
)
_SUPPORT: Final = re.compile(r"(?:(\d+)점 가운데 (\d+)점)|(?:scores (\d+) of (\d+))")
_POLARITY: Final = re.compile(
    rf"양(?:이|의 글자가) {_NUMBER}, 음(?:이|의 글자가) {_NUMBER}|there are (\d+) yang and (\d+) yin"
)
_EVEN: Final = re.compile(r"음과 양의 글자가 같은 수|음양이 반반|equal in number")
_EN: Final = r"(Wood|Fire|Earth|Metal|Water)"
_ABSENT_EN: Final = re.compile(rf"(?:[Nn]o visible (?:letter is )?|[Nn]o |lacks |without any ){_EN}\b")
_SHARE_EN: Final = re.compile(rf"{_EN}\b[^.,]{{0,40}}?,? ?(?:with )?(\d+)%")
_MOST_EN: Final = re.compile(rf"{_EN} (?:leads|weighs most|dominates|is the (?:most|strongest|dominant))")
_LEAST_EN: Final = re.compile(rf"{_EN} has the least")
_USEFUL_EN: Final = re.compile(rf"useful (?:element|god) is {_EN}|holds {_EN}, useful")
_WEALTH_EN: Final = re.compile(rf"wealth element is {_EN}")


@dataclass(frozen=True, slots=True)
class Statement:
    """One thing said of the elements."""

    kind: str
    value: str
    start: int
    end: int
    text: str
    negated: bool = False
    detail: str = ""


def statements(sentence: str) -> list[Statement]:
    """Every such phrase of a sentence."""
    found: list[Statement] = []
    for match in _ABSENT.finditer(sentence):
        if match.group().startswith("수") and _able(sentence[: match.start()]):
            continue
        found += [
            _made("element_absent", ELEMENT_OF[letter[0]], match)
            for letter in re.findall(_ONE, match.group(1))
        ]
    for kind, pattern in (
        ("element_most", _MOST),
        ("element_least", _LEAST),
        ("element_most_weighed", _LEAD),
        ("useful", _USEFUL),
        ("useful", _USEFUL_BEFORE),
        ("useful_any", _WELCOME),
        ("wealth_element", _WEALTH),
        ("element_most", _MOST_EN),
        ("element_least", _LEAST_EN),
        ("useful", _USEFUL_EN),
        ("wealth_element", _WEALTH_EN),
        ("element_absent", _ABSENT_EN),
    ):
        found += [_made(kind, _element(match), match) for match in pattern.finditer(sentence)]
    for kind, pattern in (
        ("element_count", _COUNTED),
        ("element_share", _SHARE),
        ("element_share", _SHARE_EN),
    ):
        for match in pattern.finditer(sentence):
            number = match.group(match.lastindex or 1)
            found.append(_made(kind, _element(match), match, str(_N.get(number, number))))
    for match in _COUNTED_BEFORE.finditer(sentence):
        letter = match.group(2) or match.group(3)
        found.append(
            _made("element_count", ELEMENT_OF[letter], match, str(_N.get(match.group(1), match.group(1))))
        )
    rows = list(_LISTED.finditer(sentence))
    if len(rows) >= _LISTED_AT_LEAST:
        found += [
            _made("element_count", _element(each), each, each.group(each.lastindex or 1)) for each in rows
        ]
    if said := _FULL.search(sentence):
        found.append(_made("elements_full", "", said))
    if said := _SUPPORT.search(sentence):
        korean = said.group(1) is not None
        available, support = (said.group(1), said.group(2)) if korean else (said.group(4), said.group(3))
        found.append(_made("support", support, said, available))
    if said := _POLARITY.search(sentence):
        numbers = [str(_N.get(each, each)) for each in said.groups() if each is not None]
        found.append(_made("polarity", numbers[0], said, numbers[1]))
    if said := _EVEN.search(sentence):
        found.append(_made("polarity", "even", said))
    for match in re.finditer(rf"(음|양)의 글자(?:가|만|는) {_NUMBER}", sentence):
        if not _POLARITY.search(sentence):
            number = str(_N.get(match.group(2), match.group(2)))
            found.append(_made("polarity_one", "yin" if match.group(1) == "음" else "yang", match, number))
    return found


def _able(before: str) -> bool:
    """Whether 수 after this is "알 수 (없다)": the word in front ends in ㄹ."""
    word = before.rstrip()
    return (
        bool(word)
        and before.endswith(" ")
        and "가" <= word[-1] <= "힣"
        and (ord(word[-1]) - 0xAC00) % 28 == 8
    )


def _element(match: re.Match[str]) -> str:
    name = next(each for each in match.groups() if each is not None)
    return ELEMENT_OF[name.lower()]


def _made(kind: str, value: str, match: re.Match[str], detail: str = "") -> Statement:
    return Statement(kind, value, match.start(), match.end(), match.group(), detail=detail)
