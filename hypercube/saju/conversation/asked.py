"""What a turn can ask of a chart, as plain data."""

import datetime as dt
from dataclasses import dataclass
from enum import StrEnum

from hypercube.core.reading import ReadingAudience, ReadingLength, ReadingSection


class FactTopic(StrEnum):
    """Facts that can be asked for by name, in the order in which several are answered."""

    PILLARS = "pillars"
    """사주 원국; one pillar with a position as its detail."""
    DAY_STEM = "day_stem"
    """일간."""
    ELEMENTS = "elements"
    """오행; one of them with its name as the detail."""
    POLARITY = "polarity"
    """음양."""
    STRENGTH = "strength"
    """신강·신약."""
    STRUCTURE = "structure"
    """격국."""
    USEFUL = "useful"
    """용신."""
    GODS = "gods"
    """십성; one of them, or a group, with its key as the detail."""
    HIDDEN = "hidden"
    """지장간."""
    STAGES = "stages"
    """12운성."""
    SINSAL = "sinsal"
    """신살; one of them with its Korean name as the detail."""
    TWELVE = "twelve"
    """12신살."""
    RELATIONS = "relations"
    """합충형파해; one kind with its key as the detail."""
    VOID = "void"
    """공망."""
    NAYIN = "nayin"
    """납음."""
    LUCK = "luck"
    """대운: `start`, `now`, `next`, or all."""
    PERIODS = "periods"
    """세운·월운·일진: `year`, `month`, `day`, or all."""
    ZODIAC = "zodiac"
    """띠."""
    LUNAR = "lunar"
    """음력 생일."""
    CHILDREN = "children"
    """What tradition reads as children: the star by sex, and the hour pillar."""
    AGE = "age"
    """나이."""
    CLOCK = "clock"
    """진태양시와 그 밖의 보정, 절기."""


@dataclass(frozen=True, slots=True)
class FactQuestion:
    """A fact asked for; `detail` as its topic says, empty for all of it."""

    topic: FactTopic
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a turn asks.

    Attributes:
        sections: of the reading, in its order.
        facts: by name, in the order of `FactTopic`.
        years: civil years asked about, other than the present one.
        next_month: whether the month after the present one is asked about.
        whole: a reading as such, of nothing in particular.
        together: the compatibility of two people.
        days: civil days asked about.
        ages: spans of ages asked about, first and last age.
        when: whether it is asked when something will be.
        birth: whether it is asked which birth the answers go by.
        meaning: whether the facts asked for are to be explained.
        exhausted: whether more is wanted of what was already told at its longest.
        each: whether it is asked of two people side by side.
        beyond: what is asked for and not judged here, by key.
        length: how much is wanted, where that is said.
        audience: a beginner, where that is said.
    """

    sections: tuple[ReadingSection, ...] = ()
    facts: tuple[FactQuestion, ...] = ()
    years: tuple[int, ...] = ()
    next_month: bool = False
    whole: bool = False
    together: bool = False
    days: tuple[dt.date, ...] = ()
    ages: tuple[tuple[int, int], ...] = ()
    when: bool = False
    birth: bool = False
    meaning: bool = False
    exhausted: bool = False
    each: bool = False
    beyond: tuple[str, ...] = ()
    length: ReadingLength = ReadingLength.NORMAL
    audience: ReadingAudience = ReadingAudience.GENERAL

    @property
    def of_a_chart(self) -> bool:
        """Whether it takes a chart to answer; else it is an ordinary turn."""
        return bool(self.of_somebody or self.together or self.birth)

    @property
    def of_somebody(self) -> bool:
        """Whether it takes the chart of one person."""
        return bool(
            self.sections
            or self.facts
            or self.years
            or self.next_month
            or self.whole
            or self.days
            or self.ages
        )
