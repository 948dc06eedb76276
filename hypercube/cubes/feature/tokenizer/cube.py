"""Hands texts to the tokenizer of a served model."""

from typing import ClassVar

from hypercube.core.cube import Call, Color, Cube, CubeMetadata, HealthStatus
from hypercube.core.engine import Tokenized, TokenizerClient, TokenizeRequest
from hypercube.core.served_models import Capability
from hypercube.cubes.model_health import model_health


class TokenizerCube(Cube):
    """`TokenizeRequest` in, `Tokenized` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="tokenizer",
        version="1.0.0",
        color=Color.BLUE,
        summary="Texts to tokens and back, as a served model reads them",
        request_model=TokenizeRequest,
        response_model=Tokenized,
        capabilities=("tokenize", "detokenize"),
    )

    def __init__(self, engines: TokenizerClient) -> None:
        super().__init__()
        self._engines = engines

    async def process(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """The tokens of a text or a chat, or the text of tokens."""
        return await self._engines.tokenize(request, call)

    async def on_health_check(self) -> HealthStatus:
        """Healthy when a model answers whose tokenizer can be used."""
        return model_health(self._engines, Capability.TOKENIZE)
