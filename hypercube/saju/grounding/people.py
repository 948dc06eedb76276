"""Of whom a sentence about two people speaks: its segments, each of the first, the second, both or nobody named.

A segment runs from the word that names somebody to the next such word. What stands before a name as its attribute
("무토 일간인 첫째 분") belongs to it. Clauses are what commas and connective endings divide.
"""

import re
from dataclasses import dataclass
from typing import Final

FIRST: Final = "first"
SECOND: Final = "second"
BOTH: Final = "both"
UNNAMED: Final = ""

_WORD: Final = re.compile(
    r"(?P<first>(?:첫째|첫 ?번째) ?(?:분|사람)"
    r"|(?<![가-힣])(?:나|내|당신|본인)(?=의 |에게|는 |가 |와 | (?:사주|[연년월일시][주간지]))"
    r"|\b(?i:the first (?:person|one|partner)|the first(?= an? | is | has )|first person|person one"
    r"|your(?! partner)|you(?=['’]re| are| have))\b)"
    r"|(?P<second>(?:둘째|두 ?번째) ?(?:분|사람)|(?<![가-힣])상대(?:방|분|편)?(?!적|성|가 되|하)"
    r"|\b(?i:the second (?:person|one|partner)|the second(?= an? | is | has )|second person|person two"
    r"|your partner|the partner|the other person)\b)"
    r"|(?P<both>두 (?:분|사람)|둘(?= ?(?:다|모두)|[은이의] )|서로의(?= [연년월일시])|양쪽"
    r"|\b(?i:both (?:people|persons|partners|of (?:you|them))|both(?= (?:are|have|day|year|month|hour|charts))"
    r"|the two (?:people|persons|partners|of (?:you|them)))\b)"
)
_ATTRIBUTE: Final = re.compile(r"[가-힣](?:인|진|닌|둔|놓인|가진) $")
_BREAK: Final = re.compile(r"[,;:] |(?<=[가-힣])(?:고|며|과|와|은|는|지만|는데) ")
_CLAUSE: Final = re.compile(
    r"[,;:](?= )|(?<=[가-힣])(?:고|며|지만|는데|으나|이나)(?=,? )|\b(?:while|whereas|but)\b"
)


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of a sentence."""

    who: str
    """`FIRST`, `SECOND`, `BOTH` or `UNNAMED`."""
    start: int
    end: int
    named: int
    """Where the naming word ends; `start` for nobody."""


def segments(sentence: str) -> tuple[Segment, ...]:
    """The segments of a sentence, in order, without gaps."""
    found: list[Segment] = []
    begin = 0
    for match in _WORD.finditer(sentence):
        start = _with_attribute(sentence, begin, match.start())
        if found:
            last = found[-1]
            found[-1] = Segment(last.who, last.start, start, last.named)
        elif start:
            found.append(Segment(UNNAMED, 0, start, 0))
        found.append(Segment(str(match.lastgroup), start, len(sentence), match.end()))
        begin = match.end()
    return tuple(found) or (Segment(UNNAMED, 0, len(sentence), 0),)


def _with_attribute(sentence: str, begin: int, at: int) -> int:
    """Where what belongs to the name at `at` begins: the name itself, or an attribute before it."""
    if not _ATTRIBUTE.search(sentence[begin:at]):
        return at
    ends = [match.end() for match in _BREAK.finditer(sentence, begin, at)]
    return ends[-1] if ends else begin


def segment_at(found: tuple[Segment, ...], at: int) -> Segment:
    """The segment that a character belongs to."""
    return next(each for each in reversed(found) if each.start <= at)


def clauses(sentence: str) -> tuple[tuple[int, int], ...]:
    """Start and end of each clause."""
    ends = [match.end() for match in _CLAUSE.finditer(sentence)]
    return tuple(zip([0, *ends], [*ends, len(sentence)], strict=True))


def clause_at(found: tuple[tuple[int, int], ...], at: int) -> tuple[int, int]:
    """The clause that a character belongs to."""
    return next(each for each in reversed(found) if each[0] <= at)
