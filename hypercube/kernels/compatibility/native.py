"""Scores and the best k on the CPU from avx512.cpp, built by the system's C++ compiler; optional.

Only where the processor has AVX-512 VBMI and VNNI (AMD from Zen 4, Intel servers from Ice Lake): elsewhere `numba`
does the same look-ups as fast as C++ would, and this backend says so. ctypes releases the GIL while it runs.
"""

import contextlib
import ctypes
import threading
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import compile_cpu
from hypercube.kernels.compatibility import bounded, reference
from hypercube.kernels.compatibility.tables import by_byte
from hypercube.kernels.packed_charts import Charts

SOURCE: Final = Path(__file__).with_name("avx512.cpp")
_compiled: ctypes.CDLL | None = None
_looked = False
_compiling = threading.Lock()


def is_warm() -> bool:
    """Whether a call starts at once; a library that an earlier process built is loaded here (milliseconds)."""
    global _looked
    if _compiled is None and not _looked:
        _looked = True  # once a process: looking costs a tenth of a millisecond
        if compile_cpu.built("compatibility", SOURCE):
            with contextlib.suppress(HyperCubeError):
                warm_up()
    return _compiled is not None


def warm_up() -> None:
    """Build or load the library, and check it against the reference before it is used."""
    global _compiled
    with _compiling:
        if _compiled is not None:
            return
        library = compile_cpu.load("compatibility", SOURCE)
        if not library.compatibility_cpu_supported():
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                "Backend 'native' of compatibility needs a processor with AVX-512 VBMI and VNNI.",
                param="backend",
                value="native",
                fix="Use backend='numba', or leave backend='auto'.",
            )
        pointer, count = ctypes.c_void_p, ctypes.c_longlong
        library.compatibility_cpu_scores.argtypes = (pointer, count, pointer, pointer)
        library.compatibility_cpu_scan.argtypes = (
            pointer, count, count, pointer, count, pointer, pointer, count
        )  # fmt: skip
        library.compatibility_cpu_scan.restype = count
        _check(library)
        _compiled = library


def compatibility(queries: Charts, charts: Charts, out: NDArray[np.int16]) -> bool:
    """Fill `out` int16[Q, N]; shapes and result as `reference.compatibility`. Releases the GIL."""
    return _scores(_library(), queries, charts, out)


def top_k(
    queries: Charts, charts: Charts, index: NDArray[np.int64], score: NDArray[np.int16], threads: int
) -> bool:
    """Fill `index` and `score` [Q, k]; as `reference.top_k`, on so many threads. Releases the GIL."""
    library, k = _library(), index.shape[1]
    tables = [by_byte(query) for query in queries]

    def scan(query: int, start: int, stop: int, indices: NDArray[np.int64], values: NDArray[np.int16]) -> int:
        table = tables[query].ctypes.data
        found: int = library.compatibility_cpu_scan(
            charts.ctypes.data, start, stop, table, k, indices.ctypes.data, values.ctypes.data, len(indices)
        )
        return found

    return bounded.top_k(scan, len(charts), index, score, threads)


def _library() -> ctypes.CDLL:
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    return _compiled


def _scores(library: ctypes.CDLL, queries: Charts, charts: Charts, out: NDArray[np.int16]) -> bool:
    right = True
    for query, row in zip(queries, out, strict=True):
        table = by_byte(query)
        wrong = library.compatibility_cpu_scores(
            charts.ctypes.data, len(charts), table.ctypes.data, row.ctypes.data
        )
        right = right and not wrong
    return right


def _check(library: ctypes.CDLL) -> None:
    """Refuse a library that a compiler got wrong: every pillar at every place, for sixteen queries."""
    charts = np.stack([(np.arange(61) * step + step) % 60 for step in (1, 7, 11, 13)], axis=1).astype(
        np.uint8
    )
    charts[60, 3] = 255
    queries = charts[::4]
    got, want = (np.empty((len(queries), len(charts)), dtype=np.int16) for _ in range(2))
    right = _scores(library, queries, charts, got)
    reference.compatibility(queries, charts, want)
    if not right or (got != want).any():
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Backend 'native' of compatibility was built by {compile_cpu.compiler()} and disagrees with the "
            f"reference ({int((got != want).sum())} of {got.size} scores).",
            param="backend",
            value="native",
            fix="Set CXX to another C++17 compiler, or use backend='numba'.",
        )
