"""Compatibility (궁합) of charts: scores, and the best k of millions, each score a sum of named parts.

    components(query, chart)              what a score is made of
    compatibility(queries, charts)        int16[Q, N], every score
    top_k(queries, charts, k)             the best k of each query, without the Q x N scores

`score` defines the parts and their weights; `SCORE_VERSION` changes with any of them.
"""

from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, shown
from hypercube.kernels import backends
from hypercube.kernels.backends import Backend, Choice
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

OP: Final = "compatibility"
MAX_THREADS: Final = 256

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


class TopK(NamedTuple):
    """The best candidates of each query, highest score first; of equal scores the lowest row first."""

    rows: NDArray[np.int64]
    """int64[Q, min(k, N)] rows of `charts`."""
    scores: NDArray[np.int16]
    """int16[Q, min(k, N)]"""


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


def compatibility(
    queries: Charts, charts: Charts, *, backend: str = "auto", out: NDArray[np.int16] | None = None
) -> NDArray[np.int16]:
    """Every score of Q queries against N candidates.

    Args:
        queries: uint8[Q, 4], C-contiguous: sexagenary indices of year, month, day and hour; hour 255 = not known.
        charts: uint8[N, 4], likewise.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        out: int16[Q, N], C-contiguous and writable, to fill and return. Undefined after an error.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and row and column where a value is
            at fault; FAILED_PRECONDITION when a backend asked for by name is not installed.
    """
    shape = _require_both(queries, charts)
    if out is None:
        result: NDArray[np.int16] = np.empty(shape, dtype=np.int16)
    else:
        require_out(out, shape, np.int16, queries, charts)
        result = out
    chosen = backends.select(OP, shape[0] * shape[1], backend).load()
    if not chosen.compatibility(queries, charts, result):
        raise _wrong(charts)
    return result


def top_k(queries: Charts, charts: Charts, k: int, *, backend: str = "auto", threads: int = 1) -> TopK:
    """The best k candidates of each query; the memory it takes grows with k, not with Q x N.

    Args:
        queries: uint8[Q, 4] as in `compatibility`.
        charts: uint8[N, 4] as in `compatibility`.
        k: at least 1; more than N gives all N.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        threads: threads of the numba backend, each with its own run of candidates; the answer does not depend
            on it.

    Raises:
        HyperCubeError: as `compatibility`; also for k and threads.
    """
    queries_n, charts_n = _require_both(queries, charts)
    _require_count(k, "k", None)
    _require_count(threads, "threads", MAX_THREADS)
    shape = (queries_n, min(k, charts_n))
    best = TopK(np.empty(shape, dtype=np.int64), np.empty(shape, dtype=np.int16))
    if shape[1] and shape[0]:
        chosen = backends.select(OP, queries_n * charts_n, backend).load()
        if not chosen.top_k(queries, charts, best.rows, best.scores, min(threads, charts_n)):
            raise _wrong(charts)
    elif backend != backends.AUTO:
        backends.get(OP, backend).load()
    return best


def explain(rows: int, backend: str = "auto") -> Choice:
    """Which backend would run so many scores now, and why."""
    return backends.explain(OP, rows, backend)


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


def _wrong(charts: Charts) -> HyperCubeError:
    return wrong_value(charts, "charts") or HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, "charts changed while they were read.", param="charts"
    )
