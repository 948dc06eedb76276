"""One query as look-up tables: a candidate costs one read of four bytes and two gathers.

The score is a sum over the candidate's pillars (score.py), so sixty-one entries a position say it all:
`by_pillar`. `by_half` joins two positions, indexed by the two bytes as they lie in memory (little-endian):
[0] year | month << 8, [1] day | hour << 8. What is no chart holds `WRONG`, above every score, so that the test
"better than the worst kept" also catches it and range checks cost nothing. Of the 2 x 128 kB only the lines of
real pillars are touched, 60 or 61 runs of 120 bytes each: some 15 kB, which stay in the first-level cache.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.compatibility.score import SCORE_LIMIT, parts
from hypercube.kernels.sexagenary import ROWS, UNKNOWN_HOUR, UNKNOWN_ROW

WRONG: Final = 8_192
BIAS: Final = 2 * SCORE_LIMIT
"""What the tables of `by_pair` add to a score."""

_ALONE_CHARTS: Final = np.zeros((4, 60, 4), dtype=np.int64)
_ALONE_KNOWN: Final = np.zeros((4, 60, 4), dtype=np.bool_)
for _position in range(4):
    _ALONE_CHARTS[_position, :, _position] = np.arange(60)
    _ALONE_KNOWN[_position, :, _position] = True


def by_pillar(query: NDArray[np.uint8]) -> NDArray[np.int16]:
    """int16[4, 61]: what a pillar at a position adds to the score of a query uint8[4]; 0 for an unknown hour."""
    table = np.zeros((4, ROWS), dtype=np.int16)
    found = parts(
        query.astype(np.int64),
        query != UNKNOWN_HOUR,
        _ALONE_CHARTS.reshape(-1, 4),
        _ALONE_KNOWN.reshape(-1, 4),
    )
    table[:, :UNKNOWN_ROW] = sum(found.values()).reshape(4, 60)  # type: ignore[union-attr]
    return table


def by_half(query: NDArray[np.uint8]) -> NDArray[np.int16]:
    """int16[2, 65536]; see the module."""
    year, month, day, hour = by_pillar(query)[:, :UNKNOWN_ROW]
    halves = np.full((2, 256, 256), WRONG, dtype=np.int16)
    halves[0, :60, :60] = month[:, None] + year[None, :]
    halves[1, :60, :60] = hour[:, None] + day[None, :]
    halves[1, UNKNOWN_HOUR, :60] = day
    return halves.reshape(2, -1)


def by_pair(queries: NDArray[np.uint8]) -> NDArray[np.uint32]:
    """uint32[ceil(Q / 2), 2, 61 * 61]: the GPU's tables of queries uint8[Q, 4], two of them in a word.

    The lower 16 bits are an even query's, the upper those of the next (0 when there is none). [:, 0] is indexed
    by year + 61 month, [:, 1] by day + 61 hour, 60 being the unknown hour; an entry is what both pillars add plus
    half of `BIAS`, so it is positive, and two entries sum to score + `BIAS` without a carry between the queries.
    """
    pairs = np.zeros(((len(queries) + 1) // 2, 2, ROWS, ROWS), dtype=np.uint32)
    for number, query in enumerate(queries):
        year, month, day, hour = by_pillar(query).astype(np.int64)
        halves = np.stack([month[:, None] + year, hour[:, None] + day]) + BIAS // 2
        pairs[number // 2] |= halves.astype(np.uint32) << np.uint32(16 * (number % 2))
    return pairs.reshape(len(pairs), 2, -1)


def by_byte(query: NDArray[np.uint8]) -> NDArray[np.int8]:
    """int8[4, 64]: `by_pillar` for a register a position; entry 63 is the unknown hour, 255 by its lowest bits.

    Entries fit: the largest parts of a day pillar are 20, 4 x 8 and 16, and no other position adds as much
    (tests/parity goes through the tables).
    """
    table = np.zeros((4, 64), dtype=np.int8)
    found = by_pillar(query)
    table[:, :UNKNOWN_ROW] = found[:, :UNKNOWN_ROW]
    table[:, 63] = found[:, UNKNOWN_ROW]
    return table
