"""What a model answers, on the wire: pieces, calls of tools, log-probabilities, token counts."""

from collections.abc import Iterable
from typing import cast

from hypercube.core.engine import (
    FinishReason,
    GenerationEvent,
    TokenLogprob,
    ToolCall,
    ToolCallDelta,
    TopLogprob,
    Usage,
)
from hypercube.core.reading import Grounding
from hypercube.wire.convert.records import from_message, to_message
from hypercube.wire.v1 import chat_pb2, reading_pb2


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


def tool_call_to_proto(call: ToolCall) -> chat_pb2.ToolCall:
    """A call of a tool."""
    return chat_pb2.ToolCall(id=call.id, name=call.name, arguments=call.arguments)


def tool_call_from_proto(message: chat_pb2.ToolCall) -> ToolCall:
    """A call of a tool."""
    return ToolCall(message.id, message.name, message.arguments)


def logprobs_to_proto(logprobs: Iterable[TokenLogprob]) -> list[chat_pb2.TokenLogprob]:
    """The tokens of an answer with their log-probabilities."""
    return [
        chat_pb2.TokenLogprob(
            token=each.token,
            logprob=each.logprob,
            bytes=bytes(each.bytes),
            top=[
                chat_pb2.TopLogprob(token=top.token, logprob=top.logprob, bytes=bytes(top.bytes))
                for top in each.top
            ],
        )
        for each in logprobs
    ]


def logprobs_from_proto(messages: Iterable[chat_pb2.TokenLogprob]) -> tuple[TokenLogprob, ...]:
    """The tokens of an answer with their log-probabilities."""
    return tuple(
        TokenLogprob(
            each.token,
            each.logprob,
            tuple(each.bytes),
            tuple(TopLogprob(top.token, top.logprob, tuple(top.bytes)) for top in each.top),
        )
        for each in messages
    )


def grounding_to_proto(grounding: Grounding | None) -> reading_pb2.Grounding | None:
    """What an answer about a chart rests on; None for any other answer."""
    return None if grounding is None else cast("reading_pb2.Grounding", to_message(grounding))


def grounding_from_proto(
    message: chat_pb2.ChatReply | chat_pb2.ChatChoice | chat_pb2.ChatEvent,
) -> Grounding | None:
    """What an answer rests on, if it is one about a chart."""
    return from_message(Grounding, message.grounding) if message.HasField("grounding") else None


def event_to_proto(
    event: GenerationEvent,
    *,
    id: str,  # noqa: A002
    model: str,
    index: int = 0,
) -> chat_pb2.ChatEvent:
    """A piece of an answer; `id` and `model` are those of the whole answer, `index` says which one it is of."""
    return chat_pb2.ChatEvent(
        id=id,
        model=model,
        text=event.text,
        finish_reason="" if event.finish_reason is None else event.finish_reason.value,
        usage=None if event.usage is None else usage_to_proto(event.usage),
        logprobs=logprobs_to_proto(event.logprobs),
        tool_calls=[
            chat_pb2.ToolCallDelta(index=each.index, id=each.id, name=each.name, arguments=each.arguments)
            for each in event.tool_calls
        ],
        index=index,
        grounding=grounding_to_proto(event.grounding),
    )


def event_from_proto(message: chat_pb2.ChatEvent) -> GenerationEvent:
    """A piece of an answer."""
    return GenerationEvent(
        text=message.text,
        finish_reason=FinishReason(message.finish_reason) if message.finish_reason else None,
        usage=usage_from_proto(message.usage) if message.HasField("usage") else None,
        logprobs=logprobs_from_proto(message.logprobs),
        tool_calls=tuple(
            ToolCallDelta(each.index, each.id, each.name, each.arguments) for each in message.tool_calls
        ),
        grounding=grounding_from_proto(message),
    )
