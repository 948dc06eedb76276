"""Probes and numbers: /livez, /readyz, /metrics."""

from typing import Final

from starlette.responses import Response

from hypercube.gateway.handlers import health as handler
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import json_response
from hypercube.gateway.http.state_bodies import LiveBody, ReadyBody
from hypercube.observability.metrics import CONTENT_TYPE


async def live(request: HttpRequest) -> Response:
    """The process answers; nothing is asked of its parts."""
    body: LiveBody = {"live": True}
    return json_response(body)


async def ready(request: HttpRequest) -> Response:
    """Whether every part can answer, and if not, why."""
    state = await handler.readiness(request.services)
    body: ReadyBody = {
        "ready": state.ready,
        "parts": {name: {"ready": part.ready, "reason": part.reason} for name, part in state.parts.items()},
    }
    return json_response(body, 200 if state.ready else 503)


async def metrics(request: HttpRequest) -> Response:
    """The Prometheus page."""
    return Response(request.services.metrics_text(), headers={"content-type": CONTENT_TYPE})


OPERATIONS: Final = (
    Operation("GET", "/livez", "health", "The process answers", live, response=LiveBody),
    Operation(
        "GET",
        "/readyz",
        "health",
        "Each part: ready, and if not, why",
        ready,
        response=ReadyBody,
        not_ready=503,
        errors=(503,),
    ),
    Operation("GET", "/metrics", "health", "Numbers for Prometheus", metrics, media=("text/plain",)),
)
