"""Chat: /v1/chat/completions, in OpenAI's grammar to the byte."""

from functools import partial
from typing import Final

from starlette.responses import Response

from hypercube.core.errors import HyperCubeError
from hypercube.gateway.handlers import choices as handler
from hypercube.gateway.handlers.choices import Choice, Choices, ChoicesStream, total
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.keyed import once
from hypercube.gateway.http.openai_bodies import ChatChoice, ChatCompletionBody
from hypercube.gateway.http.openai_chunks import (
    ChatChunks,
    grounding_body,
    logprobs_body,
    message_body,
    reason_of,
    usage_body,
)
from hypercube.gateway.http.openai_protocol import ChatCompletionRequest, renamed
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream
from hypercube.gateway.validation import JsonModel, json_model

PATH: Final = "/v1/chat/completions"
_REQUEST: Final[JsonModel[ChatCompletionRequest]] = json_model(ChatCompletionRequest)


async def completions(request: HttpRequest) -> Response:
    """Whole answers, or a stream of their pieces."""
    asked = _REQUEST.read(request.body)
    request.call.end_user = asked.end_user
    if asked.stream:
        pieces = ChatChunks(await _begun(request, asked), n=asked.choices, with_usage=asked.wants_usage)
        return EventStream(pieces, request.call.request_id)
    return await once(request, PATH, partial(_whole, request, asked))


async def _begun(request: HttpRequest, asked: ChatCompletionRequest) -> ChoicesStream:
    try:
        wanted = handler.repeated(asked.to_generation(), asked.choices)
        return await handler.stream(request.services, wanted, request.call)
    except HyperCubeError as error:
        raise renamed(error, asked.names) from None


async def _whole(request: HttpRequest, asked: ChatCompletionRequest) -> ChatCompletionBody:
    begun = await _begun(request, asked)
    try:
        answer = await handler.collected(begun, asked.choices)
    except HyperCubeError as error:
        raise renamed(error, asked.names) from None
    return _body(answer, with_logprobs=bool(asked.logprobs))


def _body(answer: Choices, *, with_logprobs: bool) -> ChatCompletionBody:
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [
            _choice(index, choice, with_logprobs=with_logprobs) for index, choice in enumerate(answer.choices)
        ],
        "usage": usage_body(total([choice.usage for choice in answer.choices], len(answer.choices))),
    }


def _choice(index: int, choice: Choice, *, with_logprobs: bool) -> ChatChoice:
    body: ChatChoice = {
        "index": index,
        "message": message_body(choice),
        "logprobs": logprobs_body(choice.logprobs) if with_logprobs else None,
        "finish_reason": reason_of(choice),
    }
    if choice.grounding is not None:
        body["x_hypercube"] = grounding_body(choice.grounding)
    return body


OPERATIONS: Final = (
    Operation(
        "POST",
        PATH,
        "chat",
        "Continue a chat, as OpenAI does",
        completions,
        allowance="chat_s",
        request=ChatCompletionRequest,
        examples=examples.CHATS,
        response=ChatCompletionBody,
        response_example=examples.CHAT_COMPLETION,
        media=(JSON, EVENTS),
        errors=(400, 404, 409, 413, 429, 502, 503, 504),
        keyed=True,
        description=(
            "Any OpenAI client works with this server's address and `/v1` as its `base_url`. With `stream` the "
            "answer comes as server-sent events and ends with `data: [DONE]`; a failure after the first event "
            'comes as `data: {"error": …}`, and no `[DONE]` follows.'
        ),
    ),
)
