"""From the settings to what is served: which manifests, and who makes their engines."""

from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import EngineFactory, engine_factory
from hypercube.inference.planning import plan_model
from hypercube.inference.upstream import UPSTREAM, UpstreamOptions, upstream_manifest
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import for_engine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.settings import NO_MODEL, Settings


def served_manifests(settings: Settings) -> list[ModelManifest]:
    """The models to serve; none when `model.name` is `none`.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name; FAILED_PRECONDITION when `model.engine` cannot run it.
    """
    name = settings.model.name
    if name == NO_MODEL:
        return []
    if name == UPSTREAM:
        return [upstream_manifest(UPSTREAM, settings.model.context_length)]
    # Weights that are to be computed with in full width are not cut to half of it on the way.
    dtype = "float32" if settings.model.precision == "fp32" else "bfloat16"
    return [for_engine(lookup(name), settings.model.engine, dtype)]


def engine_options(settings: Settings, slots: int | None = None) -> EngineOptions:
    """How models are to run; `slots` overrides `model.slots`."""
    model = settings.model
    return EngineOptions(
        context_length=model.context_length,
        slots=slots or model.slots,
        threads=model.threads,
        device=model.device,
        precision=model.precision,
        tensor_parallel=model.tensor_parallel,
        pipeline_parallel=model.pipeline_parallel,
    )


def make_engines(settings: Settings, *, slots: int | None = None) -> EngineFactory:
    """The maker of engines that these settings mean; `slots` overrides `model.slots`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT when `model.name` is `upstream` and `[upstream]` does not say where it is;
            INVALID_ARGUMENT or FAILED_PRECONDITION when a model cannot be placed here under these settings.
    """
    options = engine_options(settings, slots)
    for manifest in served_manifests(settings):
        plan_model(manifest, options, ModelStore(settings.model.dir))
    model, upstream = settings.model, settings.upstream
    return engine_factory(
        options,
        UpstreamOptions(
            url=upstream.url,
            model=upstream.model,
            api_key=upstream.api_key.get_secret_value(),
            embeddings=upstream.embeddings,
            max_connections=upstream.max_connections,
            silence_s=upstream.silence_s,
            health_s=upstream.health_s,
        )
        if model.name == UPSTREAM
        else None,
    )
