"""From the settings to what is served: which manifests, and who makes their engines."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import Engine, EngineOptions
from hypercube.inference.engine_choice import choose_engine
from hypercube.inference.factory import EngineFactory, engine_factory
from hypercube.inference.memory_use import Estimate, estimated_bytes
from hypercube.inference.planning import plan_model
from hypercube.inference.residency import too_large
from hypercube.inference.routing import Routing
from hypercube.inference.upstream import UPSTREAM, UpstreamOptions, upstream_manifest
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.convert import for_engine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore
from hypercube.settings import NO_MODEL, Settings


def served_manifests(settings: Settings) -> list[ModelManifest]:
    """The models to serve: the chat model, the one for embeddings, each if it is not `none`, then those of `[models]`.

    Raises:
        HyperCubeError: as `chat_manifests`, `embedding_manifests` and `find_model`.
    """
    served: dict[str, ModelManifest] = {}
    # One model may be named more than once.
    for manifest in (
        *chat_manifests(settings),
        *embedding_manifests(settings),
        *(_fitted(settings, name, "auto") for name in settings.models.also),
    ):
        served.setdefault(manifest.name, manifest)
    return list(served.values())


def lazy_models(settings: Settings) -> frozenset[str]:
    """Names of the served models that are loaded on demand: those that only `[models]` names."""
    at_start = {each.name for each in (*chat_manifests(settings), *embedding_manifests(settings))}
    return frozenset({each.name for each in served_manifests(settings)} - at_start)


def follow_registry(settings: Settings, store: ModelStore) -> Routing:
    """How a running server follows the aliases and splits of its models."""
    model, embedding = settings.model, settings.embedding
    references = [*settings.models.also, embedding.name, model.name]
    # Whatever the settings named by version or alias stays that for the bare name; the chat model decides last.
    means = {name.partition("@")[0]: name for name in references if name not in {NO_MODEL, UPSTREAM}}
    engines = {model.name.partition("@")[0]: model.engine}
    as_is = {embedding.name.partition("@")[0]} - engines.keys()

    def fit(manifest: ModelManifest) -> ModelManifest:
        if manifest.name in as_is:
            return manifest
        return _run_by(settings, manifest, engines.get(manifest.name, "auto"))

    canary = settings.canary
    bounds = CanaryBounds(
        canary.max_error_rate, canary.max_latency_ratio, canary.min_requests, canary.window_s
    )
    return Routing(ModelRegistry(store), fit, bounds, means)


def embedding_manifests(settings: Settings) -> list[ModelManifest]:
    """The model that `[embedding]` names; none when that is `none`.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND; FAILED_PRECONDITION when it makes no embeddings.
    """
    name = settings.embedding.name
    if name == NO_MODEL:
        return []
    able = [model.name for model in CATALOGUE.values() if Capability.EMBED in model.capabilities]
    if name == UPSTREAM:
        raise _no_embeddings(
            "One server is upstream, that of the chat model",
            name,
            f"Set model.name to {UPSTREAM} and upstream.embeddings to true, or embedding.name to one of: "
            f"{', '.join(able)}.",
        )
    manifest = find_model(settings, name)
    if Capability.EMBED not in manifest.capabilities:
        what = f"The model {name!r} makes no embeddings"
        raise _no_embeddings(
            what, name, f"Set embedding.name to one of: {', '.join(able)}; or to {NO_MODEL}."
        )
    return [manifest]


def find_model(settings: Settings, reference: str) -> ModelManifest:
    """What `reference` (`name`, `name@version`, `name@alias`) means in the catalogue and the store.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name, version or alias.
    """
    return ModelRegistry(ModelStore(settings.model.dir)).resolve(reference)


def _no_embeddings(what: str, name: str, fix: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION, f"{what}.", param="embedding.name", value=name, fix=fix
    )


def chat_manifests(settings: Settings) -> list[ModelManifest]:
    """The model that `[model]` names; none when that is `none`.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name; FAILED_PRECONDITION when `model.engine` cannot run it.
    """
    name = settings.model.name
    if name == NO_MODEL:
        return []
    if name == UPSTREAM:
        return [upstream_manifest(UPSTREAM, settings.model.context_length)]
    return [_fitted(settings, name, settings.model.engine)]


def _fitted(settings: Settings, name: str, engine: str) -> ModelManifest:
    """The version of a model that `engine` runs."""
    return _run_by(settings, find_model(settings, name), engine)


def _run_by(settings: Settings, manifest: ModelManifest, engine: str) -> ModelManifest:
    # Weights that are to be computed with in full width are not cut to half of it on the way.
    dtype = "float32" if settings.model.precision == "fp32" else "bfloat16"
    return for_engine(manifest, choose_engine(manifest, engine), dtype)


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
        adapters=model.adapters,
    )


def embedding_options(settings: Settings) -> EngineOptions:
    """How the model of `[embedding]` is to run."""
    embedding = settings.embedding
    return EngineOptions(
        context_length=embedding.context_length,
        threads=embedding.threads,
        device=embedding.device,
        precision=embedding.precision,
    )


def make_engines(settings: Settings, *, slots: int | None = None) -> EngineFactory:
    """The maker of engines that these settings mean; `slots` overrides `model.slots`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT when `model.name` is `upstream` and `[upstream]` does not say where it is;
            INVALID_ARGUMENT or FAILED_PRECONDITION when a model cannot be placed here under these settings.
    """
    options, store = engine_options(settings, slots), ModelStore(settings.model.dir)
    chat = chat_manifests(settings)
    for manifest in chat:
        plan_model(manifest, options, store)
    # Encoders among `[models]` run as `[embedding]` says, too.
    others = [each for each in served_manifests(settings) if each.name not in {one.name for one in chat}]
    for_embeddings = [each for each in others if _encodes(each)]
    _check_budget(settings, store, slots)
    with _settings_of_embedding():
        for manifest in embedding_manifests(settings):
            plan_model(manifest, embedding_options(settings), store)
        embedding_engine = engine_factory(embedding_options(settings))
    model, upstream = settings.model, settings.upstream
    chat_engine = engine_factory(
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

    def make(manifest: ModelManifest) -> Engine:
        if manifest.name not in {each.name for each in for_embeddings}:
            return chat_engine(manifest)
        with _settings_of_embedding():
            return embedding_engine(manifest)

    return make


def _encodes(manifest: ModelManifest) -> bool:
    return Capability.GENERATE not in manifest.capabilities


def memory_budget(settings: Settings) -> int | None:
    """Bytes that all loaded models may take together; None = no limit."""
    budget = settings.model.memory_budget
    return None if budget == "auto" else int(budget)


def estimate_memory(settings: Settings, store: ModelStore, slots: int | None = None) -> Estimate:
    """What each served model is going to need under these settings, in bytes."""
    chat, embedding = engine_options(settings, slots), embedding_options(settings)

    def estimate(manifest: ModelManifest) -> int:
        return estimated_bytes(manifest, embedding if _encodes(manifest) else chat, store)

    return estimate


def _check_budget(settings: Settings, store: ModelStore, slots: int | None) -> None:
    """Refuse, before anything is loaded, a model that the memory budget could not hold even alone."""
    budget = memory_budget(settings)
    if budget is None:
        return
    estimate = estimate_memory(settings, store, slots)
    for manifest in served_manifests(settings):
        if (need := estimate(manifest)) > budget:
            raise too_large(manifest.name, need, budget)


@contextmanager
def _settings_of_embedding() -> Iterator[None]:
    """Refusals name the settings of the chat model; what is refused here was set in `[embedding]`."""
    try:
        yield
    except HyperCubeError as error:
        error.param = error.param and error.param.replace("model.", "embedding.", 1)
        error.fix = error.fix and error.fix.replace("model.", "embedding.")
        raise
