"""Feature rows for machine learning: `features(charts) -> uint8[N, 64]`, one cache line a chart.

`layout` documents every byte (`FIELDS`, `column_names()`), and `LAYOUT_VERSION` names the whole. Codes are
categorical, counts ordered, flags bits; an unknown hour has the code 255 in its eight bytes, counts nothing
elsewhere and clears `hour_known`.
"""

from typing import Any, Final, overload

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import arrays, backends
from hypercube.kernels.backends import Backend, Choice, Device
from hypercube.kernels.features.layout import (
    FIELDS,
    LAYOUT_VERSION,
    ROW_BYTES,
    Field,
    column_names,
    flag_names,
)
from hypercube.kernels.features.on_device import features_on_device
from hypercube.kernels.packed_charts import Charts, require_charts, require_out, wrong_value
from hypercube.kernels.parallel import require_threads, run_ranges

__all__ = [
    "FIELDS",
    "LAYOUT_VERSION",
    "OP",
    "ROW_BYTES",
    "Field",
    "column_names",
    "explain",
    "features",
    "flag_names",
    "warm_up",
]

OP: Final = "features"

# Processor time of one call, medians of nine (2026-11-23): 10.7 us with Numba and 14.4 with `native` for one chart,
# 43.3 and 43.7 for 2,048, 76.0 and 72.7 for 4,096, 1,069 and 963 for 65,536. Only `warm_up` may start a compiler.
backends.register(
    Backend(op=OP, name="native", module="hypercube.kernels.features.native", auto_rows=4_096, cold_rows=None)
)
backends.register(
    Backend(
        op=OP,
        name="numba",
        module="hypercube.kernels.features.numba",
        imports=("numba",),
        extra="numba",
        cold_rows=200_000,
    )
)
backends.register(Backend(op=OP, name="reference", module="hypercube.kernels.features.reference"))
# Not measured yet. `cupy` first: its tables lie in shared memory, and it takes the arrays of both libraries.
backends.register(
    Backend(
        op=OP,
        name="cupy",
        module="hypercube.kernels.features.cupy",
        device="cuda",
        imports=("cupy",),
        extra="gpu",
    )
)
backends.register(
    Backend(
        op=OP,
        name="triton",
        module="hypercube.kernels.features.triton",
        device="cuda",
        imports=("torch", "triton"),
        extra="gpu",
    )
)


@overload
def features(
    charts: Charts,
    *,
    backend: str = "auto",
    threads: int = 1,
    out: NDArray[np.uint8] | None = None,
    check: bool = True,
) -> NDArray[np.uint8]: ...
@overload
def features(
    charts: Any, *, backend: str = "auto", threads: int = 1, out: Any = None, check: bool = True
) -> Any: ...


def features(
    charts: Any, *, backend: str = "auto", threads: int = 1, out: Any = None, check: bool = True
) -> Any:
    """The feature row of every chart.

    A NumPy array, a torch tensor (CPU or CUDA) or a CuPy array; nothing is copied between devices, and the result
    is of the same kind, made on the caller's current stream.

    Args:
        charts: uint8[N, 4], C-contiguous: sexagenary indices 0..59 of year, month, day and hour, as
            `pillars` returns them; hour 255 = not known.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        threads: CPU threads at most, each with rows of its own; the answer does not depend on it.
        out: uint8[N, 64], C-contiguous and writable, to fill and return. Undefined after an error.
        check: on a GPU, False leaves out the range check, which alone makes the call wait for the kernel; a row that
            is no chart is then 255 throughout. With False and `out` given, a call neither allocates nor waits, as a
            CUDA graph needs. On the CPU the check costs next to nothing and is always made.

    Returns:
        uint8[N, 64], laid out as `FIELDS` says.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and row and column where a value is
            at fault; FAILED_PRECONDITION when a backend asked for by name is not installed or cannot be built.
    """
    like = arrays.placement(charts, "charts", "uint8", "[N, 4]")
    require_threads(threads)
    rows = len(charts) if len(charts.shape) else 0
    chosen = backends.select(OP, rows, backend, like.device)
    if like.device == "cuda" or (like.library == "torch" and chosen.device == "cuda"):
        if chosen.device == "cpu":
            raise arrays.wrong_device(OP, chosen.name, chosen.device, like, param="charts")
        return features_on_device(charts, like=like, backend=chosen, out=out, check=check)
    if chosen.device == "cuda":
        raise arrays.wrong_device(OP, chosen.name, chosen.device, like, param="charts")
    if like.library == "torch":
        return _features_of_tensor(charts, chosen, out, threads)
    return _features_of_numpy(charts, chosen, out, threads)


def _features_of_numpy(charts: Any, backend: Backend, out: Any, threads: int) -> NDArray[np.uint8]:
    require_charts(charts, "charts")
    shape = (len(charts), ROW_BYTES)
    if out is None:
        result: NDArray[np.uint8] = np.empty(shape, dtype=np.uint8)
    else:
        require_out(out, shape, np.uint8, charts)
        result = out
    run = getattr(backend.load(), OP)
    if not run_ranges(lambda rows: bool(run(charts[rows], result[rows])), len(charts), threads):
        raise wrong_value(charts, "charts") or HyperCubeError(
            ErrorKind.FAILED_PRECONDITION, "charts changed while they were read.", param="charts"
        )
    return result


def _features_of_tensor(charts: Any, backend: Backend, out: Any, threads: int) -> Any:
    """A torch CPU tensor: the CPU kernels on the same memory."""
    import torch

    if isinstance(out, torch.Tensor) and out.device.type == "cpu":
        _features_of_numpy(arrays.as_numpy(charts), backend, arrays.as_numpy(out), threads)
        return out
    return torch.from_numpy(_features_of_numpy(arrays.as_numpy(charts), backend, out, threads))


def explain(rows: int, backend: str = "auto", device: Device = "cpu") -> Choice:
    """Which backend would run that many rows on that device now, and why."""
    return backends.explain(OP, rows, backend, device)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)
