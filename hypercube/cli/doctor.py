"""`hypercube doctor`: the machine, what is installed, what was chosen."""

import importlib.util
import platform
from typing import Any, Final

from hypercube import __version__
from hypercube.inference.devices import examine_devices
from hypercube.kernels.backends import backends
from hypercube.kernels.pillars import OP, explain
from hypercube.kernels.pillars.terms import load_terms
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.store import ModelStore
from hypercube.saju.zones import tzdata_version
from hypercube.settings import Settings

_EXTRAS: Final = {
    "numba": ("numba",),
    "server": ("fastapi", "uvicorn", "pydantic"),
    "llama": ("xllamacpp",),
    "gpu": ("torch", "triton", "cupy", "pynvml"),
}


def examine(settings: Settings) -> dict[str, dict[str, Any]]:
    """Facts by section; every one was looked at just now."""
    devices = examine_devices()
    terms = load_terms()
    store = ModelStore(settings.model.dir)
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
    }


def _installed(packages: tuple[str, ...]) -> str:
    missing = [package for package in packages if importlib.util.find_spec(package) is None]
    return "yes" if not missing else f"no ({', '.join(missing)} missing)"


def _choice(rows: int, backend: str) -> str:
    choice = explain(rows, backend)
    return f"{choice.name}: {choice.reason}"
