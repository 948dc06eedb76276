"""What the GPUs are doing, read from the driver (NVML); with no driver, one sentence says so."""

import importlib.util
from collections.abc import Callable
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Final, Self

NO_PACKAGE: Final = "no GPU figures: the package nvidia-ml-py is missing; pip install 'heal7-hypercube[gpu]'"


@dataclass(frozen=True, slots=True)
class GpuProcess:
    """A process that computes on a GPU; `memory_bytes` is None where the driver does not tell."""

    pid: int
    memory_bytes: int | None


@dataclass(frozen=True, slots=True)
class GpuReading:
    """One GPU at one moment. None stands for what this device or driver does not report.

    Attributes:
        index: the driver's number of the device.
        name: the product's.
        uuid: stays the same over restarts; it tells devices apart in metrics.
        memory_used_bytes: taken, by anybody.
        memory_total_bytes: all there is.
        sm_activity: fraction of the last sampling period (up to a second) in which some kernel ran, 0..1.
        memory_activity: fraction of it in which device memory was read or written, 0..1.
        sm_clock_hz: clock of the multiprocessors.
        memory_clock_hz: clock of the memory.
        power_watts: drawn by the board.
        power_limit_watts: what it is held to.
        temperature_celsius: of the chip.
        ecc_corrected: memory errors corrected since the driver was loaded.
        ecc_uncorrected: those that could not be; more than none wants the board drained.
        processes: who computes there, with their memory.
    """

    index: int
    name: str
    uuid: str | None
    memory_used_bytes: int
    memory_total_bytes: int
    sm_activity: float | None
    memory_activity: float | None
    sm_clock_hz: float | None
    memory_clock_hz: float | None
    power_watts: float | None
    power_limit_watts: float | None
    temperature_celsius: float | None
    ecc_corrected: int | None
    ecc_uncorrected: int | None
    processes: tuple[GpuProcess, ...] | None


class GpuMonitor:
    """Reads all GPUs when asked; a context that holds the driver open.

    Attributes:
        why_none: one sentence when there is nothing to read, else empty.
    """

    def __init__(self) -> None:
        self.why_none = "no GPU figures: the monitor is not open"
        self._nvml: Any = None

    def __enter__(self) -> Self:
        if importlib.util.find_spec("pynvml") is None:
            self.why_none = NO_PACKAGE
            return self
        import pynvml

        try:
            pynvml.nvmlInit()
        except pynvml.NVMLError as error:
            self.why_none = f"no GPU figures: no NVIDIA driver ({error})"
            return self
        self._nvml, self.why_none = pynvml, ""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        nvml, self._nvml = self._nvml, None
        if nvml is None:
            return
        self.why_none = "no GPU figures: the monitor is closed"
        try:
            nvml.nvmlShutdown()
        except nvml.NVMLError:
            # The driver went first; there is nothing left to give back.
            return

    def read(self) -> tuple[GpuReading, ...]:
        """Every GPU now; takes milliseconds and never fails.

        A device that does not answer any more (it fell off the bus) is left out, and `why_none` says so.
        """
        nvml = self._nvml
        if nvml is None:
            return ()
        found, lost = [], []
        try:
            count = int(nvml.nvmlDeviceGetCount())
        except nvml.NVMLError as error:
            self.why_none = f"no GPU figures: the NVIDIA driver does not answer ({error})"
            return ()
        for index in range(count):
            try:
                found.append(self._device(nvml, index))
            except nvml.NVMLError as error:
                lost.append(f"GPU {index} does not answer ({error})")
        self.why_none = "; ".join(lost) or ("" if found else "the NVIDIA driver reports no device")
        return tuple(found)

    @staticmethod
    def _device(nvml: Any, index: int) -> GpuReading:
        def told(read: Callable[[], Any]) -> Any:
            """The value, or None where this device, driver or user does not get it."""
            try:
                return read()
            except (
                nvml.NVMLError_NotSupported,
                nvml.NVMLError_NoPermission,
                nvml.NVMLError_FunctionNotFound,
            ):
                return None

        handle = nvml.nvmlDeviceGetHandleByIndex(index)
        memory = nvml.nvmlDeviceGetMemoryInfo(handle)
        activity = told(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))

        def errors(kind: int) -> int | None:
            count = told(lambda: nvml.nvmlDeviceGetTotalEccErrors(handle, kind, nvml.NVML_VOLATILE_ECC))
            return None if count is None else int(count)

        processes = told(lambda: nvml.nvmlDeviceGetComputeRunningProcesses(handle))
        return GpuReading(
            index=index,
            name=str(nvml.nvmlDeviceGetName(handle)),
            uuid=told(lambda: nvml.nvmlDeviceGetUUID(handle)),
            memory_used_bytes=int(memory.used),
            memory_total_bytes=int(memory.total),
            sm_activity=None if activity is None else activity.gpu / 100,
            memory_activity=None if activity is None else activity.memory / 100,
            sm_clock_hz=_times(told(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM)), 1e6),
            memory_clock_hz=_times(
                told(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_MEM)), 1e6
            ),
            power_watts=_times(told(lambda: nvml.nvmlDeviceGetPowerUsage(handle)), 1e-3),
            power_limit_watts=_times(told(lambda: nvml.nvmlDeviceGetEnforcedPowerLimit(handle)), 1e-3),
            temperature_celsius=_times(
                told(lambda: nvml.nvmlDeviceGetTemperature(handle, nvml.NVML_TEMPERATURE_GPU)), 1.0
            ),
            ecc_corrected=errors(nvml.NVML_MEMORY_ERROR_TYPE_CORRECTED),
            ecc_uncorrected=errors(nvml.NVML_MEMORY_ERROR_TYPE_UNCORRECTED),
            processes=None
            if processes is None
            else tuple(
                GpuProcess(int(p.pid), None if p.usedGpuMemory is None else int(p.usedGpuMemory))
                for p in processes
            ),
        )


def _times(value: float | None, unit: float) -> float | None:
    return None if value is None else value * unit
