"""Feature rows with NumPy, field by field from the rules: the specification of the operation."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels import sexagenary as rules
from hypercube.kernels.features import layout
from hypercube.kernels.packed_charts import Charts, wrong_values
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

_ROWS_AT_ONCE: Final = 16_384


def is_warm() -> bool:
    """Nothing to compile."""
    return True


def warm_up() -> None:
    """Nothing to do."""


def features(charts: Charts, out: NDArray[np.uint8]) -> bool:
    """Fill `out` uint8[N, 64] for charts uint8[N, 4]; False, with `out` unfinished, if a value is out of range."""
    for start in range(0, len(charts), _ROWS_AT_ONCE):
        at = slice(start, start + _ROWS_AT_ONCE)
        if wrong_values(charts[at]).any():
            return False
        _fill(charts[at], out[at])
    return True


def _fill(charts: Charts, out: NDArray[np.uint8]) -> None:
    known = charts != UNKNOWN_HOUR
    pillars = np.where(known, charts, 0).astype(np.int64)
    stems, branches = pillars % 10, pillars % 12
    day_stem = stems[:, 2]
    stem_elements, branch_elements = rules.STEM_ELEMENT[stems], rules.BRANCH_ELEMENT[branches]
    hidden_elements = rules.HIDDEN_ELEMENT[branches]
    _codes(out, known, stems, branches, hidden_elements)

    own = rules.STEM_ELEMENT[day_stem]
    weights = np.zeros((len(charts), 5), dtype=np.int64)
    for element in range(5):
        letters = (stem_elements == element).astype(np.int64) + (branch_elements == element)
        out[:, 32 + element] = (letters * known).sum(axis=1)
        days = ((hidden_elements == element) * rules.HIDDEN_DAYS[branches].astype(np.int64)).sum(axis=2)
        points = 30 * rules.STEM_POINTS * (stem_elements == element) + np.array(rules.BRANCH_POINTS) * days
        weights[:, element] = (points * known).sum(axis=1)
    out[:, layout.ELEMENT_POINTS] = (weights + 15) // 30
    out[:, layout.YANG] = (2 * (pillars % 2 == 0) * known).sum(axis=1)
    rooted = (hidden_elements == own[:, None, None]).any(axis=2) & known
    out[:, layout.ROOTS] = (rooted << np.arange(4)).sum(axis=1)

    by_stem = rules.STEM_POINTS * _supports(own, stem_elements) * known
    by_branch = np.array(rules.BRANCH_POINTS) * _supports(own, branch_elements) * known
    support = by_stem.sum(axis=1) + by_branch.sum(axis=1)
    available = np.where(known[:, 3], rules.ALL_POINTS, rules.WITHOUT_HOUR)
    out[:, layout.STRENGTH] = rules.strength_level(support, available)
    out[:, layout.SUPPORT] = support
    out[:, layout.SUPPORT_MONTH] = by_branch[:, 1]
    out[:, layout.SUPPORT_DAY] = by_branch[:, 2]
    out[:, layout.SUPPORT_REST] = support - by_stem[:, 2] - by_branch[:, 1] - by_branch[:, 2]
    out[:, layout.HOUR_KNOWN] = known[:, 3]

    rows = np.where(known, pillars, rules.UNKNOWN_ROW)
    for pair, (first, second) in enumerate(rules.PAIRS):
        flags = rules.PAIR_FLAGS[rows[:, first], rows[:, second]]
        out[:, 48 + 2 * pair], out[:, 49 + 2 * pair] = flags & 255, flags >> 8
    present = np.bitwise_or.reduce(np.where(known, 1 << branches, 0), axis=1)
    groups = rules.GROUP_FLAGS[present]
    out[:, 60], out[:, 61] = groups & 255, groups >> 8


def _codes(
    out: NDArray[np.uint8],
    known: NDArray[np.bool_],
    stems: NDArray[np.int64],
    branches: NDArray[np.int64],
    hidden_elements: NDArray[np.uint8],
) -> None:
    """The eight bytes of each position."""
    day_stem = stems[:, 2]
    for position in range(4):
        stem, branch = stems[:, position], branches[:, position]
        codes = out[:, position * layout.POSITION_BYTES :][:, : layout.POSITION_BYTES]
        codes[:, layout.STEM] = stem
        codes[:, layout.BRANCH] = branch
        codes[:, layout.STEM_GOD] = rules.STEM_GOD[day_stem, stem] if position != 2 else rules.DAY_MASTER
        codes[:, layout.BRANCH_GOD] = rules.BRANCH_GOD[day_stem, branch]
        codes[:, layout.STAGE] = rules.LIFE_STAGE[day_stem, branch]
        codes[:, layout.HIDDEN] = hidden_elements[:, position]
        codes[~known[:, position]] = UNKNOWN_HOUR


def _supports(own: NDArray[np.uint8], elements: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether each element [N, 4] is the day stem's own or feeds it."""
    steps = (elements.astype(np.int64) - own[:, None]) % 5
    supports: NDArray[np.bool_] = (steps == 0) | (steps == 4)
    return supports
