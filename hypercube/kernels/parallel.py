"""Rows over several CPU threads: for kernels that release the GIL."""

import functools
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from hypercube.core.errors import invalid

_FEWEST_ROWS: Final = 65_536
"""A thread is worth waking for so many rows: a tenth of a millisecond of work."""
_EDGE: Final = 64
"""Ranges begin at multiples of this, so that two threads never write one cache line."""


def require_threads(threads: Any) -> int:
    """The number of threads, checked."""
    if isinstance(threads, bool) or not isinstance(threads, int) or threads < 1:
        raise invalid(
            f"threads is {threads!r}, expected a whole number from 1.",
            param="threads",
            value=threads,
            fix=f"Give 1, or up to {os.cpu_count()} on this machine.",
        )
    return threads


def run_ranges(run: Callable[[slice], bool], rows: int, threads: int) -> bool:
    """Call `run` with consecutive slices that cover the rows; True when every call returned True.

    The caller's thread takes the first slice. At most `threads` slices, fewer for few rows.
    """
    parts = max(1, min(threads, rows // _FEWEST_ROWS))
    if parts == 1:
        return run(slice(0, rows))
    size = -(-rows // parts // _EDGE) * _EDGE
    slices = [slice(start, min(start + size, rows)) for start in range(0, rows, size)]
    others = [_pool().submit(run, each) for each in slices[1:]]
    try:
        first = run(slices[0])
    finally:  # nobody writes into `out` any more once this returns or raises
        done = [each.exception() for each in others]
    for error in done:
        if error is not None:
            raise error
    return first and all(each.result() for each in others)


@functools.cache
def _pool() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=max(8, os.cpu_count() or 1), thread_name_prefix="kernel")
