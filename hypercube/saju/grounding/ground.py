"""The chart as the checker asks for it: what stands at a place, and when what begins."""

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, TypeVarTuple

from hypercube.core.calendar import Luck, LuckPillar, LuckRange
from hypercube.core.chart import Chart
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.facts import ChartFacts, ElementValues, PillarFacts
from hypercube.saju.facts.ten_gods import TEN_GODS, branch_god, ten_god
from hypercube.saju.full_years import full_years
from hypercube.saju.grounding.once import once

ELEMENTS: Final = ("wood", "fire", "earth", "metal", "water")
SEASONS: Final = (*["winter"] * 2, *["spring"] * 3, *["summer"] * 3, *["autumn"] * 3, "winter")
GROUP: Final = {
    key: group
    for group, keys in (
        ("peers", ("peer", "rival")),
        ("output", ("eating_god", "hurting_officer")),
        ("wealth", ("indirect_wealth", "direct_wealth")),
        ("officers", ("indirect_officer", "direct_officer")),
        ("resource", ("indirect_resource", "direct_resource")),
    )
    for key in keys
}
GROUPS: Final = ("peers", "output", "wealth", "officers", "resource")
NATAL: Final = ("year", "month", "day", "hour")
_Given = TypeVarTuple("_Given")
_Answer = TypeVar("_Answer")


@dataclass(slots=True)
class LuckStep:
    """One luck pillar: when it begins at the earliest and at the latest."""

    pillar: int
    ages: tuple[float, float]
    years: tuple[int, int]


@dataclass(frozen=True)
class Ground:
    """What is true of one chart."""

    chart: Chart
    facts: ChartFacts

    @classmethod
    def of(cls, chart: Chart) -> "Ground":
        """The ground of a chart.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a chart without facts.
        """
        if chart.facts is None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                "The chart has no facts to check a text against.",
                param="include",
                fix='Compute it with include=("facts", "luck", "periods").',
            )
        return cls(chart, chart.facts)

    @once
    def looked(self) -> dict[Any, Any]:
        """What was looked at so far, by look (`judged.py`)."""
        return {}

    @once
    def places(self) -> dict[str, PillarFacts]:
        """The chart's own pillars by position."""
        return {each.position: each for each in self.facts.pillars}

    @once
    def pillars(self) -> dict[str, int]:
        """Sexagenary index by position: the chart's own and those in force."""
        found = {each.position: each.pillar.index for each in self.facts.pillars}
        periods = self.chart.periods
        if periods is not None:
            year = periods.year.pillar.index
            found |= {
                "this_year": year,
                "next_year": (year + 1) % 60,
                "last_year": (year - 1) % 60,
                "this_month": periods.month.pillar.index,
                "this_day": periods.day.pillar.index,
            }
        if self.current is not None:
            found["luck"] = self.luck[self.current]
        return found

    @once
    def own_stem(self) -> int:
        """The day stem, 0 to 9."""
        return self.pillars["day"] % 10

    @once
    def _lucks(self) -> tuple[Luck, Luck] | None:
        """The luck; without an hour, the two that it lies between."""
        if self.chart.luck is not None:
            return self.chart.luck, self.chart.luck
        return None if self._range is None else (self._range.earliest, self._range.latest)

    @once
    def luck(self) -> tuple[int, ...]:
        """The luck pillars, in order."""
        return () if self._lucks is None else tuple([each.pillar.index for each in self._lucks[0].pillars])

    def luck_step(self, pillar: int) -> LuckStep | None:
        """When a luck pillar begins; without an hour, over the whole range. None for one that there is not."""
        if self._lucks is None or pillar not in self.luck:
            return None
        at = self.luck.index(pillar)  # ten of sixty in a row: none comes twice
        first, last = self._lucks
        return _step(first.pillars[at], last.pillars[at])

    @once
    def _range(self) -> LuckRange | None:
        """Without an hour, the luck that holds at noon, as the pillars shown do: a 절 may turn its direction."""
        for both in self.chart.luck_ranges:
            if both.from_utc <= self.chart.instant.utc < both.until_utc:
                return both
        return self.chart.luck_ranges[-1] if self.chart.luck_ranges else None

    @once
    def forward(self) -> bool | None:
        """The direction of the luck pillars."""
        if self.chart.luck is not None:
            return self.chart.luck.forward
        return None if self._range is None else self._range.earliest.forward

    @once
    def current(self) -> int | None:
        """Which luck pillar is in force; None before the first, without periods, or if the hour decides it."""
        if self.chart.periods is None:
            return None
        day = self.chart.periods.as_of.date
        if self.chart.luck is not None:
            now = self.chart.luck.in_force(day)
            return None if now is None else _at(self.chart.luck, now)
        if self._range is None:
            return None
        first, last = self._range.earliest.in_force(day), self._range.latest.in_force(day)
        if first is None or last is None or first.pillar is not last.pillar:
            return None
        return _at(self._range.earliest, first)

    @once
    def age(self) -> int | None:
        """Whole years on the day that counts as now."""
        if self.chart.periods is None:
            return None
        return full_years(self.chart.instant.local[:10], self.chart.periods.as_of.date)

    @property
    def birth_year(self) -> int:
        """By the civil calendar."""
        return int(self.chart.instant.local[:4])

    @once
    def visible(self) -> dict[str, float]:
        """Letters by element."""
        return _by_element(self.facts.elements.visible)

    @once
    def weighted(self) -> dict[str, float]:
        """Per cent by element."""
        return _by_element(self.facts.elements.weighted)

    @once
    def hidden_gods(self) -> frozenset[str]:
        """Ten gods of the hidden stems."""
        return frozenset(stem.ten_god.key for each in self.facts.pillars for stem in each.hidden_stems)

    @once
    def group_weights(self) -> dict[str, float]:
        """Per cent by group of ten gods."""
        values, own = list(self.weighted.values()), self.own_stem // 2
        return dict(zip(GROUPS, (*values[own:], *values[:own]), strict=True))

    def ask(self, question: "Callable[[Ground, *_Given], _Answer]", *given: *_Given) -> _Answer:
        """What a rule wants to know, as one question: a verdict hangs on its answer, not on all that it looks at.

        Args:
            question: of a ground and `given`; a plain value.
            given: hashable.
        """
        return question(self, *given)

    def element_of(self, group: str) -> str:
        """The element that a group of ten gods is for the day stem."""
        return ELEMENTS[(self.own_stem // 2 + GROUPS.index(group)) % 5]

    def pillar(self, position: str) -> int | None:
        """The pillar of a position or of `pillar:14`; None where there is none."""
        found = self.pillars.get(position)
        if found is None and position.startswith("pillar:"):
            return int(position[7:])
        return found

    def sinsal(self, position: str) -> frozenset[str]:
        """Keys of the sinsal on one of the chart's own pillars, also without what they are read from."""
        found = self._sinsal.get(position)
        if found is None:
            facts = self.places[position]
            keys = [each.key for each in facts.sinsal]
            keys += [*map(_short, keys)]  # a list first: `keys` would grow under the map
            keys += (f"twelve.{facts.twelve_by_year.key}", f"twelve.{facts.twelve_by_day.key}")
            found = self._sinsal[position] = frozenset(keys)
        return found

    @once
    def _sinsal(self) -> dict[str, frozenset[str]]:
        return {}

    def has_sinsal(self, position: str, wanted: frozenset[str]) -> bool:
        """Whether one of some sinsal is on one of the chart's own pillars."""
        return not self.sinsal(position).isdisjoint(wanted)

    def stands(self, position: str) -> bool:
        """Whether there is a pillar at a position."""
        return position in self.pillars or self.pillar(position) is not None

    def letter(self, position: str, part: str) -> int | None:
        """The stem or branch at a position; None where there is no pillar."""
        pillar = self.pillar(position)
        return None if pillar is None else pillar % (10 if part == "stem" else 12)

    def god_count(self, wanted: str) -> int:
        """Visible letters of a ten god or group."""
        return self._god_counts.get(wanted, 0)

    @once
    def _god_counts(self) -> dict[str, int]:
        """Visible letters by ten god and by group, the day stem left out."""
        pillars = self.facts.pillars
        gods = [each.branch_god.key for each in pillars]
        gods += [each.stem_god.key for each in pillars if each.stem_god is not None]
        found: dict[str, int] = {}
        for god in gods:
            found[god] = found.get(god, 0) + 1
            group = GROUP[god]
            found[group] = found.get(group, 0) + 1
        return found

    def hides_god(self, wanted: str) -> bool:
        """Whether a hidden stem is of a ten god or group."""
        return any(belongs(god, wanted) for god in self.hidden_gods)

    def gods(self, position: str, part: str) -> frozenset[str] | None:
        """The ten gods at a place, or of all stems or branches at `any`; None where there is no such place."""
        if position == "any":
            both = [(each.stem_god, each.branch_god) for each in self.facts.pillars]
            return frozenset(god.key for pair in both if (god := pair[part == "branch"]) is not None)
        pillar = self.pillar(position)
        if pillar is None:
            return None
        return _gods(self.own_stem, pillar, part, position == "day")


def _step(first: LuckPillar, last: LuckPillar) -> LuckStep:
    if first is last:
        year = int(first.start_date[:4])
        return LuckStep(first.pillar.index, (first.age, first.age), (year, year))
    return LuckStep(
        first.pillar.index,
        (min(first.age, last.age), max(first.age, last.age)),
        (int(min(first.start_date, last.start_date)[:4]), int(max(first.start_date, last.start_date)[:4])),
    )


@functools.lru_cache(maxsize=4_096)
def _gods(own: int, pillar: int, part: str, of_day: bool) -> frozenset[str]:
    """What a pillar's letters are to the stem `own`; the day stem is nothing to itself."""
    found = set()
    if part in ("stem", "pillar") and not of_day:
        found.add(TEN_GODS[ten_god(own, pillar % 10)].key)
    if part in ("branch", "pillar"):
        found.add(TEN_GODS[branch_god(own, pillar % 12)].key)
    return frozenset(found)


@functools.lru_cache(maxsize=256)
def _short(key: str) -> str:
    """A sinsal without what it is read from: dohwa of dohwa_year."""
    return key.split("_")[0]


def _by_element(values: ElementValues) -> dict[str, float]:
    found = (values.wood, values.fire, values.earth, values.metal, values.water)
    return dict(zip(ELEMENTS, found, strict=True))


def _at(luck: Luck, pillar: LuckPillar) -> int:
    """Where a pillar stands in its luck."""
    return next(at for at, each in enumerate(luck.pillars) if each is pillar)


def belongs(god: str, wanted: str) -> bool:
    """Whether a ten god is the one wanted, or of the group wanted."""
    return god == wanted or GROUP[god] == wanted
