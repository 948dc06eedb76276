"""`hypercube doctor`: the machine, what is installed, what was chosen."""

import importlib.util
import platform
from typing import Any, Final

from hypercube import __version__
from hypercube.app.model_choice import engine_options
from hypercube.inference.devices import examine_devices
from hypercube.inference.gpu_monitor import GpuMonitor, GpuReading
from hypercube.inference.placement import PLACED
from hypercube.inference.planning import plan_text
from hypercube.kernels.backends import backends
from hypercube.kernels.pillars import OP, explain
from hypercube.kernels.pillars.terms import load_terms
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.convert import converted
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.saju.zones import tzdata_version
from hypercube.settings import Settings

_EXTRAS: Final = {
    "numba": ("numba",),
    "server": ("starlette", "uvicorn", "pydantic"),
    "llama": ("xllamacpp",),
    "transformers": ("torch", "transformers", "safetensors", "gguf"),
    "embeddings": ("torch", "sentencepiece"),
    "gpu": ("torch", "triton", "cupy", "pynvml"),
}


def examine(settings: Settings) -> dict[str, dict[str, Any]]:
    """Facts by section; every one was looked at just now."""
    devices = examine_devices()
    terms = load_terms()
    store = ModelStore(settings.model.dir)
    options = engine_options(settings)
    machine: dict[str, Any] = {
        "hypercube": __version__,
        "python": platform.python_version(),
        "system": platform.platform(),
        "cpu": devices.cpu,
        "cores usable": devices.cores,
        "memory": f"{devices.memory_bytes / 2**30:.1f} GiB, {devices.memory_available_bytes / 2**30:.1f} free",
    }
    for index, gpu in enumerate(devices.gpus):
        machine[f"gpu {index}"] = f"{gpu.name}, {gpu.memory_bytes / 2**30:.0f} GiB, driver {gpu.driver}"
    if not devices.gpus:
        machine["gpu"] = devices.why_no_gpu
    with GpuMonitor() as monitor:
        machine |= {f"gpu {reading.index} now": _reading(reading) for reading in monitor.read()}
    return {
        "machine": machine,
        "installed": {extra: _installed(packages) for extra, packages in _EXTRAS.items()},
        "charts": {
            "one chart": _choice(1, settings.kernels.backend),
            "a million": _choice(1_000_000, settings.kernels.backend),
            "backends": ", ".join(backend.name for backend in backends(OP)),
            "solar terms": f"{terms.ephemeris}, table {terms.version}, Delta-T {terms.delta_t}: {terms.delta_t_source}",
            "time zones": f"tzdata {tzdata_version()}",
        },
        "models": {
            "store": str(store.root),
            **{
                name: "nothing to store"
                if not manifest.files
                else "here"
                if store.has(manifest)
                else "not fetched yet"
                for name, manifest in CATALOGUE.items()
            },
            "served by default": settings.model.name,
        },
        "placement": {
            f"{manifest.name} on {manifest.engine}": plan_text(manifest, options, store)
            for manifest in _placeable()
        },
    }


def _placeable() -> list[ModelManifest]:
    """Every model with weights, and the versions that can be made of it."""
    found = []
    for manifest in CATALOGUE.values():
        if manifest.engine in PLACED:
            found.append(manifest)
        if manifest.format == "gguf":
            found.append(converted(manifest))
    return found


def _reading(gpu: GpuReading) -> str:
    told = (
        f"{gpu.memory_used_bytes / 2**30:.1f} of {gpu.memory_total_bytes / 2**30:.1f} GiB used",
        None if gpu.sm_activity is None else f"{gpu.sm_activity:.0%} busy",
        None if gpu.power_watts is None else f"{gpu.power_watts:.0f} W",
        None if gpu.temperature_celsius is None else f"{gpu.temperature_celsius:.0f} °C",
        None if not gpu.ecc_uncorrected else f"{gpu.ecc_uncorrected} UNCORRECTED MEMORY ERRORS",
        None if not gpu.processes else f"{len(gpu.processes)} processes",
    )
    return ", ".join(part for part in told if part)


def _installed(packages: tuple[str, ...]) -> str:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return "yes" if not missing else f"no ({', '.join(missing)} missing)"


def _choice(rows: int, backend: str) -> str:
    choice = explain(rows, backend)
    return f"{choice.name}: {choice.reason}"
