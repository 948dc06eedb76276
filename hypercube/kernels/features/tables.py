"""The rules compiled for the fast backends: one record of 32 bytes for a position, a day stem and a pillar.

A row is the records of its four pillars put side by side (codes) and added (sums), six pair flags, one group
look-up and one level look-up.

records uint64[4 * 10 * 61 * 4], index ((position * 10 + day stem) * 61 + pillar) * 4:
    word 0   the eight code bytes of the position, ready to store
    word 1   bytes 0-4 element counts, 5 yang, 6 roots: bytes 32-38 of the row; adds up without a carry
    word 2   element weights in thirtieths of a point, five lanes of 12 bits (at most 3315), 15 added at the year
    word 3   bytes 0 support, 1 month's, 2 day's, 3 rest, bits 32-43 the branch mask (or-ed, not added),
             bit 63 at an unknown hour
levels  uint8[512]   by support, plus 256 without an hour
"""

import functools
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels import sexagenary as rules
from hypercube.kernels.features import layout
from hypercube.kernels.sexagenary import ROWS, UNKNOWN_HOUR, UNKNOWN_ROW

RECORD_WORDS: Final = 4
LANE_BITS: Final = 12
PRESENT_BIT: Final = 32


class Tables(NamedTuple):
    """See the module; every array is flat and read-only."""

    records: NDArray[np.uint64]
    pairs: NDArray[np.uint16]
    groups: NDArray[np.uint16]
    levels: NDArray[np.uint8]


@functools.cache
def load_tables() -> Tables:
    """Compile; some ten milliseconds, once a process."""
    records = np.zeros((4, 10, ROWS, RECORD_WORDS), dtype=np.uint64)
    for position in range(4):
        for day_stem in range(10):
            for pillar in range(60):
                records[position, day_stem, pillar] = _record(position, day_stem, pillar)
    records[3, :, UNKNOWN_ROW, 0] = 0xFFFF_FFFF_FFFF_FFFF
    records[3, :, UNKNOWN_ROW, 3] = 1 << 63
    records[0, :, :, 2] += np.uint64(sum(15 << LANE_BITS * element for element in range(5)))
    available = np.repeat([rules.ALL_POINTS, rules.WITHOUT_HOUR], 256)
    levels = rules.strength_level(np.tile(np.arange(256), 2), available).astype(np.uint8)
    tables = Tables(records.reshape(-1), rules.PAIR_FLAGS.reshape(-1), rules.GROUP_FLAGS, levels)
    for array in tables:
        array.flags.writeable = False
    return tables


def _record(position: int, day_stem: int, pillar: int) -> list[int]:
    stem, branch = pillar % 10, pillar % 12
    own = day_stem // 2
    hidden = rules.HIDDEN_ELEMENT[branch]
    codes = np.zeros(8, dtype=np.uint8)
    codes[layout.STEM], codes[layout.BRANCH] = stem, branch
    codes[layout.STEM_GOD] = rules.DAY_MASTER if position == 2 else rules.STEM_GOD[day_stem, stem]
    codes[layout.BRANCH_GOD] = rules.BRANCH_GOD[day_stem, branch]
    codes[layout.STAGE] = rules.LIFE_STAGE[day_stem, branch]
    codes[layout.HIDDEN] = hidden

    stem_element, branch_element = stem // 2, int(rules.BRANCH_ELEMENT[branch])
    counts = (1 << 8 * stem_element) + (1 << 8 * branch_element) + ((2 if pillar % 2 == 0 else 0) << 40)
    counts += int(own in hidden) << position << 48

    weights = 30 * rules.STEM_POINTS << LANE_BITS * stem_element
    points = rules.BRANCH_POINTS[position]
    for element, days in zip(hidden.tolist(), rules.HIDDEN_DAYS[branch].tolist(), strict=True):
        if element != UNKNOWN_HOUR:
            weights += points * days << LANE_BITS * element

    by_stem = rules.STEM_POINTS * ((stem_element - own) % 5 in (0, 4))
    by_branch = points * ((branch_element - own) % 5 in (0, 4))
    month, day = by_branch * (position == 1), by_branch * (position == 2)
    rest = by_stem * (position != 2) + by_branch * (position in (0, 3))
    support = (by_stem + by_branch) | month << 8 | day << 16 | rest << 24
    return [int(codes.view("<u8")[0]), counts, weights, support | 1 << PRESENT_BIT + branch]
