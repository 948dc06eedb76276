"""What a rule of sinsal (신살) consists of, and how its table is written."""

from dataclasses import dataclass
from typing import Final

from hypercube.core.facts import Name

ALL: Final = ("year", "month", "day", "hour")
DAY: Final = ("day",)
HOUR: Final = ("hour",)
GOOD, BAD, MIXED = "auspicious", "inauspicious", "mixed"


@dataclass(frozen=True, slots=True)
class Rule:
    """One sinsal."""

    name: Name
    quality: str
    """auspicious, inauspicious or mixed."""
    basis: str
    """day_stem, day_branch, year_branch, month_branch or pillar."""
    table: str
    source: str
    positions: tuple[str, ...] = ALL
    """Where it can fall."""
    sex: str | None = None
    """The sex that tradition reads it for."""


def rule(
    names: str,
    quality: str,
    basis: str,
    table: str,
    source: str,
    positions: tuple[str, ...] = ALL,
    sex: str | None = None,
) -> Rule:
    """A rule; `names` are key, hangul, hanja and English in one text."""
    key, hangul, hanja, english = names.split(maxsplit=3)
    return Rule(Name(key, hangul, hanja, english), quality, basis, table, source, positions, sex)


_TRIADS: Final = {"水": "申子辰", "火": "寅午戌", "金": "巳酉丑", "木": "亥卯未"}


def by_triad(water: str, fire: str, metal: str, wood: str) -> str:
    """A table by branch out of one by triad (삼합): 申子辰, 寅午戌, 巳酉丑, 亥卯未."""
    targets = zip(_TRIADS.values(), (water, fire, metal, wood), strict=True)
    return " ".join(branch + target for triad, target in targets for branch in triad)


def by_season(winter: str, spring: str, summer: str, autumn: str) -> str:
    """A table by branch out of one by season (방합): 亥子丑, 寅卯辰, 巳午未, 申酉戌."""
    targets = zip(("亥子丑", "寅卯辰", "巳午未", "申酉戌"), (winter, spring, summer, autumn), strict=True)
    return " ".join(branch + target for season, target in targets for branch in season)
