"""The best 100 of N charts: one and two threads, scores with a sort, and a bare read of the charts, interleaved.

    python -m benchmarks.compatibility                                          # print
    python -m benchmarks.compatibility --output benchmarks/results/compatibility-cpu.jsonl

Every CPU backend of the registry that can run here. No figure unless parity is green. `...-scores` writes all
scores, and `...-argpartition` then lets NumPy find the best: what the bounded search saves. The yardstick is
numpy.max over the same bytes, 4 a candidate, on one thread: what merely reading the charts costs. The reference
runs only up to `--reference-rows`.
"""

import argparse
import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from benchmarks.rounds import append, births, environment, interleaved, quantiles, share
from hypercube.kernels.compatibility import OP, SCORE_VERSION, compatibility, top_k, warm_up

BYTES_A_CANDIDATE: Final = 4
READ: Final = "np.max"
THREADS: Final = (1, 2)


def parity(names: list[str], k: int) -> int:
    """Compare scores and answers of every backend with the reference; returns how many scores."""
    anything = np.random.default_rng(7).integers(0, 60, (100_000, 4), dtype=np.uint8)
    charts = np.concatenate([births(100_000, seed=7), anything])
    queries = births(5, seed=8)
    scores = compatibility(queries, charts, backend="reference")
    best = top_k(queries, charts, k, backend="reference")
    for name in names:
        if (wrong := int((compatibility(queries, charts, backend=name) != scores).sum())) > 0:
            raise SystemExit(f"{name}: {wrong} of {scores.size} scores differ; no figures on red.")
        for threads in THREADS:
            got = top_k(queries, charts, k, backend=name, threads=threads)
            if (got.rows != best.rows).any() or (got.scores != best.scores).any():
                raise SystemExit(f"{name}, {threads} threads: the best {k} differ; no figures on red.")
    return int(scores.size)


def measure(names: list[str], rows: int, k: int, rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round; one query."""
    charts, query = births(rows), births(1, seed=2)
    words = charts.reshape(-1).view(np.uint32)
    out = np.empty((1, rows), dtype=np.int16)

    def search(name: str, threads: int) -> Callable[[], object]:
        return lambda: top_k(query, charts, k, backend=name, threads=threads)

    def score(name: str) -> Callable[[], NDArray[np.int16]]:
        return lambda: compatibility(query, charts, backend=name, out=out)

    def sort(name: str) -> NDArray[np.int64]:
        scores = score(name)()[0]
        best = np.argpartition(-scores, min(k, rows - 1))[:k]
        found: NDArray[np.int64] = best[np.lexsort((best, -scores[best]))]
        return found

    contestants: dict[str, Callable[[], object]] = {}
    for name in names:
        for threads in THREADS if name != "reference" else (1,):
            contestants[f"{name}-{threads}"] = search(name, threads)
        contestants[f"{name}-scores"] = score(name)
    if names[0] != "reference":
        contestants[f"{names[0]}-argpartition"] = functools.partial(sort, names[0])
    contestants[READ] = lambda: np.max(words)
    return interleaved(contestants, rounds)


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[10_000, 1_000_000, 10_000_000])
    parser.add_argument("--k", type=int, default=100)
    parser.add_argument("--reference-rows", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    names = list(warm_up())  # without those that lack a package, a compiler or the processor's instructions
    compared = parity(names, options.k)
    print(f"parity: {compared:,} scores, 0 differences")
    for rows in options.rows:
        running = [name for name in names if name != "reference" or rows <= options.reference_rows]
        seconds = measure(running, rows, options.k, options.rounds)
        made = [
            {
                "contestant": name,
                **(times := quantiles(values)),
                "candidates_per_s": round(rows / times["median_s"]),
                "gb_per_s": round(rows * BYTES_A_CANDIDATE / times["median_s"] / 1e9, 3),
                "read_share": share(seconds[READ], values),
                "op": OP,
                "score_version": SCORE_VERSION,
                "rows": rows,
                "k": options.k,
                "queries": 1,
                "rounds": len(values),
                "parity_scores": compared,
                **environment(),
            }
            for name, values in seconds.items()
        ]
        for row in made:
            print(
                f"{rows:>11,} charts  {row['contestant']:<19} {row['candidates_per_s']:>14,} /s  "
                f"{row['gb_per_s']:>7} GB/s  {row['read_share']:>6} of a read  median {row['median_s']} s "
                f"(p20 {row['p20_s']}, p80 {row['p80_s']})"
            )
        append(options.output, made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
