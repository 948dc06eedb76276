"""The derived facts of a chart, as plain data, in the manner of `hypercube.core.chart`: what goes on the wire.

Everything here follows from the four pillars by named tables. Where schools differ the school stands in
`ChartFacts.schools`. A fact that would need the unknown birth hour is left out, never guessed.
"""

from dataclasses import dataclass

from hypercube.core.signs import Pillar, Sign


@dataclass(frozen=True, slots=True)
class Name:
    """A term of the field: a stable key for programs, and how people write it."""

    key: str
    hangul: str
    hanja: str
    english: str


@dataclass(frozen=True, slots=True)
class SchoolChoice:
    """Which rule an answer rests on, where there are several."""

    topic: str
    choice: str
    version: str
    """`topic/choice@number`; the number rises whenever the table or rule changes."""
    source: str


@dataclass(frozen=True, slots=True)
class HiddenStem:
    """One of the stems inside a branch (지장간)."""

    stem: Sign
    role: str
    """residual (여기), middle (중기) or main (본기)."""
    days: int | None
    """Days of thirty that it governs in its month; None in the Chinese set, which counts none."""
    ten_god: Name


@dataclass(frozen=True, slots=True)
class PillarFacts:
    """What follows for one pillar."""

    position: str
    """year, month, day or hour."""
    pillar: Pillar
    stem_god: Name | None
    """Ten god (십성) of the stem; None for the day stem, which is the one that all are measured by."""
    branch_god: Name
    """Ten god of the branch, by its main hidden stem."""
    hidden_stems: tuple[HiddenStem, ...]
    stage: Name
    """Life stage (12운성) of the day stem in this branch (봉법)."""
    own_stage: Name
    """Life stage of the pillar's own stem in its branch (거법)."""
    nayin: Name
    nayin_element: str
    void_by: tuple[str, ...]
    """Whose void (공망) this branch is: day, year, both or none."""
    twelve_by_year: Name
    """The one of the twelve sinsal (12신살) that the year branch makes of this branch."""
    twelve_by_day: Name
    """The same by the day branch."""
    sinsal: tuple[Name, ...]


@dataclass(frozen=True, slots=True)
class SinsalRule:
    """How a sinsal (신살) is found, for those that the chart has."""

    name: Name
    quality: str
    """auspicious, inauspicious or mixed, as tradition counts it."""
    basis: str
    """What it is read from: day_stem, day_branch, year_branch, month_branch or pillar."""
    sex: str | None
    """The sex that tradition reads it for; None for both."""
    source: str


@dataclass(frozen=True, slots=True)
class Relation:
    """A bond or conflict (합충형파해 …) between two or more pillars."""

    kind: Name
    positions: tuple[str, ...]
    letters: str
    """The stems or branches concerned, in hanja, in the order of `positions`."""
    element: str | None
    """The element that a combination turns to, else None. Whether it really turns is a reading."""


@dataclass(frozen=True, slots=True)
class ElementValues:
    """A number for each of the five elements."""

    wood: float
    fire: float
    earth: float
    metal: float
    water: float


@dataclass(frozen=True, slots=True)
class Elements:
    """The balance of the five elements (오행) and of yin and yang."""

    visible: ElementValues
    """Stems and branches: eight characters, six without an hour."""
    hidden: ElementValues
    """Hidden stems, each counted once."""
    weighted: ElementValues
    """Per cent, by place and by the hidden stems' share of their branch."""
    yang: int
    yin: int
    method: str


@dataclass(frozen=True, slots=True)
class Strength:
    """How strong the day stem stands (신강·신약), with every part of the sum."""

    level: Name
    support: int
    """Points of the places that hold the day stem's element or the one that feeds it."""
    available: int
    """Points of all known places."""
    season: int
    """Of `support`, the month branch's (득령)."""
    seat: int
    """Of `support`, the day branch's (득지)."""
    company: int
    """Of `support`, all other places' but the day stem's own (득세)."""
    roots: tuple[str, ...]
    """Positions whose branch holds the day stem's element (통근)."""
    method: str


@dataclass(frozen=True, slots=True)
class Structure:
    """The chart's pattern by its month branch (격국)."""

    name: Name
    stem: Sign
    """The hidden stem of the month branch that gives the name."""
    exposed: bool
    """Whether that stem also stands in the year, month or hour (투출)."""
    method: str


@dataclass(frozen=True, slots=True)
class ClimateGod:
    """One of the stems that the season calls for (조후), in order of choice."""

    stem: Sign
    presence: str
    """visible (a stem of the chart), hidden (inside a branch) or absent."""


@dataclass(frozen=True, slots=True)
class UsefulGods:
    """Candidates for the useful god (용신), by two schools that need not agree."""

    balance: tuple[str, ...]
    """억부: elements in order of choice; empty when the day stem is balanced."""
    balance_reason: Name
    climate: tuple[ClimateGod, ...]
    """조후, by day stem and month branch."""


@dataclass(frozen=True, slots=True)
class ChartFacts:
    """Every fact that follows from four pillars."""

    pillars: tuple[PillarFacts, ...]
    """Year, month, day and, where it is known, hour."""
    relations: tuple[Relation, ...]
    void_day: tuple[Sign, Sign]
    """The two void branches (공망) of the day pillar."""
    void_year: tuple[Sign, Sign]
    elements: Elements
    strength: Strength
    structure: Structure
    useful_gods: UsefulGods
    sinsal_rules: tuple[SinsalRule, ...]
    """Of every sinsal named in `pillars`."""
    schools: tuple[SchoolChoice, ...]
