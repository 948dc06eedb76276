"""Lists the served models."""

from typing import ClassVar

from hypercube.core.cube import Call, Color, Cube, CubeMetadata
from hypercube.core.engine import EngineClient, ModelsRequest, ModelsResponse


class ModelsCube(Cube):
    """`ModelsRequest` in, `ModelsResponse` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="models",
        version="1.0.0",
        color=Color.YELLOW,
        summary="The models served here and their state",
        request_model=ModelsRequest,
        response_model=ModelsResponse,
        capabilities=("models.list",),
    )

    def __init__(self, engines: EngineClient) -> None:
        super().__init__()
        self._engines = engines

    async def process(self, request: ModelsRequest, call: Call) -> ModelsResponse:
        """Every model, ready or not."""
        return ModelsResponse(tuple(self._engines.models()))
