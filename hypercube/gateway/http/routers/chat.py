"""Chat: /v1/chat/completions, in OpenAI's grammar to the byte."""

from collections.abc import AsyncIterator
from typing import Any, Final

from starlette.responses import Response

from hypercube.core.engine import GenerationEvent, Usage
from hypercube.core.errors import HyperCubeError
from hypercube.gateway.handlers import chat as handler
from hypercube.gateway.handlers.chat import ChatAnswer, ChatStream
from hypercube.gateway.http import examples
from hypercube.gateway.http.bodies import ChatCompletionBody, UsageBody
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.openai_protocol import ChatCompletionRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, encode, json_response
from hypercube.gateway.streams import close
from hypercube.gateway.validation import JsonModel, json_model

_REQUEST: Final[JsonModel[ChatCompletionRequest]] = json_model(ChatCompletionRequest)


async def completions(request: HttpRequest) -> Response:
    """A whole answer, or a stream of its pieces."""
    asked = _REQUEST.read(request.body)
    try:
        if not asked.stream:
            return json_response(
                _whole(await handler.complete(request.services, asked.to_generation(), request.call))
            )
        answer = await handler.stream(request.services, asked.to_generation(), request.call)
    except HyperCubeError as error:
        if error.param == "max_tokens":
            error.param = asked.limit_param
        raise
    return EventStream(Chunks(answer, with_usage=asked.wants_usage), request.call.request_id)


def _whole(answer: ChatAnswer) -> ChatCompletionBody:
    return {
        "id": answer.id,
        "object": "chat.completion",
        "created": answer.created,
        "model": answer.model,
        "choices": [
            {
                "index": 0,
                "message": {"role": "assistant", "content": answer.text, "refusal": None},
                "logprobs": None,
                "finish_reason": answer.finish_reason.value,
            }
        ],
        "usage": _usage(answer.usage),
    }


def _usage(usage: Usage) -> UsageBody:
    return {
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
        "total_tokens": usage.total_tokens,
    }


class Chunks(AsyncIterator[bytes]):
    """OpenAI's chunks of an answer: the role, each piece of text, the finish reason, and the usage if asked."""

    def __init__(self, answer: ChatStream, *, with_usage: bool) -> None:
        self._answer = answer
        self._with_usage = with_usage
        self._ready = [self._chunk({"role": "assistant", "content": ""})]

    async def __anext__(self) -> bytes:
        while not self._ready:
            self._ready.extend(self._chunks_of(await anext(self._answer.events)))
        return self._ready.pop(0)

    async def aclose(self) -> None:
        """Close the answer; the model stops."""
        await close(self._answer.events)

    def _chunks_of(self, event: GenerationEvent) -> list[bytes]:
        chunks: list[bytes] = []
        if event.text:
            chunks.append(self._chunk({"content": event.text}))
        if event.finish_reason is not None:
            chunks.append(self._chunk({}, event.finish_reason.value))
        if self._with_usage and event.usage is not None:
            chunks.append(self._encode([], {"usage": _usage(event.usage)}))
        return chunks

    def _chunk(self, delta: dict[str, str], finish_reason: str | None = None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        return self._encode([choice], {"usage": None} if self._with_usage else {})

    def _encode(self, choices: list[dict[str, Any]], more: dict[str, Any]) -> bytes:
        return encode(
            {
                "id": self._answer.id,
                "object": "chat.completion.chunk",
                "created": self._answer.created,
                "model": self._answer.model,
                "choices": choices,
                **more,
            }
        )


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
