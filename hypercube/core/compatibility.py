"""Compatibility (궁합) of people as plain data: one person against another, or against the best of a list.

A score is a sum that always comes with its parts (`hypercube.core.match`); sentences say in words what the parts
rest on, each with the facts it reads. The JSON of `POST /v1/saju/compatibility` is the shape of `Compatibility`.
"""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import ClassVar, Final

from hypercube.core.chart import BirthInput, Chart, Include
from hypercube.core.errors import Failure
from hypercube.core.match import MatchPart
from hypercube.core.reading import Checked, CitedFact, ReadingLanguage

MAX_TOP: Final = 1_000
"""Of a list, the most that one answer names."""
MAX_EXPLAINED: Final = 100
"""Of these, the most that come with sentences."""


class CompatibilityLength(StrEnum):
    """How much is said of a pair."""

    SHORT = "short"
    """What weighs most, and one piece of advice."""
    NORMAL = "normal"
    """Every part."""


@dataclass(frozen=True, slots=True)
class CompatibilityOptions:
    """How a pair is explained.

    Attributes:
        language: of the text.
        length: how much is said.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    language: ReadingLanguage = ReadingLanguage.KO
    length: CompatibilityLength = CompatibilityLength.NORMAL


@dataclass(frozen=True, slots=True)
class CompatibilityRequest:
    """One person, and either one other or a list of others.

    Attributes:
        first: whose chart is asked about. `include` is set by the answer itself, here and in all other births.
        second: the other person.
        others: instead of `second`: 1 to 10,000 people, of whom the best are named.
        top: of `others`: how many, 1 to 1,000.
        explain: of `others`: sentences for each that is named, 100 at most; a pair always has them.
        language: of the text.
        length: how much is said.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    first: BirthInput
    second: BirthInput | None = None
    others: tuple[BirthInput, ...] = ()
    top: int = 10
    explain: bool = False
    language: ReadingLanguage = ReadingLanguage.KO
    length: CompatibilityLength = CompatibilityLength.NORMAL

    def to_options(self) -> CompatibilityOptions:
        """How it is to be explained."""
        return CompatibilityOptions(self.language, self.length)


def plain(birth: BirthInput) -> BirthInput:
    """The birth with nothing beside the pillars."""
    return replace(birth, include=()) if birth.include else birth


def with_facts(birth: BirthInput) -> BirthInput:
    """The birth with all that an explanation needs."""
    return replace(birth, include=(Include.FACTS,))


@dataclass(frozen=True, slots=True)
class PairSentence:
    """One sentence about two people."""

    about: str
    """The part it explains: a name of `MatchPart.name`, or `opening`, `strength` or `advice`."""
    text: str
    facts: tuple[str, ...]
    """Ids of the facts it reads: `first.…` and `second.…` of one chart, `pair.…` of both; at least one."""
    schools: tuple[str, ...]
    """Versions of the schools it depends on, as in `ChartFacts.schools`."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The first person and one other."""

    index: int
    """Of the other person in `others`; 0 for `second`."""
    score: int
    """The sum of the parts; a ranking aid by classical relations, not a prediction."""
    parts: tuple[MatchPart, ...]
    chart: Chart
    """The other person's, without facts."""
    sentences: tuple[PairSentence, ...] = ()
    facts: tuple[CitedFact, ...] = ()
    """Every fact that a sentence cites, once."""


@dataclass(frozen=True, slots=True)
class PairError:
    """Somebody of the list whose chart could not be made; the others are ranked all the same."""

    index: int
    """In `others`."""
    error: Failure


@dataclass(frozen=True, slots=True)
class Compatibility:
    """One pair, or the best of a list."""

    first: Chart
    """The first person's chart, without facts."""
    pairs: tuple[Pair, ...]
    """The best first; of equal scores the one that stands first in the list."""
    errors: tuple[PairError, ...]
    compared: int
    """How many people `first` was compared with."""
    score_version: int
    """Of the weights and rules."""
    written_by: str
    """`corpus`: sentences written by hand and chosen by rule."""
    corpus_version: str
    checked: Checked
    """What the grounding checker looked at, in all pairs together."""
    options: CompatibilityOptions

    @property
    def best(self) -> Pair:
        """The pair, or the best one.

        Raises:
            IndexError: nobody in the list had a chart.
        """
        return self.pairs[0]
