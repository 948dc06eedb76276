"""Which engine runs which model."""

from collections.abc import Callable
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import Engine, EngineOptions
from hypercube.inference.fake import FakeEngine
from hypercube.inference.llama_cpp import LlamaCppEngine
from hypercube.model_registry.manifest import ModelManifest

EngineFactory = Callable[[ModelManifest], Engine]
ENGINES: Final = ("fake", "llama.cpp")


def engine_factory(options: EngineOptions) -> EngineFactory:
    """A maker of unloaded engines under `options`; a model's own context limit is never exceeded."""

    def make(manifest: ModelManifest) -> Engine:
        context_length = min(options.context_length, manifest.context_length)
        if manifest.engine == "fake":
            return FakeEngine(context_length=context_length, slots=options.slots)
        if manifest.engine == "llama.cpp":
            return LlamaCppEngine(EngineOptions(context_length, options.slots, options.threads))
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model {manifest.name!r} wants the engine {manifest.engine!r}.",
            fix=f"Known engines: {', '.join(ENGINES)}.",
        )

    return make
