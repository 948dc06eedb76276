"""Chats on the wire."""

from typing import Final

from hypercube.core.engine import (
    ChatMessage,
    GenerationRequest,
    Sampling,
    Tool,
    ToolChoice,
)
from hypercube.core.errors import invalid
from hypercube.wire.convert.chat_answers import tool_call_from_proto
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


_CHOICES: Final = {
    chat_pb2.TOOL_CHOICE_AUTO: ToolChoice.AUTO,
    chat_pb2.TOOL_CHOICE_NONE: ToolChoice.NONE,
    chat_pb2.TOOL_CHOICE_REQUIRED: ToolChoice.REQUIRED,
}
_CHOICE_NUMBERS: Final = {member: number for number, member in _CHOICES.items()}
_NO_PARAMETERS: Final = '{"type": "object", "properties": {}}'


def chat_request_to_proto(request: GenerationRequest) -> chat_pb2.ChatRequest:
    """A chat; a number that its field cannot hold is INVALID_ARGUMENT and names the field."""
    message = chat_pb2.ChatRequest()
    put(message, "model", request.model)
    for at, turn in enumerate(request.messages):
        message.messages.append(_turn_to_proto(turn, f"messages[{at}]"))
    put(message, "max_tokens", request.max_tokens)
    for field in SAMPLING_NUMBERS:
        put(message, field, getattr(request.sampling, field))
    put(message, "stop", request.sampling.stop)
    for token, bias in request.sampling.logit_bias:
        try:
            message.logit_bias[token] = bias
        except (TypeError, ValueError) as error:
            raise invalid(
                f"logit_bias cannot hold {token!r}: {bias!r}: {error}.", param="logit_bias", value=token
            ) from error
    put(message, "json_schema", request.json_schema)
    put(message, "logprobs", request.logprobs)
    for at, tool in enumerate(request.tools):
        line = message.tools.add()
        for field in ("name", "description", "parameters"):
            put(line, field, getattr(tool, field), f"tools[{at}].{field}")
    if request.tool_choice is not ToolChoice.AUTO:
        message.tool_choice = _CHOICE_NUMBERS[request.tool_choice]
    put(message, "tool_name", request.tool_name)
    if not request.parallel_tool_calls:
        message.parallel_tool_calls = False
    put(message, "adapter", request.adapter)
    return message


def _turn_to_proto(turn: ChatMessage, where: str) -> chat_pb2.ChatMessage:
    line = chat_pb2.ChatMessage()
    for field in ("role", "content", "tool_call_id"):
        put(line, field, getattr(turn, field), f"{where}.{field}")
    for at, call in enumerate(turn.tool_calls):
        made = line.tool_calls.add()
        for field in ("id", "name", "arguments"):
            put(made, field, getattr(call, field), f"{where}.tool_calls[{at}].{field}")
    return line


def chat_request_from_proto(message: chat_pb2.ChatRequest) -> GenerationRequest:
    """A chat as the caller gave it; its values are checked by the engine.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a tool_choice from nowhere.
    """
    numbers = {field: getattr(message, field) for field in SAMPLING_NUMBERS if message.HasField(field)}
    return GenerationRequest(
        messages=tuple(_turn_from_proto(turn) for turn in message.messages),
        model=message.model,
        max_tokens=message.max_tokens if message.HasField("max_tokens") else None,
        sampling=Sampling(
            **numbers, stop=tuple(message.stop), logit_bias=tuple(sorted(message.logit_bias.items()))
        ),
        json_schema=message.json_schema if message.HasField("json_schema") else None,
        adapter=message.adapter,
        logprobs=message.logprobs if message.HasField("logprobs") else None,
        tools=tuple(
            Tool(tool.name, tool.description, tool.parameters or _NO_PARAMETERS) for tool in message.tools
        ),
        tool_choice=_choice(message.tool_choice),
        tool_name=message.tool_name,
        parallel_tool_calls=message.parallel_tool_calls if message.HasField("parallel_tool_calls") else True,
    )


def _turn_from_proto(turn: chat_pb2.ChatMessage) -> ChatMessage:
    calls = tuple(map(tool_call_from_proto, turn.tool_calls))
    return ChatMessage(turn.role, turn.content, calls, turn.tool_call_id)


def _choice(number: chat_pb2.ToolChoice.ValueType) -> ToolChoice:
    if number == chat_pb2.TOOL_CHOICE_UNSPECIFIED:
        return ToolChoice.AUTO
    if number not in _CHOICES:
        known = ", ".join(f"{at} = {each.value}" for at, each in _CHOICES.items())
        raise invalid(
            f"tool_choice is {number}, which is no value of that enum.",
            param="tool_choice",
            value=number,
            fix=f"Send one of: {known}; or 0 for auto.",
        )
    return _CHOICES[number]
