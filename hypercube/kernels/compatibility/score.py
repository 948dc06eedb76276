"""The compatibility score (궁합), version 1: a sum of named integer components, every weight a datum here.

A score ranks candidates for one query; it is this project's convention over classical relations, not a
measured probability of anything. q = query, c = candidate. A part that needs an unknown hour is 0.

    day_stem_relation   천간합 and 천간충 of the two day stems                                  STEM_WEIGHTS
    day_stem_element    same element, generation (either way) or control (either way) of the    ELEMENT_WEIGHTS
                        day stems; 0 where they combine
    year_branch ...     every relation that holds between the branches at the same place,       BRANCH_WEIGHTS
    hour_branch         summed, times the weight of the place                                   PLACE_WEIGHTS
    spouse_star         정재, 정관 (DIRECT) and 편재, 편관 (INDIRECT) among the letters of one,   SPOUSE_WEIGHTS
                        seen from the other's day stem, both ways; branches by 본기, the day
                        branch (배우자궁) twice; the day stem itself is not counted
    element_complement  letters of c in an element that q lacks (LACKING each), or of which q   COMPLEMENT_WEIGHTS
                        holds EXCESS_FROM or more (EXCESS each)

All are symmetric in q and c but `element_complement`, which is what c brings to q. Each is a sum over the four
pillars of c, taken one by one: that is what lets a query become four tables of sixty entries.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels import sexagenary as rules

SCORE_VERSION: Final = 1
Int64 = NDArray[np.int64]
Known = NDArray[np.bool_]

STEM_WEIGHTS: Final = {"stem_combination": 20, "stem_clash": -8}
ELEMENT_WEIGHTS: Final = (2, 4, -3, -3, 4)
"""By the steps of generation from q's day stem to c's: same, feeds, controls, is controlled, is fed."""
BRANCH_WEIGHTS: Final = {
    "six_combination": 4,
    "half_triad": 3,
    "arched_triad": 1,
    "half_direction": 1,
    "clash": -3,
    "punishment": -2,
    "mutual_punishment": -2,
    "self_punishment": -1,
    "break": -1,
    "harm": -2,
    "resentment": -3,
    "ghost_gate": -1,
}
PLACE_WEIGHTS: Final = {"year_branch": 2, "month_branch": 1, "day_branch": 4, "hour_branch": 1}
SPOUSE_WEIGHTS: Final = (0, 0, 0, 0, 1, 2, 1, 2, 0, 0)
"""By ten god: 편재, 정재, 편관, 정관."""
SPOUSE_SEAT: Final = 2
"""How often the day branch counts."""
COMPLEMENT_WEIGHTS: Final = {"lacking": 2, "excess": -1}
EXCESS_FROM: Final = 4

COMPONENTS: Final = (
    "day_stem_relation",
    "day_stem_element",
    *PLACE_WEIGHTS,
    "spouse_star",
    "element_complement",
)
SYMMETRIC: Final = frozenset(COMPONENTS) - {"element_complement"}
SCORE_LIMIT: Final = 1_024
"""Every score lies strictly within this, either way (tests/parity proves the actual range)."""


def _matrix(size: int, held: dict[str, Any], weights: dict[str, int]) -> Int64:
    cells = [
        [sum(weights[name] for name, rule in held.items() if rule(a, b)) for b in range(size)]
        for a in range(size)
    ]
    return np.array(cells, dtype=np.int64)


_STEMS: Final = _matrix(10, rules.STEM_RELATIONS, STEM_WEIGHTS)
_COMBINES: Final = _matrix(10, rules.STEM_RELATIONS, {"stem_combination": 1, "stem_clash": 0}) == 1
_BRANCHES: Final = _matrix(12, rules.BRANCH_RELATIONS, BRANCH_WEIGHTS)
_SPOUSE: Final = np.array(SPOUSE_WEIGHTS, dtype=np.int64)
_SEATS: Final = np.array([1, 1, SPOUSE_SEAT, 1], dtype=np.int64)
_NOT_DAY: Final = np.array([1, 1, 0, 1], dtype=np.int64)


def parts(query: Int64, query_known: Known, charts: Int64, known: Known) -> dict[str, Int64]:
    """Every component of one query against N candidates.

    Args:
        query: int64[4] pillars 0..59, anything where not known.
        query_known: bool[4]
        charts: int64[N, 4]
        known: bool[N, 4]; a position that is not known contributes nothing, whichever it is.

    Returns:
        int64[N] by name, in the order of `COMPONENTS`.
    """
    stems, branches = charts % 10, charts % 12
    own, theirs = int(query[2] % 10), stems[:, 2]
    day = known[:, 2]
    steps = (theirs // 2 - own // 2) % 5
    found = {
        "day_stem_relation": _STEMS[own, theirs] * day,
        "day_stem_element": np.array(ELEMENT_WEIGHTS)[steps] * ~_COMBINES[own, theirs] * day,
    }
    for position, (name, weight) in enumerate(PLACE_WEIGHTS.items()):
        both = known[:, position] & query_known[position]
        found[name] = weight * _BRANCHES[int(query[position] % 12), branches[:, position]] * both
    seen_from_query = _spouse_letters(np.full(len(charts), own), stems, branches, known)
    own_stems, own_branches = (query % 10)[None, :], (query % 12)[None, :]
    seen_from_candidate = _spouse_letters(theirs, own_stems, own_branches, query_known[None, :]) * day
    found["spouse_star"] = seen_from_query + seen_from_candidate
    found["element_complement"] = _complement(query, query_known, charts, known)
    return found


def _spouse_letters(day_stem: Int64, stems: Int64, branches: Int64, known: Known) -> Int64:
    """Weights [N] of the wealth and officer letters [N or 1, 4], seen from the day stems [N]."""
    from_stems = _SPOUSE[rules.STEM_GOD[day_stem[:, None], stems]] * _NOT_DAY
    from_branches = _SPOUSE[rules.BRANCH_GOD[day_stem[:, None], branches]] * _SEATS
    total: Int64 = ((from_stems + from_branches) * known).sum(axis=1)
    return total


def _complement(query: Int64, query_known: Known, charts: Int64, known: Known) -> Int64:
    letters = (rules.STEM_ELEMENT[query % 10], rules.BRANCH_ELEMENT[query % 12])
    counts = np.bincount(np.concatenate([each[query_known] for each in letters]), minlength=5)
    worth = COMPLEMENT_WEIGHTS["lacking"] * (counts == 0) + COMPLEMENT_WEIGHTS["excess"] * (
        counts >= EXCESS_FROM
    )
    brought = worth[rules.STEM_ELEMENT[charts % 10]] + worth[rules.BRANCH_ELEMENT[charts % 12]]
    total: Int64 = (brought * known).sum(axis=1)
    return total
