"""The places that a sentence about two people names, and whose they are."""

import functools
import re
from typing import Final, NamedTuple

from hypercube.saju.grounding.ground import NATAL
from hypercube.saju.grounding.people import BOTH, UNNAMED, segment_at, segments
from hypercube.saju.grounding.terms import terms

_POSITIONS: Final = {"연": "year", "년": "year", "월": "month", "일": "day", "시": "hour"}
_PARTS: Final = {"간": "stem", "지": "branch", "주": "pillar"}
_AMONG: Final = re.compile(r"([연년월일시])(간|지|주)끼리")
_PLURAL: Final = re.compile(r"\b(year|month|day|hour) (branches|stems|pillars|masters)\b", re.IGNORECASE)
_PARTS_EN: Final = {"branches": "branch", "stems": "stem", "masters": "stem", "pillars": "pillar"}


class Spot(NamedTuple):
    """A place named."""

    position: str
    part: str
    at: int
    who: str


@functools.lru_cache(maxsize=16_384)
def places_of(sentence: str) -> tuple[Spot, ...]:
    """Every place of a birth chart that the sentence names; of both where it says 일지끼리, or "day branches"."""
    found = segments(sentence)
    named: list[Spot] = []
    for term in terms(sentence):
        if term.kind == "place" and term.text:
            who = segment_at(found, term.start).who
            named += [
                Spot(position, part, term.start, who) for position, part in term.places if position in NATAL
            ]
    for match in _AMONG.finditer(sentence):
        named.append(Spot(_POSITIONS[match.group(1)], _PARTS[match.group(2)], match.start(), BOTH))
    for match in _PLURAL.finditer(sentence):
        who = segment_at(found, match.start()).who
        part = _PARTS_EN[match.group(2).lower()]
        named.append(Spot(match.group(1).lower(), part, match.start(), BOTH if who == UNNAMED else who))
    return tuple(named)
