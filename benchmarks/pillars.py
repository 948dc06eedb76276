"""Four pillars: every CPU backend and np.copyto, interleaved in one run; no figure unless parity is green.

    python -m benchmarks.pillars                                          # print
    python -m benchmarks.pillars --output benchmarks/results/pillars-cpu.jsonl
    python -m benchmarks.pillars --peers --years 1900-2050    # beside four saju libraries, in the same rounds

Bytes a chart: 8 + 4 read, 4 written. The yardstick copies the same number of bytes, half read and half written,
so `copy_share` = 1 would mean that the arithmetic is free. Rounds are interleaved (every contestant once a round)
so that a noisy neighbour hits all alike; the share is the median of the ratios within the rounds, against the
copy by as many threads. `times_cast_pillars` is the rate over that of bazi-chart's `cast_pillars` in the same round.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, Final

import numpy as np

from hypercube._version import __version__
from hypercube.kernels.compile_cpu import compiler
from hypercube.kernels.parallel import run_ranges
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, OP, pillars, warm_up
from hypercube.kernels.pillars.terms import load_terms

BYTES_A_CHART: Final = 16
COPY: Final = "np.copyto"
PEER_SECONDS: Final = 0.2
"""Of each peer in each round."""
COMMON: Final = ("op", "years", "device", "load", "hypercube", "python", "numpy", "timestamp")
Seconds = dict[tuple[str, int], list[float]]


def births(rows: int, years: str, seed: int = 1) -> tuple[Any, Any]:
    """int64[rows] instants, uniform over the span, and int32[rows] offsets, uniform within 12 hours."""
    table = load_terms()
    first, last = (
        (table.first_utc_s, table.last_utc_s + 1) if years == "1800-2200" else (-2_208_988_800, 2_556_144_000)
    )
    rng = np.random.default_rng(seed)
    return rng.integers(first, last, rows), rng.integers(-43_200, 43_201, rows, dtype=np.int32)


def parity(names: list[str]) -> int:
    """Compare every backend with the reference on a million births; returns how many were compared."""
    table, rng = load_terms(), np.random.default_rng(7)
    around = (table.jie_s[1:-1, None] + np.array([-1, 0, 1])).reshape(-1)
    utc = np.concatenate([around, rng.integers(table.first_utc_s, table.last_utc_s + 1, 1_000_000)])
    offset = rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, len(utc), dtype=np.int32)
    for name in names:
        for day_boundary in DAY_BOUNDARIES:
            want = pillars(utc, offset, day_boundary=day_boundary, backend="reference")
            got = pillars(utc, offset, day_boundary=day_boundary, backend=name)
            if (wrong := int((want != got).any(axis=1).sum())) > 0:
                raise SystemExit(f"{name}, {day_boundary}: {wrong} of {len(utc)} differ; no figures on red.")
    return len(utc)


def measure(
    names: list[str],
    rows: int,
    years: str,
    rounds: int,
    threads: list[int],
    beside: Callable[[], None] | None = None,
) -> Seconds:
    """Seconds of each contestant (name, threads) in each round; `beside` has a turn in each as well."""
    utc, offset = births(rows, years)
    out = np.empty((rows, 4), dtype=np.uint8)
    source = np.ones(rows * BYTES_A_CHART // 2, dtype=np.uint8)
    target = np.zeros_like(source)

    def copy(part: slice) -> bool:
        np.copyto(target[8 * part.start : 8 * part.stop], source[8 * part.start : 8 * part.stop])
        return True

    def runner(name: str, workers: int) -> Callable[[], object]:
        if name == COPY:
            return lambda: run_ranges(copy, rows, workers)
        return lambda: pillars(utc, offset, backend=name, out=out, threads=workers)

    contestants = {(name, t): runner(name, t) for t in threads for name in (*names, COPY)}
    seconds: Seconds = {each: [] for each in contestants}
    for round_number in range(rounds + 1):
        for each, run in contestants.items():
            begin = time.perf_counter()
            run()
            if round_number:  # the first round touches the pages
                seconds[each].append(time.perf_counter() - begin)
        if round_number and beside is not None:
            beside()
    return seconds


def result_rows(seconds: Seconds, rows: int, years: str, compared: int) -> list[dict[str, object]]:
    """One row a contestant."""
    common = {
        "op": OP,
        "rows": rows,
        "years": years,
        "parity_rows": compared,
        "device": cpu_name(),
        "load": round(os.getloadavg()[0], 2),
        "hypercube": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": installed("numba"),
        "compiler": compiler_version(),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }
    made: list[dict[str, object]] = []
    for (name, threads), values in seconds.items():
        copy = np.array(seconds[COPY, threads])
        # The 20th percentile of the time is the 80th of the rate.
        p20, median, p80 = np.percentile(values, [20, 50, 80])
        made.append(
            {
                "backend": name,
                "threads": threads,
                "rounds": len(values),
                "median_s": round(median, 6),
                "p20_s": round(p20, 6),
                "p80_s": round(p80, 6),
                "charts_per_s": None if name == COPY else round(rows / median),
                "gb_per_s": round(rows * BYTES_A_CHART / median / 1e9, 3),
                "copy_share": round(float(np.median(copy / np.array(values))), 3),
                **common,
            }
        )
    return made


def installed(package: str) -> str | None:
    """The version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def compiler_version() -> str | None:
    """The first line of what the C++ compiler says of itself, or None."""
    found = compiler()
    if found is None:
        return None
    said = subprocess.run(
        [found, "--version"], capture_output=True, text=True, check=False, timeout=20
    ).stdout
    return said.partition("\n")[0]


def cpu_name() -> str:
    """The processor's name, as far as the system tells."""
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} x{os.cpu_count()}"
    except OSError:
        pass
    return platform.processor() or platform.machine()


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[128, 65_536, 8_000_000])
    parser.add_argument("--years", choices=["1800-2200", "1900-2050"], default="1800-2200")
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--threads", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--peers", action="store_true", help="run four saju libraries in the same rounds")
    parser.add_argument("--peers-python", type=Path, default=Path(".venv-peers/bin/python"))
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    names = list(warm_up())
    compared = parity(names)
    print(f"parity: {compared:,} births x {len(DAY_BOUNDARIES)} conventions, 0 differences")
    with peers_of(options.peers_python) if options.peers else nullcontext() as peers:
        if peers is not None:
            print(f"parity: {peers.parity()} births, 0 differences in the peers; missing: {peers.missing}")
        for rows in options.rows:
            keep(options, names, rows, compared, peers)
    return 0


def peers_of(python: Path) -> Any:
    """The peers' processes, as a context."""
    from benchmarks.pillars_peers import peers_in

    return peers_in(python, PEER_SECONDS)


def keep(options: argparse.Namespace, names: list[str], rows: int, compared: int, peers: Any) -> None:
    """Measure one size, print, append."""
    # Few rows take one thread whatever is asked.
    threads = options.threads if rows >= 1_000_000 else [1]
    if peers is not None:
        peers.begin()
    beside = None if peers is None else peers.run_round
    seconds = measure(names, rows, options.years, options.rounds, threads, beside)
    made = result_rows(seconds, rows, options.years, compared)
    for row in made:
        rate = f"{row['charts_per_s']:>13,} charts/s" if row["charts_per_s"] else " " * 22
        print(
            f"{rows:>10,} rows  {row['backend']:<10} x{row['threads']} {rate}  {row['gb_per_s']:>8} GB/s  "
            f"{row['copy_share']:>6} of copy  median {row['median_s']} s (p20 {row['p20_s']}, p80 {row['p80_s']})"
        )
    if peers is not None:
        common = {key: made[0][key] for key in COMMON}
        for row, values in zip(made, seconds.values(), strict=True):
            if row["backend"] != COPY:
                row["times_cast_pillars"] = peers.times_best(rows, values)
                print(f"{row['backend']} x{row['threads']}: {row['times_cast_pillars']:,} times cast_pillars")
        of_peers = peers.rows()
        for row in of_peers:
            print(f"{row['backend']:<24} {row.get('charts_per_s', row.get('missing')):>8} charts/s")
        made += [row | common | {"rows": 1} for row in of_peers]
    if options.output:
        options.output.parent.mkdir(parents=True, exist_ok=True)
        with options.output.open("a", encoding="utf-8") as stream:
            stream.writelines(json.dumps(row) + "\n" for row in made)


if __name__ == "__main__":
    sys.exit(main())
