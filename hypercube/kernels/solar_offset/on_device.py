"""`solar_offset` for arrays on a GPU (or on the CPU, under Triton's interpreter): checks, then the backend."""

from typing import Any

from hypercube.core.errors import invalid
from hypercube.kernels import arrays
from hypercube.kernels.arrays import Placement
from hypercube.kernels.backends import Backend
from hypercube.kernels.solar_offset.arguments import out_of_range, single_longitude_seconds


def solar_offset_on_device(
    utc_seconds: Any,
    longitude_degrees: Any,
    *,
    like: Placement,
    apparent: bool,
    backend: Backend,
    out: Any,
    check: bool,
) -> Any:
    """As `hypercube.kernels.solar_offset.solar_offset`, for a placement that `backend` reaches."""
    if len(utc_seconds.shape) != 1:
        raise invalid(
            f"utc_seconds has shape {list(utc_seconds.shape)}, expected one dimension.",
            param="utc_seconds",
            value=str(tuple(utc_seconds.shape)),
            fix="Flatten it with .reshape(-1).",
        )
    rows = int(utc_seconds.shape[0])
    arrays.require_like(utc_seconds, "utc_seconds", like, "int64", (rows,))
    degrees, seconds = None, 0
    if arrays.is_array(longitude_degrees):
        arrays.require_like(longitude_degrees, "longitude_degrees", like, "float64", (rows,))
        degrees = longitude_degrees
    else:
        seconds = single_longitude_seconds(_number(longitude_degrees))
    if out is None:
        out = arrays.empty(utc_seconds, like.library, (rows,), "int32")
    else:
        arrays.require_like(out, "out", like, "int32", (rows,))
        inputs = (utc_seconds,) if degrees is None else (utc_seconds, degrees)
        if any(arrays.overlap(out, each, like.library) for each in inputs):
            raise invalid(
                "out shares memory with an input.",
                param="out",
                value="overlap",
                fix="Use an array of its own.",
            )
    module = arrays.load_for(backend, like, "utc_seconds")
    if not module.solar_offset(utc_seconds, degrees, seconds, apparent, out, check):
        raise out_of_range(
            arrays.to_host(utc_seconds, like.library),
            None if degrees is None else arrays.to_host(degrees, like.library),
        )
    return out


def _number(value: Any) -> float:
    """The one longitude of all rows, from a Python, NumPy, torch or CuPy number."""
    scalar = value.item() if getattr(value, "ndim", None) == 0 else value
    if isinstance(scalar, bool) or not isinstance(scalar, (int, float)):
        raise invalid(
            f"longitude_degrees is a {type(value).__name__}, expected float64[N] or one number.",
            param="longitude_degrees",
            value=value,
            fix="Give degrees east of Greenwich, one a birth or one for all.",
        )
    return float(scalar)
