"""Compatibility (궁합) of charts: scores, and the best k of millions, each score a sum of named parts.

    components(query, chart)              what a score is made of
    compatibility(queries, charts)        int16[Q, N], every score
    top_k(queries, charts, k)             the best k of each query, without the Q x N scores

`score` defines the parts and their weights; `SCORE_VERSION` changes with any of them.
"""

from typing import Any, Final, NamedTuple, overload

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import invalid, shown
from hypercube.kernels import arrays, backends
from hypercube.kernels.arrays import Placement
from hypercube.kernels.backends import Backend, Choice, Device
from hypercube.kernels.compatibility.on_device import (
    OP,
    changed_or_wrong,
    choose,
    compatibility_on_device,
    top_k_on_device,
)
from hypercube.kernels.compatibility.score import COMPONENTS, SCORE_VERSION, SYMMETRIC, parts
from hypercube.kernels.packed_charts import (
    Charts,
    require_charts,
    require_out,
    require_values,
    wrong_value,
)
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

__all__ = [
    "COMPONENTS",
    "OP",
    "SCORE_VERSION",
    "SYMMETRIC",
    "TopK",
    "compatibility",
    "components",
    "explain",
    "top_k",
    "warm_up",
]

MAX_THREADS: Final = 256

# `native` is the fastest of the CPU where a compiler and AVX-512 are found, but only `warm_up` may start a compiler.
backends.register(
    Backend(op=OP, name="native", module="hypercube.kernels.compatibility.native", cold_rows=None)
)
backends.register(
    Backend(
        op=OP,
        name="numba",
        module="hypercube.kernels.compatibility.numba",
        imports=("numba",),
        extra="numba",
        cold_rows=1_000_000,
    )
)
backends.register(Backend(op=OP, name="reference", module="hypercube.kernels.compatibility.reference"))
# `cupy` first: its tables lie in shared memory, and it takes the arrays of both libraries.
backends.register(
    Backend(
        op=OP,
        name="cupy",
        module="hypercube.kernels.compatibility.cupy",
        device="cuda",
        imports=("cupy",),
        extra="gpu",
    )
)
backends.register(
    Backend(
        op=OP,
        name="triton",
        module="hypercube.kernels.compatibility.triton",
        device="cuda",
        imports=("torch", "triton"),
        extra="gpu",
    )
)


class TopK(NamedTuple):
    """The best candidates of each query, highest score first; of equal scores the lowest row first."""

    rows: Any
    """int64[Q, min(k, N)] rows of `charts`; an array of the charts' library, on their device."""
    scores: Any
    """int16[Q, min(k, N)], likewise."""


def components(query: Any, chart: Any) -> dict[str, int]:
    """The parts of one score, by name in the order of `COMPONENTS`; their sum is the score.

    Args:
        query: four sexagenary indices 0..59: year, month, day, hour (255 = not known).
        chart: the candidate, likewise.

    Raises:
        HyperCubeError: INVALID_ARGUMENT, naming `query` or `chart`.
    """
    one, other = _single(query, "query"), _single(chart, "chart")
    found = parts(
        one.astype(np.int64), one != UNKNOWN_HOUR, other[None].astype(np.int64), other[None] != UNKNOWN_HOUR
    )
    return {name: int(values[0]) for name, values in found.items()}


@overload
def compatibility(
    queries: Charts, charts: Charts, *, backend: str = "auto", out: NDArray[np.int16] | None = None
) -> NDArray[np.int16]: ...
@overload
def compatibility(queries: Any, charts: Any, *, backend: str = "auto", out: Any = None) -> Any: ...


def compatibility(queries: Any, charts: Any, *, backend: str = "auto", out: Any = None) -> Any:
    """Every score of Q queries against N candidates.

    NumPy arrays, torch tensors (CPU or CUDA) or CuPy arrays; charts are never copied between devices, and the
    result is of their kind, made on the caller's current stream.

    Args:
        queries: uint8[Q, 4], C-contiguous: sexagenary indices of year, month, day and hour; hour 255 = not known.
            Beside the charts, or on the CPU, where they are read.
        charts: uint8[N, 4], likewise; on a GPU at an address divisible by 4.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        out: int16[Q, N], C-contiguous and writable, to fill and return. Undefined after an error.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and row and column where a value is
            at fault; FAILED_PRECONDITION when a backend asked for by name is not installed.
    """
    like, chosen = _placed(queries, charts, backend)
    if chosen.device == "cuda":
        return compatibility_on_device(queries, charts, like, backend, out)
    if like.library == "torch":
        import torch

        filled = _compatibility(_view(queries), _view(charts), chosen, _view(out))
        return torch.from_numpy(filled) if out is None else out
    return _compatibility(queries, charts, chosen, out)


def _compatibility(queries: Charts, charts: Charts, backend: Backend, out: Any) -> NDArray[np.int16]:
    shape = _require_both(queries, charts)
    if out is None:
        result: NDArray[np.int16] = np.empty(shape, dtype=np.int16)
    else:
        require_out(out, shape, np.int16, queries, charts)
        result = out
    if not backend.load().compatibility(queries, charts, result):
        raise changed_or_wrong(charts)
    return result


def top_k(queries: Any, charts: Any, k: int, *, backend: str = "auto", threads: int = 1) -> TopK:
    """The best k candidates of each query; the memory it takes grows with k, not with Q x N.

    Args:
        queries: uint8[Q, 4] as in `compatibility`.
        charts: uint8[N, 4] as in `compatibility`.
        k: at least 1; more than N gives all N.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        threads: threads of the CPU backends, each with its own run of candidates; the answer does not depend
            on it.

    Raises:
        HyperCubeError: as `compatibility`; also for k and threads.
    """
    like, chosen = _placed(queries, charts, backend)
    _require_count(k, "k", None)
    _require_count(threads, "threads", MAX_THREADS)
    if chosen.device == "cuda":
        return TopK(*top_k_on_device(queries, charts, k, like, backend))
    if like.library == "torch":
        import torch

        found = _top_k(_view(queries), _view(charts), k, chosen, threads)
        return TopK(torch.from_numpy(found.rows), torch.from_numpy(found.scores))
    return _top_k(queries, charts, k, chosen, threads)


def _top_k(queries: Charts, charts: Charts, k: int, backend: Backend, threads: int) -> TopK:
    queries_n, charts_n = _require_both(queries, charts)
    shape = (queries_n, min(k, charts_n))
    best = TopK(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int16))
    module = backend.load()
    if (
        shape[0]
        and shape[1]
        and not module.top_k(queries, charts, best.rows, best.scores, min(threads, charts_n))
    ):
        raise changed_or_wrong(charts)
    return best


def _placed(queries: Any, charts: Any, backend: str) -> tuple[Placement, Backend]:
    like = arrays.placement(charts, "charts", "uint8")
    arrays.placement(queries, "queries", "uint8")
    scores = (len(queries) if len(queries.shape) else 0) * (len(charts) if len(charts.shape) else 0)
    return like, choose(scores, backend, like)


def _view(value: Any) -> Any:
    """A NumPy view of a torch CPU tensor; anything else as it is."""
    if type(value).__module__.partition(".")[0] == "torch" and value.device.type == "cpu":
        return arrays.as_numpy(value)
    return value


def explain(rows: int, backend: str = "auto", device: Device = "cpu") -> Choice:
    """Which backend would run so many scores on that device now, and why."""
    return backends.explain(OP, rows, backend, device)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)


def _require_both(queries: Charts, charts: Charts) -> tuple[int, int]:
    require_charts(queries, "queries")
    require_charts(charts, "charts")
    require_values(queries, "queries")
    return len(queries), len(charts)


def _require_count(value: Any, param: str, most: int | None) -> None:
    right = isinstance(value, int) and not isinstance(value, bool)
    if right and value >= 1 and (most is None or value <= most):
        return
    expected = "an integer of at least 1" if most is None else f"an integer from 1 to {most}"
    raise invalid(
        f"{param} is {shown(value)!r}, expected {expected}.",
        param=param,
        value=shown(value),
        fix=f"Give {expected}.",
    )


def _single(chart: Any, param: str) -> NDArray[np.uint8]:
    given = np.asarray(chart)
    if given.shape != (4,) or given.dtype.kind not in "ui":
        raise invalid(
            f"{param} is {given.dtype}{list(given.shape)}, expected four integers.",
            param=param,
            value=f"{given.dtype}{list(given.shape)}",
            fix="Give year, month, day and hour as sexagenary indices.",
        )
    wide = given.astype(np.int64)
    # What does not fit a byte must not wrap into a right value: 254 is none.
    packed = np.where((wide >= 0) & (wide <= 255), wide, 254).astype(np.uint8)
    error = wrong_value(packed[None], param)
    if error is not None:
        column = int(np.argmax((packed >= 60) & ((packed != UNKNOWN_HOUR) | (np.arange(4) < 3))))
        raise invalid(
            f"{param}[{column}] is {given[column]}, not a sexagenary index.",
            param=f"{param}[{column}]",
            value=int(given[column]),
            fix=error.fix,
        )
    return packed
