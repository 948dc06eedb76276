"""What is said to be between two people, against both charts: true, false, or open."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from hypercube.core.match import Match
from hypercube.saju.facts.relations import PAIR_RULES, pair_mask
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.grounding.between_words import COMBINATION, Said
from hypercube.saju.grounding.ground import ELEMENTS, NATAL, Ground, belongs
from hypercube.saju.grounding.people import FIRST, SECOND
from hypercube.saju.grounding.verdicts import OPEN, TRUE, UNDECIDED, Verdict, decided

Spots = dict[str, tuple[str, ...]]
"""By person: the positions spoken of; empty for none in particular."""

_BITS: Final = {rule.name.key: 1 << bit for bit, rule in enumerate(PAIR_RULES)}
_OF: Final = {rule.name.key: rule.of for rule in PAIR_RULES}
_KINDS: Final = {
    COMBINATION: ("stem_combination", "six_combination", "half_triad", "arched_triad", "half_direction"),
    # 인사형 and 자묘형 are both called 형 alone.
    "punishment": ("punishment", "mutual_punishment", "self_punishment"),
    # 갑경충 is called 충 alone.
    "clash": ("clash", "stem_clash"),
}
_HANGUL: Final = dict(zip("목화토금수", ELEMENTS, strict=True))
_STEPS: Final = {("first", "생"): 1, ("first", "극"): 2, ("second", "극"): 3, ("second", "생"): 4}
"""Of generation from the first person's element to the second's, by who does what."""


@dataclass(frozen=True, slots=True)
class Between:
    """Two charts, and the score of one with the other."""

    grounds: dict[str, Ground]
    match: Match

    @property
    def steps(self) -> int:
        """Of generation from the first day stem to the second."""
        one, other = (self.grounds[who].pillars["day"] % 10 // 2 for who in (FIRST, SECOND))
        return (other - one) % 5

    def relation(self, said: Said, spots: Spots, aligned: Iterable[str], parts: frozenset[str]) -> Verdict:
        """Whether some places of the two stand in a relation.

        Args:
            said: the relation.
            spots: places of each person that the sentence names.
            aligned: places that it names of both, each to be taken with itself.
            parts: stem or branch, where the places are of one kind only; else empty.
        """
        kinds = _KINDS.get(said.value, (said.value,))
        wanted = sum(_BITS.get(kind, 0) for kind in kinds if not parts or _OF.get(kind) in parts)
        if not wanted:
            # Of three branches: nothing that one letter of each can make. Else: of branches, said of stems.
            return decided(said.negated, "no such relation") if kinds[0] in _OF else UNDECIDED
        pairs = list(self._pairs(said, spots, tuple(aligned)))
        if any(None in pair for pair in pairs):
            return decided(False, "unknown")
        known = [(a, b) for a, b in pairs if a is not None and b is not None]
        holds = any(
            pair_mask(a, b) & wanted and (said.letters is None or self._named(said, a, b)) for a, b in known
        )
        if said.letters is not None and not said.negated and not self._letters_relate(said, wanted):
            holds = False
        found = " ".join(
            dict.fromkeys(kind for a, b in known for kind, bit in _BITS.items() if pair_mask(a, b) & bit)
        )
        return decided(holds is not said.negated, found or "none")

    def _pairs(
        self, said: Said, spots: Spots, aligned: tuple[str, ...]
    ) -> Iterable[tuple[int | None, int | None]]:
        one, other = self.grounds[FIRST], self.grounds[SECOND]
        if aligned:
            yield from ((one.pillar(each), other.pillar(each)) for each in aligned)
        if spots[FIRST] and spots[SECOND]:
            yield from ((one.pillar(a), other.pillar(b)) for a in spots[FIRST] for b in spots[SECOND])
        elif not aligned:
            here = [spots[who] or tuple(self.grounds[who].places) for who in (FIRST, SECOND)]
            if said.negated and not any(spots.values()):
                # "no clash between the two": place by place, as the score looks at them.
                yield from ((one.pillar(each), other.pillar(each)) for each in NATAL if self.known(each))
            else:
                yield from ((one.pillar(a), other.pillar(b)) for a in here[0] for b in here[1])

    def known(self, position: str) -> bool:
        """Whether both have a pillar there."""
        return all(position in ground.places for ground in self.grounds.values())

    def _named(self, said: Said, a: int, b: int) -> bool:
        assert said.letters is not None
        part, letters = said.letters
        size = 10 if part == "stem" else 12
        return {a % size, b % size} == set(letters)

    def _letters_relate(self, said: Said, wanted: int) -> bool:
        assert said.letters is not None
        part, letters = said.letters
        return any(
            rule.of == part and _BITS[rule.name.key] & wanted and frozenset(letters) in rule.pairs
            for rule in PAIR_RULES
        )

    def generation(self, who: str, said: Said) -> Verdict:
        """Whether the day stem of `who` feeds or controls the other's; `<` turns it round."""
        verb, way = said.value[0], said.value[1]
        doer = who if way == ">" else {FIRST: SECOND, SECOND: FIRST}[who]
        return decided(self.steps == _STEPS[doer, verb], f"steps {self.steps}")

    def together(self, said: Said) -> Verdict:
        """상생 or 상극 of the day stems."""
        return decided(self.steps in ((1, 4) if said.value == "상생" else (2, 3)), f"steps {self.steps}")

    def same(self, said: Said) -> Verdict:
        """Whether the day stems are of one element."""
        return decided((self.steps == 0) is not said.negated, f"steps {self.steps}")

    def named(self, said: Said) -> Verdict:
        """토생금: whether these are the elements of the day stems, in either order."""
        start, end = said.value[0], said.value[-1]
        own = {ELEMENTS[ground.pillars["day"] % 10 // 2] for ground in self.grounds.values()}
        return decided({_HANGUL[start], _HANGUL[end]} == own, " ".join(sorted(own)))

    def sum(self, said: Said) -> Verdict:
        """The score."""
        return decided(int(said.value) == self.match.score, str(self.match.score))

    def star(self, said: Said) -> Verdict:
        """Whether either has a letter that is a spouse star to the other."""
        points = next(part.points for part in self.match.parts if part.name == "spouse_star")
        return decided((points > 0) is not said.negated, str(points))

    def god(self, viewer: str, owner: str, place: tuple[str, str], wanted: str, negated: bool) -> Verdict:
        """What a letter of `owner` is to the day stem of `viewer`."""
        pillar = self.grounds[owner].pillar(place[0])
        if pillar is None:
            return decided(False, "unknown")
        day = self.grounds[viewer].pillars["day"] % 10
        codes = []
        if place[1] in ("stem", "pillar"):
            codes.append(ten_god(day, pillar % 10))
        if place[1] in ("branch", "pillar"):
            codes.append(branch_god(day, pillar % 12))
        found = [TEN_GODS[code].key for code in codes]
        return decided(any(belongs(each, wanted) for each in found) is not negated, " ".join(found))

    def rule(self, kind: str) -> Callable[[Said], Verdict]:
        """The rule of a kind that needs no places."""
        return {
            "together": self.together,
            "same": self.same,
            "named": self.named,
            "sum": self.sum,
            "star": self.star,
        }[kind]


def either(verdicts: Iterable[Verdict]) -> Verdict:
    """Of something said of nobody named: true if it holds of anybody, false if of nobody."""
    every = list(verdicts)
    for wanted in (TRUE, OPEN):
        for each in every:
            if each[0] == wanted:
                return each
    return every[0]


def each_of(verdicts: Iterable[Verdict]) -> Verdict:
    """Of something said of both: false if it fails of either."""
    every = list(verdicts)
    for each in every:
        if each[0] not in (TRUE, OPEN):
            return each
    return every[0]
