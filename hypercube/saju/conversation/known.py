"""A chart as fact questions ask for it, the same for both languages."""

import datetime as dt
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hypercube.core.calendar import LuckPillar
from hypercube.core.chart import Chart
from hypercube.core.facts import ChartFacts, Name, PillarFacts, Relation
from hypercube.core.reading import ReadingSentence
from hypercube.saju.facts.ten_gods import TEN_GODS
from hypercube.saju.grounding import lexicon
from hypercube.saju.reading.sheet import ELEMENTS, GROUP, Sheet, sheet

POSITIONS: Final = ("year", "month", "day", "hour")
NOBLES: Final = "귀인"
"""All sinsal of a helper, as the detail of a fact question."""
GOD_NAMES: Final = {each.key: each for each in TEN_GODS}


def said(text: str, *facts: str) -> ReadingSentence:
    """A sentence and the facts that it states."""
    return ReadingSentence(text, facts, ())


@dataclass(frozen=True)
class Known:
    """What a chart has, looked up by the words of a question."""

    chart: Chart

    @cached_property
    def sheet(self) -> Sheet:
        """Counts, gods by place, sinsal by key.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a chart without facts.
        """
        return sheet(self.chart)

    @property
    def facts(self) -> ChartFacts:
        """The derived facts."""
        return self.sheet.facts

    @cached_property
    def places(self) -> dict[str, PillarFacts]:
        """By position; no hour where it is unknown."""
        return {each.position: each for each in self.facts.pillars}

    def element(self, key: str) -> tuple[int, float]:
        """Visible letters of an element, and its weight in per cent."""
        at = ELEMENTS.index(key)
        return round(self.sheet.counts[at]), self.sheet.shares[at]

    @property
    def absent(self) -> tuple[str, ...]:
        """Elements without a visible letter."""
        return tuple(each for each in ELEMENTS if not self.element(each)[0])

    @property
    def most(self) -> tuple[str, ...]:
        """The elements of most visible letters."""
        top = max(self.sheet.counts)
        return tuple(each for each in ELEMENTS if self.element(each)[0] == top)

    def gods(self, wanted: str) -> tuple[tuple[str, str, Name], ...]:
        """Position, part and name of each visible ten god that is the one, or of the group, wanted."""
        found = []
        for each in self.facts.pillars:
            for part, god in (("stem", each.stem_god), ("branch", each.branch_god)):
                if god is not None and wanted in (god.key, GROUP[god.key]):
                    found.append((each.position, part, god))
        return tuple(found)

    def hidden_god(self, wanted: str) -> tuple[str, ...]:
        """Positions whose hidden stems hold it."""
        return tuple(
            each.position
            for each in self.facts.pillars
            if any(wanted in (stem.ten_god.key, GROUP[stem.ten_god.key]) for stem in each.hidden_stems)
        )

    def sinsal(self, word: str) -> tuple[tuple[str, str], ...]:
        """Position and key of every sinsal that a Korean name means, the twelve by year and day included."""
        wanted = lexicon.SINSAL[word]
        found = []
        for each in self.facts.pillars:
            keys = [name.key for name in each.sinsal]
            twelve = [f"twelve.{each.twelve_by_year.key}", f"twelve.{each.twelve_by_day.key}"]
            key = next((key for key in (*keys, *twelve) if key in wanted), None)
            if key is not None:
                found.append((each.position, key))
        return tuple(found)

    @property
    def nobles(self) -> tuple[tuple[str, Name], ...]:
        """Position and name of every sinsal of a helper (귀인)."""
        return tuple(
            (each.position, name)
            for each in self.facts.pillars
            for name in each.sinsal
            if name.hangul.endswith(NOBLES)
        )

    def relations(self, kind: str = "") -> tuple[Relation, ...]:
        """Those of the chart's own pillars, all or of one kind; `clash` and `combination` take both letters' kinds."""
        wanted = {"clash": ("clash", "stem_clash"), "punishment": _PUNISHMENTS}.get(kind, (kind,))
        return tuple(each for each in self.facts.relations if not kind or each.kind.key in wanted)

    @property
    def as_of(self) -> str:
        """The day that counts as now; empty without periods."""
        return "" if self.chart.periods is None else self.chart.periods.as_of.date

    @cached_property
    def luck_now(self) -> int | None:
        """Which luck pillar is in force; None before the first, or where the hour or sex is not known."""
        luck = self.chart.luck
        now = None if luck is None or not self.as_of else luck.in_force(self.as_of)
        return None if luck is None or now is None else luck.pillars.index(now)

    def luck_in(self, year: int) -> int | None:
        """Which luck pillar is in force at the middle of a year."""
        luck = self.chart.luck
        now = None if luck is None else luck.in_force(f"{year}-07-01")
        return None if luck is None or now is None else luck.pillars.index(now)

    @property
    def age(self) -> int | None:
        """Whole years on the day that counts as now."""
        if not self.as_of:
            return None
        now = dt.date.fromisoformat(self.as_of)
        born = dt.date.fromisoformat(self.chart.instant.local[:10])
        return now.year - born.year - ((now.month, now.day) < (born.month, born.day))


_PUNISHMENTS: Final = ("punishment", "mutual_punishment", "self_punishment", "triple_punishment")


def plain_age(pillar: LuckPillar) -> str:
    """7, 7.33."""
    return f"{pillar.age:.2f}".rstrip("0").rstrip(".")


def span_of(seconds: int, units: tuple[str, str, str]) -> str:
    """A length of time in words: 1925 -> 32분 5초."""
    hours, rest = divmod(abs(seconds), 3_600)
    minutes, left = divmod(rest, 60)
    parts = [f"{n}{unit}" for n, unit in zip((hours, minutes, left), units, strict=True) if n]
    return " ".join(parts) or f"0{units[2]}"
