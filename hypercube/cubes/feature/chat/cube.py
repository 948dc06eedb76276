"""Hands a conversation to an engine, which checks it before any work begins."""

from collections.abc import AsyncIterator
from typing import ClassVar

from hypercube.core.cube import Call, Color, Cube, CubeMetadata, HealthStatus
from hypercube.core.engine import EngineClient, GenerationEvent, GenerationRequest
from hypercube.core.served_models import Capability
from hypercube.cubes.model_health import model_health


class ChatCube(Cube):
    """`GenerationRequest` in, a stream of `GenerationEvent` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="chat",
        version="1.0.0",
        color=Color.BLUE,
        summary="Chat with a served model, streamed token by token",
        request_model=GenerationRequest,
        response_model=GenerationEvent,
        capabilities=("chat", "stream"),
    )

    def __init__(self, engines: EngineClient) -> None:
        super().__init__()
        self._engines = engines

    async def process(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """Hand the conversation on; a refusal comes with the first piece."""
        return self._engines.generate(request, call)

    async def on_health_check(self) -> HealthStatus:
        """Healthy when a model that generates text answers, degraded while one is on its way."""
        return model_health(self._engines, Capability.GENERATE)
