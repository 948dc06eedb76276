"""A plain text continued: /v1/completions, in OpenAI's grammar; and the tokenizer, in vLLM's."""

from collections.abc import Sequence
from functools import partial
from typing import Any, Final

from starlette.responses import Response

from hypercube.core.engine import GenerationRequest, TokenLogprob
from hypercube.core.errors import HyperCubeError
from hypercube.gateway.handlers import choices as handler
from hypercube.gateway.handlers import tokens
from hypercube.gateway.handlers.choices import ChoiceEvent, ChoicesStream, total
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.keyed import once
from hypercube.gateway.http.openai_bodies import (
    CompletionBody,
    CompletionLogprobsBody,
    DetokenizeBody,
    TokenizeBody,
)
from hypercube.gateway.http.openai_chunks import Chunks, reason_of, usage_body
from hypercube.gateway.http.openai_completions import (
    CompletionRequest,
    DetokenizeBodyRequest,
    TokenizeBodyRequest,
)
from hypercube.gateway.http.openai_protocol import end_user_of, renamed
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, json_response
from hypercube.gateway.validation import JsonModel, json_model

PATH: Final = "/v1/completions"
_COMPLETION: Final[JsonModel[CompletionRequest]] = json_model(CompletionRequest)
_TOKENIZE: Final[JsonModel[TokenizeBodyRequest]] = json_model(TokenizeBodyRequest)
_DETOKENIZE: Final[JsonModel[DetokenizeBodyRequest]] = json_model(DetokenizeBodyRequest)


async def completions(request: HttpRequest) -> Response:
    """Whole texts, or a stream of their pieces."""
    asked = _COMPLETION.read(request.body)
    request.call.end_user = end_user_of(asked.user)
    wanted = asked.to_generations()
    if asked.stream:
        begun = await _begun(request, asked, wanted)
        pieces = TextChunks(begun, count=len(wanted), n=asked.choices, with_usage=asked.wants_usage)
        return EventStream(pieces, request.call.request_id)
    return await once(request, PATH, partial(_whole, request, asked, wanted))


async def _begun(
    request: HttpRequest, asked: CompletionRequest, wanted: Sequence[GenerationRequest]
) -> ChoicesStream:
    try:
        return await handler.stream(request.services, wanted, request.call, "cmpl")
    except HyperCubeError as error:
        raise renamed(error, asked.names) from None


async def _whole(
    request: HttpRequest, asked: CompletionRequest, wanted: Sequence[GenerationRequest]
) -> CompletionBody:
    begun = await _begun(request, asked, wanted)
    try:
        answer = await handler.collected(begun, len(wanted))
    except HyperCubeError as error:
        raise renamed(error, asked.names) from None
    rated = asked.logprobs is not None
    return {
        "id": answer.id,
        "object": "text_completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [
            {
                "index": index,
                "text": choice.text,
                "logprobs": logprobs_body(choice.logprobs, 0) if rated else None,
                "finish_reason": reason_of(choice),
            }
            for index, choice in enumerate(answer.choices)
        ],
        "usage": usage_body(total([choice.usage for choice in answer.choices], asked.choices)),
    }


def logprobs_body(rated: Sequence[TokenLogprob], offset: int) -> CompletionLogprobsBody:
    """Log-probabilities as completions have them; `offset` is where the first token begins, in characters."""
    offsets: list[int] = []
    for token in rated:
        offsets.append(offset)
        offset += len(token.token)
    wanted = any(token.top for token in rated)
    return {
        "tokens": [token.token for token in rated],
        "token_logprobs": [token.logprob for token in rated],
        "top_logprobs": [{top.token: top.logprob for top in token.top} for token in rated]
        if wanted
        else None,
        "text_offset": offsets,
    }


class TextChunks(Chunks):
    """A text's chunks: each piece, and the finish reason with the last."""

    kind = "text_completion"

    def __init__(self, answer: ChoicesStream, *, count: int, n: int, with_usage: bool) -> None:
        super().__init__(answer, count=count, n=n, with_usage=with_usage)
        self._offsets = [0] * count

    def choices_of(self, piece: ChoiceEvent) -> list[dict[str, Any]]:
        """One choice a piece."""
        event = piece.event
        if event.empty:
            return []
        rated = None
        if event.logprobs:
            rated = logprobs_body(event.logprobs, self._offsets[piece.index])
            self._offsets[piece.index] += sum(len(token.token) for token in event.logprobs)
        reason = None if event.finish_reason is None else event.finish_reason.value
        return [{"index": piece.index, "text": event.text, "logprobs": rated, "finish_reason": reason}]


async def tokenize(request: HttpRequest) -> Response:
    """The tokens of a text or a chat."""
    asked = _TOKENIZE.read(request.body)
    found = await tokens.tokenize(request.services, asked.to_request(), request.call)
    body: TokenizeBody = {
        "count": len(found.tokens),
        "max_model_len": found.context_length,
        "tokens": list(found.tokens),
        "token_strs": list(found.pieces) if asked.return_token_strs else None,
    }
    return json_response(body)


async def detokenize(request: HttpRequest) -> Response:
    """The text of tokens."""
    asked = _DETOKENIZE.read(request.body)
    found = await tokens.tokenize(request.services, asked.to_request(), request.call)
    body: DetokenizeBody = {"prompt": found.text}
    return json_response(body)


OPERATIONS: Final = (
    Operation(
        "POST",
        PATH,
        "chat",
        "Continue a plain text, as OpenAI does",
        completions,
        allowance="chat_s",
        request=CompletionRequest,
        examples=examples.COMPLETIONS,
        response=CompletionBody,
        response_example=examples.COMPLETION,
        media=(JSON, EVENTS),
        errors=(400, 404, 409, 413, 429, 502, 503, 504),
        keyed=True,
        description="The model reads the prompt as it is: no turns, no template.",
    ),
    Operation(
        "POST",
        "/tokenize",
        "models",
        "The tokens of a text, as vLLM shows them",
        tokenize,
        request=TokenizeBodyRequest,
        examples=examples.TOKENIZE,
        response=TokenizeBody,
        response_example={"count": 2, "max_model_len": 4096, "tokens": [14990, 32129], "token_strs": None},
        errors=(400, 404, 413, 503, 504),
    ),
    Operation(
        "POST",
        "/detokenize",
        "models",
        "The text of tokens, as vLLM shows it",
        detokenize,
        request=DetokenizeBodyRequest,
        examples=examples.DETOKENIZE,
        response=DetokenizeBody,
        response_example={"prompt": "hello"},
        errors=(400, 404, 413, 503, 504),
    ),
)
