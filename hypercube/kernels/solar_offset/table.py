"""The equation of time on a grid of four days, and the whole numbers that its exact interpolation needs.

Between the points 1 and 2 of a window y0, y1, y2, y3 (ms), with r seconds since point 1 and h = 345,600 the step, the
four-point Lagrange polynomial (Abramowitz and Stegun, 25.2.13) has whole coefficients in p = r / h:

    6 L(p) = b0 + b1 p + b2 p^2 + b3 p^3       b0 = 6 y1                          b2 = 3 (y0 - 2 y1 + y2)
                                               b1 = -2 y0 - 3 y1 + 6 y2 - y3      b3 = y3 - y0 + 3 (y1 - y2)

In seconds that is N / (6000 h^3) with the whole number N = b0 h^3 + r w, w = b1 h^2 + r (b2 h + r b3). N passes 64
bits, but h = 675 * 2^9, so the unit 6000 h^3 and its half are multiples of 2^27 and floor(N / 2^27) decides every
comparison with them:

    N >> 27 = b0 675^3 + (w >> 27) r + ((w & (2^27 - 1)) r >> 27)         UNIT = 6000 h^3 / 2^27 = 6000 * 675^3

Half away from zero is floor((N - [N < 0]) / unit + 1/2): one less than a negative half stays below it, and whole
numbers that are not halves do not notice.
"""

import functools
from dataclasses import dataclass
from importlib.resources import files
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.kernels.pillars.terms import TermTable, load_terms

STEP_S: Final = 345_600
"""Four days; kernels divide by it with constants of their own."""
LOW_BITS: Final = 27
SCALE: Final = (STEP_S >> 9) ** 3
"""h^3 / 2^27."""
UNIT: Final = 6_000 * SCALE
"""One second in the unit of N >> 27."""
BIAS_S: Final = 2_048
"""Seconds that kernels add so that they divide a positive number."""
_MOST_W: Final = 1 << 58
"""Below it w >> 27 has 31 bits and a sign."""
_MOST_B3_R: Final = 1 << 31


@dataclass(frozen=True, eq=False)
class EquationOfTimeTable:
    """The equation of time on an even grid that overhangs the solar-term table by two steps at least."""

    milliseconds: NDArray[np.int32]
    """[n] apparent minus mean solar time; read-only."""
    cubics: NDArray[np.int32]
    """[4, n] b0, b1, b2, b3 of the window whose second point is the column; read-only, 0 where there is none."""
    start_s: int
    """POSIX seconds of `milliseconds[0]`."""
    terms: TermTable
    """The table whose span bounds the instants."""

    @property
    def base_utc_s(self) -> int:
        """The first second that has an answer."""
        return self.terms.first_utc_s

    @property
    def span_s(self) -> int:
        """Answers exist for base_utc_s <= utc_seconds < base_utc_s + span_s."""
        return self.terms.last_utc_s - self.terms.first_utc_s + 1

    @property
    def lead_s(self) -> int:
        """Seconds from the first point to the first second that has an answer."""
        return self.terms.first_utc_s - self.start_s


@functools.cache
def load_equation_of_time() -> EquationOfTimeTable:
    """The table of this package, read once a process; its bounds are what the kernels' widths rest on."""
    with (
        files("hypercube.kernels.solar_offset").joinpath("data/equation_of_time.npz").open("rb") as stream,
        np.load(stream, allow_pickle=False) as stored,
    ):
        milliseconds = stored["milliseconds"].astype(np.int32)
        start_s, step_s = int(stored["start_s"]), int(stored["step_s"])
    table = EquationOfTimeTable(milliseconds, _cubics(milliseconds), start_s, load_terms())
    for array in (table.milliseconds, table.cubics):
        array.flags.writeable = False
    _require_bounds(table, step_s)
    return table


def _cubics(milliseconds: NDArray[np.int32]) -> NDArray[np.int32]:
    cubics = np.zeros((4, len(milliseconds)), dtype=np.int32)
    y0, y1, y2, y3 = (milliseconds[k : len(milliseconds) - 3 + k] for k in range(4))
    cubics[:, 1:-2] = 6 * y1, 6 * y2 - 2 * y0 - 3 * y1 - y3, 3 * (y0 - 2 * y1 + y2), y3 - y0 + 3 * (y1 - y2)
    return cubics


def _require_bounds(table: EquationOfTimeTable, step_s: int) -> None:
    """Raise where a table would overflow what the kernels compute with (not one of this package)."""
    n = len(table.milliseconds)
    last = (table.lead_s + table.span_s - 1) // STEP_S
    if step_s != STEP_S or table.lead_s < STEP_S or last + 2 >= n or last >= 1 << 16:
        raise ValueError(
            "the equation-of-time table does not overhang the solar-term table as kernels assume"
        )
    b0, b1, b2, b3 = np.abs(table.cubics.astype(np.int64))
    if (
        STEP_S**2 * int((b1 + b2 + b3).max()) >= _MOST_W
        or STEP_S * int(b3.max()) >= _MOST_B3_R
        or int((b0 + b1 + b2 + b3).max()) >= 6_000 * BIAS_S
    ):
        raise ValueError("the equation-of-time table moves faster than kernels can count")
