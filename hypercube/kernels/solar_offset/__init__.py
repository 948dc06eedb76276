"""From UTC to mean or true solar time: seconds to add, for arrays of births.

    mean solar   240 s a degree of longitude, east positive
    true solar   the same plus the equation of time

Each part is rounded to whole seconds, half away from zero, before they are added, so that both can be shown.
"""

from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels import arrays, backends
from hypercube.kernels.backends import Backend, Choice, Device
from hypercube.kernels.packed_charts import require_out
from hypercube.kernels.parallel import require_threads, run_ranges
from hypercube.kernels.solar_offset import reference
from hypercube.kernels.solar_offset.arguments import (
    longitudes,
    out_of_range,
    require_instants,
    single_longitude_seconds,
)
from hypercube.kernels.solar_offset.on_device import solar_offset_on_device
from hypercube.kernels.solar_offset.reference import SECONDS_A_DEGREE
from hypercube.kernels.solar_offset.table import load_equation_of_time

__all__ = ["OP", "SECONDS_A_DEGREE", "equation_of_time", "explain", "solar_offset", "warm_up"]

OP: Final = "solar_offset"

# The reference takes 0.02 s for a million rows, so `auto` waits for Numba's compiler (about a second) only where
# the call itself repays it; `native` is the fastest from a thousand rows on, but only `warm_up` builds it.
backends.register(
    Backend(
        op=OP, name="native", module="hypercube.kernels.solar_offset.native", auto_rows=1_024, cold_rows=None
    )
)
backends.register(
    Backend(
        op=OP,
        name="numba",
        module="hypercube.kernels.solar_offset.numba",
        imports=("numba",),
        extra="numba",
        cold_rows=100_000_000,
    )
)
backends.register(Backend(op=OP, name="reference", module="hypercube.kernels.solar_offset.reference"))
backends.register(
    Backend(
        op=OP,
        name="triton",
        module="hypercube.kernels.solar_offset.triton",
        device="cuda",
        imports=("torch", "triton"),
        extra="gpu",
    )
)
backends.register(
    Backend(
        op=OP,
        name="cupy",
        module="hypercube.kernels.solar_offset.cupy",
        device="cuda",
        imports=("cupy",),
        extra="gpu",
    )
)


def equation_of_time(utc_seconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Apparent minus mean solar time, as a float64 view of what `solar_offset` rounds in whole numbers.

    Interpolated in a table of JPL DE440 with a point every four days: off by at most 0.015 s, 0.003 s in the
    mean, at 2,000 random instants of 1799-2201 against Skyfield (docs/accuracy/README.md). Where the value is
    positive, a sundial is ahead of the mean clock. Its last bits depend on the machine's NumPy; for seconds that
    are the same everywhere, call `solar_offset(utc_seconds, 0.0, apparent=True)`.

    Args:
        utc_seconds: int64[N] POSIX seconds inside the solar-term table.

    Returns:
        float64[N] seconds.
    """
    require_instants(utc_seconds)
    load_equation_of_time().terms.require_inside(utc_seconds)
    return reference.equation_of_time(utc_seconds)


@overload
def solar_offset(
    utc_seconds: NDArray[np.int64],
    longitude_degrees: NDArray[np.float64] | float,
    *,
    apparent: bool,
    backend: str = "auto",
    out: NDArray[np.int32] | None = None,
    threads: int = 1,
    check: bool = True,
) -> NDArray[np.int32]: ...
@overload
def solar_offset(
    utc_seconds: Any,
    longitude_degrees: Any,
    *,
    apparent: bool,
    backend: str = "auto",
    out: Any = None,
    threads: int = 1,
    check: bool = True,
) -> Any: ...


def solar_offset(
    utc_seconds: Any,
    longitude_degrees: Any,
    *,
    apparent: bool,
    backend: str = "auto",
    out: Any = None,
    threads: int = 1,
    check: bool = True,
) -> Any:
    """Seconds to add to UTC for the local solar clock; the same on every backend, to the last bit.

    NumPy arrays, torch tensors (CPU or CUDA) or CuPy arrays, all of one kind; nothing is copied between devices,
    and the result is of the same kind, made on the caller's current stream.

    Args:
        utc_seconds: int64[N], C-contiguous: POSIX seconds inside the solar-term table (every instant of the civil
            years 1800-2200).
        longitude_degrees: float64[N], or one number for all: -180 to 180, east positive. On the CPU any numbers
            do and are converted; on a GPU the array must be contiguous float64 on the same device.
        apparent: True for true solar time (a sundial), False for mean solar time.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        out: int32[N], C-contiguous and writable, to fill and return. Undefined after an error.
        threads: CPU threads at most; few rows take one.
        check: on a GPU, False leaves out the range check, which alone makes the call wait for the kernel; a row
            out of range is then -2**31. With False and `out` given, a call neither allocates nor waits, as a CUDA
            graph needs. On the CPU the check costs nothing and is always made.

    Returns:
        int32[N] seconds: 240 * longitude rounded, plus the rounded equation of time when `apparent`; halves go
        away from zero. The equation of time is the exact interpolation of a table that is right to 0.015 s.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and the row where one value is at
            fault; FAILED_PRECONDITION when a backend asked for by name is not installed or cannot be built.
    """
    like = arrays.placement(utc_seconds, "utc_seconds", "int64")
    rows = len(utc_seconds) if len(utc_seconds.shape) else 0
    # Of the GPU backends one alone takes CuPy arrays.
    wanted = "cupy" if backend == backends.AUTO and like.library == "cupy" else backend
    chosen = backends.select(OP, rows, wanted, like.device)
    if like.device == "cuda" or (like.library == "torch" and chosen.device == "cuda"):
        if chosen.device == "cpu":
            raise arrays.wrong_device(OP, chosen.name, chosen.device, like)
        return solar_offset_on_device(
            utc_seconds,
            longitude_degrees,
            like=like,
            apparent=bool(apparent),
            backend=chosen,
            out=out,
            check=check,
        )
    if chosen.device == "cuda":
        raise arrays.wrong_device(OP, chosen.name, chosen.device, like)
    if like.library == "torch":
        return _of_tensors(utc_seconds, longitude_degrees, bool(apparent), chosen, out, threads)
    return _of_numpy(utc_seconds, longitude_degrees, bool(apparent), chosen, out, threads)


def _of_numpy(
    utc_seconds: Any, longitude_degrees: Any, apparent: bool, backend: Backend, out: Any, threads: int
) -> NDArray[np.int32]:
    require_instants(utc_seconds)
    rows = len(utc_seconds)
    found = longitudes(longitude_degrees, rows)
    degrees = found if isinstance(found, np.ndarray) else None
    seconds = 0 if isinstance(found, np.ndarray) else single_longitude_seconds(found)
    if out is None:
        result: NDArray[np.int32] = np.empty(rows, dtype=np.int32)
    else:
        require_out(out, (rows,), np.int32, utc_seconds, *(() if degrees is None else (degrees,)))
        result = out
    run = getattr(backend.load(), OP)
    utc = utc_seconds if utc_seconds.flags.aligned else utc_seconds.copy()
    target = result if result.flags.aligned else np.empty_like(result)
    if require_threads(threads) == 1:
        inside = run(utc, degrees, seconds, apparent, target)
    else:
        inside = run_ranges(
            lambda s: run(utc[s], None if degrees is None else degrees[s], seconds, apparent, target[s]),
            rows,
            threads,
        )
    if not inside:
        raise out_of_range(utc, degrees)
    if target is not result:
        result[:] = target
    return result


def _of_tensors(
    utc_seconds: Any, longitude_degrees: Any, apparent: bool, backend: Backend, out: Any, threads: int
) -> Any:
    """Torch CPU tensors: the CPU kernels on the same memory."""
    import torch

    def view(value: Any) -> Any:
        return (
            arrays.as_numpy(value)
            if isinstance(value, torch.Tensor) and value.device.type == "cpu"
            else value
        )

    filled = _of_numpy(view(utc_seconds), view(longitude_degrees), apparent, backend, view(out), threads)
    return torch.from_numpy(filled) if out is None else out


def explain(rows: int, backend: str = "auto", device: Device = "cpu") -> Choice:
    """Which backend would run that many rows on that device now, and why."""
    return backends.explain(OP, rows, backend, device)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)
