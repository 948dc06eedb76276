"""Four pillars on the CPU from pillars.cu, vectorised by the system's C++ compiler; optional.

The same `chart` function runs on the GPU. The instruction that makes it fast is the vector gather, which Numba
does not generate (docs/kernels.md). ctypes releases the GIL while it runs.
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
from hypercube.kernels.pillars import reference
from hypercube.kernels.pillars.packed import MAX_OFFSET_S, load_packed
from hypercube.kernels.pillars.terms import load_terms

SOURCE: Final = Path(__file__).with_name("pillars.cu")
BOUNDARY_CODES: Final = {"midnight": 0, "zi23": 1, "same_day": 2}


class Tables(ctypes.Structure):
    """`struct Tables` of pillars.cu."""

    _fields_ = (
        ("base_utc_s", ctypes.c_longlong),
        ("span_s", ctypes.c_ulonglong),
        ("base_local_s", ctypes.c_longlong),
        ("widest_s", ctypes.c_int),
        ("last_bucket", ctypes.c_uint),
    )


_compiled: Callable[..., int] | None = None
_looked = False
_compiling = threading.Lock()


@functools.cache
def tables() -> Tables:
    """The scalars that the kernel reads beside the bucket table."""
    packed = load_packed()
    return Tables(
        packed.base_utc_s, packed.span_s, packed.base_local_s, MAX_OFFSET_S, len(packed.entries) - 1
    )


def is_warm() -> bool:
    """Whether a call starts at once; a library that an earlier process built is loaded here (milliseconds)."""
    global _looked
    if _compiled is None and not _looked:
        _looked = True  # once a process: looking costs a tenth of a millisecond
        if compile_cpu.built("pillars", SOURCE):
            with contextlib.suppress(HyperCubeError):
                warm_up()
    return _compiled is not None


def warm_up() -> None:
    """Build or load the library, and check it against the reference around every 절 before it is used."""
    global _compiled
    with _compiling:
        if _compiled is not None:
            return
        function = compile_cpu.load("pillars", SOURCE).pillars_cpu
        pointer = ctypes.c_void_p
        function.argtypes = (
            pointer, pointer, pointer, ctypes.c_longlong, pointer, ctypes.POINTER(Tables), ctypes.c_int
        )  # fmt: skip
        function.restype = ctypes.c_int
        _check(function)
        _compiled = function


def pillars(
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32],
    day_boundary: str,
    out: NDArray[np.uint8],
) -> bool:
    """Fill `out` with the sexagenary indices; shapes and result as `reference.pillars`."""
    if _compiled is None:
        warm_up()
    assert _compiled is not None
    return _run(_compiled, utc_seconds, offset_seconds, day_boundary, out)


def _run(
    function: Callable[..., int],
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32],
    day_boundary: str,
    out: NDArray[np.uint8],
) -> bool:
    # A store of one chart is 32 bits wide; memory cut out of a message may begin anywhere.
    target = out if _address(out) % 4 == 0 else np.empty_like(out)
    outside = function(
        _address(utc_seconds),
        _address(offset_seconds),
        _address(target),
        len(utc_seconds),
        _entries(),
        ctypes.byref(tables()),
        BOUNDARY_CODES[day_boundary],
    )
    if target is not out:
        out[:] = target
    return outside == 0


def _address(array: NDArray[Any]) -> int:
    # `array.ctypes.data` says the same in three times the time, which a single chart would notice.
    address: int = array.__array_interface__["data"][0]
    return address


@functools.cache
def _entries() -> int:
    return _address(load_packed().entries)


def _check(function: Callable[..., int]) -> None:
    """Refuse a library that a compiler got wrong: 15,000 charts, every second around every 절."""
    jie_s = load_terms().jie_s
    utc = (jie_s[1:-1, None] + np.arange(-1, 2)).reshape(-1)
    offset = np.linspace(-MAX_OFFSET_S, MAX_OFFSET_S, len(utc)).astype(np.int32)
    for day_boundary in BOUNDARY_CODES:
        got, want = (np.empty((len(utc), 4), dtype=np.uint8) for _ in range(2))
        inside = _run(function, utc, offset, day_boundary, got)
        reference.pillars(utc, offset, day_boundary, want)
        if not inside or (got != want).any():
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Backend 'native' of pillars was built by {compile_cpu.compiler()} and disagrees with the "
                f"reference ({int((got != want).any(axis=1).sum())} of {len(utc)} charts).",
                param="backend",
                value="native",
                fix="Set CXX to another C++17 compiler, or use backend='numba'.",
            )
