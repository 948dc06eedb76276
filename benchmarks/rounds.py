"""Interleaved rounds, the quantiles of each contestant, and rows of JSON lines: what CPU benchmarks share."""

import json
import os
import platform
import time
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from hypercube._version import __version__
from hypercube.kernels.pillars import pillars

FIRST_UTC_S, LAST_UTC_S = -2_208_988_800, 2_556_144_000
"""1900-01-01 to 2051-01-01."""


def births(rows: int, seed: int = 1) -> NDArray[np.uint8]:
    """uint8[rows, 4] charts of births spread evenly over 1900-2050, one in six without an hour."""
    rng = np.random.default_rng(seed)
    charts = pillars(rng.integers(FIRST_UTC_S, LAST_UTC_S, rows), 32_400)
    charts[rng.random(rows) < 1 / 6, 3] = 255
    return charts


def interleaved(contestants: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Seconds of each contestant in each round; every one runs once a round, so a noisy neighbour hits all."""
    seconds: dict[str, list[float]] = {name: [] for name in contestants}
    for round_number in range(rounds + 1):
        for name, run in contestants.items():
            begin = time.perf_counter()
            run()
            if round_number:  # the first round touches the pages
                seconds[name].append(time.perf_counter() - begin)
    return seconds


def quantiles(seconds: Iterable[float]) -> dict[str, float]:
    """Median, 20th and 80th percentile; the 20th percentile of the time is the 80th of the rate."""
    p20, median, p80 = np.percentile(list(seconds), [20, 50, 80])
    return {"median_s": round(median, 6), "p20_s": round(p20, 6), "p80_s": round(p80, 6)}


def share(yardstick: list[float], seconds: list[float]) -> float:
    """The median, over the rounds, of the yardstick's time over the contestant's."""
    return round(float(np.median(np.array(yardstick) / np.array(seconds))), 3)


def environment() -> dict[str, object]:
    """What a figure depends on beside the code."""
    return {
        "device": _cpu_name(),
        "load": round(os.getloadavg()[0], 2),
        "hypercube": __version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
        "numba": _installed("numba"),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }


def append(path: Path | None, made: Iterable[Mapping[str, object]], *, readable: bool = False) -> None:
    """Append rows to a JSON lines file, if there is one; `readable` leaves text in other scripts as it is."""
    if path is None:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a", encoding="utf-8") as stream:
        stream.writelines(json.dumps(row, ensure_ascii=not readable) + "\n" for row in made)


def _installed(package: str) -> str | None:
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def _cpu_name() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return f"{line.partition(':')[2].strip()} x{os.cpu_count()}"
    except OSError:
        pass
    return platform.processor() or platform.machine()
