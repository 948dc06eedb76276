"""The GPU monitor against a stand-in that behaves like `pynvml`: names, units, structures and errors are NVML's."""

import sys
import types
from collections.abc import Callable
from typing import Any

import pynvml as real
import pytest

from hypercube.inference import devices, gpu_monitor
from hypercube.inference.gpu_monitor import GpuMonitor, GpuProcess

# What the stand-in takes from the package itself, so that a renamed constant or error fails here.
CONSTANTS = (
    "NVML_CLOCK_SM", "NVML_CLOCK_MEM", "NVML_TEMPERATURE_GPU", "NVML_VOLATILE_ECC",
    "NVML_MEMORY_ERROR_TYPE_CORRECTED", "NVML_MEMORY_ERROR_TYPE_UNCORRECTED", "NVMLError",
    "NVMLError_NotSupported", "NVMLError_NoPermission", "NVMLError_FunctionNotFound", "NVMLError_GpuIsLost",
    "NVMLError_DriverNotLoaded", "NVMLError_Uninitialized",
)  # fmt: skip


def not_supported(*_: Any) -> Any:
    raise real.NVMLError(real.NVML_ERROR_NOT_SUPPORTED)


def lost(*_: Any) -> Any:
    raise real.NVMLError(real.NVML_ERROR_GPU_IS_LOST)


class Nvml(types.ModuleType):
    """Two GPUs: an H100-like one, and whatever a test makes of the second."""

    def __init__(self) -> None:
        super().__init__("pynvml")
        self.open = 0
        self.broken: dict[tuple[str, int], Callable[..., Any]] = {}
        for name in CONSTANTS:
            setattr(self, name, getattr(real, name))
        for name, value in vars(Nvml).items():
            if name.startswith("_nvml"):
                assert callable(getattr(real, name[1:])), name
                setattr(self, name[1:], self._guarded(name[1:], value))

    def _guarded(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any) -> Any:
            if name != "nvmlInit" and not self.open:
                raise real.NVMLError(real.NVML_ERROR_UNINITIALIZED)
            broken = self.broken.get((name, arguments[0] if arguments else -1))
            return broken() if broken is not None else function(self, *arguments)

        return call

    def _nvmlInit(self) -> None:
        self.open += 1

    def _nvmlShutdown(self) -> None:
        self.open -= 1

    def _nvmlSystemGetDriverVersion(self) -> str:
        return "580.1"

    def _nvmlDeviceGetCount(self) -> int:
        return 2

    def _nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def _nvmlDeviceGetName(self, handle: int) -> str:
        return "NVIDIA H100 80GB HBM3"

    def _nvmlDeviceGetUUID(self, handle: int) -> str:
        return f"GPU-{handle}"

    def _nvmlDeviceGetMemoryInfo(self, handle: int) -> Any:
        memory = real.c_nvmlMemory_t()
        memory.total, memory.used, memory.free = 85_899_345_920, 4_294_967_296, 81_604_378_624
        return memory

    def _nvmlDeviceGetCudaComputeCapability(self, handle: int) -> tuple[int, int]:
        return (9, 0)

    def _nvmlDeviceGetUtilizationRates(self, handle: int) -> Any:
        rates = real.c_nvmlUtilization_t()
        rates.gpu, rates.memory = 73, 21
        return rates

    def _nvmlDeviceGetClockInfo(self, handle: int, kind: int) -> int:
        return {real.NVML_CLOCK_SM: 1980, real.NVML_CLOCK_MEM: 2619}[kind]

    def _nvmlDeviceGetPowerUsage(self, handle: int) -> int:
        return 412_345

    def _nvmlDeviceGetEnforcedPowerLimit(self, handle: int) -> int:
        return 700_000

    def _nvmlDeviceGetTemperature(self, handle: int, sensor: int) -> int:
        assert sensor == real.NVML_TEMPERATURE_GPU
        return 61

    def _nvmlDeviceGetTotalEccErrors(self, handle: int, kind: int, counter: int) -> int:
        assert counter == real.NVML_VOLATILE_ECC
        return {real.NVML_MEMORY_ERROR_TYPE_CORRECTED: 5, real.NVML_MEMORY_ERROR_TYPE_UNCORRECTED: 1}[kind]

    def _nvmlDeviceGetComputeRunningProcesses(self, handle: int) -> list[Any]:
        known, hidden = real.c_nvmlProcessInfo_v2_t(), real.c_nvmlProcessInfo_v2_t()
        known.pid, known.usedGpuMemory, hidden.pid = 11, 3_000_000_000, 12
        # As the package does where the driver does not tell.
        hidden = types.SimpleNamespace(pid=12, usedGpuMemory=None)
        return [known, hidden]


@pytest.fixture
def nvml(monkeypatch: pytest.MonkeyPatch) -> Nvml:
    module = Nvml()
    monkeypatch.setitem(sys.modules, "pynvml", module)
    for user in (gpu_monitor, devices):
        monkeypatch.setattr(user.importlib.util, "find_spec", lambda _: object())
    return module


def test_a_reading_has_every_figure_in_its_unit(nvml: Nvml) -> None:
    with GpuMonitor() as monitor:
        first, second = monitor.read()
        assert monitor.why_none == ""
    assert (first.index, first.name, first.uuid) == (0, "NVIDIA H100 80GB HBM3", "GPU-0")
    assert (first.memory_used_bytes, first.memory_total_bytes) == (4_294_967_296, 85_899_345_920)
    assert (first.sm_activity, first.memory_activity) == (0.73, 0.21)
    assert (first.sm_clock_hz, first.memory_clock_hz) == (1.98e9, 2.619e9)
    assert (first.power_watts, first.power_limit_watts) == (pytest.approx(412.345), 700.0)
    assert first.temperature_celsius == 61.0
    assert (first.ecc_corrected, first.ecc_uncorrected) == (5, 1)
    assert first.processes == (GpuProcess(11, 3_000_000_000), GpuProcess(12, None))
    assert second.index == 1
    assert nvml.open == 0


@pytest.mark.parametrize(
    ("function", "fields"),
    [
        ("nvmlDeviceGetUtilizationRates", ("sm_activity", "memory_activity")),
        ("nvmlDeviceGetClockInfo", ("sm_clock_hz", "memory_clock_hz")),
        ("nvmlDeviceGetPowerUsage", ("power_watts",)),
        ("nvmlDeviceGetEnforcedPowerLimit", ("power_limit_watts",)),
        ("nvmlDeviceGetTemperature", ("temperature_celsius",)),
        ("nvmlDeviceGetTotalEccErrors", ("ecc_corrected", "ecc_uncorrected")),
        ("nvmlDeviceGetComputeRunningProcesses", ("processes",)),
        ("nvmlDeviceGetUUID", ("uuid",)),
    ],
)
def test_what_a_device_does_not_report_is_none_and_nothing_else(
    nvml: Nvml, function: str, fields: tuple[str, ...]
) -> None:
    nvml.broken[(function, 1)] = not_supported
    with GpuMonitor() as monitor:
        whole, lacking = monitor.read()
        assert monitor.why_none == ""
    for name in type(whole).__slots__:
        if name in fields:
            assert getattr(lacking, name) is None
            assert getattr(whole, name) is not None
        elif name not in {"index", "uuid"}:
            assert getattr(lacking, name) == getattr(whole, name)


def test_a_gpu_that_fell_off_the_bus_is_left_out_and_named(nvml: Nvml) -> None:
    with GpuMonitor() as monitor:
        assert len(monitor.read()) == 2
        nvml.broken[("nvmlDeviceGetMemoryInfo", 1)] = lost
        assert [gpu.index for gpu in monitor.read()] == [0]
        assert monitor.why_none.startswith("GPU 1 does not answer (")
        nvml.broken.clear()
        assert len(monitor.read()) == 2
        assert monitor.why_none == ""


def test_a_driver_that_stops_answering_is_said_and_closing_survives_it(nvml: Nvml) -> None:
    with GpuMonitor() as monitor:
        nvml.broken[("nvmlDeviceGetCount", -1)] = lost
        nvml.broken[("nvmlShutdown", -1)] = lost
        assert monitor.read() == ()
        assert "the NVIDIA driver does not answer" in monitor.why_none
    assert monitor.read() == ()


def test_without_a_driver_one_sentence_says_so(nvml: Nvml) -> None:
    def no_driver() -> None:
        raise real.NVMLError(real.NVML_ERROR_DRIVER_NOT_LOADED)

    nvml.broken[("nvmlInit", -1)] = no_driver
    with GpuMonitor() as monitor:
        assert monitor.read() == ()
        assert monitor.why_none == "no GPU figures: no NVIDIA driver (Driver Not Loaded)"


def test_without_the_package_the_sentence_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpu_monitor.importlib.util, "find_spec", lambda _: None)
    with GpuMonitor() as monitor:
        assert monitor.read() == ()
        assert "heal7-hypercube[gpu]" in monitor.why_none


def test_the_device_list_has_what_placement_needs(nvml: Nvml) -> None:
    machine = devices.examine_devices()
    assert machine.why_no_gpu == ""
    assert [(gpu.memory_free_bytes, gpu.capability) for gpu in machine.gpus] == [(81_604_378_624, (9, 0))] * 2
    assert nvml.open == 0
