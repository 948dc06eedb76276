"""What the GPU backends share: the shape of a search (compatibility.cu says why it is exact) and of its keys."""

from collections.abc import Iterator
from typing import Final, NamedTuple

from hypercube.kernels.sexagenary import ROWS

TILE: Final = 512
"""Consecutive candidates whose highest score decides whether they are looked at again."""
ROW_BITS: Final = 40
SCORE_BITS: Final = 12
LAST_ROW: Final = (1 << ROW_BITS) - 1
HALF: Final = ROWS * ROWS
"""Entries of half a table of `tables.by_pair`."""
_SCRATCH_KEYS: Final = 1 << 25
"""Keys of 8 bytes that a batch of queries may hold at once, beside the sort's own memory."""
MOST_QUERIES: Final = 2_048
"""In a batch: what the bits of a key above its score can tell apart."""


class Search(NamedTuple):
    """How many tiles there are, and how many of them a query looks into."""

    tiles: int
    taken: int


def search(rows: int, k: int) -> Search:
    """For the best k of so many candidates, 1 <= k <= rows."""
    tiles = -(-rows // TILE)
    return Search(tiles, min(tiles, k))


def batches(queries: int, keys_a_query: int) -> Iterator[slice]:
    """Runs of queries whose scratch fits, each beginning at an even one (tables hold pairs)."""
    size = max(2, min(MOST_QUERIES, _SCRATCH_KEYS // max(1, keys_a_query)) // 2 * 2)
    for start in range(0, queries, size):
        yield slice(start, min(start + size, queries))
