"""grpc.health.v1: each service is as ready as the part it stands on."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final

import grpc
import grpc.aio
from grpc_health.v1 import health_pb2

from hypercube.core.cube import Health
from hypercube.gateway.handlers.health import readiness
from hypercube.gateway.services import CHARTS_PART, EMBEDDINGS, MODEL_PART, GatewayServices, Readiness

_SAJU: Final = "hypercube.v1.Saju"
_READING: Final = "hypercube.v1.Reading"
_CHAT: Final = "hypercube.v1.Chat"
_INFERENCE: Final = "inference.GRPCInferenceService"
_EMBEDDINGS: Final = "hypercube.v1.Embeddings"
KNOWN: Final = (
    "",
    _SAJU,
    _READING,
    _CHAT,
    _EMBEDDINGS,
    "hypercube.v1.Models",
    "hypercube.v1.Cubes",
    _INFERENCE,
)
"""The empty name is the server as a whole."""

_Status = health_pb2.HealthCheckResponse
Context = grpc.aio.ServicerContext[Any, Any]


class HealthServicer:
    """Judged afresh at each check; a watcher hears of a change within `period_s` seconds."""

    def __init__(self, services: GatewayServices, period_s: float = 1.0) -> None:
        self._services = services
        self._period_s = period_s

    async def Check(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> health_pb2.HealthCheckResponse:
        """The status of one service, or of the whole server for an empty name."""
        status = await self._status(request.service)
        if status == _Status.SERVICE_UNKNOWN:
            await context.abort(
                grpc.StatusCode.NOT_FOUND,
                f"No service {request.service[:80]!r}; known: {', '.join(filter(None, KNOWN))}.",
            )
        return _Status(status=status)

    async def List(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthListRequest, context: Context
    ) -> health_pb2.HealthListResponse:
        """The status of every service."""
        statuses = {name: _Status(status=await self._status(name)) for name in KNOWN}
        return health_pb2.HealthListResponse(statuses=statuses)

    async def Watch(  # noqa: N802 - the protocol's name
        self, request: health_pb2.HealthCheckRequest, context: Context
    ) -> AsyncIterator[health_pb2.HealthCheckResponse]:
        """The status now, and again whenever it changes."""
        last: int | None = None
        while True:
            status = await self._status(request.service)
            if status != last:
                yield _Status(status=status)
                last = status
            await asyncio.sleep(self._period_s)

    async def _status(self, service: str) -> "health_pb2.HealthCheckResponse.ServingStatus.ValueType":
        if service not in KNOWN:
            return _Status.SERVICE_UNKNOWN
        state = await readiness(self._services)
        ready = await self._ready(service, state) and not self._services.traffic.draining
        return _Status.SERVING if ready else _Status.NOT_SERVING

    async def _ready(self, service: str, state: Readiness) -> bool:
        """Whether the part behind a service answers; Models and Cubes need nothing but the process.

        The server as a whole is ready when charts are: a chat model that still loads must not keep it out of
        rotation.
        """
        if service in ("", _SAJU, _READING, _INFERENCE):
            return state.parts[CHARTS_PART].ready if CHARTS_PART in state.parts else state.ready
        if service == _CHAT:
            return any(part.ready for name, part in state.parts.items() if name.startswith(MODEL_PART))
        if service == _EMBEDDINGS:
            encoders = await self._services.cubes.get(EMBEDDINGS).health_check()
            return encoders.health is Health.HEALTHY
        return True
