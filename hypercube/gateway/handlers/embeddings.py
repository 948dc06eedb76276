"""Texts to vectors by a served encoder."""

from array import array
from dataclasses import dataclass

from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest, Embeddings
from hypercube.core.errors import invalid
from hypercube.core.served_models import Capability
from hypercube.gateway.deadlines import within
from hypercube.gateway.handlers.models import default_model
from hypercube.gateway.services import EMBEDDINGS, GatewayServices


@dataclass(frozen=True, slots=True)
class EmbeddingsAnswer:
    """The vectors, and who made them.

    Attributes:
        model: who answered, also when the request left it to the server.
        vectors: float32, one a text, in the order of the texts.
        prompt_tokens: tokens read, special ones included.
    """

    model: str
    vectors: "tuple[array[float], ...]"
    prompt_tokens: int


async def embeddings(
    services: GatewayServices, request: EmbeddingRequest, call: Call, *, dimensions: int | None = None
) -> EmbeddingsAnswer:
    """The vectors of `request.texts`.

    Args:
        services: of the gateway.
        request: the texts.
        call: its deadline holds.
        dimensions: the width that the caller asks for; only the model's own is possible.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for another width; whatever is wrong with the request or the model.
    """
    async with within(call, services.clock):
        model = request.model or await default_model(services, call, Capability.EMBED)
        answer: Embeddings = await services.cubes.process(EMBEDDINGS, request, call)
    width = len(answer.vectors[0])
    if dimensions not in (None, width):
        raise invalid(
            f"dimensions is {dimensions}, but the vectors of {model!r} have {width} numbers.",
            param="dimensions",
            value=dimensions,
            fix=f"Leave it out, or write {width}: this server does not cut vectors.",
        )
    return EmbeddingsAnswer(model, answer.vectors, answer.prompt_tokens)
