"""Feature rows: every CPU backend and np.copyto, interleaved in one run; no figure unless parity is green.

    python -m benchmarks.features                                          # print
    python -m benchmarks.features --output benchmarks/results/features-cpu.jsonl

Bytes a row: 4 read, 64 written. The yardstick copies the same number of bytes, half read and half written; it
has fewer to write, and a store of a line that is not in the cache reads it first, so a share of 1 is out of
reach. One thread. The reference runs only up to `--reference-rows`.
"""

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np

from benchmarks.pillars import compiler_version
from benchmarks.rounds import append, births, environment, interleaved, quantiles, share
from hypercube.kernels.features import LAYOUT_VERSION, OP, ROW_BYTES, features, warm_up

BYTES_A_ROW: Final = 4 + ROW_BYTES
COPY: Final = "np.copyto"


def parity(names: list[str]) -> int:
    """Compare every backend with the reference, on births and on any four pillars; returns how many rows."""
    anything = np.random.default_rng(7).integers(0, 60, (200_000, 4), dtype=np.uint8)
    charts = np.concatenate([births(300_000, seed=7), anything])
    want = features(charts, backend="reference")
    for name in names:
        if (wrong := int((features(charts, backend=name) != want).any(axis=1).sum())) > 0:
            raise SystemExit(f"{name}: {wrong} of {len(charts)} differ; no figures on red.")
    return len(charts)


def measure(names: list[str], rows: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round."""
    charts = births(rows)
    out = np.empty((rows, ROW_BYTES), dtype=np.uint8)
    source = np.ones(rows * BYTES_A_ROW // 2, dtype=np.uint8)
    target = np.zeros_like(source)

    def runner(name: str) -> Callable[[], object]:
        return lambda: features(charts, backend=name, out=out)

    contestants = {name: runner(name) for name in names} | {COPY: lambda: np.copyto(target, source)}
    return interleaved(contestants, rounds)


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[128, 65_536, 4_000_000])
    parser.add_argument("--reference-rows", type=int, default=65_536)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    names = list(warm_up())
    compared = parity(names)
    print(f"parity: {compared:,} charts, 0 differences")
    for rows in options.rows:
        running = [name for name in names if name != "reference" or rows <= options.reference_rows]
        seconds = measure(running, rows, options.rounds)
        made = [
            {
                "backend": name,
                **(times := quantiles(values)),
                "rows_per_s": None if name == COPY else round(rows / times["median_s"]),
                "gb_per_s": round(rows * BYTES_A_ROW / times["median_s"] / 1e9, 3),
                "copy_share": share(seconds[COPY], values),
                "op": OP,
                "layout_version": LAYOUT_VERSION,
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
