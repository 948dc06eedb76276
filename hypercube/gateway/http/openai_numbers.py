"""The numbers of OpenAI's requests, with the bounds that the documentation shows.

The bounds are judged by the gate before the engines (`inference.request_check`), for all transports alike.
"""

from typing import Annotated, Final

from pydantic import Field, WithJsonSchema

from hypercube.gateway.handlers.choices import MAX_CHOICES
from hypercube.inference.request_check import MAX_TOP_LOGPROBS, MOST_TOKENS, RANGES

_INT64: Final = 2**63 - 1


def _number(name: str) -> WithJsonSchema:
    low, high = RANGES[name]
    return WithJsonSchema({"type": "number", "minimum": low, "maximum": high})


def _integer(low: int, high: int) -> WithJsonSchema:
    return WithJsonSchema({"type": "integer", "minimum": low, "maximum": high})


Seed = Annotated[int, Field(ge=-_INT64, le=_INT64)]
Choices = Annotated[int, Field(ge=1, le=MAX_CHOICES)]
Tokens = Annotated[int, _integer(1, MOST_TOKENS)]
TopLogprobs = Annotated[int, _integer(0, MAX_TOP_LOGPROBS)]
Temperature = Annotated[float, _number("temperature")]
TopP = Annotated[float, _number("top_p")]
MinP = Annotated[float, _number("min_p")]
TopK = Annotated[int, _integer(0, 2**31 - 1)]
FrequencyPenalty = Annotated[float, _number("frequency_penalty")]
PresencePenalty = Annotated[float, _number("presence_penalty")]
