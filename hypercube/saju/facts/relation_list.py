"""Relations as a list that people read, instead of masks."""

import functools
import operator
from collections.abc import Sequence
from itertools import combinations
from typing import Final

from hypercube.core.facts import Name, Relation
from hypercube.saju.facts.relations import GROUP_RULES, PAIR_RULES, pair_element, pair_mask
from hypercube.saju.facts.symbols import ELEMENTS, NONE
from hypercube.saju.signs import BRANCHES, STEMS

_PART_OF = {
    "half_triad": "triad",
    "arched_triad": "triad",
    "half_direction": "direction",
    "punishment": "triple_punishment",
}
"""Pairs that are not listed where the whole group is there."""


def relations(
    labels: Sequence[str], pillars: Sequence[int], involving: str | None = None
) -> tuple[Relation, ...]:
    """Every relation among some pillars: first those of three branches, then the pairs by rule.

    Args:
        labels: what each pillar is called, such as year, month, day, hour, luck.
        pillars: their sexagenary indices; 255 is passed over.
        involving: list only what the pillar of that label takes part in.
    """
    known = [(label, pillar) for label, pillar in zip(labels, pillars, strict=True) if pillar != NONE]
    whole = _groups(known)
    found = [
        *(relation for relation, _ in whole),
        *_pairs(known, [(r.kind.key, m) for r, m in whole], involving),
    ]
    return tuple(each for each in found if involving is None or involving in each.positions)


_GROUPS: Final = tuple(
    (rule, frozenset(rule.members), functools.reduce(operator.or_, (1 << branch for branch in rule.members)))
    for rule in GROUP_RULES
)
"""Each rule, its branches, and these as a mask."""


def _groups(known: list[tuple[str, int]]) -> list[tuple[Relation, frozenset[int]]]:
    present = functools.reduce(operator.or_, (1 << pillar % 12 for _, pillar in known), 0)
    found = []
    for rule, members, mask in _GROUPS:
        if present & mask == mask:
            places = [(label, pillar % 12) for label, pillar in known if pillar % 12 in members]
            letters = "".join(BRANCHES[branch].hanja for _, branch in places)
            element = None if rule.element is None else ELEMENTS[rule.element]
            positions = tuple(label for label, _ in places)
            found.append((Relation(rule.name, positions, letters, element), members))
    return found


def _pairs(
    known: list[tuple[str, int]], whole: list[tuple[str, frozenset[int]]], involving: str | None
) -> list[Relation]:
    found = []
    for at, ((label_a, a), (label_b, b)) in enumerate(combinations(known, 2)):
        if involving is not None and involving != label_a and involving != label_b:
            continue
        for bit, part_of, both, relation in _related(label_a, label_b, a, b):
            if whole and part_of and any(part_of == kind and both <= members for kind, members in whole):
                continue
            found.append((bit, at, relation))
    found.sort(key=_by_rule)
    return [relation for _, _, relation in found]


def _by_rule(found: tuple[int, int, Relation]) -> tuple[int, int]:
    return found[:2]


@functools.lru_cache(maxsize=32_768)
def _related(
    label_a: str, label_b: str, a: int, b: int
) -> tuple[tuple[int, str | None, frozenset[int], Relation], ...]:
    """`_between`, with the relation as it is listed for two labels."""
    return tuple(
        (bit, part_of, both, Relation(name, (label_a, label_b), letters, element))
        for bit, name, part_of, both, letters, element in _between(a, b)
    )


@functools.lru_cache(maxsize=3_600)
def _between(a: int, b: int) -> tuple[tuple[int, Name, str | None, frozenset[int], str, str | None], ...]:
    """The relations of two pillars by rule: bit, name, the group it may be part of, signs, letters, element."""
    mask = pair_mask(a, b)
    found = []
    for bit, rule in enumerate(PAIR_RULES):
        if mask >> bit & 1:
            signs, count = (STEMS, 10) if rule.of == "stem" else (BRANCHES, 12)
            letters = signs[a % count].hanja + signs[b % count].hanja
            both = frozenset((a % count, b % count))
            part_of = _PART_OF.get(rule.name.key)
            found.append((bit, rule.name, part_of, both, letters, pair_element(bit, a, b)))
    return tuple(found)
