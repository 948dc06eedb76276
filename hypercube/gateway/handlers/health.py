"""Whether the server lives, and whether it can answer: not the same question."""

from dataclasses import replace

from hypercube.gateway.services import GatewayServices, PartStatus, Readiness


async def readiness(services: GatewayServices) -> Readiness:
    """Every part's readiness; while draining nothing is ready, whatever the parts say."""
    state = await services.readiness()
    if not services.traffic.draining:
        return state
    parts = {name: PartStatus(False, "the server is shutting down") for name in state.parts}
    return replace(state, ready=False, parts=parts)
