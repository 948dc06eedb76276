"""Chat: /v1/chat/completions, in OpenAI's grammar to the byte."""

from typing import Final

from starlette.responses import Response

from hypercube.core.errors import HyperCubeError
from hypercube.gateway.handlers import choices as handler
from hypercube.gateway.handlers.choices import Choice, Choices, total
from hypercube.gateway.http import examples
from hypercube.gateway.http.bodies import ChatChoice, ChatCompletionBody
from hypercube.gateway.http.endpoint import HttpRequest
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
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, json_response
from hypercube.gateway.validation import JsonModel, json_model

_REQUEST: Final[JsonModel[ChatCompletionRequest]] = json_model(ChatCompletionRequest)


async def completions(request: HttpRequest) -> Response:
    """Whole answers, or a stream of their pieces."""
    asked = _REQUEST.read(request.body)
    request.call.end_user = asked.end_user
    try:
        generation, n = asked.to_generation(), asked.choices
        answer = await handler.stream(request.services, handler.repeated(generation, n), request.call)
        if asked.stream:
            return EventStream(ChatChunks(answer, n=n, with_usage=asked.wants_usage), request.call.request_id)
        whole = await handler.collected(answer, n)
    except HyperCubeError as error:
        raise renamed(error, asked.names) from None
    return json_response(_whole(whole, with_logprobs=generation.logprobs is not None))


def _whole(answer: Choices, *, with_logprobs: bool) -> ChatCompletionBody:
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
        "/v1/chat/completions",
        "chat",
        "Continue a chat, as OpenAI does",
        completions,
        allowance="chat_s",
        request=ChatCompletionRequest,
        examples=examples.CHATS,
        response=ChatCompletionBody,
        response_example=examples.CHAT_COMPLETION,
        media=(JSON, EVENTS),
        errors=(400, 404, 413, 429, 502, 503, 504),
        description=(
            "Any OpenAI client works with this server's address and `/v1` as its `base_url`. With `stream` the "
            "answer comes as server-sent events and ends with `data: [DONE]`; a failure after the first event "
            'comes as `data: {"error": …}`, and no `[DONE]` follows.'
        ),
    ),
)
