"""Four pillars for arrays of births: `pillars(utc_seconds, offset_seconds) -> uint8[N, 4]`.

Columns are year, month, day, hour; a value is the sexagenary index, 0 = 甲子 (갑자) ... 59 = 癸亥 (계해),
stem = index % 10, branch = index % 12. Year and month change at the instants of the solar-term table
(terms.py), day and hour by the local clock `utc_seconds + offset_seconds`.

`day_boundary` decides 23:00-23:59 of the local clock:

    midnight   the day changes at 00:00; the hour stem is already the next day's (야자시, the default)
    zi23       the day changes at 23:00: day and hour stem are the next day's (정자시)
    same_day   the day changes at 00:00 and the hour stem is still the civil day's
"""

from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid, nearest
from hypercube.kernels import backends
from hypercube.kernels.backends import Backend, Choice
from hypercube.kernels.pillars.packed import MAX_OFFSET_S
from hypercube.kernels.pillars.terms import load_terms

__all__ = ["DAY_BOUNDARIES", "MAX_OFFSET_S", "OP", "explain", "pillars", "warm_up"]

_T = TypeVar("_T", bound=np.generic)

_INT64: Final = np.dtype(np.int64)
_INT32: Final = np.dtype(np.int32)

OP: Final = "pillars"
DAY_BOUNDARIES: Final = ("midnight", "zi23", "same_day")

# Once compiled, Numba wins from the first row on (2026-11-22: 1.4 us against 15 us for one chart). The first
# call costs 0.6 s of compiling, so `auto` waits for it only where an array is large by itself.
backends.register(
    Backend(
        op=OP,
        name="numba",
        module="hypercube.kernels.pillars.numba",
        imports=("numba",),
        extra="numba",
        cold_rows=1_000_000,
    )
)
backends.register(Backend(op=OP, name="reference", module="hypercube.kernels.pillars.reference"))


def pillars(
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32] | int,
    *,
    day_boundary: str = "midnight",
    backend: str = "auto",
    out: NDArray[np.uint8] | None = None,
) -> NDArray[np.uint8]:
    """Year, month, day and hour pillar of every birth.

    Args:
        utc_seconds: int64[N], C-contiguous: POSIX seconds of the births, inside the solar-term table
            (every birth of the civil years 1800-2200).
        offset_seconds: int32[N], C-contiguous, or one integer for all: seconds to add for the local clock,
            zone, longitude and equation of time together; at most 26 hours either way.
        day_boundary: "midnight", "zi23" or "same_day"; see the module.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        out: uint8[N, 4], C-contiguous and writable, to fill and return. Undefined after an error.

    Returns:
        uint8[N, 4] sexagenary indices: year, month, day, hour.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and the row where one value is at
            fault; FAILED_PRECONDITION when a backend asked for by name is not installed.
    """
    _require_vector(utc_seconds, "utc_seconds", _INT64)
    rows = len(utc_seconds)
    if isinstance(offset_seconds, np.ndarray) and offset_seconds.ndim == 1:
        _require_vector(offset_seconds, "offset_seconds", _INT32)
        offsets = offset_seconds
        if len(offsets) != rows:
            raise invalid(
                f"offset_seconds has {len(offsets)} rows and utc_seconds {rows}.",
                param="offset_seconds",
                value=len(offsets),
                fix="Give one offset a birth, or a single integer for all.",
            )
    else:
        offsets = np.full(rows, _single_offset(offset_seconds), dtype=np.int32)
    if day_boundary not in DAY_BOUNDARIES:
        raise _unknown_boundary(day_boundary)
    if out is None:
        result: NDArray[np.uint8] = np.empty((rows, 4), dtype=np.uint8)
    else:
        _require_out(out, rows, utc_seconds, offsets)
        result = out
    run = getattr(backends.select(OP, rows, backend).load(), OP)
    if not run(_aligned(utc_seconds), _aligned(offsets), day_boundary, result):
        raise _out_of_range(utc_seconds, offsets)
    return result


def explain(rows: int, backend: str = "auto") -> Choice:
    """Which backend would run that many rows now, and why."""
    return backends.explain(OP, rows, backend)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)


def _require_vector(array: Any, param: str, dtype: np.dtype[Any]) -> None:
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


def _single_offset(value: Any) -> int:
    scalar = value.item() if isinstance(value, np.ndarray | np.generic) and np.ndim(value) == 0 else value
    if isinstance(scalar, bool) or not isinstance(scalar, int):
        raise invalid(
            f"offset_seconds is a {type(value).__name__}, expected int32[N] or one integer.",
            param="offset_seconds",
            value=value,
            fix="Give numpy.int32 offsets, one a birth, or a single integer of seconds.",
        )
    if abs(scalar) > MAX_OFFSET_S:
        raise _wide_offset("offset_seconds", scalar)
    return scalar


def _require_out(out: Any, rows: int, utc_seconds: NDArray[np.int64], offsets: NDArray[np.int32]) -> None:
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


def _aligned(array: NDArray[_T]) -> NDArray[_T]:
    """The array, copied if its address is not a multiple of its item size (a buffer cut out of a message)."""
    return array if array.flags.aligned else array.copy()


def _unknown_boundary(value: object) -> HyperCubeError:
    close = nearest(value, DAY_BOUNDARIES) if isinstance(value, str) else None
    return invalid(
        f"Unknown day_boundary {value!r}.",
        param="day_boundary",
        value=value,
        fix=f"{f'Did you mean {close!r}? ' if close else ''}Use one of: {', '.join(DAY_BOUNDARIES)}.",
        choices=list(DAY_BOUNDARIES),
    )


def _wide_offset(param: str, value: int) -> HyperCubeError:
    return invalid(
        f"{param} is {value}, beyond {MAX_OFFSET_S} seconds (26 hours) either way.",
        param=param,
        value=value,
        fix="Give the offset from UTC in seconds: 32400 for Korea, not 9 or 540.",
    )


def _out_of_range(utc_seconds: NDArray[np.int64], offsets: NDArray[np.int32]) -> HyperCubeError:
    """The error for the first row at fault, looked for only after a kernel has reported one."""
    table = load_terms()
    outside = (utc_seconds < table.first_utc_s) | (utc_seconds > table.last_utc_s)
    # Not numpy.abs: it leaves -2**31 negative.
    wide = (offsets < -MAX_OFFSET_S) | (offsets > MAX_OFFSET_S)
    row = int(np.argmax(outside | wide))
    if outside[row]:
        return table.outside(row, int(utc_seconds[row]))
    return _wide_offset(f"offset_seconds[{row}]", int(offsets[row]))
