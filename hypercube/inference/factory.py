"""Which engine runs which model."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import Engine, EngineOptions
from hypercube.inference.fake import FakeEngine
from hypercube.inference.llama_cpp import LlamaCppEngine
from hypercube.inference.planning import check_settings
from hypercube.inference.transformers.encoder_engine import EncoderEngine
from hypercube.inference.transformers.engine import TransformersEngine
from hypercube.inference.upstream import UPSTREAM, UpstreamEngine, UpstreamOptions
from hypercube.inference.use.engine import ENGINE as TORCH
from hypercube.inference.use.engine import UseEngine
from hypercube.inference.vllm.engine import ENGINE as VLLM
from hypercube.inference.vllm.engine import VllmEngine
from hypercube.model_registry.manifest import ModelManifest

EngineFactory = Callable[[ModelManifest], Engine]
ENGINES: Final = ("fake", "llama.cpp", "transformers", TORCH, VLLM, UPSTREAM)


def engine_factory(options: EngineOptions, upstream: UpstreamOptions | None = None) -> EngineFactory:
    """A maker of unloaded engines under `options`; a model's own context limit is never exceeded.

    All engines that it makes for `upstream` share that host's connections.
    """
    connections = asyncio.Semaphore(upstream.max_connections) if upstream is not None else None

    def make(manifest: ModelManifest) -> Engine:
        check_settings(manifest, options)
        context_length = min(options.context_length, manifest.context_length)
        if manifest.engine == "fake":
            return FakeEngine(context_length=context_length, slots=options.slots)
        if manifest.engine == "llama.cpp":
            return LlamaCppEngine(EngineOptions(context_length, options.slots, options.threads))
        if manifest.engine == "transformers":
            fitted = replace(options, context_length=context_length)
            if Capability.GENERATE in manifest.capabilities:
                return TransformersEngine(fitted)
            return EncoderEngine(fitted, frozenset(manifest.capabilities))
        if manifest.engine == TORCH:
            return UseEngine(
                replace(options, context_length=context_length), frozenset(manifest.capabilities)
            )
        if manifest.engine == VLLM:
            engine = VllmEngine(replace(options, context_length=context_length))
            # A missing package is told when the server starts, not when the model is loaded.
            engine.check()
            return engine
        if manifest.engine == UPSTREAM and upstream is not None:
            return UpstreamEngine(
                upstream, EngineOptions(context_length, options.slots), connections=connections
            )
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model {manifest.name!r} wants the engine {manifest.engine!r}.",
            fix=f"Known engines: {', '.join(ENGINES)}.",
        )

    return make
