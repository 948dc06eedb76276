"""From codes to names: one chart of `Facts` as the plain data of `hypercube.core.facts`."""

import functools
import operator
from collections.abc import Sequence
from typing import Any, Final

from hypercube.core.facts import (
    ChartFacts,
    ClimateGod,
    Elements,
    ElementValues,
    HiddenStem,
    PillarFacts,
    SinsalRule,
    Strength,
    Structure,
    UsefulGods,
)
from hypercube.saju.facts import strength
from hypercube.saju.facts.arrays import Facts
from hypercube.saju.facts.hidden_stems import slots
from hypercube.saju.facts.life_stages import LIFE_STAGES, life_stage
from hypercube.saju.facts.nayin import NAYIN, NAYIN_ELEMENT, nayin
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.schools import Schools
from hypercube.saju.facts.sinsal import TWELVE_BY_DAY, TWELVE_BY_YEAR, VOID_BY_DAY, VOID_BY_YEAR, rules
from hypercube.saju.facts.structure import STRUCTURES
from hypercube.saju.facts.symbols import ELEMENTS, NONE, POSITIONS
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.facts.twelve_sinsal import TWELVE_SINSAL
from hypercube.saju.signs import BRANCHES, PILLARS, STEMS

_VOID: Final = (("day", VOID_BY_DAY), ("year", VOID_BY_YEAR))


def describe(facts: Facts, i: int) -> ChartFacts:
    """The facts of chart `i`, by name. What would need an unknown hour is left out.

    Raises:
        IndexError: there is no chart `i`.
    """
    pillars: list[int] = facts.pillars[i].tolist()
    flags: list[int] = facts.flags[i].tolist()
    known = [position for position in range(4) if pillars[position] != NONE]
    versions = _versions(facts.schools)
    void_day, void_year = facts.void_day[i].tolist(), facts.void_year[i].tolist()
    found = functools.reduce(operator.or_, (flags[position] for position in known))
    return ChartFacts(
        pillars=tuple(
            _pillar(facts.schools, position, pillars[position], pillars[2] % 10, flags[position])
            for position in known
        ),
        relations=relations(POSITIONS, pillars),
        void_day=(BRANCHES[void_day[0]], BRANCHES[void_day[1]]),
        void_year=(BRANCHES[void_year[0]], BRANCHES[void_year[1]]),
        elements=_elements(facts, i, versions["element_weights"]),
        strength=_strength(facts, i, len(known), versions["strength"]),
        structure=Structure(
            STRUCTURES[facts.structure[i]],
            STEMS[facts.structure_stem[i]],
            bool(facts.structure_exposed[i]),
            versions["structure"],
        ),
        useful_gods=_useful_gods(facts, i, [pillars[position] for position in known]),
        sinsal_rules=tuple(rule for bit, rule in _sinsal_rules(facts.schools) if found >> bit & 1),
        schools=facts.schools.choices(),
    )


@functools.lru_cache(maxsize=8)
def _versions(schools: Schools) -> dict[str, str]:
    return {choice.topic: choice.version for choice in schools.choices()}


@functools.lru_cache(maxsize=8)
def _sinsal_rules(schools: Schools) -> tuple[tuple[int, SinsalRule], ...]:
    return tuple(
        (bit, SinsalRule(rule.name, rule.quality, rule.basis, rule.sex, rule.source))
        for bit, rule in enumerate(rules(schools))
    )


def _pillar(schools: Schools, position: int, index: int, day_stem: int, flags: int) -> PillarFacts:
    """Out of the tables' rules: a chart's arrays hold the same codes, but reading them one by one is slow."""
    return PillarFacts(
        position=POSITIONS[position],
        **_by_day_stem(schools, position, index, day_stem),
        void_by=tuple(basis for basis, bit in _VOID if flags >> bit & 1),
        twelve_by_year=TWELVE_SINSAL[flags >> 8 * TWELVE_BY_YEAR & 0xFF],
        twelve_by_day=TWELVE_SINSAL[flags >> 8 * TWELVE_BY_DAY & 0xFF],
        sinsal=tuple(rule.name for bit, rule in _sinsal_rules(schools) if flags >> bit & 1),
    )


@functools.lru_cache(maxsize=4_096)
def _by_day_stem(schools: Schools, position: int, index: int, day_stem: int) -> dict[str, Any]:
    """The fields of `PillarFacts` that the day stem and the pillar settle."""
    stem, branch = index % 10, index % 12
    return {
        "pillar": PILLARS[index],
        "stem_god": None if position == 2 else TEN_GODS[ten_god(day_stem, stem)],
        "branch_god": TEN_GODS[branch_god(day_stem, branch)],
        "hidden_stems": tuple(
            HiddenStem(STEMS[each.stem], each.role, each.days, TEN_GODS[ten_god(day_stem, each.stem)])
            for each in slots(schools.hidden_stems, branch)
            if each
        ),
        "stage": LIFE_STAGES[life_stage(day_stem, branch, schools.life_stages)],
        "own_stage": LIFE_STAGES[life_stage(stem, branch, schools.life_stages)],
        "nayin": NAYIN[nayin(index)],
        "nayin_element": NAYIN_ELEMENT[nayin(index)],
    }


def _elements(facts: Facts, i: int, method: str) -> Elements:
    groups: list[int] = facts.group_weights[i].tolist()
    own = int(facts.pillars[i, 2]) % 10 // 2
    yang, yin = facts.polarity[i].tolist()
    whole = sum(groups)
    return Elements(
        visible=ElementValues(*map(float, facts.element_counts[i].tolist())),
        hidden=ElementValues(*map(float, facts.hidden_counts[i].tolist())),
        weighted=ElementValues(*(round(100 * groups[(e - own) % 5] / whole, 2) for e in range(5))),
        yang=yang,
        yin=yin,
        method=method,
    )


def _strength(facts: Facts, i: int, known: int, method: str) -> Strength:
    support, season, seat, company = facts.support[i].tolist()
    roots = int(facts.roots[i])
    return Strength(
        level=strength.LEVELS[facts.strength[i]],
        support=support,
        available=strength.ALL_POINTS if known == 4 else strength.WITHOUT_HOUR,
        season=season,
        seat=seat,
        company=company,
        roots=tuple(name for bit, name in enumerate(POSITIONS) if roots >> bit & 1),
        method=method,
    )


def _useful_gods(facts: Facts, i: int, pillars: Sequence[int]) -> UsefulGods:
    visible = {pillar % 10 for pillar in pillars}
    hidden = set(facts.hidden_stems[i, : len(pillars)].ravel().tolist())

    def presence(stem: int) -> str:
        return "visible" if stem in visible else "hidden" if stem in hidden else "absent"

    return UsefulGods(
        balance=tuple(ELEMENTS[element] for element in facts.balance_gods[i].tolist() if element != NONE),
        balance_reason=strength.REMEDIES[facts.balance_reason[i]][0],
        climate=tuple(
            ClimateGod(STEMS[stem], presence(stem)) for stem in facts.climate_gods[i].tolist() if stem != NONE
        ),
    )
