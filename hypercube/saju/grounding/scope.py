"""What a term is said of: the places that its clause names, before it or after it, alone or joined."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from hypercube.saju.grounding.place_names import Place
from hypercube.saju.grounding.terms import Term

_CLAUSE: Final = re.compile(
    r"[;:]|(?<=[가-힣)])[,](?!\s*(?:an? |the )?(?:[a-z]+ )?(?:resource|officer|wealth))"
    r"|(?<=[가-힣])(?:고(?! 있| 계| 앉)|며|지만|는데)(?= )|, (?=(?:and|but|while|whereas|yet) )"
    r"| (?=(?:while|but|whereas) )"
)
_JOIN: Final = re.compile(r"^(?:과|와|이랑|하고|및|·|,|/|\s|and|the|your|그리고)*$")
_NEAR_KOREAN: Final = 24
_NEAR_ENGLISH: Final = 48
"""Characters within which a letter belongs to the place before it."""
_APART: Final = re.compile(
    r"[.]|먼저|에게|에서 본|보다|돕|도와|생하|생해|극하|극해|살려|실어|필요|만나|비추|녹이|누르|태우|키우"
    r"|기르|향해|반기|좋아하"
    r"|\b(?:needs?|meets?|likes?|controls?|feeds?|generates?|produces?|clash\w*|combin\w*|harms?|than|against|from|with)\b"
)
_SUBJECT: Final = re.compile(r"^(?:이|가|은|는|을|를|에게) ")
_OBJECT: Final = re.compile(r"^(?:\([^)]*\))?(?:을|를|에게|보다)")
_HOLDS: Final = re.compile(
    r"^(?:\([^)]*\))?(?:을|를) ?[^,.]{0,8}?(?:품|갖|가지|가진|지니|지닌|두고|둔|깔|안고|거느|놓|띠|띤|이루|쓰|맞)"
)
_FORWARD: Final = re.compile(r"^(?:\([^)]*\))?(?:살|귀인)?(?:이|가|은|는|을|를|도|인|의)?(?:\s[^,.]{0,22})?$")
_FORWARD_EN: Final = re.compile(
    r"^s?[^,.;]{0,40}? (?:in|on|at|within|inside|of|under|from) (?:the |your |both |its )?$"
)
_BESIDE: Final = re.compile(r"(?:\([年月日時][柱干支]\))?(?:은|는|이|가)?[ :：]{0,2}")
"""Between a place and the letter that is its, whatever place follows: 연간 경금 월간 경금."""
_TURNED: Final = re.compile(r"(?:이|가|은|는|도) ")
_OF_IT: Final = re.compile(r"(?:에|에는|에도|의|은|는|에 있는|에 놓인|에 뜬)? ?")
"""Between a place and what is said of it, with nothing else between."""
_COPULA: Final = re.compile(
    r"^(?:\([^)]*\))?(?:이|가)? ?(?:됩니다|되|에 해당|입니다|이에요|예요|이라|이죠|이다|인데)"
)
_PARTS: Final = {"pillar": ("pillar",), "stem": ("stem", "pillar"), "branch": ("branch", "pillar")}
_SELF_BEFORE: Final = re.compile(
    r"(?:봄|여름|가을|겨울)에 (?:난|태어난|나신|태어나신) $|\b(?:[Yy]ou are|[Yy]ou're|[Aa]s|[Bb]orn as)(?: an?| the)? $"
    r"|(?:당신|본인|님|그대|선생님|회원님|고객님|저|나)(?:께서는|께선|은|는|이란) (?:타고난 |바로 "
    r"|결국 |본래 |[가-힣]{1,6}(?:에|의|한) )?$"
    r"|\b(?:[Ss]elf|[Cc]ore|[Dd]ay|[Yy]our) element (?:is|being)(?: an?)? $|\bchart of an? $"
    r"|(?:heart|core|cent(?:re|er)) of your chart (?:stands|is|lies|sits)(?: an?| the)? $"
)
_SELF_AFTER: Final = re.compile(
    r"^(?: \(.\))?,? (?:person|native|born|day|self|woman|man|lady|soul|individual)\b"
    r"|^(?:\([^)]*\))?(?:으로|로) (?:태어|오신)|^ ?일주(?=[는의,로 ])|^ ?일생"
    r"|^(?:\([^)]*\))?(?:이라서|라서|이라|라 |이시|이세요|이에요|예요|이신|인 당신|인 (?:선생|회원"
    r"|고객)|답게|다운|의 (?:사람|성정|성품|기질을 타|분))"
)
_BELOW: Final = re.compile(
    r"^(?:\([^)]*\))?(?:을|를|에)? ?(?:깔고|밟고|딛고|위에 앉|위에 선|위에 자리|위에 서)| (?:sits|lies"
    r"|rests|stands) (?:beneath|under|below)\b"
)
_SEATED: Final = re.compile(r"일주|일간|당신|일생|앉은 [가-힣]{2}(?:은|는|이|가|라)|깔고 앉|깔고 있")
_ONTO: Final = re.compile(
    r"\b(?:sits?|sitting|seated|rests?|stands?|standing) (?:on|upon|over|above|atop)(?: an?| the)? $"
)


@dataclass(frozen=True, slots=True)
class Clauses:
    """Where the clauses of a sentence end, and the places that each names."""

    sentence: str
    words: Sequence[Term]
    ends: tuple[int, ...]

    @classmethod
    def of(cls, sentence: str, words: Sequence[Term]) -> "Clauses":
        """The clauses of a sentence."""
        return cls(sentence, words, tuple(match.end() for match in _CLAUSE.finditer(sentence)))

    def number(self, at: int) -> int:
        """Which clause a character is in."""
        return sum(1 for end in self.ends if end <= at)

    def places(self, word: Term) -> list[Term]:
        """The places of the clause of a term; of the clause before, where that one says nothing of them itself."""
        here = self.number(word.start)
        found = self._in(here)
        if not found and here and word.kind == "god" and _COPULA.match(self.sentence[word.end :]):
            return self._in(here - 1)  # 월간과 연간에 경금이 있는데, 둘 다 식신이 됩니다
        if not found and here:
            before = [each for each in self.words if self.number(each.start) == here - 1]
            if before and all(each.kind == "place" for each in before):
                return before
        return found

    def same_kind(self, word: Term, start: int, end: int) -> bool:
        """Whether another term of that kind stands between."""
        return any(each.kind == word.kind and start <= each.start and each.end <= end for each in self.words)

    def first_is(self, word: Term) -> bool:
        """Whether terms of this kind come before the places in their clause: 정관이 월지에, 편인이 일지에."""
        here = self.number(word.start)
        for each in self.words:
            if self.number(each.start) == here and each.kind in ("place", word.kind):
                return each.kind == word.kind
        return False

    def _in(self, clause: int) -> list[Term]:
        return [each for each in self.words if each.kind == "place" and self.number(each.start) == clause]


def of_letter(clauses: Clauses, at: int) -> tuple[Place, ...]:
    """The places that a pillar, stem or branch belongs to; () where none is named."""
    words, sentence = clauses.words, clauses.sentence
    word = words[at]
    after = sentence[word.end :]
    part = ("stem", "branch", "pillar") if word.detail == "or_branch" else _PARTS[word.kind]
    following = words[at + 1] if at + 1 < len(words) else None
    beside = (
        at > 0
        and words[at - 1].kind == "place"
        and _BESIDE.fullmatch(sentence[words[at - 1].end : word.start])
    )
    if following is not None and following.kind == "place" and word.kind != "pillar" and not beside:
        gap = sentence[word.end : following.start]
        fits = any(place[1] in part for place in following.places)
        if fits and re.fullmatch(r"(?:\([^)]*\))? ?", gap) and following.text:
            return tuple(place for place in following.places if place[1] in part)
    if word.kind == "stem" and (_SELF_BEFORE.search(sentence[: word.start]) or _SELF_AFTER.match(after)):
        previous = words[at - 1] if at else None
        if previous is None or previous.kind != "place" or word.start - previous.end > _NEAR_KOREAN:
            return (("day", "stem"),)
    if word.kind == "branch" and (_BELOW.match(after) or _ONTO.search(sentence[: word.start])):
        return (("day", "branch"),)
    found = _before(clauses, at, part)
    return found or _after(clauses, at, part)


def _before(clauses: Clauses, at: int, part: tuple[str, ...]) -> tuple[Place, ...]:
    words, sentence = clauses.words, clauses.sentence
    word, before = words[at], at - 1
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
    while before >= 0 and words[before].kind not in ("place", word.kind, "pillar"):
        before -= 1
    if before < 0 or words[before].kind != "place":
        return ()
    place = words[before]
    gap = sentence[place.end : word.start]
    if len(gap) > (_NEAR_ENGLISH if gap.isascii() else _NEAR_KOREAN):
        return ()
    if (
        gap != ", " and ("," in gap and not re.fullmatch(r", (?:which is |an? |the )?", gap))
    ) or _APART.search(gap):
        return ()
    if clauses.number(place.start) != clauses.number(word.start) and gap not in (", ", ": "):
        return ()
    after = sentence[word.end :]
    if re.match(r"^(?:을|를) (?!보면|보자면|보니|살펴보면|보시면)", gap) or (
        _SUBJECT.match(gap) and _OBJECT.match(after) and not _HOLDS.match(after)
    ):
        return ()
    group = [place]
    if len(place.places) > 1:
        return _in_turn(clauses, at, before, part)
    for each in reversed(words[:before]):
        if each.kind != "place" or not _JOIN.match(sentence[each.end : group[-1].start]):
            break
        group.append(each)
    if len(group) > 1:
        rest = [each for each in words[at:] if each.kind == word.kind][: len(group)]
        if len(rest) == len(group) and all(
            _JOIN.match(sentence[a.end : b.start].strip("()")) for a, b in pairwise(rest)
        ):
            group = [group[-1]]
    return tuple(
        each
        for own in reversed(group)
        for each in own.places
        if each[1] in part and not each[0].startswith("pillar:")
    )


def _in_turn(clauses: Clauses, at: int, before: int, part: tuple[str, ...]) -> tuple[Place, ...]:
    """One place each where as many letters follow: the month and day branches (寅申); else all of them."""
    words, places = clauses.words, clauses.words[before].places
    row: list[Term] = []
    for each in words[before + 1 :]:
        if each.kind != words[at].kind or (
            row and not _JOIN.match(clauses.sentence[row[-1].end : each.start])
        ):
            break
        row.append(each)
    chosen = (places[row.index(words[at])],) if len(row) == len(places) and words[at] in row else places
    return tuple(each for each in chosen if each[1] in part)


def _after(clauses: Clauses, at: int, part: tuple[str, ...]) -> tuple[Place, ...]:
    """묘목이 시지에 있어, Chen in the day branch."""
    word, sentence = clauses.words[at], clauses.sentence
    if word.kind == "pillar":
        return ()
    for number, each in enumerate(clauses.words[at + 1 :], at + 1):
        if each.kind == word.kind:
            return ()
        if each.kind == "place":
            group = _joined(sentence, [other for other in clauses.words[number:] if other.kind == "place"])
            gap, tail = sentence[word.end : each.start], sentence[group[-1].end :]
            korean = re.match(
                r"^(?:\([^)]*\))?(?:이|가|은|는|도) (?:[가-힣]{1,5} ){0,2}$", gap
            ) and tail.startswith(("에 ", "에서 ", "에도 ", "로 ", "에만 "))
            english = _FORWARD_EN.match(gap) and not _APART.search(gap)
            if (not korean and not english) or not each.text:
                return ()
            return tuple(place for one in group for place in one.places if place[1] in part)
    return ()


def of_quality(clauses: Clauses, at: int) -> tuple[Place, ...]:
    """The places that a ten god, stage, sinsal, void or nayin is said of."""
    words, sentence = clauses.words, clauses.sentence
    word = words[at]
    inside = clauses.places(word)
    if word.kind == "god" and _BELOW.match(sentence[word.end :]) and _SEATED.search(sentence):
        return (("day", "branch"),)
    if word.kind == "stage":
        inside = [each for each in inside if ("day", "stem") not in each.places]
    elif word.kind == "void":
        # 월지가 일주 공망에: the place right before is what the void is read from.
        beside = [each for each in inside if sentence[each.end : word.start] in (" ", "의 ", " 기준 ")]
        inside = [each for each in inside if each not in beside] or inside
    elif word.kind == "god":
        # The day stem has no ten god: 일간과 같은 글자이므로 비견.
        inside = [each for each in inside if each.places != (("day", "stem"),)] or inside
    before = [each for each in inside if each.end <= word.start]
    after = [each for each in inside if each.start >= word.end]
    if after:
        gap = sentence[word.end : after[0].start]
        free = not clauses.same_kind(word, word.end, after[0].start)
        if _FORWARD_EN.match(gap) and free:
            return _of(_joined(sentence, after))
        group = _joined(sentence, after)
        follows = sentence[group[-1].end :].startswith(
            ("에", "으로", "로", ",", ".", " ", "의")
        ) or gap.startswith(" ")
        turned = _TURNED.fullmatch(gap) and sentence[group[-1].end :].startswith("에 ")
        if free and turned and before and not _OF_IT.fullmatch(sentence[before[-1].end : word.start]):
            return _of(group)
        if free and _FORWARD.match(gap) and follows and (not before or clauses.first_is(word)):
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
