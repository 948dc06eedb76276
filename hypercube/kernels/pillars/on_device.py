"""`pillars` for arrays that lie on a GPU (or on the CPU, under Triton's interpreter): checks, then the backend."""

from typing import Any, Final

from hypercube.core.errors import invalid
from hypercube.kernels import arrays
from hypercube.kernels.arrays import Placement
from hypercube.kernels.backends import Backend
from hypercube.kernels.pillars.arguments import out_of_range, single_offset

_ITEM: Final = 4


def pillars_on_device(
    utc_seconds: Any,
    offset_seconds: Any,
    *,
    like: Placement,
    day_boundary: str,
    backend: Backend,
    out: Any,
    check: bool,
) -> Any:
    """As `hypercube.kernels.pillars.pillars`, for a placement that `backend` reaches."""
    if len(utc_seconds.shape) != 1:
        raise invalid(
            f"utc_seconds has shape {list(utc_seconds.shape)}, expected one dimension.",
            param="utc_seconds",
            value=str(tuple(utc_seconds.shape)),
            fix="Flatten it with .reshape(-1).",
        )
    rows = int(utc_seconds.shape[0])
    arrays.require_like(utc_seconds, "utc_seconds", like, "int64", (rows,))
    if arrays.is_array(offset_seconds):
        arrays.require_like(offset_seconds, "offset_seconds", like, "int32", (rows,))
        offsets = offset_seconds
    else:
        offsets = arrays.full(utc_seconds, like.library, rows, single_offset(offset_seconds), "int32")
    if out is None:
        out = arrays.empty(utc_seconds, like.library, (rows, 4), "uint8")
    else:
        arrays.require_like(out, "out", like, "uint8", (rows, 4))
        if arrays.address(out, like.library) % _ITEM:
            raise invalid(
                "out begins at an address that is not a multiple of 4.",
                param="out",
                value=arrays.address(out, like.library) % _ITEM,
                fix="Use an array of its own, or a slice that begins at a multiple of 4 bytes.",
            )
        if any(arrays.overlap(out, each, like.library) for each in (utc_seconds, offsets)):
            raise invalid(
                "out shares memory with an input.",
                param="out",
                value="overlap",
                fix="Use an array of its own.",
            )
    module = arrays.load_for(backend, like, "utc_seconds")
    if not module.pillars(utc_seconds, offsets, day_boundary, out, check):
        raise out_of_range(arrays.to_host(utc_seconds, like.library), arrays.to_host(offsets, like.library))
    return out
