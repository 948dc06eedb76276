"""True solar time: every CPU backend and np.copyto, interleaved in one run; no figure unless parity is green.

    python -m benchmarks.solar_offset                                          # print
    python -m benchmarks.solar_offset --output benchmarks/results/solar-offset-cpu.jsonl

A row reads 8 bytes of instant and 8 of longitude, and writes 4. The yardstick copies the same number of bytes, half
read and half written. One thread, into `out=`, instants anywhere in 1800-2200, so that the table is read at random.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.pillars import compiler_version
from benchmarks.rounds import append, environment, interleaved, quantiles, share
from hypercube.kernels.solar_offset import OP, solar_offset, warm_up
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time

BYTES_A_ROW: Final = 8 + 8 + 4
COPY: Final = "np.copyto"


def places(rows: int, seed: int = 1) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """int64[rows] instants, uniform over the table, and float64[rows] longitudes, uniform around the globe."""
    table, rng = load_equation_of_time(), np.random.default_rng(seed)
    utc = rng.integers(table.base_utc_s, table.base_utc_s + table.span_s, rows)
    return utc, rng.uniform(-180.0, 180.0, rows)


def parity(names: list[str]) -> int:
    """Compare every backend with the reference, around every point of the table too; returns how many rows."""
    utc, degrees = places(1_000_000, seed=7)
    table = load_equation_of_time()
    points = np.arange(table.start_s + 3 * STEP_S, table.base_utc_s + table.span_s - 1, STEP_S)
    around = (points[:, None] + np.array([-1, 0, 1])).reshape(-1)
    utc[: len(around)] = around
    want = solar_offset(utc, degrees, apparent=True, backend="reference")
    for name in names:
        if wrong := int((solar_offset(utc, degrees, apparent=True, backend=name) != want).sum()):
            raise SystemExit(f"{name}: {wrong} of {len(utc)} differ; no figures on red.")
    return len(utc)


def measure(names: list[str], rows: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round."""
    utc, degrees = places(rows)
    out = np.empty(rows, dtype=np.int32)
    source = np.ones(rows * BYTES_A_ROW // 2, dtype=np.uint8)
    target = np.zeros_like(source)

    def runner(name: str) -> Callable[[], object]:
        return lambda: solar_offset(utc, degrees, apparent=True, backend=name, out=out)

    contestants = {name: runner(name) for name in names} | {COPY: lambda: np.copyto(target, source)}
    return interleaved(contestants, rounds)


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[128, 65_536, 8_000_000])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    names = list(warm_up())
    compared = parity(names)
    print(f"parity: {compared:,} rows, 0 differences")
    for rows in options.rows:
        seconds = measure(names, rows, options.rounds)
        made = [
            {
                "backend": name,
                **(times := quantiles(values)),
                "rows_per_s": None if name == COPY else round(rows / times["median_s"]),
                "gb_per_s": round(rows * BYTES_A_ROW / times["median_s"] / 1e9, 3),
                "copy_share": share(seconds[COPY], values),
                "op": OP,
                "apparent": True,
                "rows": rows,
                "rounds": len(values),
                "threads": 1,
                "parity_rows": compared,
                "compiler": compiler_version(),
                **environment(),
            }
            for name, values in seconds.items()
        ]
        for row in made:
            rate = f"{row['rows_per_s']:>13,} rows/s" if row["rows_per_s"] else " " * 20
            print(
                f"{rows:>10,} rows  {row['backend']:<10} {rate}  {row['gb_per_s']:>8} GB/s  "
                f"{row['copy_share']:>6} of copy  median {row['median_s']} s "
                f"(p20 {row['p20_s']}, p80 {row['p80_s']})"
            )
        append(options.output, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
