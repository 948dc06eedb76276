"""What `pillars` refuses, and how it says so: the checks of arrays and options on the CPU."""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid, nearest
from hypercube.kernels.pillars.packed import MAX_OFFSET_S
from hypercube.kernels.pillars.terms import load_terms

DAY_BOUNDARIES: Final = ("midnight", "zi23", "same_day")

_T = TypeVar("_T", bound=np.generic)


def require_vector(array: Any, param: str, dtype: np.dtype[Any]) -> None:
    """Refuse all but a contiguous NumPy vector of that dtype."""
    if not isinstance(array, np.ndarray):
        raise invalid(
            f"{param} is a {type(array).__name__}, expected a NumPy array {dtype}[N].",
            param=param,
            value=array,
            fix=f"Convert it with numpy.asarray({param}, dtype=numpy.{dtype}).",
        )
    if array.dtype != dtype:
        raise invalid(
            f"{param} has dtype {array.dtype}, expected {dtype}.",
            param=param,
            value=str(array.dtype),
            fix=f"Convert it with .astype(numpy.{dtype}).",
        )
    if array.ndim != 1:
        raise invalid(
            f"{param} has shape {array.shape}, expected one dimension.",
            param=param,
            value=str(array.shape),
            fix="Flatten it with .reshape(-1).",
        )
    if not array.flags.c_contiguous:
        raise invalid(
            f"{param} is not contiguous (stride {array.strides[0]} bytes).",
            param=param,
            value=str(array.strides),
            fix="Copy it with numpy.ascontiguousarray.",
        )


def single_offset(value: Any) -> int:
    """The one offset of all rows, from a Python, NumPy, torch or CuPy integer."""
    scalar = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(scalar, bool) or not isinstance(scalar, int):
        raise invalid(
            f"offset_seconds is a {type(value).__name__}, expected int32[N] or one integer.",
            param="offset_seconds",
            value=value,
            fix="Give numpy.int32 offsets, one a birth, or a single integer of seconds.",
        )
    if abs(scalar) > MAX_OFFSET_S:
        raise wide_offset("offset_seconds", scalar)
    return scalar


def require_out(out: Any, rows: int, utc_seconds: NDArray[np.int64], offsets: NDArray[np.int32]) -> None:
    """Refuse all but a writable contiguous uint8[rows, 4] of its own."""
    if not isinstance(out, np.ndarray):
        problem = f"is a {type(out).__name__}"
    elif out.dtype != np.uint8 or out.shape != (rows, 4):
        problem = f"is {out.dtype}{list(out.shape)}"
    elif not out.flags.c_contiguous:
        problem = "is not C-contiguous"
    elif not out.flags.writeable:
        problem = "is read-only"
    elif np.may_share_memory(out, utc_seconds) or np.may_share_memory(out, offsets):
        problem = "shares memory with an input"
    else:
        return
    raise invalid(
        f"out {problem}, expected a writable C-contiguous array uint8[{rows}, 4] of its own.",
        param="out",
        value=problem,
        fix=f"Use numpy.empty(({rows}, 4), dtype=numpy.uint8), or leave it out.",
    )


def aligned(array: NDArray[_T]) -> NDArray[_T]:
    """The array, copied if its address is not a multiple of its item size (a buffer cut out of a message)."""
    return array if array.flags.aligned else array.copy()


def unknown_boundary(value: object) -> HyperCubeError:
    """The error for a day boundary that is not one of `DAY_BOUNDARIES`."""
    close = nearest(value, DAY_BOUNDARIES) if isinstance(value, str) else None
    return invalid(
        f"Unknown day_boundary {value!r}.",
        param="day_boundary",
        value=value,
        fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(DAY_BOUNDARIES)}.",
        choices=list(DAY_BOUNDARIES),
    )


def wide_offset(param: str, value: int) -> HyperCubeError:
    """The error for an offset beyond `MAX_OFFSET_S`."""
    return invalid(
        f"{param} is {value}, beyond {MAX_OFFSET_S} seconds (26 hours) either way.",
        param=param,
        value=value,
        fix="Give the offset from UTC in seconds: 32400 for Korea, not 9 or 540.",
    )


def out_of_range(utc_seconds: NDArray[np.int64], offsets: NDArray[np.int32]) -> HyperCubeError:
    """The error for the first row at fault, looked for only after a kernel has reported one."""
    table = load_terms()
    outside = (utc_seconds < table.first_utc_s) | (utc_seconds > table.last_utc_s)
    # Not numpy.abs: it leaves -2**31 negative.
    wide = (offsets < -MAX_OFFSET_S) | (offsets > MAX_OFFSET_S)
    row = int(np.argmax(outside | wide))
    if outside[row]:
        return table.outside(row, int(utc_seconds[row]))
    return wide_offset(f"offset_seconds[{row}]", int(offsets[row]))
