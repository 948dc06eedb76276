"""Scores and the best k for charts that lie on a GPU (or on the CPU, under Triton's interpreter): checks first.

The tables of a query are built on the CPU, so queries may lie there even when the charts do not; queries on the
device are copied back (4 bytes each), which waits for the caller's stream.
"""

from typing import Any, Final

import numpy as np

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.kernels import arrays, backends
from hypercube.kernels.arrays import Placement
from hypercube.kernels.backends import Backend
from hypercube.kernels.packed_charts import Charts, require_charts, require_values, wrong_value

OP: Final = "compatibility"
_ITEM: Final = 4


def choose(scores: int, backend: str, like: Placement) -> Backend:
    """The backend for charts so placed; `auto` takes none whose module cannot read the charts' library."""
    if backend == backends.AUTO and like.library == "cupy":
        return backends.get(OP, "cupy")
    chosen = backends.select(OP, scores, backend, like.device)
    interpretable = like.library == "torch" and chosen.device == "cuda"
    if chosen.device != like.device and not interpretable:
        raise arrays.wrong_device(OP, chosen.name, chosen.device, like, param="charts")
    return chosen


def host_queries(queries: Any, like: Placement) -> Charts:
    """NumPy uint8[Q, 4] of queries beside the charts or on the CPU, checked."""
    there = arrays.placement(queries, "queries", "uint8")
    if there.device == "cuda":
        arrays.require_like(
            queries, "queries", like, "uint8", (_rows(queries, "queries"), 4), beside="charts"
        )
        host = arrays.to_host(queries, there.library)
    else:
        host = arrays.as_numpy(queries) if there.library == "torch" else queries
    require_charts(host, "queries")
    require_values(host, "queries")
    return host


def require_device_charts(charts: Any, like: Placement) -> int:
    """The number of charts, after all that can be checked without reading them."""
    rows = _rows(charts, "charts")
    arrays.require_like(charts, "charts", like, "uint8", (rows, 4), beside="charts")
    if rows and arrays.address(charts, like.library) % _ITEM:
        raise invalid(
            "charts begins at an address that is not a multiple of 4.",
            param="charts",
            value=arrays.address(charts, like.library) % _ITEM,
            fix="Copy it: .clone() in torch, .copy() in CuPy.",
        )
    return rows


def load(backend: Backend, like: Placement) -> Any:
    """The backend's module, which can read these charts."""
    return arrays.load_for(backend, like, "charts")


def compatibility_on_device(queries: Any, charts: Any, like: Placement, backend: str, out: Any) -> Any:
    """As `hypercube.kernels.compatibility.compatibility`, for charts that a GPU backend reads."""
    rows = require_device_charts(charts, like)
    host = host_queries(queries, like)
    shape = (len(host), rows)
    module = load(choose(len(host) * rows, backend, like), like)
    if out is None:
        out = arrays.empty(charts, like.library, shape, "int16")
    else:
        arrays.require_like(out, "out", like, "int16", shape, beside="charts")
        inputs = [charts] if isinstance(queries, np.ndarray) else [charts, queries]
        if any(arrays.overlap(out, each, like.library) for each in inputs if type(each) is type(out)):
            raise invalid(
                "out shares memory with an input.",
                param="out",
                value="overlap",
                fix="Use an array of its own.",
            )
    if not module.compatibility(host, charts, out):
        raise changed_or_wrong(arrays.to_host(charts, like.library))
    return out


def top_k_on_device(queries: Any, charts: Any, k: int, like: Placement, backend: str) -> tuple[Any, Any]:
    """Rows int64[Q, min(k, N)] and scores int16[Q, min(k, N)], as `hypercube.kernels.compatibility.top_k`."""
    rows = require_device_charts(charts, like)
    host = host_queries(queries, like)
    module = load(choose(len(host) * rows, backend, like), like)
    shape = (len(host), min(k, rows))
    index = arrays.empty(charts, like.library, shape, "int64")
    score = arrays.empty(charts, like.library, shape, "int16")
    if shape[0] and shape[1] and not module.top_k(host, charts, index, score):
        raise changed_or_wrong(arrays.to_host(charts, like.library))
    return index, score


def changed_or_wrong(charts: Charts) -> HyperCubeError:
    """The error for the first value out of range; the search saw one, so else the charts have changed since."""
    return wrong_value(charts, "charts") or HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, "charts changed while they were read.", param="charts"
    )


def _rows(array: Any, param: str) -> int:
    shape = list(array.shape)
    if len(shape) != 2 or shape[1] != 4:
        dtype = str(array.dtype).removeprefix("torch.")
        raise invalid(
            f"{param} is {dtype}{shape}, expected uint8[N, 4].",
            param=param,
            value=f"{dtype}{shape}",
            fix="Give year, month, day and hour as sexagenary indices, one row a chart.",
        )
    return int(shape[0])
