"""The verdict of a cube that stands on served models."""

from hypercube.core.cube import Health, HealthStatus
from hypercube.core.engine import Capability, EngineClient, EngineState

_ON_ITS_WAY = (EngineState.PENDING, EngineState.DOWNLOADING, EngineState.LOADING)


def model_health(engines: EngineClient, capability: Capability) -> HealthStatus:
    """Healthy when a model with `capability` answers, degraded while one is on its way."""
    models = [model for model in engines.models() if capability in model.capabilities]
    if any(model.status.state is EngineState.READY for model in models):
        return HealthStatus(Health.HEALTHY)
    reasons = "; ".join(f"{model.name}: {model.status.reason}" for model in models) or "no model configured"
    loading = any(model.status.state in _ON_ITS_WAY for model in models)
    return HealthStatus(Health.DEGRADED if loading else Health.UNHEALTHY, reasons)
