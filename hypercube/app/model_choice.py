"""From the settings to what is served: which manifests, and who makes their engines."""

from collections.abc import Iterator
from contextlib import contextmanager

from hypercube.core.engine import Capability
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import Engine, EngineOptions
from hypercube.inference.engine_choice import choose_engine
from hypercube.inference.factory import EngineFactory, engine_factory
from hypercube.inference.planning import plan_model
from hypercube.inference.upstream import UPSTREAM, UpstreamOptions, upstream_manifest
from hypercube.model_registry.catalogue import CATALOGUE
from hypercube.model_registry.convert import for_engine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore
from hypercube.settings import NO_MODEL, Settings


def served_manifests(settings: Settings) -> list[ModelManifest]:
    """The models to serve: the chat model, then the one for embeddings, each if it is not `none`.

    Raises:
        HyperCubeError: as `chat_manifests`; FAILED_PRECONDITION when `embedding.name` makes no embeddings.
    """
    chat, name = chat_manifests(settings), settings.embedding.name
    if name == NO_MODEL:
        return chat
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
    # One model may be both.
    return [*chat, *([manifest] if manifest.name not in {each.name for each in chat} else [])]


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
    # Weights that are to be computed with in full width are not cut to half of it on the way.
    dtype = "float32" if settings.model.precision == "fp32" else "bfloat16"
    manifest = find_model(settings, name)
    return [for_engine(manifest, choose_engine(manifest, settings.model.engine), dtype)]


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
    for_embeddings = served_manifests(settings)[len(chat) :]
    with _settings_of_embedding():
        for manifest in for_embeddings:
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


@contextmanager
def _settings_of_embedding() -> Iterator[None]:
    """Refusals name the settings of the chat model; what is refused here was set in `[embedding]`."""
    try:
        yield
    except HyperCubeError as error:
        error.param = error.param and error.param.replace("model.", "embedding.", 1)
        error.fix = error.fix and error.fix.replace("model.", "embedding.")
        raise
