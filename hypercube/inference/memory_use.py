"""What a model takes in memory: estimated from its plan before it is loaded, then measured on its processes."""

import contextlib
from collections.abc import Callable
from dataclasses import replace
from typing import Protocol, runtime_checkable

from hypercube.inference.engine import Engine, EngineOptions
from hypercube.inference.gpu_monitor import GpuMonitor
from hypercube.inference.planning import placement_devices, plan_model
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

Estimate = Callable[[ModelManifest], int]
Measure = Callable[[Engine], int | None]

_PLENTY = 1 << 62


@runtime_checkable
class HasProcess(Protocol):
    """An engine in a process of its own."""

    @property
    def pid(self) -> int | None:
        """The process while there is one; others may be its children."""
        ...


def estimated_bytes(manifest: ModelManifest, options: EngineOptions, store: ModelStore) -> int:
    """Bytes that `manifest` is going to need under `options`, of all its shards together.

    The plan's figure; without one, what the manifest says, else the size of its files.

    Raises:
        HyperCubeError: as `planning.plan_model`, but never because memory is taken: others may leave.
    """
    devices = tuple(replace(device, free_bytes=_PLENTY) for device in placement_devices())
    placed = plan_model(manifest, options, store, devices)
    if placed is not None:
        return placed.bytes_per_device * len(placed.devices)
    return manifest.memory_bytes or manifest.size


def measured_bytes(engine: Engine) -> int | None:
    """Bytes that the processes of `engine` hold now: on GPUs if they hold any there, else resident set size.

    None for an engine without a process. Files that a process has mapped (GGUF weights) count: they are in memory
    as long as it uses them.
    """
    pid = engine.pid if isinstance(engine, HasProcess) else None
    if pid is None:
        return None
    import psutil

    resident, pids = 0, {pid}
    with contextlib.suppress(psutil.Error):
        family = [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]
        for process in family:
            with contextlib.suppress(psutil.Error):
                resident += process.memory_info().rss
                pids.add(process.pid)
    return _on_gpus(pids) or resident or None


def _on_gpus(pids: set[int]) -> int:
    with GpuMonitor() as monitor:
        return sum(
            process.memory_bytes or 0
            for gpu in monitor.read()
            for process in gpu.processes or ()
            if process.pid in pids
        )
