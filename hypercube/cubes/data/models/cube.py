"""Lists the served models."""

from collections.abc import Callable, Sequence
from typing import ClassVar

from hypercube.core.cube import Call, Color, Cube, CubeMetadata
from hypercube.core.engine import EngineClient
from hypercube.core.served_models import ModelsRequest, ModelsResponse, ServedModel

Listed = Callable[[Sequence[ServedModel]], tuple[ServedModel, ...]]


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

    def __init__(self, engines: EngineClient, listed: Listed = tuple) -> None:
        """`listed` makes the list of the models: it may put beside them what is served under a name like theirs."""
        super().__init__()
        self._engines = engines
        self._listed = listed

    async def process(self, request: ModelsRequest, call: Call) -> ModelsResponse:
        """Every model, ready or not."""
        return ModelsResponse(self._listed(self._engines.models()))
