"""Scores and the best k with Numba: two gathers a candidate, and a bounded buffer of what may still win.

Selection: a candidate better than the worst kept one goes into a buffer; when that is full, a histogram of its
(small, whole) scores gives the exact k-th best, and the buffer shrinks to k. Candidates come in the order of
the index, so one that only equals the k-th best can never enter later: ties go to the lowest index by
themselves. bounded.py divides the candidates among the threads.
"""

import functools
from collections.abc import Callable
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.compatibility import bounded
from hypercube.kernels.compatibility.score import SCORE_LIMIT
from hypercube.kernels.compatibility.tables import WRONG, by_half
from hypercube.kernels.packed_charts import Charts

_LIMIT: Final = SCORE_LIMIT
_WRONG: Final = WRONG // 2
_BLOCK: Final = 1_024
"""Candidates whose scores are reckoned at once: only if the highest may win are they looked at one by one."""


class _Kernels(NamedTuple):
    scores: Callable[..., bool]
    scan: Callable[..., int]


_compiled: _Kernels | None = None


def _scores(words: Any, first: Any, second: Any, out: Any) -> bool:
    """int16[N] scores of uint16[2 N] half charts; False if one is no chart."""
    highest = 0
    for i in range(out.shape[0]):
        score = first[words[2 * i]] + second[words[2 * i + 1]]
        highest = max(highest, score)
        out[i] = score
    return highest < _WRONG


def _scan(
    words: Any,  # uint16[2 N]
    start: int,
    stop: int,
    first: Any,  # int16[65536]
    second: Any,  # int16[65536]
    k: int,
    index: Any,  # int64[capacity], capacity > k
    score: Any,  # int16[capacity]
    histogram: Any,  # int64[2 * _LIMIT]
    block: Any,  # int16[_BLOCK]
) -> int:
    """Fill the buffers with the best k of [start, stop), by index; returns how many, or -1 for a wrong chart."""
    count = 0
    worst = -_LIMIT
    capacity = index.shape[0]
    for begin in range(start, stop, _BLOCK):
        size = min(_BLOCK, stop - begin)
        # A slice, so that the compiler sees that no index is negative and need not wrap it.
        part = words[2 * begin : 2 * (begin + size)]
        highest = -_LIMIT
        for j in range(part.shape[0] // 2):
            value = first[part[2 * j]] + second[part[2 * j + 1]]
            highest = max(highest, value)
            block[j] = value
        if highest >= _WRONG:
            return -1
        last = begin + size == stop
        if highest <= worst and not last:
            continue
        for j in range(size):
            if block[j] > worst:
                index[count] = begin + j
                score[count] = block[j]
                count += 1
            if count == capacity or (last and j == size - 1 and count > k):
                histogram[:] = 0
                for i in range(count):
                    histogram[score[i] + _LIMIT] += 1
                above, level = 0, 2 * _LIMIT - 1
                while above + histogram[level] < k:
                    above += histogram[level]
                    level -= 1
                worst = level - _LIMIT
                room = k - above
                kept = 0
                for i in range(count):
                    if score[i] > worst or (score[i] == worst and room > 0):
                        room -= score[i] == worst
                        index[kept] = index[i]
                        score[kept] = score[i]
                        kept += 1
                count = kept
    return count


@functools.cache
def _compile() -> _Kernels:
    """Compile (about a second) or read from Numba's file cache; both once a process."""
    import numba
    from numba import types

    def vector(dtype: Any, readonly: bool = True) -> Any:
        return types.Array(dtype, 1, "C", readonly=readonly)

    halves = (vector(types.uint16), vector(types.int16), vector(types.int16))
    buffers = (types.int64, types.int16, types.int64, types.int16)
    writable = [vector(each, readonly=False) for each in buffers]
    words, first, second = halves
    for_scores = types.boolean(*halves, vector(types.int16, readonly=False))
    for_scan = types.int64(words, types.int64, types.int64, first, second, types.int64, *writable)

    def compiled(signature: Any, kernel: Any) -> Any:
        try:
            return numba.njit([signature], nogil=True, cache=True)(kernel)
        except RuntimeError:  # no writable place for the file cache (a read-only image)
            return numba.njit([signature], nogil=True)(kernel)

    return _Kernels(compiled(for_scores, _scores), compiled(for_scan, _scan))


def is_warm() -> bool:
    """Whether the kernels are compiled in this process, so that a call starts at once."""
    return _compiled is not None


def warm_up() -> None:
    """Compile now."""
    global _compiled
    _compiled = _compile()


def _kernels() -> _Kernels:
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    return _compiled


def _words(charts: Charts) -> NDArray[np.uint16]:
    words = charts.reshape(-1).view(np.uint16)
    return words if words.flags.aligned else words.copy()


def compatibility(queries: Charts, charts: Charts, out: NDArray[np.int16]) -> bool:
    """Fill `out` int16[Q, N]; shapes and result as `reference.compatibility`. Releases the GIL."""
    kernel, words = _kernels().scores, _words(charts)
    right = True
    for query, row in zip(queries, out, strict=True):
        target = row if row.flags.aligned else np.empty_like(row)
        right = kernel(words, *by_half(query), target) and right
        if target is not row:
            row[:] = target
    return bool(right)


def top_k(
    queries: Charts, charts: Charts, index: NDArray[np.int64], score: NDArray[np.int16], threads: int
) -> bool:
    """Fill `index` and `score` [Q, k]; as `reference.top_k`, on so many threads. Releases the GIL."""
    kernel, words = _kernels().scan, _words(charts)
    k = index.shape[1]
    tables = [by_half(query) for query in queries]

    def scan(query: int, start: int, stop: int, indices: NDArray[np.int64], values: NDArray[np.int16]) -> int:
        histogram = np.empty(2 * _LIMIT, dtype=np.int64)
        block = np.empty(_BLOCK, dtype=np.int16)
        found: int = kernel(words, start, stop, *tables[query], k, indices, values, histogram, block)
        return found

    return bounded.top_k(scan, len(charts), index, score, threads)
