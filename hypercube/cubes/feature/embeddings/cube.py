"""Hands texts to an encoder, where they share batches with the texts of other requests."""

from array import array
from typing import Annotated, Any, ClassVar, Final

from pydantic import GetCoreSchemaHandler, GetPydanticSchema
from pydantic_core import core_schema
from typing_extensions import TypedDict

from hypercube.core.cube import Call, Color, Cube, CubeMetadata, HealthStatus
from hypercube.core.engine import EmbeddingRequest, Embeddings, EngineClient
from hypercube.core.served_models import Capability
from hypercube.cubes.model_health import model_health


class _Body(TypedDict):
    vectors: list[list[float]]
    prompt_tokens: int


def _written(embeddings: Embeddings) -> _Body:
    vectors = [vector.tolist() for vector in embeddings.vectors]
    return {"vectors": vectors, "prompt_tokens": embeddings.prompt_tokens}


def _read(body: _Body) -> Embeddings:
    return Embeddings(tuple(array("f", vector) for vector in body["vectors"]), body["prompt_tokens"])


def _schema(_: Any, handler: GetCoreSchemaHandler) -> core_schema.CoreSchema:
    body = handler.generate_schema(_Body)
    written = core_schema.plain_serializer_function_ser_schema(_written, return_schema=body)
    return core_schema.no_info_after_validator_function(_read, body, serialization=written)


EmbeddingsJson: Final = Annotated[Embeddings, GetPydanticSchema(_schema)]
"""Vectors as lists of numbers: packed arrays have no JSON form of their own."""


class EmbeddingsCube(Cube):
    """`EmbeddingRequest` in, `Embeddings` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="embeddings",
        version="1.0.0",
        color=Color.BLUE,
        summary="Vectors of texts by a served encoder",
        request_model=EmbeddingRequest,
        response_model=EmbeddingsJson,
        capabilities=("embeddings",),
    )

    def __init__(self, engines: EngineClient) -> None:
        super().__init__()
        self._engines = engines

    async def process(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """The vectors, in the order of the texts."""
        return await self._engines.embed(request, call)

    async def on_health_check(self) -> HealthStatus:
        """Healthy when a model that makes embeddings answers."""
        return model_health(self._engines, Capability.EMBED)
