"""What this machine can compute with, in words fit for a banner."""

import importlib.util
import platform
import shutil
from dataclasses import dataclass
from typing import Any

import psutil

from hypercube.inference.cores import available_cores


@dataclass(frozen=True, slots=True)
class Gpu:
    """One NVIDIA device.

    Attributes:
        name: the product's.
        memory_bytes: all of its memory.
        driver: version of the driver.
        memory_free_bytes: free now.
        capability: CUDA compute capability, (9, 0) for an H100.
    """

    name: str
    memory_bytes: int
    driver: str
    memory_free_bytes: int
    capability: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Devices:
    """The machine, as far as it matters here.

    Attributes:
        cpu: the processor's name.
        cores: cores that this process may use (affinity and container quota counted).
        memory_bytes: memory of the machine.
        memory_available_bytes: memory free for use now.
        gpus: NVIDIA devices, or none.
        why_no_gpu: one sentence when `gpus` is empty.
    """

    cpu: str
    cores: int
    memory_bytes: int
    memory_available_bytes: int
    gpus: tuple[Gpu, ...]
    why_no_gpu: str


def examine_devices() -> Devices:
    """Look at the machine; takes milliseconds and fails never."""
    gpus, why = _gpus()
    memory = psutil.virtual_memory()
    return Devices(_cpu_name(), available_cores(), memory.total, memory.available, gpus, why)


def _cpu_name() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as lines:  # noqa: PTH123 - a pseudo-file
            for line in lines:
                if line.startswith("model name"):
                    return line.split(":", 1)[1].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def _gpus() -> tuple[tuple[Gpu, ...], str]:
    if importlib.util.find_spec("pynvml") is None:
        if shutil.which("nvidia-smi") is None:
            return (), "no NVIDIA driver"
        return (), "an NVIDIA driver is here, but the GPU parts are not: pip install 'heal7-hypercube[gpu]'"
    import pynvml

    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError as error:
        return (), f"no NVIDIA driver ({error})"
    try:
        driver = str(pynvml.nvmlSystemGetDriverVersion())
        handles = [pynvml.nvmlDeviceGetHandleByIndex(i) for i in range(pynvml.nvmlDeviceGetCount())]
        found = tuple(_gpu(handle, driver) for handle in handles)
        return found, "" if found else "the NVIDIA driver reports no device"
    except pynvml.NVMLError as error:
        return (), f"the NVIDIA driver does not answer ({error})"
    finally:
        pynvml.nvmlShutdown()


def _gpu(handle: Any, driver: str) -> Gpu:
    import pynvml

    memory = pynvml.nvmlDeviceGetMemoryInfo(handle)
    major, minor = pynvml.nvmlDeviceGetCudaComputeCapability(handle)
    return Gpu(
        str(pynvml.nvmlDeviceGetName(handle)), int(memory.total), driver, int(memory.free), (major, minor)
    )
