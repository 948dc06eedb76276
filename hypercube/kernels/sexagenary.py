"""The rules of stems, branches and pillars that kernels need, as formulas and small read-only arrays.

Indices: stem 0 = 甲 ... 9 = 癸, branch 0 = 子 ... 11 = 亥, pillar 0 = 甲子 ... 59 = 癸亥 (stem = pillar % 10,
branch = pillar % 12). Elements 0..4 = wood, fire, earth, metal, water. Schools: the Korean hidden stems
(여기, 중기, 본기 with days of thirty) and 양순음역 for the life stages. Sources of the rules are stated in
`hypercube.saju.facts`, which holds them in its own words; tests/parity compares the two cell by cell.
"""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

UNKNOWN_HOUR: Final = 255
"""An hour pillar that is not known, in charts; also "none" in features."""
UNKNOWN_ROW: Final = 60
"""Its row in tables by pillar, which have 61."""
ROWS: Final = 61
PAIRS: Final = ((0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3))
"""Positions 0..3 = year, month, day, hour."""


def _fixed(values: Any, dtype: Any = np.uint8) -> NDArray[Any]:
    array = np.array(values, dtype=dtype)
    array.flags.writeable = False
    return array


STEM_ELEMENT: Final = _fixed([stem // 2 for stem in range(10)])
BRANCH_ELEMENT: Final = _fixed([2 if b % 3 == 1 else (0, 1, 3, 4)[(b - 2) % 12 // 3] for b in range(12)])
"""Of the season, and earth at its end."""

_HIDDEN: Final = (
    "8:10 9:20|9:9 7:3 5:18|4:7 2:7 0:16|0:10 1:20|1:9 9:3 4:18|4:7 6:7 2:16|"
    "2:10 5:9 3:11|3:9 1:3 5:18|4:7 8:7 6:16|6:10 7:20|7:9 3:3 4:18|4:7 0:7 8:16"
)
"""By branch, stem:days; two stems are 여기 and 본기."""


def _slots(text: str) -> list[tuple[int, int]]:
    found = [(int(entry.split(":")[0]), int(entry.split(":")[1])) for entry in text.split()]
    return found if len(found) == 3 else [found[0], (UNKNOWN_HOUR, 0), found[1]]


_SLOTS: Final = [_slots(text) for text in _HIDDEN.split("|")]
HIDDEN_STEM: Final = _fixed([[stem for stem, _ in slots] for slots in _SLOTS])
"""[12, 3] 여기, 중기, 본기; 255 = none."""
HIDDEN_DAYS: Final = _fixed([[days for _, days in slots] for slots in _SLOTS])
"""[12, 3] days of thirty."""
HIDDEN_ELEMENT: Final = _fixed(
    [[UNKNOWN_HOUR if stem == UNKNOWN_HOUR else stem // 2 for stem, _ in slots] for slots in _SLOTS]
)
"""[12, 3]; 255 = none."""
MAIN_STEM: Final = _fixed(HIDDEN_STEM[:, 2])
"""[12] 본기."""


def ten_god(day_stem: Any, stem: Any) -> Any:
    """Code 0..9 of a stem as seen from the day stem: twice the steps of generation, plus unlike polarity.

    Integers or integer arrays (signed, wide enough not to wrap).
    """
    return 2 * ((stem // 2 - day_stem // 2) % 5) + (day_stem + stem) % 2


STEM_GOD: Final = _fixed([[ten_god(day, stem) for stem in range(10)] for day in range(10)])
"""[day stem, stem]."""
BRANCH_GOD: Final = _fixed([[ten_god(day, int(stem)) for stem in MAIN_STEM] for day in range(10)])
"""[day stem, branch], by the main hidden stem."""
DAY_MASTER: Final = 10
"""The code of the day stem itself."""

_BORN: Final = (11, 6, 2, 9, 2, 9, 5, 0, 8, 3)
"""The branch of 장생 of each stem."""
LIFE_STAGE: Final = _fixed(
    [[(b - _BORN[s]) % 12 if s % 2 == 0 else (_BORN[s] - b) % 12 for b in range(12)] for s in range(10)]
)
"""[stem, branch] 0 = 장생 ... 11 = 양."""

_TRIOS: Final = ({2, 5, 8}, {1, 7, 10})
_GHOST_GATE: Final = ({0, 9}, {1, 6}, {2, 7}, {3, 8}, {4, 11}, {5, 10})

STEM_RELATIONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "stem_combination": lambda a, b: (a - b) % 10 == 5,
    "stem_clash": lambda a, b: abs(a - b) == 6,
}
"""Of two stems."""
BRANCH_RELATIONS: Final[dict[str, Callable[[int, int], bool]]] = {
    "six_combination": lambda a, b: (a + b) % 12 == 1,
    "half_triad": lambda a, b: a != b and a % 4 == b % 4 and 0 in (a % 3, b % 3),
    "arched_triad": lambda a, b: a != b and a % 4 == b % 4 and 0 not in (a % 3, b % 3),
    "half_direction": lambda a, b: a != b and (a + 1) % 12 // 3 == (b + 1) % 12 // 3,
    "clash": lambda a, b: (a - b) % 12 == 6,
    "punishment": lambda a, b: a != b and any({a, b} <= trio for trio in _TRIOS),
    "mutual_punishment": lambda a, b: {a, b} == {0, 3},
    "self_punishment": lambda a, b: a == b and a in (4, 6, 9, 11),
    # 파: the yang branch breaks the third one before it; 원진: it resents the seventh after it.
    "break": lambda a, b: a % 2 != b % 2 and (b - a if a % 2 == 0 else a - b) % 12 == 9,
    "harm": lambda a, b: (a + b) % 12 == 7,
    "resentment": lambda a, b: a % 2 != b % 2 and (b - a if a % 2 == 0 else a - b) % 12 == 7,
    "ghost_gate": lambda a, b: {a, b} in _GHOST_GATE,
}
"""Of two branches; symmetric, like those of stems."""
RELATIONS: Final = (*STEM_RELATIONS, *BRANCH_RELATIONS)
"""By bit of a pair mask."""
SECOND_VOID: Final = 14
"""Bit of `PAIR_FLAGS`: the second branch is void (공망) by the first pillar."""
FIRST_VOID: Final = 15


def void_first(pillar: Any) -> Any:
    """The first of the two void branches of a pillar; the second is the next one."""
    return (10 - 2 * (pillar // 10)) % 12


def _relation_mask(first: int, second: int) -> int:
    stems, branches = (first % 10, second % 10), (first % 12, second % 12)
    held = [rule(*stems) for rule in STEM_RELATIONS.values()]
    held += [rule(*branches) for rule in BRANCH_RELATIONS.values()]
    held.append(branches[1] // 2 * 2 == void_first(first))
    held.append(branches[0] // 2 * 2 == void_first(second))
    return sum(1 << bit for bit, holds in enumerate(held) if holds)


PAIR_FLAGS: Final = _fixed(
    [[_relation_mask(a, b) if max(a, b) < UNKNOWN_ROW else 0 for b in range(ROWS)] for a in range(ROWS)],
    np.uint16,
)
"""[61, 61] bits of `RELATIONS`, `SECOND_VOID` and `FIRST_VOID`; 0 with an unknown hour."""

GROUPS: Final = {
    "triad_water": (8, 0, 4),
    "triad_fire": (2, 6, 10),
    "triad_metal": (5, 9, 1),
    "triad_wood": (11, 3, 7),
    "direction_water": (11, 0, 1),
    "direction_fire": (5, 6, 7),
    "direction_metal": (8, 9, 10),
    "direction_wood": (2, 3, 4),
    "triple_punishment_in_sa_sin": (2, 5, 8),
    "triple_punishment_chuk_sul_mi": (1, 10, 7),
}
"""By bit: three branches that a chart must hold."""
GROUP_FLAGS: Final = _fixed(
    [
        sum(1 << bit for bit, members in enumerate(GROUPS.values()) if all(mask >> m & 1 for m in members))
        for mask in range(4_096)
    ],
    np.uint16,
)
"""[4096] by the mask of the branches of a chart."""

STEM_POINTS: Final = 10
BRANCH_POINTS: Final = (10, 30, 15, 15)
"""By position; with four stems 110 in all, 85 without the hour."""
ALL_POINTS: Final = 4 * STEM_POINTS + sum(BRANCH_POINTS)
WITHOUT_HOUR: Final = ALL_POINTS - STEM_POINTS - BRANCH_POINTS[3]


def strength_level(support: Any, available: Any) -> Any:
    """0 극신약 (up to 20 % of the points), 1 신약 (below 45 %), 2 중화 (up to 55 %), 3 신강, 4 극신강 (from 80 %)."""
    share = 100 * support
    return (
        (share > 20 * available) * 1
        + (share >= 45 * available)
        + (share > 55 * available)
        + (share >= 80 * available)
    )
