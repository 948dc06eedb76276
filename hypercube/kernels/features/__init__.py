"""Feature rows for machine learning: `features(charts) -> uint8[N, 64]`, one cache line a chart.

`layout` documents every byte (`FIELDS`, `column_names()`), and `LAYOUT_VERSION` names the whole. Codes are
categorical, counts ordered, flags bits; an unknown hour has the code 255 in its eight bytes, counts nothing
elsewhere and clears `hour_known`.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import backends
from hypercube.kernels.backends import Backend, Choice
from hypercube.kernels.features.layout import (
    FIELDS,
    LAYOUT_VERSION,
    ROW_BYTES,
    Field,
    column_names,
    flag_names,
)
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


def features(
    charts: Charts, *, backend: str = "auto", threads: int = 1, out: NDArray[np.uint8] | None = None
) -> NDArray[np.uint8]:
    """The feature row of every chart.

    Args:
        charts: uint8[N, 4], C-contiguous: sexagenary indices 0..59 of year, month, day and hour, as
            `pillars` returns them; hour 255 = not known.
        backend: "auto", or one by name, which is then used or refused, never replaced.
        threads: at most so many, each with rows of its own; the answer does not depend on it.
        out: uint8[N, 64], C-contiguous and writable, to fill and return. Undefined after an error.

    Returns:
        uint8[N, 64], laid out as `FIELDS` says.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with `param` naming the argument, and row and column where a value is
            at fault; FAILED_PRECONDITION when a backend asked for by name is not installed.
    """
    require_charts(charts, "charts")
    require_threads(threads)
    shape = (len(charts), ROW_BYTES)
    if out is None:
        result: NDArray[np.uint8] = np.empty(shape, dtype=np.uint8)
    else:
        require_out(out, shape, np.uint8, charts)
        result = out
    run = getattr(backends.select(OP, len(charts), backend).load(), OP)
    if not run_ranges(lambda rows: bool(run(charts[rows], result[rows])), len(charts), threads):
        raise wrong_value(charts, "charts") or HyperCubeError(
            ErrorKind.FAILED_PRECONDITION, "charts changed while they were read.", param="charts"
        )
    return result


def explain(rows: int, backend: str = "auto") -> Choice:
    """Which backend would run that many rows now, and why."""
    return backends.explain(OP, rows, backend)


def warm_up(backend: str = "auto") -> tuple[str, ...]:
    """Compile ahead: the named backend, or all that "auto" may take. Returns their names."""
    return backends.warm_up(OP, backend)
