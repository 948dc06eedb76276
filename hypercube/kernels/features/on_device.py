"""`features` for arrays that lie on a GPU (or on the CPU, under Triton's interpreter): checks, then the backend."""

from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.kernels import arrays
from hypercube.kernels.arrays import Placement
from hypercube.kernels.backends import Backend
from hypercube.kernels.features.layout import ROW_BYTES
from hypercube.kernels.packed_charts import wrong_value

_CHART: Final = 4
_STORE: Final = 16


def features_on_device(charts: Any, *, like: Placement, backend: Backend, out: Any, check: bool) -> Any:
    """As `hypercube.kernels.features.features`, for a placement that `backend` reaches."""
    if len(charts.shape) != 2 or charts.shape[1] != 4:
        raise invalid(
            f"charts has shape {list(charts.shape)}, expected [N, 4].",
            param="charts",
            value=str(tuple(charts.shape)),
            fix="Give year, month, day and hour as sexagenary indices, one row a chart.",
        )
    rows = int(charts.shape[0])
    arrays.require_like(charts, "charts", like, "uint8", (rows, 4), beside="charts")
    _require_edge(charts, "charts", like, _CHART)
    if out is None:
        out = arrays.empty(charts, like.library, (rows, ROW_BYTES), "uint8")
    else:
        arrays.require_like(out, "out", like, "uint8", (rows, ROW_BYTES), beside="charts")
        _require_edge(out, "out", like, _STORE)
        if arrays.overlap(out, charts, like.library):
            raise invalid(
                "out shares memory with charts.", param="out", value="overlap", fix="Use an array of its own."
            )
    module = arrays.load_for(backend, like, "charts")
    if not module.features(charts, out, check):
        raise wrong_value(arrays.to_host(charts, like.library), "charts") or HyperCubeError(
            ErrorKind.FAILED_PRECONDITION, "charts changed while they were read.", param="charts"
        )
    return out


def _require_edge(array: Any, param: str, like: Placement, size: int) -> None:
    """Refuse memory that a transfer of `size` bytes cannot begin at."""
    beyond = arrays.address(array, like.library) % size
    if beyond:
        raise invalid(
            f"{param} begins at an address that is not a multiple of {size}.",
            param=param,
            value=beyond,
            fix=f"Use an array of its own, or a slice that begins at a multiple of {size} bytes.",
        )
