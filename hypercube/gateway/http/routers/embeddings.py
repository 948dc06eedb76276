"""Embeddings: /v1/embeddings, in OpenAI's grammar."""

import base64
import sys
from array import array
from functools import partial
from typing import Any, Final

import numpy as np
import orjson
from starlette.responses import Response

from hypercube.gateway.handlers import embeddings as handler
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.keyed import once
from hypercube.gateway.http.openai_bodies import EmbeddingsBody
from hypercube.gateway.http.openai_embeddings import EmbeddingsRequest
from hypercube.gateway.http.openai_protocol import end_user_of
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.validation import JsonModel, json_model

PATH: Final = "/v1/embeddings"
_REQUEST: Final[JsonModel[EmbeddingsRequest]] = json_model(EmbeddingsRequest)


async def embeddings(request: HttpRequest) -> Response:
    """A vector a text, as numbers or as base64 of little-endian float32."""
    asked = _REQUEST.read(request.body)
    request.call.end_user = end_user_of(asked.user)
    return await once(request, PATH, partial(_whole, request, asked))


async def _whole(request: HttpRequest, asked: EmbeddingsRequest) -> EmbeddingsBody:
    answer = await handler.embeddings(
        request.services, asked.to_embedding(), request.call, dimensions=asked.dimensions
    )
    written = _packed if asked.encoding_format == "base64" else _numbers
    return {
        "object": "list",
        "data": [
            {"object": "embedding", "index": index, "embedding": written(vector)}
            for index, vector in enumerate(answer.vectors)
        ],
        "model": answer.model,
        "usage": {"prompt_tokens": answer.prompt_tokens, "total_tokens": answer.prompt_tokens},
    }


def _packed(vector: "array[float]") -> str:
    if sys.byteorder == "big":
        vector = vector[:]
        vector.byteswap()
    return base64.b64encode(vector).decode("ascii")


def _numbers(vector: "array[float]") -> Any:
    # The digits of float32: those of the float64 that Python makes of it are twice as many, and say no more.
    return orjson.Fragment(orjson.dumps(np.frombuffer(vector, np.float32), option=orjson.OPT_SERIALIZE_NUMPY))


OPERATIONS: Final = (
    Operation(
        "POST",
        PATH,
        "embeddings",
        "Vectors of texts, as OpenAI does",
        embeddings,
        allowance="batch_s",
        request=EmbeddingsRequest,
        examples=examples.EMBEDDINGS,
        response=EmbeddingsBody,
        response_example=examples.EMBEDDINGS_ANSWER,
        errors=(400, 404, 409, 413, 429, 502, 503, 504),
        keyed=True,
        description=(
            "Texts of all requests share batches. One text that the model cannot read (it is too long) fails its "
            "request, and `param` names it; no text is cut."
        ),
    ),
)
