"""How strong the day stem stands (신강·신약), and what would balance it (억부용신).

Method `place-points`: each of the eight places has points, 110 in all: every stem 10, year branch 10, month
branch 30, day and hour branch 15 each. The points of a place support the day stem if its element is the day
stem's own or the one that feeds it (비겁, 인성); branches by their main hidden stem. 득령 is the month
branch's support, 득지 the day branch's, 득세 the rest without the day stem itself. The share of support of
the known places gives the level: up to 20 % 극신약, below 45 % 신약, up to 55 % 중화, below 80 % 신강, else
극신강. Combinations and clashes change nothing here. Source of the points: 김동완, 사주명리학 (초보탈출 and
심화); the cuts between the levels are this project's.

Weights of the elements (method `place-and-days`): the same points, a branch's shared out among its hidden
stems by their days of thirty, counted in thirtieths of a point so that they stay whole: 3300 in all.

Rule `excess-remedy` (억부): a strong day stem takes the element that reins in what makes it strong (비겁 the
most: 관성, then 식상; 인성 the most: 재성, then 식상); a weak one takes what helps against the strongest of
the other three (식상 or 관성: 인성, then 비겁; 재성: 비겁, then 인성; of equals the first in the order 식상,
재성, 관성). Balanced: none. By the weights above. Source: 滴天髓 衰旺, 子平眞詮 論用神 on what remedies which
excess.
"""

from typing import Final

from hypercube.core.facts import Name
from hypercube.saju.facts.symbols import BRANCH_ELEMENT, STEM_ELEMENT

STEM_POINTS: Final = 10
BRANCH_POINTS: Final = (10, 30, 15, 15)
"""By position: year, month, day, hour."""
ALL_POINTS: Final = 4 * STEM_POINTS + sum(BRANCH_POINTS)
WITHOUT_HOUR: Final = ALL_POINTS - STEM_POINTS - BRANCH_POINTS[3]
THIRTIETHS: Final = 30

LEVELS: Final = (
    Name("very_weak", "극신약", "極身弱", "very weak"),
    Name("weak", "신약", "身弱", "weak"),
    Name("balanced", "중화", "中和", "balanced"),
    Name("strong", "신강", "身強", "strong"),
    Name("very_strong", "극신강", "極身強", "very strong"),
)
"""By code."""


def supports(day_stem: int, element: int) -> bool:
    """Whether an element is the day stem's own or feeds it."""
    return (element - STEM_ELEMENT[day_stem]) % 5 in (0, 4)


def stem_support(day_stem: int, stem: int) -> int:
    """Points a stem gives."""
    return STEM_POINTS if supports(day_stem, STEM_ELEMENT[stem]) else 0


def branch_support(day_stem: int, branch: int, position: int) -> int:
    """Points a branch gives at a position 0..3."""
    return BRANCH_POINTS[position] if supports(day_stem, BRANCH_ELEMENT[branch]) else 0


def level(support: int, available: int) -> int:
    """Code 0..4; compared as whole numbers, so that no rounding decides."""
    share = 100 * support
    if share <= 20 * available:
        return 0
    if share < 45 * available:
        return 1
    if share <= 55 * available:
        return 2
    return 3 if share < 80 * available else 4


PEERS, OUTPUT, WEALTH, OFFICERS, RESOURCE = range(5)
"""The five groups of ten gods: an element counted from the day stem's along generation."""

NO_REMEDY: Final = 0
REMEDIES: Final = (
    (Name("balanced", "중화", "中和", "the day stem is balanced"), ()),
    (Name("peers_excess", "비겁 과다", "比劫過多", "strong by its peers"), (OFFICERS, OUTPUT)),
    (Name("resource_excess", "인성 과다", "印星過多", "strong by its resource"), (WEALTH, OUTPUT)),
    (Name("output_excess", "식상 과다", "食傷過多", "weak by its output"), (RESOURCE, PEERS)),
    (Name("wealth_excess", "재성 과다", "財星過多", "weak by its wealth"), (PEERS, RESOURCE)),
    (Name("officers_excess", "관성 과다", "官星過多", "weak by its officers"), (RESOURCE, PEERS)),
)
"""By code: the reason, and the groups that remedy it, first choice first."""


def remedy(strength: int, resource_leads: bool, wealth_over_output: bool, officers_lead: bool) -> int:
    """Code of `REMEDIES`.

    Args:
        strength: code of `LEVELS`.
        resource_leads: 인성 outweighs 비겁.
        wealth_over_output: 재성 outweighs 식상.
        officers_lead: 관성 outweighs both 식상 and 재성.
    """
    if strength == 2:
        return NO_REMEDY
    if strength > 2:
        return 2 if resource_leads else 1
    return 5 if officers_lead else 4 if wealth_over_output else 3
