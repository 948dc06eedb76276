"""Relations as a list that people read, instead of masks."""

import functools
import operator
from collections.abc import Iterable, Sequence
from itertools import combinations
from typing import Final

from hypercube.core.facts import Name, Relation
from hypercube.saju.facts.relations import (
    GROUP_RULES,
    PAIR_RULES,
    GroupRule,
    group_mask,
    pair_element,
    pair_mask,
)
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
    present = 0
    for _, pillar in known:
        present |= 1 << pillar % 12
    whole = _whole(present)
    found: list[tuple[int, str | None, frozenset[int], Relation]] = []
    for (label_a, a), (label_b, b) in _pairs(known, involving):
        found += _related(label_a, label_b, a, b)
    found.sort(key=_BIT)
    listed = [
        relation
        for _, part_of, both, relation in found
        if not (part_of and any(part_of == r.name.key and both <= members for r, members in whole))
    ]
    if whole:
        groups = [_group(rule, members, known) for rule, members in whole]
        listed[:0] = [each for each in groups if involving is None or involving in each.positions]
    return tuple(listed)


_BIT: Final = operator.itemgetter(0)


@functools.lru_cache(maxsize=4_096)
def _whole(present: int) -> tuple[tuple[GroupRule, frozenset[int]], ...]:
    """The groups that are whole among some branches, as a mask, each with its own."""
    mask = group_mask(present)
    return tuple((rule, frozenset(rule.members)) for bit, rule in enumerate(GROUP_RULES) if mask >> bit & 1)


def _group(rule: GroupRule, members: frozenset[int], known: list[tuple[str, int]]) -> Relation:
    places = [(label, pillar % 12) for label, pillar in known if pillar % 12 in members]
    letters = "".join(BRANCHES[branch].hanja for _, branch in places)
    element = None if rule.element is None else ELEMENTS[rule.element]
    return Relation(rule.name, tuple(label for label, _ in places), letters, element)


def _pairs(
    known: list[tuple[str, int]], involving: str | None
) -> Iterable[tuple[tuple[str, int], tuple[str, int]]]:
    """The pairs of some pillars, or those of one of them, in the order of the first, then of the second."""
    if involving is None:
        return combinations(known, 2)
    at = next((at for at, (label, _) in enumerate(known) if label == involving), None)
    if at is None:
        return ()
    one = known[at]
    return [*((each, one) for each in known[:at]), *((one, each) for each in known[at + 1 :])]


@functools.lru_cache(maxsize=49_152)
def _related(
    label_a: str, label_b: str, a: int, b: int
) -> tuple[tuple[int, str | None, frozenset[int], Relation], ...]:
    """`_between`, with the relation as it is listed for two labels; all pairs of a chart and a luck pillar fit."""
    return tuple(
        [
            (bit, part_of, both, _relation(name, label_a, label_b, letters, element))
            for bit, name, part_of, both, letters, element in _between(a, b)
        ]
    )


@functools.lru_cache(maxsize=8_192)
def _relation(name: Name, label_a: str, label_b: str, letters: str, element: str | None) -> Relation:
    """One object for all pillars that have these letters."""
    return Relation(name, (label_a, label_b), letters, element)


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
