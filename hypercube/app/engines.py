"""The models as an application holds them: in this process, or in the one that it shares with others."""

from collections.abc import Callable
from typing import Protocol

from hypercube.app.model_choice import (
    estimate_memory,
    follow_registry,
    lazy_models,
    make_engines,
    memory_budget,
    served_manifests,
)
from hypercube.core.clock import Clock, monotonic
from hypercube.core.engine import EngineClient, TokenizerClient
from hypercube.core.model_admin import ModelOperator
from hypercube.core.served_models import EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.operations import ModelOperations
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore
from hypercube.settings import Settings

OnModelStatus = Callable[[str, EngineStatus], None]


class Engines(EngineClient, TokenizerClient, Protocol):
    """Everything that an application asks of its models."""

    @property
    def ready(self) -> bool:
        """Whether a request for any model is taken in now; those that the operator unloaded do not count."""
        ...

    def start(self) -> None:
        """Begin; needs a running loop."""
        ...

    async def close(self) -> None:
        """End what was begun."""
        ...


class SharedEngines(Engines, ModelOperator, Protocol):
    """Models in another process, which also does there what administrators ask for."""


def make_operator(settings: Settings, cluster: Hypercluster) -> ModelOperator:
    """Whoever does what administrators ask for with the models of `cluster`."""
    return ModelOperations(cluster, ModelRegistry(ModelStore(settings.model.dir)))


def make_cluster(
    settings: Settings,
    *,
    on_status: OnModelStatus | None = None,
    on_line: Callable[[str], None] | None = None,
    clock: Clock = monotonic,
) -> Hypercluster:
    """The models that these settings mean, to be served from this process.

    Raises:
        HyperCubeError: INVALID_ARGUMENT, MODEL_NOT_FOUND or FAILED_PRECONDITION for settings that cannot be served.
    """
    store = ModelStore(settings.model.dir)
    return Hypercluster(
        served_manifests(settings),
        store,
        make=make_engines(settings),
        max_queued=settings.model.max_queued,
        max_wait_s=settings.batching.max_wait_ms / 1e3,
        lazy=lazy_models(settings),
        max_loading=settings.models.max_loading,
        memory_budget=memory_budget(settings),
        min_residency_s=settings.models.min_residency_s,
        min_residents=settings.models.min_residents,
        estimate=estimate_memory(settings, store),
        routing=follow_registry(settings, store),
        clock=clock,
        on_status=on_status,
        on_line=on_line,
    )
