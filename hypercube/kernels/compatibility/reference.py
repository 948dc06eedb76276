"""Scores and the best k with NumPy, straight from `score.parts`: the specification of the operation."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.compatibility.score import parts
from hypercube.kernels.packed_charts import Charts, wrong_values
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

_ROWS_AT_ONCE: Final = 65_536


def is_warm() -> bool:
    """Nothing to compile."""
    return True


def warm_up() -> None:
    """Nothing to do."""


def compatibility(queries: Charts, charts: Charts, out: NDArray[np.int16]) -> bool:
    """Fill `out` int16[Q, N]; False, with `out` unfinished, if a candidate's value is out of range."""
    return all(_scores(query, charts, row) for query, row in zip(queries, out, strict=True))


def top_k(
    queries: Charts, charts: Charts, index: NDArray[np.int64], score: NDArray[np.int16], threads: int
) -> bool:
    """Fill `index` and `score` [Q, k], k <= N: highest score first, of equals the lowest index first.

    False if a candidate's value is out of range. One thread, whatever `threads` says; N scores at a time.
    """
    scores = np.empty(len(charts), dtype=np.int16)
    for query, best, its_score in zip(queries, index, score, strict=True):
        if not _scores(query, charts, scores):
            return False
        # Stable, so that equals stay in the order of the index.
        best[:] = np.argsort(-scores, kind="stable")[: len(best)]
        its_score[:] = scores[best]
    return True


def _scores(query: NDArray[np.uint8], charts: Charts, out: NDArray[np.int16]) -> bool:
    for start in range(0, len(charts), _ROWS_AT_ONCE):
        rows = charts[start : start + _ROWS_AT_ONCE]
        if wrong_values(rows).any():
            return False
        found = parts(
            query.astype(np.int64), query != UNKNOWN_HOUR, rows.astype(np.int64), rows != UNKNOWN_HOUR
        )
        out[start : start + _ROWS_AT_ONCE] = sum(found.values())
    return True
