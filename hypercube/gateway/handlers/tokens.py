"""Text to tokens and back, by a served model's tokenizer."""

from hypercube.core.cube import Call
from hypercube.core.engine import Tokenized, TokenizeRequest
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import TOKENIZER, GatewayServices


async def tokenize(services: GatewayServices, request: TokenizeRequest, call: Call) -> Tokenized:
    """The tokens, or the text.

    Raises:
        HyperCubeError: INVALID_ARGUMENT when the model's engine cannot, or for a token that is not in the
            vocabulary; MODEL_NOT_FOUND; UNAVAILABLE; DEADLINE_EXCEEDED.
    """
    async with within(call, services.clock):
        found: Tokenized = await services.cubes.process(TOKENIZER, request, call)
    return found
