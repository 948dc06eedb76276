"""From codes to names: one chart of `Facts` as the plain data of `hypercube.core.facts`."""

import functools
import operator
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

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
from hypercube.saju.facts.hidden_stems import HIDDEN, slots
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


class Codes(NamedTuple):
    """The facts of one chart as plain numbers: a row of `Facts`, whose names and codes these are."""

    pillars: list[int]
    flags: list[int]
    void_day: list[int]
    void_year: list[int]
    element_counts: list[int]
    hidden_counts: list[int]
    polarity: list[int]
    group_weights: list[int]
    support: list[int]
    strength: int
    roots: int
    structure: list[int]
    """Its code, its stem, and whether that is exposed."""
    balance_gods: list[int]
    balance_reason: int
    climate_gods: list[int]


def describe(facts: Facts, i: int) -> ChartFacts:
    """The facts of chart `i`, by name. What would need an unknown hour is left out.

    Raises:
        IndexError: there is no chart `i`.
    """
    codes = Codes(
        facts.pillars[i].tolist(),
        facts.flags[i].tolist(),
        facts.void_day[i].tolist(),
        facts.void_year[i].tolist(),
        facts.element_counts[i].tolist(),
        facts.hidden_counts[i].tolist(),
        facts.polarity[i].tolist(),
        facts.group_weights[i].tolist(),
        facts.support[i].tolist(),
        int(facts.strength[i]),
        int(facts.roots[i]),
        [int(facts.structure[i]), int(facts.structure_stem[i]), int(facts.structure_exposed[i])],
        facts.balance_gods[i].tolist(),
        int(facts.balance_reason[i]),
        facts.climate_gods[i].tolist(),
    )
    return named(codes, facts.schools)


def named(codes: Codes, schools: Schools) -> ChartFacts:
    """The facts of one chart, by name."""
    pillars, flags = codes.pillars, codes.flags
    known = [position for position in range(4) if pillars[position] != NONE]
    names = _names(schools)
    versions = names.versions
    void_day, void_year = codes.void_day, codes.void_year
    found = functools.reduce(operator.or_, [flags[position] for position in known])
    structure, stem, exposed = codes.structure
    return ChartFacts(
        pillars=tuple(
            [
                _pillar(names, position, pillars[position], pillars[2] % 10, flags[position])
                for position in known
            ]
        ),
        relations=relations(POSITIONS, pillars),
        void_day=(BRANCHES[void_day[0]], BRANCHES[void_day[1]]),
        void_year=(BRANCHES[void_year[0]], BRANCHES[void_year[1]]),
        elements=_elements(codes, versions["element_weights"]),
        strength=_strength(codes, len(known), versions["strength"]),
        structure=Structure(STRUCTURES[structure], STEMS[stem], bool(exposed), versions["structure"]),
        useful_gods=_useful_gods(codes, names, known),
        sinsal_rules=tuple([rule for bit, rule in names.sinsal_rules if found >> bit & 1]),
        schools=names.choices,
    )


class _Names:
    """What some schools settle; a key that is quicker than theirs, of which there is one for each choice."""

    def __init__(self, schools: Schools) -> None:
        self.choices = schools.choices()
        self.versions = {choice.topic: choice.version for choice in self.choices}
        self.sinsal_rules = [
            (bit, SinsalRule(rule.name, rule.quality, rule.basis, rule.sex, rule.source))
            for bit, rule in enumerate(rules(schools))
        ]
        self.hidden_stems, self.life_stages = schools.hidden_stems, schools.life_stages
        self.hidden = [frozenset([each.stem for each in stems]) for stems in HIDDEN[schools.hidden_stems]]
        """Hidden stems by branch."""


_names: Final = functools.lru_cache(maxsize=16)(_Names)


@functools.lru_cache(maxsize=32_768)
def _pillar(names: _Names, position: int, index: int, day_stem: int, flags: int) -> PillarFacts:
    """Out of the tables' rules: a chart's arrays hold the same codes, but reading them one by one is slow."""
    return PillarFacts(
        position=POSITIONS[position],
        **_by_day_stem(names, position, index, day_stem),
        void_by=tuple(basis for basis, bit in _VOID if flags >> bit & 1),
        twelve_by_year=TWELVE_SINSAL[flags >> 8 * TWELVE_BY_YEAR & 0xFF],
        twelve_by_day=TWELVE_SINSAL[flags >> 8 * TWELVE_BY_DAY & 0xFF],
        sinsal=tuple([rule.name for bit, rule in names.sinsal_rules if flags >> bit & 1]),
    )


@functools.lru_cache(maxsize=4_096)
def _by_day_stem(names: _Names, position: int, index: int, day_stem: int) -> dict[str, Any]:
    """The fields of `PillarFacts` that the day stem and the pillar settle."""
    stem, branch = index % 10, index % 12
    return {
        "pillar": PILLARS[index],
        "stem_god": None if position == 2 else TEN_GODS[ten_god(day_stem, stem)],
        "branch_god": TEN_GODS[branch_god(day_stem, branch)],
        "hidden_stems": tuple(
            HiddenStem(STEMS[each.stem], each.role, each.days, TEN_GODS[ten_god(day_stem, each.stem)])
            for each in slots(names.hidden_stems, branch)
            if each
        ),
        "stage": LIFE_STAGES[life_stage(day_stem, branch, names.life_stages)],
        "own_stage": LIFE_STAGES[life_stage(stem, branch, names.life_stages)],
        "nayin": NAYIN[nayin(index)],
        "nayin_element": NAYIN_ELEMENT[nayin(index)],
    }


def _elements(codes: Codes, method: str) -> Elements:
    groups = codes.group_weights
    own = codes.pillars[2] % 10 // 2
    yang, yin = codes.polarity
    whole = sum(groups)
    return Elements(
        visible=ElementValues(*map(float, codes.element_counts)),
        hidden=ElementValues(*map(float, codes.hidden_counts)),
        weighted=ElementValues(*[round(100 * groups[(e - own) % 5] / whole, 2) for e in range(5)]),
        yang=yang,
        yin=yin,
        method=method,
    )


def _strength(codes: Codes, known: int, method: str) -> Strength:
    support, season, seat, company = codes.support
    return Strength(
        level=strength.LEVELS[codes.strength],
        support=support,
        available=strength.ALL_POINTS if known == 4 else strength.WITHOUT_HOUR,
        season=season,
        seat=seat,
        company=company,
        roots=tuple([name for bit, name in enumerate(POSITIONS) if codes.roots >> bit & 1]),
        method=method,
    )


def _useful_gods(codes: Codes, names: _Names, known: Sequence[int]) -> UsefulGods:
    pillars = [codes.pillars[position] for position in known]
    visible = {pillar % 10 for pillar in pillars}
    hidden = frozenset().union(*[names.hidden[pillar % 12] for pillar in pillars])

    def presence(stem: int) -> str:
        return "visible" if stem in visible else "hidden" if stem in hidden else "absent"

    return UsefulGods(
        balance=tuple([ELEMENTS[element] for element in codes.balance_gods if element != NONE]),
        balance_reason=strength.REMEDIES[codes.balance_reason][0],
        climate=tuple(
            [ClimateGod(STEMS[stem], presence(stem)) for stem in codes.climate_gods if stem != NONE]
        ),
    )
