"""OpenAI's embeddings request as its official client sends it, and its conversion to ours."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from hypercube.core.engine import EmbeddingRequest
from hypercube.gateway.http.openai_protocol import EndUser
from hypercube.inference.request_check import MAX_TEXTS


def _texts_of(given: Any) -> Any:
    """The texts, also when one comes alone; OpenAI also takes tokens, which mean nothing across tokenizers."""
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list):
        return given
    for at, one in enumerate(given):
        if isinstance(one, int | list) and not isinstance(one, bool):
            raise PydanticCustomError(
                "token_array",
                "is a token or a list of tokens, and only texts are read here.",
                {
                    "param": (at,),
                    "value": None,
                    "fix": "Send the text itself: every model has its own tokens.",
                },
            )
    return tuple(given)


_TEXT = {"type": "string", "minLength": 1}
_Input = Annotated[
    tuple[str, ...],
    BeforeValidator(_texts_of),
    WithJsonSchema(
        {"anyOf": [_TEXT, {"type": "array", "items": _TEXT, "minItems": 1, "maxItems": MAX_TEXTS}]}
    ),
]


class EmbeddingsRequest(BaseModel):
    """The body of POST /v1/embeddings."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    input: _Input
    model: str = Field(default="", description="As listed by /v1/models; empty for the server's default.")
    encoding_format: Literal["float", "base64"] | None = None
    dimensions: Annotated[int, Field(ge=1, description="Only the model's own width.")] | None = None
    user: EndUser = None

    def to_embedding(self) -> EmbeddingRequest:
        """The request in our own terms."""
        return EmbeddingRequest(self.input, self.model)
