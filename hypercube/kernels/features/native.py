"""Feature rows on the CPU from features.cu, compiled by the system's C++ compiler; optional.

The same `feature_row` function runs on the GPU. ctypes releases the GIL while it runs.
"""

import contextlib
import ctypes
import functools
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import compile_cpu
from hypercube.kernels.features import reference
from hypercube.kernels.features.compact import load_compact
from hypercube.kernels.features.layout import ROW_BYTES
from hypercube.kernels.packed_charts import Charts
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

SOURCE: Final = Path(__file__).with_name("features.cu")
_PILLARS: Final = np.arange(60, dtype=np.uint8)

_compiled: Callable[..., int] | None = None
_looked = False
_compiling = threading.Lock()


def is_warm() -> bool:
    """Whether a call starts at once; a library that an earlier process built is loaded here (milliseconds)."""
    global _looked
    if _compiled is None and not _looked:
        _looked = True  # once a process: looking costs a tenth of a millisecond
        if compile_cpu.built("features", SOURCE):
            with contextlib.suppress(HyperCubeError):
                warm_up()
    return _compiled is not None


def warm_up() -> None:
    """Build or load the library, and check it against the reference before it is used."""
    global _compiled
    with _compiling:
        if _compiled is not None:
            return
        function = compile_cpu.load("features", SOURCE).features_cpu
        pointer = ctypes.c_void_p
        function.argtypes = (pointer, pointer, ctypes.c_longlong, pointer)
        function.restype = ctypes.c_int
        _check(function)
        _compiled = function


def features(charts: Charts, out: NDArray[np.uint8]) -> bool:
    """Fill `out` uint8[N, 64]; shapes and result as `reference.features`. Releases the GIL while it runs."""
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    return _run(_compiled, charts, out)


def _run(function: Callable[..., int], charts: Charts, out: NDArray[np.uint8]) -> bool:
    # Charts are read 32 bits at a time and rows written 64; memory cut out of a message may begin anywhere.
    source = charts if _address(charts) % 4 == 0 else charts.copy()
    target = out if _address(out) % 8 == 0 else np.empty_like(out)
    wrong = function(_address(source), _address(target), len(source), _tables())
    if target is not out:
        out[:] = target
    return wrong == 0


def _address(array: NDArray[Any]) -> int:
    # `array.ctypes.data` says the same in three times the time, which a single chart would notice.
    address: int = array.__array_interface__["data"][0]
    return address


@functools.cache
def _tables() -> int:
    return _address(load_compact())


def _check(function: Callable[..., int]) -> None:
    """Refuse a library that a compiler got wrong: every pair of pillars at every two places, and what is no chart."""
    pairs = np.stack([np.repeat(_PILLARS, 60), np.tile(_PILLARS, 60)], axis=1)
    charts = np.concatenate([pairs[:, order] for order in ((0, 1, 1, 0), (0, 0, 1, 1), (0, 1, 0, 1))]).copy(
        "C"
    )
    charts[::7, 3] = UNKNOWN_HOUR
    got, want = (np.empty((len(charts), ROW_BYTES), dtype=np.uint8) for _ in range(2))
    inside = _run(function, charts, got)
    reference.features(charts, want)
    wrong = np.array(
        [(60, 0, 0, 0), (0, 255, 0, 0), (0, 0, 128, 255), (0, 0, 0, 60), (0, 0, 0, 254)], np.uint8
    )
    refused = not any(_run(function, chart, got[:1]) for chart in wrong[:, None])
    differing = int((got[1:] != want[1:]).any(axis=1).sum())
    if not inside or differing or not refused:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Backend 'native' of features was built by {compile_cpu.compiler()} and disagrees with the "
            f"reference ({differing} of {len(charts)} rows; what is no chart {'' if refused else 'not '}refused).",
            param="backend",
            value="native",
            fix="Set CXX to another C++17 compiler, or use backend='numba'.",
        )
