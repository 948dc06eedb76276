"""What the driver's library (NVML) says of the device: its peak, and readings while a section runs."""

import contextlib
import functools
import threading
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

import numpy as np

INTERVAL_S: Final = 0.05
Reading = Mapping[str, float]


@functools.cache
def _library() -> tuple[Any, Any] | None:
    """The library and the handle of torch's current device, or None where there is no NVML."""
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
        return pynvml, _handle(pynvml)
    except pynvml.NVMLError as error:
        print(f"no NVML readings: {error}")
        return None


def _handle(pynvml: Any) -> Any:
    """By UUID: NVML counts all devices, torch only those of CUDA_VISIBLE_DEVICES."""
    import torch

    index = torch.cuda.current_device() if torch.cuda.is_available() else 0
    if torch.cuda.is_available():
        uuid = getattr(torch.cuda.get_device_properties(index), "uuid", None)
        with contextlib.suppress(pynvml.NVMLError):
            if uuid is not None:
                return pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{uuid}")
    return pynvml.nvmlDeviceGetHandleByIndex(index)


def driver() -> str | None:
    """The driver's version, or None."""
    found = _library()
    return None if found is None else str(found[0].nvmlSystemGetDriverVersion())


def peak_gb_per_s() -> float | None:
    """The memory's peak from its clock and bus width (two transfers a clock), or None where not told."""
    found = _library()
    if found is None:
        return None
    pynvml, handle = found
    try:
        clock_mhz = pynvml.nvmlDeviceGetMaxClockInfo(handle, pynvml.NVML_CLOCK_MEM)
        return round(float(2 * clock_mhz * 1e6 * pynvml.nvmlDeviceGetMemoryBusWidth(handle) / 8 / 1e9), 1)
    except (pynvml.NVMLError, AttributeError):
        return None


def reading() -> Reading:
    """One reading; what the device does not tell is left out, and nothing without NVML."""
    found = _library()
    if found is None:
        return {}
    pynvml, handle = found
    asked: dict[str, Callable[[], float]] = {
        "memory_used_mb": lambda: pynvml.nvmlDeviceGetMemoryInfo(handle).used / 1e6,
        "utilisation_percent": lambda: pynvml.nvmlDeviceGetUtilizationRates(handle).gpu,
        "sm_clock_mhz": lambda: pynvml.nvmlDeviceGetClockInfo(handle, pynvml.NVML_CLOCK_SM),
        "power_w": lambda: pynvml.nvmlDeviceGetPowerUsage(handle) / 1e3,
        "temperature_c": lambda: pynvml.nvmlDeviceGetTemperature(handle, pynvml.NVML_TEMPERATURE_GPU),
    }
    values: dict[str, float] = {}
    for name, ask in asked.items():
        with contextlib.suppress(pynvml.NVMLError):
            values[name] = float(ask())
    return values


class Readings:
    """What was read between the begin and the end of a section."""

    def __init__(self) -> None:
        self.taken: list[Reading] = []

    def summary(self) -> dict[str, Any]:
        """Median and largest of each value, or {} where nothing was read."""
        made: dict[str, Any] = {}
        for name in dict.fromkeys(name for each in self.taken for name in each):
            values = [each[name] for each in self.taken if name in each]
            made[name] = {"median": round(float(np.median(values)), 1), "max": round(max(values), 1)}
        return {"nvml": made | {"readings": len(self.taken)}} if made else {}


@contextlib.contextmanager
def watch(read: Callable[[], Reading] = reading, interval_s: float = INTERVAL_S) -> Iterator[Readings]:
    """Read at once, then every `interval_s` in a thread, and once more at the end."""
    readings, ended = Readings(), threading.Event()

    def sample() -> None:
        while not ended.wait(interval_s):
            readings.taken.append(read())

    readings.taken.append(read())
    thread = threading.Thread(target=sample, name="nvml", daemon=True)
    thread.start()
    try:
        yield readings
    finally:
        ended.set()
        thread.join()
        readings.taken.append(read())
