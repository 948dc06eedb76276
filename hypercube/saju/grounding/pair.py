"""A text about two people against both their charts.

What a segment says of one person goes to the checker's rules for that chart; what is between the two (relations of
their letters, generation, a letter as a ten god to the other, the score) is checked here. A sentence that names
nobody must hold of somebody.
"""

import re
from dataclasses import replace
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.match import Match
from hypercube.core.reading import Mention
from hypercube.saju.grounding.between import Between, Spots, each_of, either
from hypercube.saju.grounding.between_words import Said, said_between
from hypercube.saju.grounding.check import SentenceCheck
from hypercube.saju.grounding.claims import Claim, claims
from hypercube.saju.grounding.ground import Ground
from hypercube.saju.grounding.people import (
    BOTH,
    FIRST,
    SECOND,
    UNNAMED,
    Segment,
    clause_at,
    clauses,
    segment_at,
    segments,
)
from hypercube.saju.grounding.people_beside import beside
from hypercube.saju.grounding.people_places import places_of
from hypercube.saju.grounding.place_names import Place
from hypercube.saju.grounding.sentences import sentences
from hypercube.saju.grounding.verdicts import FALSE, UNDECIDED, Verdict
from hypercube.saju.grounding.verify import verify
from hypercube.saju.match import match as matched

OTHER: Final = {FIRST: SECOND, SECOND: FIRST}
_SUPPOSED: Final = re.compile(
    r"만약|만일|가정하|이었다면|였다면|이라면|라면 |\bif\b|\bwould\b", re.IGNORECASE
)
_GENERAL: Final = re.compile(
    r"뜻(?:하는|합니다|해요)|의미(?:하는|합니다)|상징(?:하는|합니다)|말합니다|가리킵니다|이란 |란 |라고 부"
    r"|사람들|보통|일반적으로|흔히|\bgenerally\b|\busually\b|\bmeans\b|\bis called\b",
    re.IGNORECASE,
)
_VIEW: Final = re.compile(
    r"^(?:의? (?:일간|일주|눈|입장|자리)(?:에서|으로|에|에게|을 기준으로)(?:는)?"
    r"(?: (?:보면|볼 때|보기에|보아|볼 때는))?,? |에게(?:는|서는)? |한테(?:는)? "
    r"|[이가] (?:보기에|볼 때|보면)(?:는)?,? |[을를] 기준으로 "
    r"|['’]s (?:day master|eyes|point of view),? )"
)
_VIEW_BEFORE: Final = re.compile(r"(?:[Ss]een from|[Tt]o|[Ff]or|[Ii]n|[Ff]rom) (?:the )?$")
_SUBJECT: Final = re.compile(r"^(?:\([^)]*\))?[이가] ")
_SELF: Final[tuple[Place, ...]] = (("day", "stem"),)
_NEAR: Final = 6
"""Characters within which a stem that follows a person's name is that person's: 첫째 분의 무토."""


class PairChecker:
    """Checks any number of sentences against two charts."""

    def __init__(self, first: Chart, second: Chart, match: Match | None = None) -> None:
        """Both charts need facts.

        Args:
            first: whose chart was asked about.
            second: the other person's.
            match: of the two, if it is known already.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a chart without facts.
        """
        self._grounds = {FIRST: Ground.of(first), SECOND: Ground.of(second)}
        self._between = Between(self._grounds, match or matched(first, second))

    def sentence(self, text: str, start: int = 0) -> SentenceCheck:
        """One sentence."""
        supposed = bool(_SUPPOSED.search(text))
        found = segments(text)
        mentions = [
            *self._between_mentions(text, found),
            *(mention for each in found for mention in self._own(text, each, found)),
            *beside(text, self._grounds),
        ]
        if supposed:
            mentions = [replace(each, verdict="open", expected="") for each in mentions]
        return SentenceCheck(text, start, tuple(sorted(mentions, key=lambda each: each.start)))

    def text(self, text: str) -> list[SentenceCheck]:
        """Every sentence of a text."""
        return [self.sentence(text[start:end], start) for start, end in sentences(text)]

    def grounded(self, text: str) -> bool:
        """Whether a sentence contradicts nothing."""
        return self.sentence(text).grounded

    # -- what is said of one person

    def _own(self, text: str, segment: Segment, every: tuple[Segment, ...]) -> list[Mention]:
        piece = text[segment.start : segment.end]
        own = tuple(self._settled(each, segment, piece) for each in claims(piece))
        mentions = []
        for number, claim in enumerate(own):
            at = segment.start + claim.start
            if claim.kind == "relation" and not self._inside(text, at, every):
                continue
            if claim.kind == "god" and (viewed := self._viewed(text, at, claim, every)) is not None:
                mentions.append(_mention(claim, segment.start, viewed, "pair"))
                continue
            verdict = self._verdict(claim, own, segment, number)
            mentions.append(_mention(claim, segment.start, verdict, segment.who or "either"))
        return mentions

    def _settled(self, claim: Claim, segment: Segment, piece: str) -> Claim:
        """A stem right after a person's name is one of the person's; with 일간 behind it, the day's."""
        if claim.anywhere:
            # Of the two, nobody says whose: what has no place is settled by the names around it alone.
            claim = replace(claim, anywhere=False, asserted=False)
        if claim.kind != "stem" or claim.scope:
            return claim
        if piece[claim.end :].startswith(" 일간"):
            return replace(claim, scope=_SELF, asserted=True)
        if segment.who not in OTHER:
            return claim
        if not 0 <= segment.start + claim.start - segment.named <= _NEAR:
            return claim
        # Some stem of that person's: the day's, unless another one is of that name.
        pillars = self._grounds[segment.who].places
        at = next((each for each in pillars if pillars[each].pillar.stem.index == claim.value), "day")
        return replace(claim, scope=((at, "stem"),), asserted=True)

    def _verdict(self, claim: Claim, own: tuple[Claim, ...], segment: Segment, number: int) -> Verdict:
        if segment.who in OTHER:
            return verify(claim, self._grounds[segment.who], own)
        verdicts = [verify(claim, self._grounds[who], own) for who in (FIRST, SECOND)]
        if segment.who == UNNAMED:
            return either(verdicts)
        alike = [at for at, each in enumerate(own) if (each.kind, each.scope) == (claim.kind, claim.scope)]
        if claim.kind in ("stem", "branch", "pillar") and len(alike) == 2:
            return verdicts[alike.index(number)]  # 두 분의 일간은 갑목과 기토: in their order
        return each_of(verdicts)

    # -- what is between the two

    def _between_mentions(self, text: str, found: tuple[Segment, ...]) -> list[Mention]:
        people = {each.who for each in found}
        named = BOTH in people or {FIRST, SECOND} <= people
        mentions = []
        for said in said_between(text):
            if said.kind == "relation":
                if self._inside(text, said.start, found):
                    continue
                verdict = self._relation(text, said, found)
            elif said.kind == "generation":
                verdict = self._generation(text, said, found)
            elif named or said.kind == "sum":
                verdict = self._between.rule(said.kind)(said)
            else:
                continue
            mentions.append(Mention(said.kind, said.text, said.start, said.end, "pair", *verdict))
        return mentions

    def _inside(self, text: str, at: int, found: tuple[Segment, ...]) -> bool:
        """Whether a relation there is within one chart: of the only person named, or of two places of one."""
        people = {each.who for each in found} - {UNNAMED}
        if not people:
            return False
        if people in ({FIRST}, {SECOND}):
            return True
        begin, end = clause_at(clauses(text), at)
        here = {segment_at(found, begin).who} | {each.who for each in found if begin <= each.start < end}
        if BOTH in here or {FIRST, SECOND} <= here:
            return False
        return len({position for position, _, where, _ in places_of(text) if begin <= where < end}) >= 2

    def _relation(self, text: str, said: Said, found: tuple[Segment, ...]) -> Verdict:
        if _GENERAL.search(text) and not places_of(text):
            return UNDECIDED
        begin, end = clause_at(clauses(text), said.start)
        places = [each for each in places_of(text) if begin <= each[2] < end]
        whole = {who for _, _, _, who in places}
        if BOTH not in whole and not {FIRST, SECOND} <= whole:
            places = [each for each in places_of(text) if each[2] < max(end, said.end)]
        spots: Spots = {
            who: tuple(dict.fromkeys(position for position, _, _, whose in places if whose == who))
            for who in (FIRST, SECOND)
        }
        aligned = tuple(dict.fromkeys(position for position, _, _, whose in places if whose == BOTH))
        if not any(spots.values()) and not aligned:
            spots = self._lettered(text, found)
            if not any(spots.values()) and _of_stems(said) and not said.negated:
                aligned = ("day",)  # 두 분은 갑기합: a bond of stems without a place is that of the days
        parts = frozenset(part for _, part, _, _ in places) - {"pillar"}
        verdict = self._between.relation(said, spots, aligned, parts if len(parts) == 1 else frozenset())
        if {each.who for each in found} == {UNNAMED} and verdict[0] == FALSE and not places:
            # Said of nobody: a bond inside one of the charts would do.
            kinds = {each.kind.key for ground in self._grounds.values() for each in ground.facts.relations}
            return UNDECIDED if said.value in kinds else verdict
        return verdict

    def _lettered(self, text: str, found: tuple[Segment, ...]) -> Spots:
        """Where a person's letters that are named without a place stand: 첫째 분의 자수; the day for a stem."""
        spots: Spots = {FIRST: (), SECOND: ()}
        for segment in found:
            if segment.who not in OTHER:
                continue
            for claim in claims(text[segment.start : segment.end]):
                if claim.kind not in ("stem", "branch") or claim.scope:
                    continue
                size, value = (10, claim.value) if claim.kind == "stem" else (12, claim.value)
                pillars = self._grounds[segment.who].places
                spots[segment.who] += tuple(
                    at for at, each in pillars.items() if each.pillar.index % size == value
                )
        return spots

    def _generation(self, text: str, said: Said, found: tuple[Segment, ...]) -> Verdict:
        """첫째 분의 무토가 둘째 분의 신금을 생하니: the last two people named before the verb, or around it."""
        lettered = self._by_letters(text, said, found)
        if lettered is not None:
            return self._between.generation(lettered, said)
        before = [each for each in found if each.who in OTHER and each.start < said.start]
        after = [each for each in found if each.who in OTHER and each.start > said.start]
        english = said.text.isascii()
        if english and before and after:
            doer, other = before[-1], after[0]
        elif not english and len(before) >= 2:
            doer, other = before[-2], before[-1]
            particle = re.search(r"(을|를|이|가|에게|로부터) ?$", text[other.named : said.start])
            if particle and particle.group(1) in ("이", "가"):
                doer, other = other, doer  # 둘째 분의 신금을 첫째 분의 무토가 생하니
        else:
            return UNDECIDED
        if doer.who == other.who:
            return UNDECIDED
        begin, end = min(doer.start, other.start), max(doer.end, other.end)
        elsewhere = [each for each in places_of(text) if begin <= each[2] < end and each[0] != "day"]
        return UNDECIDED if elsewhere else self._between.generation(doer.who, said)

    def _by_letters(self, text: str, said: Said, found: tuple[Segment, ...]) -> str | None:
        """Who does it where the letters alone say so: 계수가 병화를 극합니다, with nobody named beside them."""
        letters = [each for each in claims(text) if each.kind == "stem" and each.end < said.start][-2:]
        named = [each.named for each in found if each.who in OTHER and each.named < said.start]
        if len(letters) < 2 or (named and letters[0].start - named[-1] <= _NEAR):
            return None
        days = {ground.pillars["day"] % 10: who for who, ground in self._grounds.items()}
        doer, other = (days.get(int(str(each.value))) for each in letters)
        if doer is None or other is None or doer == other or not _SUBJECT.match(text[letters[0].end :]):
            return None
        return doer

    def _viewed(self, text: str, at: int, claim: Claim, found: tuple[Segment, ...]) -> Verdict | None:
        """A ten god that a letter of one is to the other; None where nobody's eyes are named."""
        viewers = [
            each
            for each in found
            if each.who in OTHER
            and each.start <= at
            and (
                _VIEW.match(text[each.named :])
                or _VIEW_BEFORE.search(text[: each.start])
                or text[each.named : at] == "의 "  # 둘째 분의 연간 갑목은 첫째 분의 정관입니다
            )
        ]
        if not viewers:
            return None
        viewer = viewers[-1]
        owners = [
            each for each in found if each.who == OTHER[viewer.who] and each.start <= at + len(claim.text)
        ]
        if not owners:
            owners = [each for each in found if each.who == OTHER[viewer.who]]
        if not owners:
            return None
        owner = owners[-1]
        places = [each for each in places_of(text) if owner.start <= each[2] < at and each[3] == owner.who]
        place: Place = (places[-1][0], places[-1][1]) if places else ("day", "stem")
        if not places and (spot := self._letter_spot(text, owner, at)) is not None:
            place = spot
        return self._between.god(viewer.who, owner.who, place, str(claim.value), claim.negated)

    def _letter_spot(self, text: str, owner: Segment, at: int) -> Place | None:
        """Where the letter named last before `at` stands in its owner's chart."""
        letters = [
            each
            for each in claims(text[owner.start : owner.end])
            if each.kind in ("stem", "branch") and owner.start + each.start < at
        ]
        if not letters:
            return None
        last = letters[-1]
        size = 10 if last.kind == "stem" else 12
        for position, each in self._grounds[owner.who].places.items():
            if each.pillar.index % size == last.value:
                return (position, last.kind)
        return None


def _of_stems(said: Said) -> bool:
    return said.value.startswith("stem_") or (said.letters is not None and said.letters[0] == "stem")


def _mention(claim: Claim, offset: int, verdict: Verdict, who: str) -> Mention:
    scope = " ".join(f"{position}.{part}" for position, part in claim.scope or claim.near) or "chart"
    return Mention(
        claim.kind, claim.text, offset + claim.start, offset + claim.end, f"{who} {scope}", *verdict
    )
