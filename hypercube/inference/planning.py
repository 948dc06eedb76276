"""The plan for a model of the registry on this machine: joins manifests, options and devices to `placement`."""

from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.devices import Devices, examine_devices
from hypercube.inference.engine import EngineOptions
from hypercube.inference.placement import PLACED, Device, Plan, plan
from hypercube.inference.precision import Compute, check_precision, this_cpu
from hypercube.inference.sharding import Model, PlacementRequest, check_sharding
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.shape import ModelShape, read_shape
from hypercube.model_registry.store import ModelStore


def placement_devices(machine: Devices | None = None) -> tuple[Device, ...]:
    """This machine's places for weights: the CPU, then every GPU."""
    machine = machine or examine_devices()
    return (
        Device("cpu", this_cpu(), machine.memory_available_bytes),
        *(
            Device(f"cuda:{index}", Compute("cuda", gpu.capability), gpu.memory_free_bytes)
            for index, gpu in enumerate(machine.gpus)
        ),
    )


def shape_of(manifest: ModelManifest, store: ModelStore | None = None) -> ModelShape | None:
    """The model's measures: the manifest's, else its files'; None while neither is known.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when its files are here and do not say.
    """
    if manifest.shape is not None or store is None:
        return manifest.shape
    if not manifest.files and manifest.derivation is not None:
        manifest = manifest.derivation.source
    if not manifest.files or not store.has(manifest):
        return None
    return read_shape(
        store.path_of(manifest.files[0]) if manifest.format == "gguf" else store.folder_of(manifest)
    )


def plan_model(
    manifest: ModelManifest,
    options: EngineOptions,
    store: ModelStore | None = None,
    devices: tuple[Device, ...] | None = None,
) -> Plan | None:
    """Where `manifest` goes under `options`; None for an engine that holds no weights here, or an unknown shape.

    Raises:
        HyperCubeError: as `placement.plan`.
    """
    check_precision(options.precision)
    shape = shape_of(manifest, store) if manifest.engine in PLACED else None
    if shape is None:
        return None
    return plan(_model(manifest, shape), devices or placement_devices(), _request(manifest, options))


def check_settings(manifest: ModelManifest, options: EngineOptions) -> None:
    """Refuse settings that cannot be right for `manifest` on any machine; memory and devices are not looked at.

    Raises:
        HyperCubeError: INVALID_ARGUMENT, FAILED_PRECONDITION with the fix.
    """
    check_precision(options.precision)
    if manifest.shape is not None and manifest.engine in PLACED:
        request = _request(manifest, options)
        check_sharding(_model(manifest, manifest.shape), request, on_cpu=options.device == "cpu")


def plan_text(manifest: ModelManifest, options: EngineOptions, store: ModelStore) -> str:
    """The plan and its reasons in one line, or why there is none; for `hypercube doctor`."""
    try:
        placed = plan_model(manifest, options, store)
    except HyperCubeError as error:
        return f"REFUSED: {error}"
    if placed is None:
        return "nothing to place" if manifest.engine not in PLACED else "known once its files are here"
    return "; ".join(placed.why)


def _model(manifest: ModelManifest, shape: ModelShape) -> Model:
    return Model(
        manifest.name,
        manifest.engine,
        shape,
        manifest.size,
        generates=Capability.GENERATE in manifest.capabilities,
    )


def _request(manifest: ModelManifest, options: EngineOptions) -> PlacementRequest:
    return PlacementRequest(
        device=options.device,
        precision=options.precision,
        tensor_parallel=options.tensor_parallel,
        pipeline_parallel=options.pipeline_parallel,
        context_length=min(options.context_length, manifest.context_length),
        slots=options.slots,
    )
