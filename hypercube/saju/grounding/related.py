"""Bonds and conflicts: whether the places a clause names really stand in the relation that it names."""

import functools
import operator
from itertools import combinations
from typing import Final

from hypercube.saju.facts.relations import GROUP_RULES, PAIR_RULES, pair_mask
from hypercube.saju.grounding.claims import Claim
from hypercube.saju.grounding.ground import NATAL, Ground
from hypercube.saju.grounding.verdicts import unless

_GROUPS: Final = ("triad", "direction", "triple_punishment")
_COMBINATIONS: Final = (
    "stem_combination",
    "six_combination",
    "half_triad",
    "arched_triad",
    "half_direction",
)
_THREE: Final = 3
_WIDER: Final = {"punishment": ("triple_punishment",), "combination": ("triad", "direction")}
"""Groups of three that a word for a pair may mean: 인사신형."""
_GROUP_MEMBERS: Final = {
    kind: [frozenset(rule.members) for rule in GROUP_RULES if rule.name.key == kind] for kind in _GROUPS
}
"""Branches of the groups of three, by kind."""
_BITS: Final = {rule.name.key: 1 << bit for bit, rule in enumerate(PAIR_RULES)}
_OF: Final = {rule.name.key: rule.of for rule in PAIR_RULES}


def relation(claim: Claim, ground: Ground, _: tuple[Claim, ...]) -> tuple[str, str]:
    """The verdict on a relation, and what is there instead."""
    kind = str(claim.value)
    positions = list(dict.fromkeys(position for position, _ in claim.near if position != "unknown"))
    if any(position in NATAL and not ground.stands(position) for position in positions):
        return ("false", "unknown")
    known = [position for position in positions if ground.stands(position)]
    passing = [position for position in known if position not in NATAL]
    if claim.detail and not _letters(claim, kind, ground, known):
        return ("true", "") if claim.negated else ("false", "other letters")
    if claim.anywhere and not known:
        kinds = {*_kinds(kind, claim), *(("stem_clash",) if kind == "clash" and not claim.negated else ())}
        right = ground.ask(_has, frozenset(kinds))
        return unless(claim, right, "" if right is not claim.negated else ground.ask(_kinds_there))
    if kind in _GROUPS:
        natal = [each for each in known if each not in passing]
        among = [*(natal if len(natal) >= 2 else NATAL), *passing]
        right = ground.ask(_group, kind, tuple(among), tuple(passing))
    elif claim.detail.count(",") == _THREE - 1:
        right = True
    elif len(known) >= 2:
        right = ground.ask(_any_pair, _kinds(kind, claim), tuple(known))
    elif len(known) == 1 and not claim.detail and len(claim.text) > 1:
        right = ground.ask(_any_with, _kinds(kind, claim), known[0])
    elif claim.detail:
        right = True
    else:
        return ("open", "")
    if right is not claim.negated:
        return ("true", "")
    return ("false", ground.ask(_between, tuple(known)))


def _kinds_there(ground: Ground) -> str:
    return " ".join(sorted({each.kind.key for each in ground.facts.relations}))


def _has(ground: Ground, kinds: frozenset[str]) -> bool:
    return any(each.kind.key in kinds for each in ground.facts.relations)


def _kinds(kind: str, claim: Claim) -> tuple[str, ...]:
    if kind == "combination":
        return _COMBINATIONS
    stems = all(part == "stem" for _, part in claim.near) or claim.detail.startswith("stems")
    if kind == "clash" and stems and claim.near:
        return ("stem_clash",)
    if kind == "punishment":
        return ("punishment", "mutual_punishment", "self_punishment")
    return (kind,)


def of_branches(claim: Claim) -> bool:
    """Whether a claim of a relation of two is decided by branches alone."""
    return all(_OF[kind] == "branch" for kind in _kinds(str(claim.value), claim))


def _letters(claim: Claim, kind: str, ground: Ground, known: list[str]) -> bool:
    """Whether the two or three letters named stand in the relation, and are there."""
    which, _, text = claim.detail.partition(":")
    letters = [int(each) for each in text.split(",")]
    wanted = _kinds(kind, claim)
    pair = frozenset(letters)
    of = "stem" if which == "stems" else "branch"
    if len(letters) == _THREE:
        right = any(
            rule.name.key in (*wanted, *_WIDER.get(kind, ())) and pair == set(rule.members)
            for rule in GROUP_RULES
        )
    else:
        right = any(rule.of == of and rule.name.key in wanted and pair in rule.pairs for rule in PAIR_RULES)
    if not right and kind == "clash":
        right = any(
            rule.of == of and rule.name.key.endswith("clash") and pair in rule.pairs for rule in PAIR_RULES
        )
    among = known if len(known) >= 2 else [*NATAL, *known]
    return right and ground.ask(_have, of, pair, tuple(among))


def _have(ground: Ground, of: str, letters: frozenset[int], among: tuple[str, ...]) -> bool:
    return letters <= {ground.letter(each, of) for each in among}


def _group(ground: Ground, kind: str, among: tuple[str, ...], passing: tuple[str, ...]) -> bool:
    branches = {ground.letter(each, "branch") for each in among}
    through = {ground.letter(each, "branch") for each in passing}
    return any(
        members <= branches and (not passing or not members.isdisjoint(through))
        for members in _GROUP_MEMBERS[kind]
    )


def _any_pair(ground: Ground, kinds: tuple[str, ...], among: tuple[str, ...]) -> bool:
    wanted = _mask(kinds)
    pillars = [pillar for each in among if (pillar := ground.pillar(each)) is not None]
    if len(pillars) == 2:
        return bool(pair_mask(*pillars) & wanted)
    return any(pair_mask(a, b) & wanted for a, b in combinations(pillars, 2))


@functools.lru_cache(maxsize=256)
def _mask(kinds: tuple[str, ...]) -> int:
    """The bits of some relations of two."""
    return functools.reduce(operator.or_, [_BITS[kind] for kind in kinds], 0)


def _any_with(ground: Ground, kinds: tuple[str, ...], position: str) -> bool:
    return any(_any_pair(ground, kinds, (position, each)) for each in ground.pillars if each != position)


def _between(ground: Ground, among: tuple[str, ...]) -> str:
    found = []
    for a, b in combinations(among, 2):
        first, second = ground.pillar(a), ground.pillar(b)
        if first is not None and second is not None:
            mask = pair_mask(first, second)
            found += [kind for kind, bit in _BITS.items() if mask & bit]
    return " ".join(found) or "none"
