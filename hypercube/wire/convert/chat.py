"""Chats on the wire."""

from typing import Final

from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Usage,
)
from hypercube.wire.convert.fields import put
from hypercube.wire.v1 import chat_pb2

SAMPLING_NUMBERS: Final = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
)
"""The optional numbers that `ChatRequest` and `Sampling` share by name."""


def chat_request_to_proto(request: GenerationRequest) -> chat_pb2.ChatRequest:
    """A chat; a number that its field cannot hold is INVALID_ARGUMENT and names the field."""
    message = chat_pb2.ChatRequest()
    put(message, "model", request.model)
    for at, turn in enumerate(request.messages):
        line = message.messages.add()
        put(line, "role", turn.role, f"messages[{at}].role")
        put(line, "content", turn.content, f"messages[{at}].content")
    put(message, "max_tokens", request.max_tokens)
    for field in SAMPLING_NUMBERS:
        put(message, field, getattr(request.sampling, field))
    put(message, "stop", request.sampling.stop)
    return message


def chat_request_from_proto(message: chat_pb2.ChatRequest) -> GenerationRequest:
    """A chat as the caller gave it; its values are checked by the chat cube."""
    numbers = {field: getattr(message, field) for field in SAMPLING_NUMBERS if message.HasField(field)}
    return GenerationRequest(
        messages=tuple(ChatMessage(turn.role, turn.content) for turn in message.messages),
        model=message.model,
        max_tokens=message.max_tokens if message.HasField("max_tokens") else None,
        sampling=Sampling(**numbers, stop=tuple(message.stop)),
    )


def usage_to_proto(usage: Usage) -> chat_pb2.Usage:
    """Token counts."""
    return chat_pb2.Usage(
        prompt_tokens=usage.prompt_tokens,
        completion_tokens=usage.completion_tokens,
        total_tokens=usage.total_tokens,
    )


def usage_from_proto(message: chat_pb2.Usage) -> Usage:
    """Token counts."""
    return Usage(message.prompt_tokens, message.completion_tokens)


def event_to_proto(event: GenerationEvent, *, id: str, model: str) -> chat_pb2.ChatEvent:  # noqa: A002
    """A piece of an answer; `id` and `model` are those of the whole answer."""
    return chat_pb2.ChatEvent(
        id=id,
        model=model,
        text=event.text,
        finish_reason="" if event.finish_reason is None else event.finish_reason.value,
        usage=None if event.usage is None else usage_to_proto(event.usage),
    )


def event_from_proto(message: chat_pb2.ChatEvent) -> GenerationEvent:
    """A piece of an answer."""
    return GenerationEvent(
        text=message.text,
        finish_reason=FinishReason(message.finish_reason) if message.finish_reason else None,
        usage=usage_from_proto(message.usage) if message.HasField("usage") else None,
    )
