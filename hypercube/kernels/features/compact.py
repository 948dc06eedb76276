"""The rules compiled small enough for one processor's shared memory (32 kB), for features.cu and Triton.

One read-only array of uint64, the parts one after another:

    codes     [10, 61]     day stem, pillar: the eight code bytes of a position (the day's own god is added)
    sums      [4, 5, 61]   position, day stem's element, pillar. Bytes 0-2 support: month's, day's, rest; seven
                           fields of 4 bits from bit 24: element counts, yang, roots; all these add up without a
                           carry. From bit 52 the branch mask (or-ed; in a sum it runs out at the top)
    weights   [4, 61]      element weights in sixths of a point (all are multiples of five thirtieths), five lanes
                           of 10 bits (at most 663) in the order wood, metal, fire, water, earth; 3 added at the year
    levels    uint8[256]   by support, plus 128 without an hour
    groups    uint16[4096] by the mask of the branches
    pairs     uint16[3721] by two pillars
"""

import functools
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.features.tables import LANE_BITS, PRESENT_BIT, RECORD_WORDS, load_tables
from hypercube.kernels.sexagenary import ROWS

SUMS: Final = 10 * ROWS
WEIGHTS: Final = SUMS + 4 * 5 * ROWS
LEVELS: Final = WEIGHTS + 4 * ROWS
GROUPS: Final = LEVELS + 256 // 8
PAIRS: Final = GROUPS + 4_096 // 4
"""Where each part begins, in words of 8 bytes; `codes` at 0."""
WORDS: Final = -(-(PAIRS + -(-ROWS * ROWS // 4)) // 2) * 2
"""In all: whole 16 bytes."""
FIELDS_BIT: Final = 24
MASK_BIT: Final = 52
WITHOUT_HOUR: Final = 128


@functools.cache
def load_compact() -> NDArray[np.uint64]:
    """uint64[WORDS]; made from `load_tables`, once a process."""
    tables = load_tables()
    records = tables.records.reshape(4, 10, ROWS, RECORD_WORDS)
    compact = np.zeros(WORDS, dtype=np.uint64)
    codes = records[0, :, :, 0].copy()
    codes[:, -1] = records[3, :, -1, 0]
    compact[:SUMS] = codes.reshape(-1)
    compact[SUMS:WEIGHTS] = _sums(records[:, ::2, :, 1], records[:, ::2, :, 3]).reshape(-1)
    compact[WEIGHTS:LEVELS] = _weights(records[:, 0, :, 2]).reshape(-1)
    levels = np.concatenate([tables.levels[:128], tables.levels[256:384]])
    compact[LEVELS:GROUPS] = levels.view(np.uint64)
    compact[GROUPS:PAIRS] = tables.groups.view(np.uint64)
    compact[PAIRS:].view(np.uint16)[: ROWS * ROWS] = tables.pairs
    compact.flags.writeable = False
    return compact


def _sums(counts: NDArray[Any], support: NDArray[Any]) -> NDArray[Any]:
    """Words 1 and 3 of records (one day stem of each element) in one word."""
    sums = support >> np.uint64(8) & np.uint64(0xFFFFFF)
    for field in range(7):
        sums |= (counts >> np.uint64(8 * field) & np.uint64(15)) << np.uint64(FIELDS_BIT + 4 * field)
    return sums | (support >> np.uint64(PRESENT_BIT) & np.uint64(0xFFF)) << np.uint64(MASK_BIT)


def _weights(lanes: NDArray[Any]) -> NDArray[Any]:
    """Word 2 of records with its lanes narrowed; every second one holds the first three elements."""
    narrow = np.zeros_like(lanes)
    for place, element in enumerate((0, 3, 1, 4, 2)):
        weight = lanes >> np.uint64(LANE_BITS * element) & np.uint64(0xFFF)
        narrow |= weight // np.uint64(5) << np.uint64(10 * place)
    return narrow
