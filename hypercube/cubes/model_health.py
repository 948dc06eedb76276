"""The verdict of a cube that stands on served models."""

from collections.abc import Sequence
from typing import Protocol

from hypercube.core.cube import Health, HealthStatus
from hypercube.core.served_models import Capability, EngineState, ServedModel

_ON_ITS_WAY = (EngineState.PENDING, EngineState.DOWNLOADING, EngineState.LOADING)


class Serving(Protocol):
    """Whatever knows the served models."""

    def models(self) -> Sequence[ServedModel]:
        """Every model served here, ready or not."""
        ...


def model_health(engines: Serving, capability: Capability) -> HealthStatus:
    """Healthy when a model with `capability` takes requests in, degraded while one is on its way."""
    models = [model for model in engines.models() if capability in model.capabilities]
    if any(model.accepting for model in models):
        return HealthStatus(Health.HEALTHY)
    reasons = "; ".join(f"{model.name}: {model.status.reason}" for model in models) or "no model configured"
    loading = any(model.status.state in _ON_ITS_WAY for model in models)
    return HealthStatus(Health.DEGRADED if loading else Health.UNHEALTHY, reasons)
