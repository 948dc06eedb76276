"""The device under test: its name, versions and peaks, and how to time on it. A dry run stands in with the CPU."""

import platform
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final

import numpy as np

from benchmarks.gpu import nvml
from hypercube._version import __version__

DRY_RUN: Final = "cpu dry run"
MOST_OF_PEAK: Final = 0.95
FILL_S: Final = 1e-3
"""An event pair spans at least so much work, against its resolution of half a microsecond."""
STEADY_S: Final = 0.7
Row = dict[str, Any]
Run = Callable[[], object]

# Dense tensor-core TFLOP/s by the vendor's data sheets (without sparsity); fp32 is the plain cores' figure, since
# torch leaves TF32 off for matrix products unless told otherwise.
_TFLOPS: Final[Mapping[str, Mapping[str, float]]] = {
    "H100 80GB HBM3": {"float32": 66.9, "bfloat16": 989.4, "float16": 989.4},
    "H100 PCIe": {"float32": 51.2, "bfloat16": 756.0, "float16": 756.0},
    "H200": {"float32": 66.9, "bfloat16": 989.4, "float16": 989.4},
    "A100": {"float32": 19.5, "bfloat16": 312.0, "float16": 312.0},
}


class Red(Exception):  # noqa: N818 - the gate's colour, and no error of the suite
    """What was to be measured is wrong: no figures."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Machine:
    """What runs the work.

    Attributes:
        kind: "cuda", or "cpu" in a dry run.
        name: the device's name; `DRY_RUN` in a dry run, whose rows claim nothing.
        peak_gb_per_s: the memory's peak from its clock and bus width, where known.
    """

    kind: str
    name: str
    peak_gb_per_s: float | None = None

    @property
    def dry(self) -> bool:
        """Whether this is a dry run of the harness."""
        return self.kind == "cpu"

    def peak_tflops(self, dtype: str) -> float | None:
        """The device's dense peak in that torch dtype's name, where known."""
        return next((peaks.get(dtype) for part, peaks in _TFLOPS.items() if part in self.name), None)

    def synchronize(self) -> None:
        """Wait for the device."""
        if not self.dry:
            import torch

            torch.cuda.synchronize()

    def free_bytes(self) -> int | None:
        """Memory that a section may take, or None in a dry run."""
        if self.dry:
            return None
        import torch

        return int(torch.cuda.mem_get_info()[0])

    def stream(self) -> Any:
        """A stream of its own; None in a dry run."""
        import torch

        cuda: Any = torch.cuda
        return None if self.dry else cuda.Stream()

    def on(self, stream: Any) -> AbstractContextManager[Any]:
        """Work on that stream."""
        import torch

        cuda: Any = torch.cuda
        return nullcontext() if stream is None else cuda.stream(stream)

    def mark(self) -> Any:
        """A point in the device's time: a CUDA event that is recorded now, or seconds in a dry run."""
        if self.dry:
            return time.perf_counter()
        import torch

        cuda: Any = torch.cuda
        event = cuda.Event(enable_timing=True)
        event.record()
        return event

    def between(self, begin: Any, end: Any) -> float:
        """Seconds between two marks, once the device has been waited for."""
        return float(end - begin) if self.dry else float(begin.elapsed_time(end)) / 1e3

    def wall(self, run: Run, rounds: int) -> list[float]:
        """Seconds of each call with the device idle before and after; the first call is not counted."""
        seconds = []
        for _ in range(rounds + 1):
            self.synchronize()
            begin = time.perf_counter()
            run()
            self.synchronize()
            seconds.append(time.perf_counter() - begin)
        return seconds[1:]

    def steady(self, run: Run) -> Row:
        """NVML readings while the work runs without a pause, long enough for the driver's own averages."""
        with nvml.watch() as readings:
            end = time.perf_counter() + (0.0 if self.dry else STEADY_S)
            while True:
                for _ in range(10):
                    run()
                self.synchronize()
                if time.perf_counter() >= end:
                    break
        return readings.summary()

    def interleaved(self, contestants: Mapping[str, Run], rounds: int) -> dict[str, list[float]]:
        """Seconds of a call by the device's time, every contestant once a round."""
        repeats = {}
        for name, run in contestants.items():
            for _ in range(3):  # compile, touch the pages, fill the caches
                run()
            once = float(np.median(self.wall(run, 3)))
            repeats[name] = max(1, min(200, round(FILL_S / max(once, 1e-9))))
        marks: dict[str, list[tuple[Any, Any]]] = {name: [] for name in contestants}
        for _ in range(rounds):
            for name, run in contestants.items():
                begin = self.mark()
                for _ in range(repeats[name]):
                    run()
                marks[name].append((begin, self.mark()))
        self.synchronize()
        return {
            name: [self.between(*pair) / repeats[name] for pair in pairs] for name, pairs in marks.items()
        }

    def environment(self) -> Row:
        """What a figure depends on beside the code; the same in every row of a run."""
        import torch

        cupy = next((v for name in ("cupy-cuda13x", "cupy-cuda12x", "cupy") if (v := installed(name))), None)
        return {
            "device": self.name,
            "driver": None if self.dry else nvml.driver(),
            "cuda": torch.version.cuda,
            "peak_gb_per_s": self.peak_gb_per_s,
            "hypercube": __version__,
            "python": platform.python_version(),
            "numpy": np.__version__,
            "torch": str(torch.__version__),
            "triton": installed("triton"),
            "cupy": cupy,
            "transformers": installed("transformers"),
            "timestamp": datetime.now(UTC).isoformat(timespec="seconds"),
        }


def installed(package: str) -> str | None:
    """The version of a package, or None."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


def without_device() -> str | None:
    """Why nothing can be measured here, or None."""
    if installed("torch") is None:
        return "torch is not installed"
    import torch

    return None if torch.cuda.is_available() else "torch finds no CUDA device"


def machine(kind: str) -> Machine:
    """The device of that kind; `without_device` has said that there is one."""
    if kind == "cpu":
        return Machine(kind="cpu", name=DRY_RUN)
    import torch

    return Machine(kind="cuda", name=torch.cuda.get_device_name(), peak_gb_per_s=nvml.peak_gb_per_s())


def times(seconds: list[float]) -> Row:
    """Median, 20th and 80th percentile, four digits each; the 20th of the time is the 80th of the rate."""
    p20, median, p80 = np.percentile(seconds, [20, 50, 80])
    return {
        "median_s": float(f"{median:.4g}"),
        "p20_s": float(f"{p20:.4g}"),
        "p80_s": float(f"{p80:.4g}"),
        "rounds": len(seconds),
    }


def rate_row(
    seconds: list[float], items: int | None, bytes_moved: int, copy_s: list[float], peak: float | None
) -> Row:
    """Times, items/s (None for the copy), GB/s and the share of the copy; no rate where a cache served it."""
    median = float(np.median(seconds))
    gb_per_s = bytes_moved / median / 1e9
    refused = peak is not None and gb_per_s > MOST_OF_PEAK * peak
    share = float(np.median(np.array(copy_s) / np.array(seconds)))
    return times(seconds) | {
        "items_per_s": None if refused or items is None else round(items / median),
        "gb_per_s": None if refused else float(f"{gb_per_s:.4g}"),
        "copy_share": None if refused else round(share, 3),
        "refused": f"above {MOST_OF_PEAK:.0%} of the memory's peak: served by a cache" if refused else None,
    }
