"""Four pillars on a CUDA device, beside a device copy of the same bytes; no figure unless parity is green.

    python -m benchmarks.gpu                                            # print
    python -m benchmarks.gpu --output benchmarks/results/pillars-gpu.jsonl

Runs from the tree with numpy, torch and triton or cupy alone. Exit status 3, and one line, without a device.

Bytes a chart: 12 read, 4 written; the copy reads 8 and writes 8. Rounds are interleaved and timed by CUDA events
around enough repeats to fill a millisecond; the share is the median of the ratios within the rounds. A rate above
95 % of the memory's peak was served by a cache: the row says so and carries no rate. Sections: device-resident
arrays, CUDA-graph replays of small batches, the host's cost of a launch, transfers, charts with transfers.
"""

import argparse
import json
import platform
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np

from benchmarks.pillars import BYTES_A_CHART, births, installed
from hypercube._version import __version__
from hypercube.kernels.backends import backends
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, OP, pillars
from hypercube.kernels.pillars.terms import load_terms

COPY: Final = "device copy"
MOST_OF_PEAK: Final = 0.95
FILL_S: Final = 1e-3
"""An event pair spans at least so much work, against its resolution of half a microsecond."""
CHUNK_ROWS: Final = 1 << 22
Row = dict[str, Any]


def rate_row(name: str, seconds: list[float], rows: int, copy_s: list[float], peak: float | None) -> Row:
    """One contestant's figures; rates left out where only a cache can have served them."""
    p20, median, p80 = np.percentile(seconds, [20, 50, 80])
    gb_per_s = rows * BYTES_A_CHART / median / 1e9
    refused = peak is not None and gb_per_s > MOST_OF_PEAK * peak
    return {
        "section": "resident",
        "backend": name,
        "rows": rows,
        "median_s": float(f"{median:.4g}"),
        "p20_s": float(f"{p20:.4g}"),
        "p80_s": float(f"{p80:.4g}"),
        "charts_per_s": None if refused or name == COPY else round(rows / median),
        "gb_per_s": None if refused else round(gb_per_s, 1),
        "copy_share": None if refused else round(float(np.median(np.array(copy_s) / np.array(seconds))), 3),
        "refused": f"above {MOST_OF_PEAK:.0%} of the memory's peak: served by a cache" if refused else None,
    }


def peak_gb_per_s() -> float | None:
    """The memory's peak from its clock and bus width, or None where no library tells."""
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByIndex(0)
        clock_mhz = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_MEM)
        return float(2 * clock_mhz * 1e6 * pynvml.nvmlDeviceGetMemoryBusWidth(handle) / 8 / 1e9)
    except (ImportError, AttributeError, OSError):
        return None
    except Exception as error:  # noqa: BLE001 - pynvml.NVMLError cannot be named where pynvml may be absent
        print(f"peak of the memory unknown: {error}")
        return None


def parity(names: list[str]) -> int:
    """Compare with the reference around every 절 and on a million random births; ends the run on a difference."""
    import torch

    table, rng = load_terms(), np.random.default_rng(7)
    around = (table.jie_s[1:-1, None] + np.array([-1, 0, 1])).reshape(-1)
    utc = np.concatenate([around, rng.integers(table.first_utc_s, table.last_utc_s + 1, 1_000_000)])
    offset = rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, len(utc), dtype=np.int32)
    device = torch.from_numpy(utc).cuda(), torch.from_numpy(offset).cuda()
    for day_boundary in DAY_BOUNDARIES:
        want = pillars(utc, offset, day_boundary=day_boundary, backend="reference")
        for name in names:
            out = torch.full((len(utc), 4), 255, dtype=torch.uint8, device="cuda")
            pillars(*device, day_boundary=day_boundary, backend=name, out=out)
            if wrong := int((out.cpu().numpy() != want).any(axis=1).sum()):
                raise SystemExit(f"{name}, {day_boundary}: {wrong} of {len(utc)} differ; no figures on red.")
    return len(utc)


def resident(names: list[str], rows: int, rounds: int, peak: float | None) -> list[Row]:
    """Arrays on the device, charts into `out=`."""
    import torch

    utc, offset = on_device(rows)
    out = torch.empty((rows, 4), dtype=torch.uint8, device="cuda")
    source = torch.ones(rows, dtype=torch.int64, device="cuda")
    target = torch.empty_like(source)

    def runner(name: str) -> Callable[[], object]:
        return lambda: pillars(utc, offset, backend=name, out=out, check=False)

    contestants = {name: runner(name) for name in names} | {COPY: lambda: target.copy_(source)}
    repeats = {name: fill(run) for name, run in contestants.items()}
    events = {name: [(event(), event()) for _ in range(rounds)] for name in contestants}
    for number in range(rounds):
        for name, run in contestants.items():
            begin, end = events[name][number]
            begin.record()
            for _ in range(repeats[name]):
                run()
            end.record()
    torch.cuda.synchronize()
    seconds = {
        name: [begin.elapsed_time(end) / 1e3 / repeats[name] for begin, end in pairs]
        for name, pairs in events.items()
    }
    return [rate_row(name, each, rows, seconds[COPY], peak) for name, each in seconds.items()]


def graphs(name: str, rows: int, rounds: int) -> list[Row]:
    """A small batch: plain calls against replays of a CUDA graph, and the host's time for each."""
    import torch

    utc, offset = on_device(rows)
    out = torch.empty((rows, 4), dtype=torch.uint8, device="cuda")

    def call() -> object:
        return pillars(utc, offset, backend=name, out=out, check=False)

    call()
    torch.cuda.synchronize()
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph):
        call()
    made = []
    for section, run in (("call", call), ("graph replay", graph.replay)):
        host, whole = [], []
        for _ in range(rounds):
            torch.cuda.synchronize()
            begin = time.perf_counter()
            for _ in range(100):
                run()
            host.append((time.perf_counter() - begin) / 100)
            torch.cuda.synchronize()
            whole.append((time.perf_counter() - begin) / 100)
        median = float(np.median(whole))
        made.append(
            {
                "section": section,
                "backend": name,
                "rows": rows,
                "host_us": round(float(np.median(host)) * 1e6, 2),
                "whole_us": round(median * 1e6, 2),
                "charts_per_s": round(rows / median),
            }
        )
    return made


def transfers(rounds: int) -> list[Row]:
    """Pinned copies to the device and back, 256 MiB each."""
    import torch

    size = 1 << 28
    pinned = torch.ones(size, dtype=torch.uint8).pin_memory()
    there = torch.empty(size, dtype=torch.uint8, device="cuda")
    ways: dict[str, Callable[[], object]] = {
        "host to device": lambda: there.copy_(pinned, non_blocking=True),
        "device to host": lambda: pinned.copy_(there, non_blocking=True),
    }
    made = []
    for section, run in ways.items():
        seconds = wall(run, rounds)
        made.append({"section": section, "bytes": size, "gb_per_s": round(size / seconds / 1e9, 2)})
    return made


def with_transfers(name: str, rows: int, rounds: int) -> list[Row]:
    """Charts from pinned host arrays to a pinned host array: one stream, and three in turn so that they overlap."""
    import torch

    utc, offset = births(rows, "1800-2200")
    host = torch.from_numpy(utc).pin_memory(), torch.from_numpy(offset).pin_memory()
    made_on_host = torch.empty((rows, 4), dtype=torch.uint8).pin_memory()

    def run(streams: list[Any]) -> None:
        for number, start in enumerate(range(0, rows, CHUNK_ROWS)):
            part = slice(start, start + CHUNK_ROWS)
            with torch.cuda.stream(streams[number % len(streams)]):
                there = (each[part].cuda(non_blocking=True) for each in host)
                charts = pillars(*there, backend=name, check=False)
                made_on_host[part].copy_(charts, non_blocking=True)
        torch.cuda.synchronize()

    cuda: Any = torch.cuda
    rowset = []
    for section, streams in (
        ("with transfers", [cuda.Stream()]),
        ("with transfers, overlapped", [cuda.Stream() for _ in range(3)]),
    ):
        seconds = wall(lambda streams=streams: run(streams), rounds)  # type: ignore[misc]
        rowset.append(
            {"section": section, "backend": name, "rows": rows, "charts_per_s": round(rows / seconds)}
        )
    return rowset


def on_device(rows: int) -> tuple[Any, Any]:
    """Random births made on the device: 2**30 would take the host a minute."""
    import torch

    table = load_terms()
    generator = torch.Generator(device="cuda").manual_seed(1)
    span: dict[str, Any] = {"device": "cuda", "generator": generator}
    utc = torch.randint(table.first_utc_s, table.last_utc_s + 1, (rows,), dtype=torch.int64, **span)
    return utc, torch.randint(-43_200, 43_201, (rows,), dtype=torch.int32, **span)


def event() -> Any:
    """A CUDA event that keeps time."""
    import torch

    cuda: Any = torch.cuda
    return cuda.Event(enable_timing=True)


def fill(run: Callable[[], object]) -> int:
    """How many repeats fill `FILL_S`; also the warm-up."""
    for _ in range(3):
        run()
    return max(1, min(200, round(FILL_S / wall(run, 3))))


def wall(run: Callable[[], object], rounds: int) -> float:
    """Median seconds of a call with the device idle before and after."""
    import torch

    seconds = []
    for _ in range(rounds + 1):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        run()
        torch.cuda.synchronize()
        seconds.append(time.perf_counter() - begin)
    return float(np.median(seconds[1:]))


def without_device() -> str | None:
    """Why nothing can be measured here, or None."""
    if installed("torch") is None:
        return "torch is not installed"
    import torch

    return None if torch.cuda.is_available() else "torch finds no CUDA device"


def main() -> int:
    """Check parity, measure, print, append."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--rows", type=int, nargs="+", default=[1 << 20, 1 << 24, 1 << 27, 1 << 30])
    parser.add_argument("--rounds", type=int, default=21)
    parser.add_argument("--output", type=Path, help="JSON lines file to append to")
    options = parser.parse_args()
    if (reason := without_device()) is not None:
        print(f"No GPU figures: {reason}.")
        return 3
    import torch

    names = [each.name for each in backends(OP) if each.device == "cuda" and each.missing() is None]
    compared, peak = parity(names), peak_gb_per_s()
    print(
        f"parity: {compared:,} births x {len(DAY_BOUNDARIES)} conventions, 0 differences ({', '.join(names)})"
    )
    common = {
        "op": OP,
        "parity_rows": compared,
        "rounds": options.rounds,
        "device": torch.cuda.get_device_name(),
        "peak_gb_per_s": peak,
        "cuda": torch.version.cuda,
        "hypercube": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "triton": installed("triton"),
        "cupy": installed("cupy-cuda13x") or installed("cupy-cuda12x"),
        "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
    }

    def keep(rows: list[Row]) -> None:
        for row in rows:
            print("  ".join(f"{key} {value}" for key, value in row.items() if value is not None))
        if options.output:
            options.output.parent.mkdir(parents=True, exist_ok=True)
            with options.output.open("a", encoding="utf-8") as stream:
                stream.writelines(json.dumps(row | common) + "\n" for row in rows)

    for rows in options.rows:
        if rows * 32 > torch.cuda.mem_get_info()[0] * 0.9:
            print(f"{rows:,} rows left out: {rows * 32 / 1e9:.0f} GB do not fit.")
            continue
        keep(resident(names, rows, options.rounds, peak))
        torch.cuda.empty_cache()
    keep(transfers(options.rounds))
    for name in names:
        for rows in (128, 1_024, 16_384, 131_072):
            keep(graphs(name, rows, options.rounds))
        keep(with_transfers(name, 1 << 25, 7))
    return 0


if __name__ == "__main__":
    sys.exit(main())
