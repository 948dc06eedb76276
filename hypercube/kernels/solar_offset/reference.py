"""Solar time in NumPy: the longitude part and the equation of time. Arguments are checked by the package.

    longitude part     sign(x) * floor(|x| + 1/2),  x = 240 s * longitude in degrees east
    equation of time   apparent minus mean solar time = GAST - right ascension + 12 h - UT1 (build_terms.py),
                       four-point Lagrange interpolation in a table of every fourth day

With p in [0, 1) between the two middle points, the weights of the points -1, 0, 1, 2 are (Abramowitz and
Stegun, 25.2.13)

    -p (p-1) (p-2) / 6,   (p+1) (p-1) (p-2) / 2,   -(p+1) p (p-2) / 2,   (p+1) p (p-1) / 6

Time argument: POSIX seconds as in the solar-term table (UTC from 1972, UT1 before), and the value holds for that
instant. Mean solar time is UT1 plus longitude; UTC stands in for UT1 here. They agree within 0.9 s while there
are leap seconds; without any, the forecast is 2.3 s in 2050, 27 s in 2100, 152 s in 2200 (docs/accuracy).
"""

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.terms import TermTable, load_terms

SECONDS_A_DEGREE: Final = 240
"""Mean solar time runs one hour, 3,600 s, ahead every 15 degrees east."""


@dataclass(frozen=True, eq=False)
class EquationOfTimeTable:
    """The equation of time on an even grid that overhangs the solar-term table by two steps at least."""

    milliseconds: NDArray[np.int32]
    """[n] apparent minus mean solar time; read-only."""
    start_s: int
    """POSIX seconds of `milliseconds[0]`."""
    step_s: int
    terms: TermTable
    """The table whose span bounds the instants."""


@functools.cache
def load_equation_of_time() -> EquationOfTimeTable:
    """The table of this package, read once a process."""
    with (
        files("hypercube.kernels.solar_offset").joinpath("data/equation_of_time.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as stored,
    ):
        milliseconds = stored["milliseconds"].astype(np.int32)
        start_s, step_s = int(stored["start_s"]), int(stored["step_s"])
    milliseconds.flags.writeable = False
    return EquationOfTimeTable(milliseconds, start_s, step_s, load_terms())


def equation_of_time(utc_seconds: NDArray[np.int64]) -> NDArray[np.float64]:
    """Seconds float64[N] at POSIX seconds int64[N]."""
    table = load_equation_of_time()
    cell, into = np.divmod(utc_seconds - table.start_s, table.step_s)
    p = into / table.step_s
    weights = (
        -p * (p - 1) * (p - 2) / 6,
        (p + 1) * (p - 1) * (p - 2) / 2,
        -(p + 1) * p * (p - 2) / 2,
        (p + 1) * p * (p - 1) / 6,
    )
    total = np.zeros(utc_seconds.shape, dtype=np.float64)
    for point, weight in enumerate(weights):
        total += weight * table.milliseconds[cell + (point - 1)]
    return total / 1_000.0


def solar_offset(
    utc_seconds: NDArray[np.int64], longitude_degrees: NDArray[np.float64], apparent: bool
) -> NDArray[np.int32]:
    """Seconds int32[N] to add to UTC, from int64[N] instants and float64[N] degrees."""
    offset = round_half_away(longitude_degrees * SECONDS_A_DEGREE)
    if apparent:
        offset = offset + round_half_away(equation_of_time(utc_seconds))
    return offset


def round_half_away(seconds: NDArray[np.float64]) -> NDArray[np.int32]:
    """Whole seconds int32[N], halves away from zero: 0.5 -> 1, -0.5 -> -1."""
    rounded: NDArray[np.int32] = (np.sign(seconds) * np.floor(np.abs(seconds) + 0.5)).astype(np.int32)
    return rounded
