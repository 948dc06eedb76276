"""Four pillars for arrays of births: `pillars(utc_seconds, offset_seconds) -> uint8[N, 4]`.

Columns are year, month, day, hour; a value is the sexagenary index, 0 = 甲子 (갑자) ... 59 = 癸亥 (계해),
stem = index % 10, branch = index % 12. Year and month change at the instants of the solar-term table
(terms.py), day and hour by the local clock `utc_seconds + offset_seconds`.

`day_boundary` decides 23:00-23:59 of the local clock:

    midnight   the day changes at 00:00; the hour stem is already the next day's (야자시, the default)
    zi23       the day changes at 23:00: day and hour stem are the next day's (정자시)
    same_day   the day changes at 00:00 and the hour stem is still the civil day's
"""

from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import invalid
from hypercube.kernels import arrays, backends
from hypercube.kernels.backends import Backend, Choice, Device
from hypercube.kernels.parallel import require_threads, run_ranges
from hypercube.kernels.pillars.arguments import (
    DAY_BOUNDARIES,
    aligned,
    out_of_range,
    require_out,
    require_vector,
    single_offset,
    unknown_boundary,
)
from hypercube.kernels.pillars.on_device import pillars_on_device
from hypercube.kernels.pillars.packed import MAX_OFFSET_S

__all__ = ["DAY_BOUNDARIES", "MAX_OFFSET_S", "OP", "explain", "pillars", "warm_up"]

_INT64: Final = np.dtype(np.int64)
_INT32: Final = np.dtype(np.int32)

OP: Final = "pillars"

# Once compiled, Numba wins from the first row on (2026-11-22: 1.4 us against 15 us for one chart). The first
# call costs 0.6 s of compiling, so `auto` waits for it only where an array is large by itself.
# `native` is the fastest of the CPU where a C++ compiler is found, but only `warm_up` may start one.
backends.register(
    Backend(op=OP, name="native", module="hypercube.kernels.pillars.native", auto_rows=4_096, cold_rows=None)
)
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
backends.register(
    Backend(
        op=OP,
        name="triton",
        module="hypercube.kernels.pillars.triton",
        device="cuda",
        imports=("torch", "triton"),
        extra="gpu",
    )
)
backends.register(
    Backend(
        op=OP,
        name="cupy",
        module="hypercube.kernels.pillars.cupy",
        device="cuda",
        imports=("cupy",),
        extra="gpu",
    )
)


@overload
def pillars(
    utc_seconds: NDArray[np.int64],
    offset_seconds: NDArray[np.int32] | int,
    *,
    day_boundary: str = "midnight",
    backend: str = "auto",
    out: NDArray[np.uint8] | None = None,
    threads: int = 1,
    check: bool = True,
) -> NDArray[np.uint8]: ...
@overload
def pillars(
    utc_seconds: Any,
    offset_seconds: Any,
    *,
    day_boundary: str = "midnight",
    backend: str = "auto",
    out: Any = None,
    threads: int = 1,
    check: bool = True,
) -> Any: ...


def pillars(
    utc_seconds: Any,
    offset_seconds: Any,
    *,
    day_boundary: str = "midnight",
    backend: str = "auto",
    out: Any = None,
    threads: int = 1,
    check: bool = True,
) -> Any:
    """Year, month, day and hour pillar of every birth.

    NumPy arrays, torch tensors (CPU or CUDA) or CuPy arrays, all of one kind; nothing is copied between devices,
    and the result is of the same kind, made on the caller's current stream.

    Args:
        utc_seconds: int64[N], C-contiguous: POSIX seconds of the births, inside the solar-term table
            (every birth of the civil years 1800-2200).
        offset_seconds: int32[N], C-contiguous, or one integer for all: seconds to add for the local clock,
            zone, longitude and equation of time together; at most 26 hours either way.
        day_boundary: "midnight", "zi23" or "same_day"; see the module.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        out: uint8[N, 4], C-contiguous and writable, to fill and return. Undefined after an error.
        threads: CPU threads at most; few rows take one.
        check: on a GPU, False leaves out the range check, which alone makes the call wait for the kernel; a row
            out of range is then 255, 255, 255, 255. With False, `out` and an offset array given, a call neither
            allocates nor waits, as a CUDA graph needs. On the CPU the check costs nothing and is always made.

    Returns:
        uint8[N, 4] sexagenary indices: year, month, day, hour.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and the row where one value is at
            fault; FAILED_PRECONDITION when a backend asked for by name is not installed or cannot be built.
    """
    like = arrays.placement(utc_seconds, "utc_seconds", "int64")
    if day_boundary not in DAY_BOUNDARIES:
        raise unknown_boundary(day_boundary)
    rows = len(utc_seconds) if len(utc_seconds.shape) else 0
    # Triton takes torch's tensors alone.
    wanted = "cupy" if backend == backends.AUTO and like.library == "cupy" else backend
    chosen = backends.select(OP, rows, wanted, like.device)
    if like.device == "cuda" or (like.library == "torch" and chosen.device == "cuda"):
        if chosen.device == "cpu":
            raise arrays.wrong_device(OP, chosen.name, chosen.device, like)
        return pillars_on_device(
            utc_seconds,
            offset_seconds,
            like=like,
            day_boundary=day_boundary,
            backend=chosen,
            out=out,
            check=check,
        )
    if chosen.device == "cuda":
        raise arrays.wrong_device(OP, chosen.name, chosen.device, like)
    if like.library == "torch":
        return _pillars_of_tensors(utc_seconds, offset_seconds, day_boundary, chosen, out, threads)
    return _pillars_of_numpy(utc_seconds, offset_seconds, day_boundary, chosen, out, threads)


def _pillars_of_numpy(
    utc_seconds: NDArray[np.int64],
    offset_seconds: Any,
    day_boundary: str,
    backend: Backend,
    out: Any,
    threads: int,
) -> NDArray[np.uint8]:
    require_vector(utc_seconds, "utc_seconds", _INT64)
    rows = len(utc_seconds)
    if isinstance(offset_seconds, np.ndarray) and offset_seconds.ndim == 1:
        require_vector(offset_seconds, "offset_seconds", _INT32)
        offsets = offset_seconds
        if len(offsets) != rows:
            raise invalid(
                f"offset_seconds has {len(offsets)} rows and utc_seconds {rows}.",
                param="offset_seconds",
                value=len(offsets),
                fix="Give one offset a birth, or a single integer for all.",
            )
    else:
        offsets = np.full(rows, single_offset(offset_seconds), dtype=np.int32)
    if out is None:
        result: NDArray[np.uint8] = np.empty((rows, 4), dtype=np.uint8)
    else:
        require_out(out, rows, utc_seconds, offsets)
        result = out
    run = getattr(backend.load(), OP)
    utc, local = aligned(utc_seconds), aligned(offsets)
    if require_threads(threads) == 1:
        inside = run(utc, local, day_boundary, result)
    else:
        inside = run_ranges(lambda s: run(utc[s], local[s], day_boundary, result[s]), rows, threads)
    if not inside:
        raise out_of_range(utc_seconds, offsets)
    return result


def _pillars_of_tensors(
    utc_seconds: Any, offset_seconds: Any, day_boundary: str, backend: Backend, out: Any, threads: int
) -> Any:
    """Torch CPU tensors: the CPU kernels on the same memory."""
    import torch

    def view(value: Any) -> Any:
        return (
            arrays.as_numpy(value)
            if isinstance(value, torch.Tensor) and value.device.type == "cpu"
            else value
        )

    filled = _pillars_of_numpy(
        view(utc_seconds), view(offset_seconds), day_boundary, backend, view(out), threads
    )
    return torch.from_numpy(filled) if out is None else out


def explain(rows: int, backend: str = "auto", device: Device = "cpu") -> Choice:
    """Which backend would run that many rows on that device now, and why."""
    return backends.explain(OP, rows, backend, device)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)
