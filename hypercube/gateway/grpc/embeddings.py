"""hypercube.v1.Embeddings."""

import sys
from array import array
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest
from hypercube.gateway.grpc.keyed import keyed
from hypercube.gateway.grpc.methods import Methods, Serializable, Unary
from hypercube.gateway.handlers import embeddings as handler
from hypercube.gateway.handlers.embeddings import EmbeddingsAnswer
from hypercube.gateway.services import GatewayServices
from hypercube.wire.packed import Bytes, field
from hypercube.wire.v1 import embeddings_pb2


@dataclass(frozen=True, slots=True)
class PackedVectors:
    """Vectors as an `EmbedReply`."""

    answer: EmbeddingsAnswer

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message; the vectors are copied once."""
        head = embeddings_pb2.EmbedReply(
            model=self.answer.model,
            dimensions=len(self.answer.vectors[0]),
            prompt_tokens=self.answer.prompt_tokens,
        )
        vectors = field(embeddings_pb2.EmbedReply.VECTORS_FIELD_NUMBER, *_little(self.answer.vectors))
        return b"".join((head.SerializeToString(), *vectors))


def _little(vectors: "Iterable[array[float]]") -> Iterable[Bytes]:
    for vector in vectors:
        if sys.byteorder == "big":
            vector = vector[:]
            vector.byteswap()
        yield memoryview(vector).cast("B")


async def embed(services: GatewayServices, request: embeddings_pb2.EmbedRequest, call: Call) -> Serializable:
    """A vector a text."""
    asked = EmbeddingRequest(tuple(request.input), request.model)
    dimensions = request.dimensions if request.HasField("dimensions") else None
    return PackedVectors(await handler.embeddings(services, asked, call, dimensions=dimensions))


METHODS: Final[Methods] = {
    "Embed": Unary(
        embeddings_pb2.EmbedRequest,
        keyed("hypercube.v1.Embeddings/Embed", embed),
        lambda services: services.limits.batch_s,
    ),
}
