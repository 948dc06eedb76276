"""What is said of each of two people in words that only such sentences use: what one lacks, what the other brings."""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from hypercube.core.reading import Mention
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.lexicon import ELEMENT_OF
from hypercube.saju.grounding.people import BOTH, FIRST, SECOND, segment_at, segments
from hypercube.saju.grounding.verdicts import Verdict, decided

_LACKED: Final = re.compile(
    r"(?P<how>없는|빠진|모자란|부족한) ?(?P<element>[목화토금수])(?=\(|[을를이가은는 ])"
)
_FEW: Final = {"없는": 0, "빠진": 0, "모자란": 1, "부족한": 1}
"""The most letters of an element of which so much may be said."""
_STRENGTH: Final = re.compile(r"(극신약|극신강|신약|신강|중화)(?=합니다|하니|하며|해서|했)")
_GIVEN: Final = re.compile(
    r"([목화토금수])(?:\([木火土金水]\))?[을를] ?[^,.]{0,16}?(?:채워|채우|보태|메워|메우|건네|가져다|빌려)"
)
_LETTERS_EN: Final = re.compile(
    r"\b(no|one|two|three|four|five|six|seven|eight|\d) (?:visible )?(Wood|Fire|Earth|Metal|Water) letters?\b"
)
_WORDS: Final = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight")


def beside(sentence: str, grounds: Mapping[str, Ground]) -> Iterator[Mention]:
    """Every such mention with its verdict; nothing is said of a person who is not named."""
    found = segments(sentence)

    def people(at: int) -> tuple[str, ...]:
        who = segment_at(found, at).who
        return (who,) if who in grounds else (FIRST, SECOND) if who == BOTH else ()

    for match in _LACKED.finditer(sentence):
        for who in people(match.start()):
            count = grounds[who].visible[ELEMENT_OF[match["element"]]]
            yield _mention("element_absent", match, who, decided(count <= _FEW[match["how"]], f"{count:g}"))
    for match in _GIVEN.finditer(sentence):
        for who in people(match.end()):
            there = bool(grounds[who].visible[ELEMENT_OF[match.group(1)]])
            yield _mention("element_brought", match, who, decided(there, "absent"))
    for match in _STRENGTH.finditer(sentence):
        for who in people(match.start()):
            level, said = grounds[who].facts.strength.level.hangul, match.group()
            yield _mention("strength", match, who, decided(level in (said, f"극{said}"), level))
    for match in _LETTERS_EN.finditer(sentence):
        word = match.group(1).lower()
        number = _WORDS.index(word) if word in _WORDS else int(word)
        for who in people(match.start()):
            count = grounds[who].visible[ELEMENT_OF[match.group(2).lower()]]
            yield _mention("element_count", match, who, decided(count == number, f"{count:g}"))


def _mention(kind: str, match: re.Match[str], who: str, verdict: Verdict) -> Mention:
    return Mention(kind, match.group(), match.start(), match.end(), who, *verdict)
