"""The gate before every engine: what passes here cannot break one."""

import json
import math
from collections.abc import Sequence
from typing import Final

from hypercube.core.engine import GenerationRequest, Sampling
from hypercube.core.errors import HyperCubeError, invalid, shown

ROLES: Final = ("system", "user", "assistant")
MAX_STOPS: Final = 16
MAX_STOP_CHARACTERS: Final = 256
MAX_SCHEMA_CHARACTERS: Final = 1 << 16
MAX_SCHEMA_DEPTH: Final = 64
"""Engines walk a schema recursively, in native code."""
_RANGES: Final = {
    "temperature": (0.0, 2.0),
    "top_p": (0.0, 1.0),
    "min_p": (0.0, 1.0),
    "frequency_penalty": (-2.0, 2.0),
    "presence_penalty": (-2.0, 2.0),
}


def check_request(request: GenerationRequest) -> None:
    """Refuse a request that no engine could answer.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the field as OpenAI calls it, with the value and what to write.
    """
    if not request.messages:
        raise invalid(
            "The list of messages is empty.",
            param="messages",
            value="[]",
            fix='Send at least one: [{"role": "user", "content": "안녕하세요"}].',
        )
    for number, message in enumerate(request.messages):
        if message.role not in ROLES:
            raise invalid(
                f"There is no role {shown(message.role)!r}.",
                param=f"messages[{number}].role",
                value=message.role,
                fix=f"Write one of: {', '.join(ROLES)}.",
                choices=list(ROLES),
            )
        _check_text(message.content, f"messages[{number}].content")
    if request.max_tokens is not None and request.max_tokens < 1:
        raise invalid(
            f"max_tokens is {request.max_tokens}, but an answer has at least one token.",
            param="max_tokens",
            value=request.max_tokens,
            fix="Write a number from 1, or leave it out.",
        )
    _check_sampling(request.sampling)
    if request.json_schema is not None:
        _check_schema(request.json_schema)


def _check_schema(schema: str) -> None:
    if len(schema) > MAX_SCHEMA_CHARACTERS:
        raise invalid(
            f"The JSON schema has {len(schema)} characters.",
            param="response_format",
            value=schema,
            fix=f"Write at most {MAX_SCHEMA_CHARACTERS}.",
        )
    try:
        parsed = json.loads(schema)
        # It is going to be written again for the engine: half of a surrogate pair, NaN or 1e999 cannot be.
        json.dumps(parsed, ensure_ascii=False, allow_nan=False).encode()
    except (ValueError, RecursionError) as error:
        raise invalid(
            f"The JSON schema is not JSON: {error}.",
            param="response_format",
            value=schema,
            fix="Send a JSON object.",
        ) from None
    if not isinstance(parsed, dict):
        raise invalid(
            f"The JSON schema is {shown(schema)!r}, which is not an object.",
            param="response_format",
            value=schema,
            fix='Send a JSON object: {"type": "object", "properties": {"element": {"type": "string"}}}.',
        )
    if (depth := _depth(parsed)) > MAX_SCHEMA_DEPTH:
        raise invalid(
            f"The JSON schema is {depth} levels deep.",
            param="response_format",
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
    for name, (low, high) in _RANGES.items():
        value = getattr(sampling, name)
        if value is not None and not (math.isfinite(value) and low <= value <= high):
            raise _out_of_range(name, value, f"from {low:g} to {high:g}")
    if sampling.top_k is not None and not 0 <= sampling.top_k < 2**31:
        raise _out_of_range("top_k", sampling.top_k, "from 0 (no limit) to 2147483647")
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
