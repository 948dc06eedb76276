"""Sinsal (신살) as bits: the rules of `sinsal_rules`, compiled for look-ups by sexagenary index.

A flag word (uint64) of a pillar:
    bits 0..43    the sinsal of `RULES` that fall on it
    bit 44, 45    its branch is void (공망) by the day pillar, by the year pillar
    byte 6, 7     code of the twelve sinsal by the year branch, by the day branch; 255 = hour not known
"""

import functools
from dataclasses import replace
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.schools import BladeSchool, GoegangSchool
from hypercube.saju.facts.schools import Schools
from hypercube.saju.facts.sinsal_rule import ALL, Rule
from hypercube.saju.facts.sinsal_rules import BLADE_ALL, GOEGANG_SIX, RULES
from hypercube.saju.facts.symbols import BRANCH, NONE, PILLAR, POSITIONS, ROWS, STEM, branches, stems
from hypercube.saju.facts.twelve_sinsal import twelve_sinsal
from hypercube.saju.facts.void import void_branches

VOID_BY_DAY: Final = 44
VOID_BY_YEAR: Final = 45
TWELVE_BY_YEAR: Final = 6
"""The byte of a flag word."""
TWELVE_BY_DAY: Final = 7

KEYS: Final = tuple(rule.name.key for rule in RULES)
BIT: Final = {key: bit for bit, key in enumerate(KEYS)}
if len(RULES) > VOID_BY_DAY:
    raise AssertionError("the sinsal do not fit their bits")


class FlagTables(NamedTuple):
    """Flag words of a target pillar (0..60), by each basis."""

    by_day: NDArray[np.uint64]
    """[60 * 61]: by day pillar, and what a pillar is by itself."""
    by_year: NDArray[np.uint64]
    """[60 * 61]: by year pillar."""
    by_month: NDArray[np.uint64]
    """[60 * 61]: by month pillar."""
    allowed: tuple[int, int, int, int]
    """By position: the bits that may fall there."""


@functools.lru_cache(maxsize=16)
def rules(schools: Schools) -> tuple[Rule, ...]:
    """`RULES` as the chosen schools have them."""
    found = list(RULES)
    if schools.blade is BladeSchool.ALL_STEMS:
        found[BIT["yangin"]] = replace(found[BIT["yangin"]], table=BLADE_ALL)
    if schools.goegang is GoegangSchool.SIX_PILLARS:
        goegang = found[BIT["goegang"]]
        found[BIT["goegang"]] = replace(goegang, table=GOEGANG_SIX, positions=ALL, source="관행 (만세력)")
    return tuple(found)


def falls_on(rule: Rule, basis: int, target: int) -> bool:
    """Whether a rule, read from the pillar `basis`, falls on the pillar `target`, both 0..59.

    `basis` is the day, year or month pillar, as `Rule.basis` says; a rule by pillar does not look at it.
    """
    if rule.basis == "pillar":
        return target in {PILLAR[name] for name in rule.table.split()}
    letters, count = (STEM, 10) if rule.basis.endswith("stem") else (BRANCH, 12)
    for entry in rule.table.split():
        if letters[entry[0]] == basis % count:
            if entry[1] == ":":
                return target == PILLAR[entry[2:]]
            return target % 10 in stems(entry[1:]) or target % 12 in branches(entry[1:])
    return False


@functools.lru_cache(maxsize=16)
def flag_tables(schools: Schools) -> FlagTables:
    """Compile; some tens of milliseconds, once a choice of schools."""
    chosen = rules(schools)
    by_day, by_year, by_month = (np.zeros((60, ROWS), dtype="<u8") for _ in range(3))
    table = {"day": by_day, "year": by_year, "month": by_month, "pillar": by_day}
    for bit, rule in enumerate(chosen):
        target_table = table[rule.basis.split("_")[0]]
        # What a rule sees of a basis pillar is its stem or its branch: 10 or 12 rows, repeated.
        count = 1 if rule.basis == "pillar" else 10 if rule.basis.endswith("stem") else 12
        for basis in range(count):
            hits = [target for target in range(60) if falls_on(rule, basis, target)]
            target_table[basis::count, hits] |= np.uint64(1 << bit)
    for basis in range(60):
        void = void_branches(basis)
        for target in range(60):
            code, is_void = twelve_sinsal(basis % 12, target % 12), target % 12 in void
            by_day[basis, target] |= np.uint64(code << 8 * TWELVE_BY_DAY | is_void << VOID_BY_DAY)
            by_year[basis, target] |= np.uint64(code << 8 * TWELVE_BY_YEAR | is_void << VOID_BY_YEAR)
        by_day[basis, ROWS - 1] = NONE << 8 * TWELVE_BY_DAY
        by_year[basis, ROWS - 1] = NONE << 8 * TWELVE_BY_YEAR
    always = ((1 << 64) - 1) ^ ((1 << len(chosen)) - 1)
    allowed = [
        always | sum(1 << bit for bit, rule in enumerate(chosen) if position in rule.positions)
        for position in POSITIONS
    ]
    return FlagTables(by_day.ravel(), by_year.ravel(), by_month.ravel(), (*allowed,))  # type: ignore[arg-type]
