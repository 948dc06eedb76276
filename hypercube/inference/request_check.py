"""The gate before every engine: what passes here cannot break one."""

import json
import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Final

from hypercube.core.adapters import addressed
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling, TokenizeRequest, ToolChoice
from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.served_models import Capability

ROLES: Final = ("system", "user", "assistant", "tool")
MAX_STOPS: Final = 16
MAX_STOP_CHARACTERS: Final = 256
MAX_SCHEMA_CHARACTERS: Final = 1 << 16
MAX_SCHEMA_DEPTH: Final = 64
"""Engines walk a schema recursively, in native code."""
MAX_TOP_LOGPROBS: Final = 20
MAX_LOGIT_BIAS: Final = 300
MAX_TOOLS: Final = 128
MOST_TOKENS: Final = 2**31 - 1
"""What engines count answers in; no context window is near it."""
MAX_TEXTS: Final = 4096
"""Texts of one request for vectors or scores: each is an item of a queue."""
_TOOL_NAME: Final = re.compile(r"[A-Za-z0-9_-]{1,64}")
RANGES: Final = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}
"""What a number of `Sampling` may be."""


def with_adapter(request: GenerationRequest) -> GenerationRequest:
    """The request with what its model's name says behind a colon as its adapter.

    Raises:
        HyperCubeError: INVALID_ARGUMENT when it names two.
    """
    model, adapter = addressed(request.model)
    if not adapter:
        return request if model == request.model else replace(request, model=model)
    if request.adapter not in ("", adapter):
        raise invalid(
            f"The model is {shown(request.model)!r}, and the adapter {shown(request.adapter)!r}.",
            param="adapter",
            value=request.adapter,
            fix="Name one adapter: in the model's name, or beside it.",
        )
    return replace(request, model=model, adapter=adapter)


def refuse_adapter(model: str) -> None:
    """Refuse `model:adapter` where a text is read and none is written; INVALID_ARGUMENT."""
    if addressed(model).adapter:
        raise invalid(
            f"{shown(model)!r} names an adapter, and adapters are for models that generate text.",
            param="model",
            value=model,
            fix=f"Use {addressed(model).model!r} alone.",
        )


def check_request(request: GenerationRequest) -> None:
    """Refuse a request that no engine could answer.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the field as OpenAI calls it, with the value and what to write.
    """
    if request.prompt is None:
        check_messages(request.messages)
    else:
        _check_prompt(request)
    if request.max_tokens is not None and request.max_tokens < 1:
        raise invalid(
            f"max_tokens is {request.max_tokens}, but an answer has at least one token.",
            param="max_tokens",
            value=request.max_tokens,
            fix="Write a number from 1, or leave it out.",
        )
    if request.max_tokens is not None and request.max_tokens > MOST_TOKENS:
        raise _out_of_range("max_tokens", request.max_tokens, f"from 1 to {MOST_TOKENS}")
    _check_sampling(request.sampling)
    if request.json_schema is not None:
        _check_schema(request.json_schema)
    if request.logprobs is not None and not 0 <= request.logprobs <= MAX_TOP_LOGPROBS:
        raise _out_of_range("top_logprobs", request.logprobs, f"from 0 to {MAX_TOP_LOGPROBS}")
    _check_tools(request)


def needed(request: GenerationRequest) -> tuple[Capability, ...]:
    """What an engine must be capable of, beside generating text, to answer a request as it asks."""
    calls = bool(request.tools) and request.tool_choice is not ToolChoice.NONE
    asked = {
        Capability.COMPLETE: request.prompt is not None,
        Capability.JSON_SCHEMA: request.json_schema is not None,
        Capability.ADAPTERS: bool(request.adapter),
        Capability.LOGPROBS: request.logprobs is not None,
        Capability.LOGIT_BIAS: bool(request.sampling.logit_bias),
        # Turns with calls in them are rendered as the template of a model that calls tools does it.
        Capability.TOOLS: calls or any(turn.tool_calls or turn.tool_call_id for turn in request.messages),
        Capability.TOOL_CHOICE: calls and request.tool_choice is ToolChoice.REQUIRED,
    }
    return tuple(capability for capability, is_asked in asked.items() if is_asked)


def check_tokenize(request: TokenizeRequest) -> None:
    """Refuse what no tokenizer could read; errors as `check_request`."""
    given = (request.text is not None) + bool(request.messages) + (request.tokens is not None)
    if given != 1:
        raise invalid(
            "There is nothing to tokenize." if not given else "There are several things to tokenize.",
            param="text",
            fix="Send one of: text, messages, tokens.",
        )
    if request.text is not None:
        _check_text(request.text, "prompt")
    if request.tokens is not None:
        check_tokens(request.tokens, "tokens")
    if request.messages:
        check_messages(request.messages)


def check_messages(messages: Sequence[ChatMessage]) -> None:
    """Refuse a chat that no template could render; errors as `check_request`."""
    if not messages:
        raise invalid(
            "The list of messages is empty.",
            param="messages",
            value="[]",
            fix='Send at least one: [{"role": "user", "content": "안녕하세요"}].',
        )
    for number, message in enumerate(messages):
        where = f"messages[{number}]"
        if message.role not in ROLES:
            raise invalid(
                f"There is no role {shown(message.role)!r}.",
                param=f"{where}.role",
                value=message.role,
                fix=f"Write one of: {', '.join(ROLES)}.",
                choices=list(ROLES),
            )
        _check_text(message.content, f"{where}.content")
        _check_turn(message, where)


def _check_turn(message: ChatMessage, where: str) -> None:
    if message.tool_calls and message.role != "assistant":
        raise invalid(
            f"A turn of the role {message.role!r} calls tools.",
            param=f"{where}.tool_calls",
            value=message.role,
            fix="Leave tool_calls out: only the assistant calls tools.",
        )
    if (message.role == "tool") != bool(message.tool_call_id):
        raise invalid(
            "A tool's turn must say which call it answers."
            if message.role == "tool"
            else f"A turn of the role {message.role!r} answers no call.",
            param=f"{where}.tool_call_id",
            value=message.tool_call_id or None,
            fix="Write the id of the assistant's call."
            if message.role == "tool"
            else "Leave tool_call_id out, or send the turn with the role tool.",
        )
    _check_text(message.tool_call_id, f"{where}.tool_call_id")
    for number, call in enumerate(message.tool_calls):
        at = f"{where}.tool_calls[{number}]"
        _check_text(call.id, f"{at}.id")
        _check_tool_name(call.name, f"{at}.function.name")
        _check_json_object(call.arguments, f"{at}.function.arguments", "The arguments of a call")


def _check_prompt(request: GenerationRequest) -> None:
    if request.messages:
        raise invalid(
            "There is a prompt, and there are messages.",
            param="prompt",
            fix="Send one of the two.",
        )
    if not request.prompt:
        raise invalid("The prompt is empty.", param="prompt", value="", fix="Send some text, or token ids.")
    if isinstance(request.prompt, str):
        _check_text(request.prompt, "prompt")
        return
    check_tokens(request.prompt, "prompt")


def check_tokens(tokens: Sequence[int], param: str) -> None:
    """Refuse what cannot be a token id in any vocabulary."""
    for number, token in enumerate(tokens):
        if not 0 <= token < 2**31:
            raise _out_of_range(f"{param}[{number}]", token, "from 0 to the size of the vocabulary")


def _check_tools(request: GenerationRequest) -> None:
    if len(request.tools) > MAX_TOOLS:
        raise invalid(
            f"There are {len(request.tools)} tools.",
            param="tools",
            value=len(request.tools),
            fix=f"Offer at most {MAX_TOOLS}.",
        )
    names: set[str] = set()
    for number, tool in enumerate(request.tools):
        _check_tool_name(tool.name, f"tools[{number}].function.name")
        if tool.name in names:
            raise invalid(
                f"There are two tools of the name {tool.name!r}.",
                param=f"tools[{number}].function.name",
                value=tool.name,
                fix="Give each its own name.",
            )
        names.add(tool.name)
        _check_text(tool.description, f"tools[{number}].function.description")
        where = f"tools[{number}].function.parameters"
        _check_json_object(tool.parameters, where, "The schema of a tool's parameters")
    if request.tool_choice is ToolChoice.REQUIRED and not request.tools:
        raise invalid(
            "A call is required, but there are no tools.",
            param="tool_choice",
            value="required",
            fix="Send tools, or leave tool_choice out.",
        )
    if request.tool_name and request.tool_name not in names:
        raise invalid(
            f"There is no tool {shown(request.tool_name)!r}.",
            param="tool_choice.function.name",
            value=request.tool_name,
            fix=f"Name one of: {', '.join(sorted(names))}.",
            choices=sorted(names),
        )
    if not request.tools or request.tool_choice is ToolChoice.NONE:
        return
    for param, given in (("response_format", request.json_schema), ("logprobs", request.logprobs)):
        if given is not None:
            raise invalid(
                f"{param} cannot be asked for beside tools.",
                param=param,
                fix=f'Leave {param} out, or forbid calls: "tool_choice": "none".',
            )


def _check_tool_name(name: str, param: str) -> None:
    if not _TOOL_NAME.fullmatch(name):
        raise invalid(
            f"{shown(name)!r} is no name of a tool.",
            param=param,
            value=name,
            fix="Write from 1 to 64 letters (A-Z, a-z), digits, _ or -.",
        )


def _check_schema(schema: str) -> None:
    _check_json_object(schema, "response_format", "The JSON schema")


def _check_json_object(text: str, param: str, what: str) -> None:
    """Refuse JSON text that is no object, or that an engine could not walk; `what` begins the message."""
    if len(text) > MAX_SCHEMA_CHARACTERS:
        raise invalid(
            f"{what} has {len(text)} characters.",
            param=param,
            value=text,
            fix=f"Write at most {MAX_SCHEMA_CHARACTERS}.",
        )
    try:
        parsed = json.loads(text)
        # It is going to be written again for the engine: half of a surrogate pair, NaN or 1e999 cannot be.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise invalid(
            f"{what} is not JSON: {error}.",
            param=param,
            value=text,
            fix="Send a JSON object.",
        ) from None
    if not isinstance(parsed, dict):
        raise invalid(
            f"{what} is {shown(text)!r}, which is not an object.",
            param=param,
            value=text,
            fix='Send a JSON object: {"type": "object", "properties": {"element": {"type": "string"}}}.',
        )
    if (depth := _depth(parsed)) > MAX_SCHEMA_DEPTH:
        raise invalid(
            f"{what} is {depth} levels deep.",
            param=param,
            value=depth,
            fix=f"Nest at most {MAX_SCHEMA_DEPTH} levels.",
        )


def _depth(parsed: object) -> int:
    level, depth = [parsed], 0
    while level := [part for part in level if isinstance(part, dict | list)]:
        depth += 1
        level = [child for part in level for child in (part.values() if isinstance(part, dict) else part)]
    return depth


def check_texts(texts: Sequence[str], param: str, *, most: int) -> None:
    """Refuse a list of texts that no encoder could read; `param` is its name for the caller."""
    if not 1 <= len(texts) <= most:
        raise invalid(
            f"{param} has {len(texts)} texts.", param=param, value=len(texts), fix=f"Send from 1 to {most:,}."
        )
    for number, text in enumerate(texts):
        where = param if most == 1 else f"{param}[{number}]"
        if not text:
            raise invalid("The text is empty.", param=where, value="", fix="Leave it out, or send some text.")
        _check_text(text, where)


def _check_sampling(sampling: Sampling) -> None:
    for name, (low, high) in RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            raise _out_of_range(name, value, f"from {low:g} to {high:g}")
    if sampling.top_k is not None and not 0 <= sampling.top_k < 2**31:
        raise _out_of_range("top_k", sampling.top_k, "from 0 (no limit) to 2147483647")
    if len(sampling.logit_bias) > MAX_LOGIT_BIAS:
        count = len(sampling.logit_bias)
        raise invalid(
            f"logit_bias names {count} tokens.",
            param="logit_bias",
            value=count,
            fix=f"Name at most {MAX_LOGIT_BIAS}.",
        )
    for token, bias in sampling.logit_bias:
        if not 0 <= token < 2**31:
            raise _out_of_range("logit_bias", token, "of a token, from 0 to the size of the vocabulary")
        if not -100.0 <= bias <= 100.0:
            raise _out_of_range(f"logit_bias.{token}", bias, "from -100 to 100")
    if len(sampling.stop) > MAX_STOPS:
        raise invalid(
            f"There are {len(sampling.stop)} stop sequences.",
            param="stop",
            value=len(sampling.stop),
            fix=f"Write at most {MAX_STOPS}.",
        )
    for number, stop in enumerate(sampling.stop):
        if not 1 <= len(stop) <= MAX_STOP_CHARACTERS:
            raise invalid(
                f"A stop sequence has {len(stop)} characters.",
                param=f"stop[{number}]",
                value=stop,
                fix=f"Write from 1 to {MAX_STOP_CHARACTERS} characters, or leave it out.",
            )
        _check_text(stop, f"stop[{number}]")


def _out_of_range(name: str, value: float, allowed: str) -> HyperCubeError:
    return invalid(f"{name} is {value}.", param=name, value=value, fix=f"Write a number {allowed}.")


def _check_text(text: str, param: str) -> None:
    """JSON can spell half of a surrogate pair; no tokenizer can read one."""
    try:
        text.encode()
    except UnicodeEncodeError as error:
        broken = f"U+{ord(text[error.start]):04X}"
        raise invalid(
            f"The text holds {broken} at character {error.start}, half of a surrogate pair.",
            param=param,
            value=broken,
            fix="Send valid Unicode.",
        ) from None
