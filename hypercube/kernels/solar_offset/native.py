"""Solar time on the CPU from solar_offset.cu, vectorised by the system's C++ compiler; optional.

The same `row` function runs on the GPU. ctypes releases the GIL while it runs.
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
from hypercube.kernels.solar_offset import reference
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time

SOURCE: Final = Path(__file__).with_name("solar_offset.cu")


class Bounds(ctypes.Structure):
    """`struct Table` of solar_offset.cu."""

    _fields_ = (
        ("base_utc_s", ctypes.c_longlong),
        ("span_s", ctypes.c_ulonglong),
        ("lead_s", ctypes.c_longlong),
    )


_compiled: Callable[..., int] | None = None
_looked = False
_compiling = threading.Lock()


@functools.cache
def bounds() -> Bounds:
    """The scalars that the kernel reads beside the table."""
    table = load_equation_of_time()
    return Bounds(table.base_utc_s, table.span_s, table.lead_s)


def is_warm() -> bool:
    """Whether a call starts at once; a library that an earlier process built is loaded here (milliseconds)."""
    global _looked
    if _compiled is None and not _looked:
        _looked = True  # once a process: looking costs a tenth of a millisecond
        if compile_cpu.built("solar_offset", SOURCE):
            with contextlib.suppress(HyperCubeError):
                warm_up()
    return _compiled is not None


def warm_up() -> None:
    """Build or load the library, and check it against the reference around every point before it is used."""
    global _compiled
    with _compiling:
        if _compiled is not None:
            return
        function = compile_cpu.load("solar_offset", SOURCE).solar_offset_cpu
        pointer = ctypes.c_void_p
        function.argtypes = (
            pointer, pointer, ctypes.c_int, pointer, ctypes.c_longlong, pointer, ctypes.POINTER(Bounds), ctypes.c_int
        )  # fmt: skip
        function.restype = ctypes.c_int
        _check(function)
        _compiled = function


def solar_offset(
    utc_seconds: NDArray[np.int64],
    longitude_degrees: NDArray[np.float64] | None,
    longitude_seconds: int,
    apparent: bool,
    out: NDArray[np.int32],
) -> bool:
    """Fill `out`; arguments and result as `reference.solar_offset`."""
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    return _run(_compiled, utc_seconds, longitude_degrees, longitude_seconds, apparent, out)


def _run(
    function: Callable[..., int],
    utc_seconds: NDArray[np.int64],
    longitude_degrees: NDArray[np.float64] | None,
    longitude_seconds: int,
    apparent: bool,
    out: NDArray[np.int32],
) -> bool:
    outside = function(
        _address(utc_seconds),
        None if longitude_degrees is None else _address(longitude_degrees),
        longitude_seconds,
        _address(out),
        len(utc_seconds),
        _points(),
        ctypes.byref(bounds()),
        apparent,
    )
    return outside == 0


def _address(array: NDArray[Any]) -> int:
    # `array.ctypes.data` says the same in three times the time, which a single birth would notice.
    address: int = array.__array_interface__["data"][0]
    return address


@functools.cache
def _points() -> int:
    return _address(load_equation_of_time().milliseconds)


def _check(function: Callable[..., int]) -> None:
    """Refuse a library that a compiler got wrong: around every point and inside every cell, 146,000 rows."""
    table = load_equation_of_time()
    last = table.base_utc_s + table.span_s - 1
    points = np.arange(table.start_s + 3 * STEP_S, last, STEP_S, dtype=np.int64)
    inside_cells = points - np.arange(len(points)) * 7_919 % STEP_S
    utc = np.concatenate([*(points + k for k in (-1, 0, 1)), inside_cells])
    degrees = np.linspace(-180.0, 180.0, len(utc))
    for each in (degrees, None):
        got, want = (np.empty(len(utc), dtype=np.int32) for _ in range(2))
        inside = _run(function, utc, each, 7, True, got)
        reference.solar_offset(utc, each, 7, True, want)
        if not inside or (got != want).any():
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Backend 'native' of solar_offset was built by {compile_cpu.compiler()} and disagrees with the "
                f"reference ({int((got != want).sum())} of {len(utc)} rows).",
                param="backend",
                value="native",
                fix="Set CXX to another C++17 compiler, or use backend='numba'.",
            )
