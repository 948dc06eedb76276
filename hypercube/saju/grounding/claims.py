"""What a sentence claims about a chart, without looking at any chart: so it is worked out once a sentence.

A claim has a kind, a value and a scope: the places (position, part) that it is said of, found in its clause by
`hypercube.saju.grounding.scope`. A term without a place is still a claim where the sentence speaks of this person:
the chart has it somewhere, or the sentence is wrong. What is supposed, defined, said of people in general or of
somebody else, wished for, or a picture is no claim (`hypercube.saju.grounding.speech`).
"""

import functools
import re
from dataclasses import dataclass, replace
from typing import Final

from hypercube.saju.grounding import elements, lexicon, scope, speech
from hypercube.saju.grounding.numbers import SMALL, SMALL_EN, number_of
from hypercube.saju.grounding.place_names import Place
from hypercube.saju.grounding.scope import Clauses
from hypercube.saju.grounding.terms import Term, terms

_EXISTS: Final = re.compile(
    r"있|드러|많|강하|강한|두드러|뚜렷|과다|두터|가득|놓|자리|들어|없|보이|뿐|숨어|갖추|나란히|또렷|지니|지닌|가진|가지고|타고|투출|품|발달"
    r"|^s? (?:star )?(?:is|are|sits?|stands?|appears?|dominates?|shows?)\b"
)
_OWNED_EN: Final = re.compile(
    r"\b(?:you have|you carry|your|chart (?:has|holds|shows|contains|features)|there (?:is|are)"
    r"|with)(?: an?| the| \w+)? $",
    re.IGNORECASE,
)
_COUNT: Final = re.compile(
    rf"^(?:\([^)]*\))?(?:이|가|은|는|만|도|의 (?:개수|수)는)? ?(?:모두 |총 |무려 |각각 |전부 |다 합쳐 "
    rf"|합쳐서 |딱 |단 |겨우 )?({SMALL})"
    r" ?(?:개|글자|자리|곳|번|(?=이나|이고|이며|입니다|이에|이라|이어|이죠|이네|이 |로 |으로 |뿐| 있|,|\.))"
)
_COUNT_BEFORE: Final = re.compile(
    rf"(?<![가-힣])({SMALL}) ?(?:개|글자)의 $|\b({SMALL_EN}) (?:visible )?$", re.IGNORECASE
)
_IN_ALL: Final = re.compile(rf"(?:모두|합쳐서?|통틀어) ({SMALL})(?: ?개|이|입|나|으로|로|\.|,)")
_SCOPED: Final = frozenset({"god", "stage", "sinsal", "void", "nayin"})
_LETTERS: Final = frozenset({"pillar", "stem", "branch"})
_ASKED: Final = re.compile(
    r"^(?:\([^)]*\))?(?:이냐|인지|한지|인가 |일까|일 것 같|인 줄 (?:알|아))|^[^.!?]{0,16}(?:라고요|냐고요)\?"
)
"""What is asked is not said: 신강이냐 신약이냐, 원숭이띠라고요?"""
_CALLED: Final = re.compile(
    rf"(?:\([^)]*\))?(?: {SMALL} ?개)?(?:은|는|이|가) "
    r"(?:모두 |둘 다 |바로 |곧 |당신의 |당신에게 )*"
)
_IS: Final = re.compile(
    r"^(?:\([^)]*\))?(?:입니다|이에요|예요|에 해당|이고|이며|이라|라서|(?:이|가) (?:됩|되|돼)|죠|이죠|이니|이지)"
)
_MEETING: Final = re.compile(r"(?:만나|오|들어오|있으|되|생기)면")
_RELATED: Final = re.compile(
    r"^(?:\(.\))?(?:살)?(?:이|가|은|는|도)? ?(?:모두 |무려 )?"
    r"(?:있(?!으면|다면|을 때)|하나|한 개|두 개|둘|세 개|셋|여럿|많)"
)
_OF_CHART: Final = re.compile(r"원국|사주|명식|\bchart\b")
_HIDDEN: Final = re.compile(r"지장간|암장|숨어|숨은|hidden", re.IGNORECASE)


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
    anywhere: bool = False
    """Whether it is said of the chart as a whole: a letter that some place must have."""
    hidden: bool = False
    """Whether hidden stems are spoken of."""


class _Manner:
    """How a sentence speaks, looked at when it matters."""

    def __init__(self, sentence: str) -> None:
        self._sentence = sentence

    @functools.cached_property
    def loose(self) -> bool:
        """Whether a term without a place may be of somebody else, of a passing time, or wished for."""
        ways = (speech.general, speech.passing, speech.of_another, speech.advised)
        return any(way(self._sentence) for way in ways)

    @functools.cached_property
    def own(self) -> bool:
        """Whether the person or the chart is named."""
        return speech.of_the_chart(self._sentence)

    @functools.cached_property
    def hidden(self) -> bool:
        """Whether hidden stems are spoken of."""
        return bool(_HIDDEN.search(self._sentence))


@functools.lru_cache(maxsize=65_536)
def claims(sentence: str) -> tuple[Claim, ...]:
    """Every claim of a sentence, in order."""
    words = terms(sentence)
    taken = [(each.start, each.end) for each in words if each.end > each.start]
    found = [
        Claim(each.kind, each.value, (), each.start, each.end, each.text, each.negated, detail=each.detail)
        for each in elements.statements(sentence, taken)
    ]
    if words:
        manner = _Manner(sentence)
        clauses = Clauses.of(sentence, words)
        starts = {each.start: each.end for each in words}
        found += [
            claim
            for at, word in enumerate(words)
            if word.kind != "place" and (claim := _claim(clauses, at, manner, starts)) is not None
        ]
    if found and speech.supposed(sentence):
        found = [replace(each, asserted=False) for each in found]
    elif found and (speech.general(sentence) or speech.of_another(sentence)):
        found = [each if each.scope or each.near else replace(each, asserted=False) for each in found]
    return tuple(sorted(found, key=lambda each: each.start))


def _claim(clauses: Clauses, at: int, manner: _Manner, starts: dict[int, int]) -> Claim | None:
    sentence, word = clauses.sentence, clauses.words[at]
    after = sentence[word.end :]
    inside = clauses.places(word)
    near = tuple(dict.fromkeys(place for each in inside for place in each.places))
    negated = speech.denied(sentence, word.start, word.end, speech.joined_to(sentence, word.end, starts))
    where: tuple[Place, ...] = ()
    another = word.detail == "another" or speech.of_another_after(after)
    detail, asserted, anywhere = word.detail, True, False
    if word.kind in _LETTERS:
        where = scope.of_letter(clauses, at)
        placed = bool(where) or bool(detail and detail != "or_branch")
        if detail == "placed":
            detail, placed = "", bool(where)
            if not where:
                return None
        if not placed:
            here = [
                each
                for each in inside
                if not sentence.startswith("에게", each.end) and each.places[0][0] != "any"
            ]
            anywhere = not (manner.loose or here or speech.likened(after))
            asserted = anywhere
            if anywhere and not detail and manner.own:
                detail = "own"
    elif word.kind in _SCOPED:
        where = scope.of_quality(clauses, at)
    if word.kind == "stage" and not where:
        anywhere = sum(each.kind == "stage" for each in clauses.words) > 1
    if word.kind == "god":
        if after.startswith("의 해"):
            where = (("this_year", "pillar"),)
        letter = "" if where else _letter_called(clauses, at)
        detail, asserted = (letter, True) if letter else _of_god(clauses, word, where, manner)
    if another or _ASKED.match(after):
        asserted = False
    if word.kind == "relation" and len(near) < 2 and not any(p[0].startswith("pillar:") for p in near):
        wide = tuple(dict.fromkeys(p for each in clauses.words if each.kind == "place" for p in each.places))
        near = wide or near
    if word.kind == "relation" and not near and not detail and (negated or _RELATED.match(after)):
        anywhere = bool(_OF_CHART.search(sentence))
    if word.kind == "relation" and len(near) < 2 and _MEETING.search(sentence[: word.start]):
        asserted = False
    if word.kind == "relation" and not detail and (len(near) < 2 or word.text.isascii()):
        detail = _letters_near(clauses, at)
    return Claim(
        word.kind,
        word.value,
        where,
        word.start,
        word.end,
        word.text,
        negated,
        asserted,
        detail,
        near,
        anywhere,
        manner.hidden,
    )


def _letter_called(clauses: Clauses, at: int) -> str:
    """The letter that a ten god without a place is said of: 묘목은 편인이라; of any day stem it is one only."""
    sentence, word = clauses.sentence, clauses.words[at]
    letter = clauses.words[at - 1] if at else None
    if letter is None or letter.kind not in ("stem", "branch") or letter.detail or clauses.places(word):
        return ""
    if not _CALLED.fullmatch(sentence[letter.end : word.start]) or not _IS.match(sentence[word.end :]):
        return ""
    return f"of_{letter.kind}:{letter.value}"


def _letters_near(clauses: Clauses, at: int) -> str:
    """The two letters that a relation is said of where no places are: 진토와 묘목이 해를 이루어."""
    word = clauses.words[at]
    here = clauses.number(word.start)
    for kind, which in (("branch", "branches"), ("stem", "stems")):
        letters = [each for each in clauses.words if each.kind == kind and clauses.number(each.start) == here]
        if len(letters) == 2:
            return f"{which}:" + ",".join(str(each.value) for each in letters)
    return ""


def _of_god(clauses: Clauses, word: Term, where: tuple[Place, ...], manner: _Manner) -> tuple[str, bool]:
    """How a ten god is spoken of, and whether it is claimed to be there at all."""
    sentence = clauses.sentence
    after, before = sentence[word.end :], sentence[: word.start]
    everyday = word.detail == "everyday"
    count = _COUNT.match(after) or _COUNT_BEFORE.search(before)
    if (
        count
        and not everyday
        and re.match(r"[가-힣 ]{0,12}(?:지(?:는|도)? ?않|아니|아닙|아닌)", after[count.end() :])
    ):
        return "", False  # not so many: how many is not said
    if not count and len({each.value for each in clauses.words if each.kind == "god"}) == 1:
        count = _IN_ALL.search(after)
    if count and not everyday:
        number = next(each for each in count.groups() if each is not None)
        return f"count:{number_of(number)}", True
    if where:
        return "", True
    if edge := re.match(
        r"(?:\(印星\))?(?:의 무게가|의 힘이|의 기운이|이|가) (?:가장|제일) (약|적|부족|모자)?", after
    ):
        return "least" if edge.group(1) else "most", True
    if (
        re.match(
            r"(?:이|가|은|는)? ?(?:아주 |매우 |너무 |꽤 |워낙 )?(?:많|넘치|넘쳐)(?!으면|지|은 (?:사주|사람)[와과은는])",
            after,
        )
        and not manner.loose
    ):
        return "much", True
    if re.match(
        r"(?:이|가|은|는|도)?\s?(?:거의|별로|그다지|많으면|많지|적|약)|^s? (?:are|is) (?:both )?(?:few|weak|scarce)",
        after,
    ):
        return "", False
    own = bool(_EXISTS.search(after[:24])) or bool(_OWNED_EN.search(before))
    asserted = own or (
        manner.own
        and not manner.loose
        and bool(re.match(r"(?:의 (?:기운|기질|힘|성향)|이라|적인|s?\b)", after))
    )
    if everyday and not own:
        asserted = False
    if manner.loose and speech.passing(sentence):
        asserted = asserted and bool(re.search(r"사주|원국|명식", sentence))
    if re.match(r"(?:이|가)? ?과다", after):
        return "excess", asserted
    if re.match(r"[가-힣]{0,2} ?(?:천간에 )?(?:투출|천간에)", after):
        return "stems", True
    return ("shown" if re.search(r"드러|visible|겉", sentence) else ""), asserted
