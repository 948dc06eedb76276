"""What the sections of a reading ask of a chart, worked out once."""

import functools
from dataclasses import dataclass
from typing import Final

from hypercube.core.calendar import Luck, LuckRange
from hypercube.core.chart import Chart, Sex
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.facts import ChartFacts, PillarFacts, Relation
from hypercube.saju.reading.time_of_life import TimeOfLife, time_of_life

SEASONS: Final = (*["winter"] * 2, *["spring"] * 3, *["summer"] * 3, *["autumn"] * 3, "winter")
"""By month branch 子 to 亥."""
GROUP: Final = {
    "peer": "peers",
    "rival": "peers",
    "eating_god": "output",
    "hurting_officer": "output",
    "indirect_wealth": "wealth",
    "direct_wealth": "wealth",
    "indirect_officer": "officers",
    "direct_officer": "officers",
    "indirect_resource": "resource",
    "direct_resource": "resource",
}
GROUPS: Final = ("peers", "output", "wealth", "officers", "resource")
ELEMENTS: Final = ("wood", "fire", "earth", "metal", "water")
CONFLICTS: Final = frozenset(
    {
        "clash",
        "punishment",
        "mutual_punishment",
        "self_punishment",
        "break",
        "harm",
        "resentment",
        "ghost_gate",
        "triple_punishment",
    }
)
STEM_RELATIONS: Final = frozenset({"stem_combination", "stem_clash"})
SIDE: Final = {
    "very_weak": "weak",
    "weak": "weak",
    "balanced": "balanced",
    "strong": "strong",
    "very_strong": "strong",
}
"""By level of strength."""


_GOD_IDS: Final = {
    position: (f"god.{position}.stem", f"god.{position}.branch")
    for position in ("year", "month", "day", "hour")
}


@dataclass(slots=True)
class Sheet:
    """A chart with its facts, as the sections read it."""

    chart: Chart
    facts: ChartFacts
    day: PillarFacts
    month: PillarFacts
    stem: int
    """Of the day, 0 to 9."""
    branch: int
    """Of the month, 0 to 11."""
    season: str
    side: str
    """strong, weak or balanced."""
    sex: Sex | None
    counts: tuple[float, ...]
    """Visible letters by element."""
    shares: tuple[float, ...]
    """Weights by element, per cent."""
    gods: tuple[tuple[str, str], ...]
    """Visible ten gods: key and fact id, the day stem left out."""
    groups: dict[str, int]
    """How many of `gods` belong to each group."""
    sinsal: dict[str, list[str]]
    """Positions by key."""
    sinsal_sex: dict[str, str]
    """By key, of those that tradition reads for one sex, which."""
    luck: Luck | None
    luck_range: LuckRange | None
    seed: int
    time: TimeOfLife

    @property
    def untimed(self) -> bool:
        """Whether the hour is not known."""
        return self.chart.pillars.hour is None


def sheet(chart: Chart) -> Sheet:
    """The sheet of a chart.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    facts = chart.facts
    if facts is None:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "The chart has no facts to read.",
            param="include",
            fix='Compute it with include=("facts", "luck", "periods").',
        )
    pillars = facts.pillars
    month, day = pillars[1], pillars[2]
    visible, weighted = facts.elements.visible, facts.elements.weighted
    gods: list[tuple[str, str]] = []
    groups = dict.fromkeys(GROUPS, 0)
    sinsal: dict[str, list[str]] = {}
    for each in pillars:
        position = each.position
        for name in each.sinsal:
            if (there := sinsal.get(name.key)) is None:
                sinsal[name.key] = [position]
            else:
                there.append(position)
        for god, said in zip((each.stem_god, each.branch_god), _GOD_IDS[position], strict=True):
            if god is not None:
                gods.append((god.key, said))
                groups[GROUP[god.key]] += 1
    sex = chart.options.sex
    seed = 0
    for index in chart.pillars.indices():
        seed = seed * 257 + index
    return Sheet(
        chart=chart,
        facts=facts,
        day=day,
        month=month,
        stem=day.pillar.stem.index,
        branch=month.pillar.branch.index,
        season=SEASONS[month.pillar.branch.index],
        side=SIDE[facts.strength.level.key],
        sex=sex,
        counts=(visible.wood, visible.fire, visible.earth, visible.metal, visible.water),
        shares=(weighted.wood, weighted.fire, weighted.earth, weighted.metal, weighted.water),
        gods=tuple(gods),
        groups=groups,
        sinsal=sinsal,
        sinsal_sex={rule.name.key: rule.sex for rule in facts.sinsal_rules if rule.sex is not None},
        luck=chart.luck,
        luck_range=range_at_noon(chart),
        seed=seed * 3 + (0 if sex is None else 1 if sex is Sex.MALE else 2),
        time=time_of_life(chart),
    )


def relation_id(relation: Relation) -> str:
    """relation.clash.year.day."""
    return id_of_relation(relation.kind.key, relation.positions)


@functools.lru_cache(maxsize=16_384)
def id_of_relation(kind: str, positions: tuple[str, ...]) -> str:
    """The same by its parts."""
    return f"relation.{kind}.{'.'.join(positions)}"


def range_at_noon(chart: Chart) -> LuckRange | None:
    """Of a birth without an hour, the luck that holds at noon, as the pillars shown do; None with an hour."""
    for each in chart.luck_ranges:
        if each.from_utc <= chart.instant.utc < each.until_utc:
            return each
    return chart.luck_ranges[-1] if chart.luck_ranges else None
