"""What `solar_offset` refuses, and how it says so: the checks of arrays and numbers on the CPU."""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.kernels.solar_offset.reference import MOST_DEGREES, SECONDS_A_DEGREE
from hypercube.kernels.solar_offset.table import load_equation_of_time

_INT64: Final = np.dtype(np.int64)


def require_instants(utc_seconds: Any) -> None:
    """Refuse all but a contiguous NumPy vector of int64; its values are not read."""
    if (
        not isinstance(utc_seconds, np.ndarray)
        or utc_seconds.dtype != _INT64
        or utc_seconds.ndim != 1
        or not utc_seconds.flags.c_contiguous
    ):
        got = (
            f"{'' if utc_seconds.flags.c_contiguous else 'not contiguous, '}"
            f"{utc_seconds.dtype}{list(utc_seconds.shape)}"
            if isinstance(utc_seconds, np.ndarray)
            else type(utc_seconds).__name__
        )
        raise invalid(
            f"utc_seconds is {got}, expected contiguous int64[N].",
            param="utc_seconds",
            value=got,
            fix="Convert it with numpy.ascontiguousarray(utc_seconds, dtype=numpy.int64).reshape(-1).",
        )


def longitudes(longitude_degrees: Any, rows: int) -> NDArray[np.float64] | float:
    """float64[rows], contiguous and aligned, or the one number for all; values are not read."""
    degrees = np.asarray(longitude_degrees)
    if degrees.dtype.kind not in "fiu" or degrees.shape not in ((), (rows,)):
        got = f"{degrees.dtype}{list(degrees.shape)}"
        raise invalid(
            f"longitude_degrees is {got}, expected numbers [{rows}] or one.",
            param="longitude_degrees",
            value=longitude_degrees if degrees.ndim == 0 else got,
            fix="Give degrees east of Greenwich, one a birth or one for all.",
        )
    if degrees.ndim == 0:
        return float(degrees)
    return np.require(degrees, np.float64, ("C", "A"))


def single_longitude_seconds(degrees: float) -> int:
    """The longitude part of one number of degrees for all rows, as `reference.longitude_part` has it."""
    if not -MOST_DEGREES <= degrees <= MOST_DEGREES:
        raise _wide("longitude_degrees", degrees)
    seconds = (int(abs(degrees * (2 * SECONDS_A_DEGREE))) + 1) // 2
    return -seconds if degrees < 0 else seconds


def out_of_range(utc_seconds: NDArray[np.int64], degrees: NDArray[np.float64] | None) -> HyperCubeError:
    """The error for the first row at fault, looked for only after a kernel has reported one."""
    terms = load_equation_of_time().terms
    outside = (utc_seconds < terms.first_utc_s) | (utc_seconds > terms.last_utc_s)
    refused = outside
    if degrees is not None:
        refused = outside | ~((degrees >= -MOST_DEGREES) & (degrees <= MOST_DEGREES))  # NaN is refused
    row = int(np.argmax(refused))
    if outside[row] or degrees is None:
        return terms.outside(row, int(utc_seconds[row]))
    return _wide(f"longitude_degrees[{row}]", float(degrees[row]))


def _wide(param: str, value: float) -> HyperCubeError:
    return invalid(
        f"{param} is {value}, outside -180 to 180.",
        param=param,
        value=value,
        fix="Give degrees east of Greenwich, west negative: Seoul is 126.978.",
    )
