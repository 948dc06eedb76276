"""Checks of arrays of charts uint8[N, 4] (year, month, day, hour): four bytes a chart, read as one word."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

Charts = NDArray[np.uint8]


def require_charts(array: Any, param: str) -> None:
    """Raise INVALID_ARGUMENT unless `array` is a C-contiguous NumPy array uint8[N, 4]; values are not read."""
    if not isinstance(array, np.ndarray):
        raise invalid(
            f"{param} is a {type(array).__name__}, expected a NumPy array uint8[N, 4].",
            param=param,
            value=type(array).__name__,
            fix=f"Convert it with numpy.asarray({param}, dtype=numpy.uint8).",
        )
    if array.dtype != np.uint8 or array.ndim != 2 or array.shape[1] != 4:
        raise invalid(
            f"{param} is {array.dtype}{list(array.shape)}, expected uint8[N, 4].",
            param=param,
            value=f"{array.dtype}{list(array.shape)}",
            fix="Give year, month, day and hour as sexagenary indices, one row a chart.",
        )
    if not array.flags.c_contiguous:
        raise invalid(
            f"{param} is not C-contiguous (strides {array.strides}).",
            param=param,
            value=str(array.strides),
            fix="Copy it with numpy.ascontiguousarray.",
        )


def require_out(out: Any, shape: tuple[int, ...], dtype: Any, *inputs: NDArray[Any]) -> None:
    """Raise INVALID_ARGUMENT unless `out` is a writable C-contiguous array of its own of that shape and dtype."""
    wanted = f"{np.dtype(dtype)}{list(shape)}"
    if not isinstance(out, np.ndarray):
        problem = f"is a {type(out).__name__}"
    elif out.dtype != dtype or out.shape != shape:
        problem = f"is {out.dtype}{list(out.shape)}"
    elif not out.flags.c_contiguous:
        problem = "is not C-contiguous"
    elif not out.flags.writeable:
        problem = "is read-only"
    elif any(np.may_share_memory(out, each) for each in inputs):
        problem = "shares memory with an input"
    else:
        return
    raise invalid(
        f"out {problem}, expected a writable C-contiguous array {wanted} of its own.",
        param="out",
        value=problem,
        fix=f"Use numpy.empty({shape}, dtype=numpy.{np.dtype(dtype)}), or leave it out.",
    )


def wrong_values(charts: Charts) -> NDArray[np.bool_]:
    """bool[N, 4]: what is neither a sexagenary index nor an unknown hour."""
    wrong: NDArray[np.bool_] = charts >= 60
    wrong[:, 3] &= charts[:, 3] != UNKNOWN_HOUR
    return wrong


def require_values(charts: Charts, param: str) -> None:
    """Raise INVALID_ARGUMENT for the first value of checked charts that is out of range."""
    error = wrong_value(charts, param)
    if error is not None:
        raise error


def wrong_value(charts: Charts, param: str) -> HyperCubeError | None:
    """The error for the first value that is out of range, or None."""
    wrong = wrong_values(charts)
    if not wrong.any():
        return None
    row, column = divmod(int(np.argmax(wrong)), 4)
    value = int(charts[row, column])
    return invalid(
        f"{param}[{row}][{column}] is {value}, not a sexagenary index.",
        param=f"{param}[{row}][{column}]",
        value=value,
        fix="Use 0 (甲子) to 59 (癸亥); for an unknown hour, and only there, 255.",
    )
