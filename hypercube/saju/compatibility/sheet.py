"""What an explanation asks of two charts, worked out once: what is between them, part by part."""

from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import Chart
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.facts import Relation
from hypercube.core.match import Match
from hypercube.core.signs import Sign
from hypercube.kernels.compatibility.score import BRANCH_WEIGHTS, SPOUSE_WEIGHTS
from hypercube.kernels.sexagenary import BRANCH_GOD, STEM_GOD
from hypercube.saju.facts.relation_list import relations
from hypercube.saju.facts.symbols import ELEMENTS
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.match import match

FIRST: Final = "first"
SECOND: Final = "second"
OTHER: Final = {FIRST: SECOND, SECOND: FIRST}
PLACES: Final = ("year", "month", "day", "hour")
_SPOUSE_ORDER: Final = ("day.branch", "month.stem", "month.branch", "year.stem", "hour.stem", "year.branch")


@dataclass(frozen=True, slots=True)
class Meeting:
    """What is between the branches at one place."""

    position: str
    branches: tuple[Sign, Sign]
    relations: tuple[Relation, ...]
    """The weightiest first."""
    tone: str
    """bond, tension, mixed, same (one letter, no relation) or none."""

    @property
    def fact(self) -> str:
        """Id of the part of the score."""
        return f"pair.part.{self.position}_branch"


@dataclass(frozen=True, slots=True)
class SpouseLetter:
    """A letter of one person that is a wealth or officer star to the other."""

    position: str
    part: str
    sign: Sign
    god: str
    """direct_wealth, …"""

    @property
    def place(self) -> str:
        """day.branch."""
        return f"{self.position}.{self.part}"


@dataclass(frozen=True, slots=True)
class PairSheet:
    """Two charts side by side."""

    charts: dict[str, Chart]
    """By `FIRST` and `SECOND`."""
    match: Match
    points: dict[str, int]
    stems: tuple[Sign, Sign]
    """Of the days."""
    stem_relation: str | None
    """stem_combination, stem_clash or None."""
    steps: int
    """Of generation from the first day stem to the second: the same, feeds, controls, is controlled, is fed."""
    meetings: tuple[Meeting, ...]
    """By place, where both branches are known."""
    stars: dict[str, tuple[SpouseLetter, ...]]
    """By the person who looks: letters of the other."""
    counts: dict[str, dict[str, int]]
    """Visible letters by person and element."""
    seed: int

    @property
    def unknown_hours(self) -> tuple[str, ...]:
        """Whose birth hour is not known."""
        return tuple(who for who, chart in self.charts.items() if chart.pillars.hour is None)


def pair_sheet(first: Chart, second: Chart) -> PairSheet:
    """The sheet of two charts.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a chart without facts.
    """
    for who, chart in ((FIRST, first), (SECOND, second)):
        if chart.facts is None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The {who} chart has no facts to explain.",
                param="include",
                fix='Compute it with include=("facts",).',
            )
    found = match(first, second)
    one, other = first.pillars.day.stem, second.pillars.day.stem
    stems = relations((FIRST, SECOND), (first.pillars.day.index, second.pillars.day.index))
    seed = 0
    for index in (*first.pillars.indices(), *second.pillars.indices()):
        seed = seed * 257 + index
    return PairSheet(
        charts={FIRST: first, SECOND: second},
        match=found,
        points={part.name: part.points for part in found.parts},
        stems=(one, other),
        stem_relation=next((each.kind.key for each in stems if each.kind.key.startswith("stem_")), None),
        steps=(other.index // 2 - one.index // 2) % 5,
        meetings=tuple(
            _meeting(position, first, second)
            for position in PLACES
            if getattr(first.pillars, position) is not None and getattr(second.pillars, position) is not None
        ),
        stars={FIRST: _stars(first, second), SECOND: _stars(second, first)},
        counts={FIRST: _counts(first), SECOND: _counts(second)},
        seed=seed,
    )


def relation_fact(relation: Relation, position: str) -> str:
    """pair.relation.clash.day: between the letters at one place."""
    return f"pair.relation.{relation.kind.key}.{position}"


def god_fact(viewer: str, letter: SpouseLetter) -> str:
    """pair.god.second.month.stem: what a letter of the second person is to the first."""
    return f"pair.god.{OTHER[viewer]}.{letter.place}"


def _meeting(position: str, first: Chart, second: Chart) -> Meeting:
    one, other = getattr(first.pillars, position), getattr(second.pillars, position)
    found = [
        each
        for each in relations((FIRST, SECOND), (one.index, other.index))
        if each.kind.key in BRANCH_WEIGHTS
    ]
    found.sort(key=lambda each: -abs(BRANCH_WEIGHTS[each.kind.key]))
    signs = {BRANCH_WEIGHTS[each.kind.key] > 0 for each in found}
    if not found:
        tone = "same" if one.branch is other.branch else "none"
    else:
        tone = "mixed" if len(signs) == 2 else "bond" if True in signs else "tension"
    return Meeting(position, (one.branch, other.branch), tuple(found), tone)


def _stars(viewer: Chart, other: Chart) -> tuple[SpouseLetter, ...]:
    day = viewer.pillars.day.stem.index
    found = []
    for position in PLACES:
        pillar = getattr(other.pillars, position)
        if pillar is None:
            continue
        letters = [("branch", pillar.branch, BRANCH_GOD)]
        if position != "day":
            letters.append(("stem", pillar.stem, STEM_GOD))
        for part, sign, table in letters:
            god = int(table[day, sign.index])
            if SPOUSE_WEIGHTS[god]:
                found.append(SpouseLetter(position, part, sign, TEN_GODS[god].key))
    order = {place: at for at, place in enumerate(_SPOUSE_ORDER)}
    return tuple(sorted(found, key=lambda each: order.get(each.place, len(order))))


def _counts(chart: Chart) -> dict[str, int]:
    assert chart.facts is not None
    return {each: int(getattr(chart.facts.elements.visible, each)) for each in ELEMENTS}
