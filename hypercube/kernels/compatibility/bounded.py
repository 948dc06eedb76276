"""The search of the CPU backends: bounded buffers, each over its own run of candidates, joined in order and cut."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Final

import numpy as np
from numpy.typing import NDArray

_FEWEST: Final = 1_048_576
"""Candidates a thread must have to repay its start (about a millisecond of work)."""
_SLACK: Final = 512
"""Entries of a buffer beyond 2 k: few, so that the worst kept score rises soon and most blocks are passed over."""

Scan = Callable[[int, int, int, NDArray[np.int64], NDArray[np.int16]], int]
"""(query's number, start, stop, index buffer, score buffer) -> how many of the best k are there, -1 for a wrong chart.

Buffers are longer than k; what is kept stands in the order of the candidates."""


def top_k(scan: Scan, rows: int, index: NDArray[np.int64], score: NDArray[np.int16], threads: int) -> bool:
    """Fill `index` and `score` [Q, k], k <= rows, on so many threads; False when `scan` found a wrong chart."""
    queries, k = index.shape
    runs_n = max(1, min(threads, rows // _FEWEST))
    cuts = np.linspace(0, rows, runs_n + 1).astype(np.int64).tolist()

    def run(task: tuple[int, tuple[int, int]]) -> tuple[NDArray[np.int64], NDArray[np.int16]] | None:
        query, (start, stop) = task
        capacity = max(1, min(stop - start, 2 * k + _SLACK)) + 1
        indices, values = np.empty(capacity, dtype=np.int64), np.empty(capacity, dtype=np.int16)
        count = scan(query, start, stop, indices, values)
        return None if count < 0 else (indices[:count], values[:count])

    tasks = [(query, each) for query in range(queries) for each in pairwise(cuts)]
    if threads == 1 or len(tasks) == 1:
        found = [run(task) for task in tasks]
    else:
        with ThreadPoolExecutor(min(threads, len(tasks))) as pool:
            found = list(pool.map(run, tasks))
    for query in range(queries):
        runs = [each for each in found[query * runs_n : (query + 1) * runs_n] if each is not None]
        if len(runs) < runs_n:
            return False
        indices, values = (np.concatenate(column) for column in zip(*runs, strict=True))
        order = np.argsort(-values, kind="stable")[:k]
        index[query], score[query] = indices[order], values[order]
    return True
