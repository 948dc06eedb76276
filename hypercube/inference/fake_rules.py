"""The rules by which the fake model calls tools and rates its tokens: functions of the question, nothing drawn."""

import hashlib
import json
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from typing import Any, Final

from hypercube.core.engine import (
    ChatMessage,
    GenerationRequest,
    TokenLogprob,
    ToolCallDelta,
    ToolChoice,
    TopLogprob,
)
from hypercube.core.errors import invalid

_DEEPEST: Final = 8


def calls(request: GenerationRequest) -> tuple[ToolCallDelta, ...]:
    """The tools whose names the last message holds; where one must be called and none is named, the first."""
    if request.tool_choice is ToolChoice.NONE or not request.tools or not request.messages:
        return ()
    last = request.messages[-1]
    if request.tool_choice is ToolChoice.AUTO and last.role != "user":
        return ()
    offered = [tool for tool in request.tools if request.tool_name in ("", tool.name)]
    named = [tool for tool in offered if tool.name in last.content]
    if not named and request.tool_choice is ToolChoice.REQUIRED:
        named = offered[:1]
    if not request.parallel_tool_calls or request.tool_name:
        named = named[:1]
    found: list[ToolCallDelta] = []
    for at, tool in enumerate(named):
        arguments = json.dumps(instance(json.loads(tool.parameters), last.content), ensure_ascii=False)
        digest = _digest(tool.name, arguments, request.messages, request.sampling.seed)
        found.append(ToolCallDelta(at, f"call_{digest.hex()[:24]}", tool.name, arguments))
    return tuple(found)


def instance(schema: Mapping[str, Any], text: str, depth: int = 0) -> Any:
    """A value of a JSON schema: the first of what is listed, `text` for a string, all properties of an object."""
    if "const" in schema:
        return schema["const"]
    if schema.get("enum"):
        return schema["enum"][0]
    kind = schema.get("type", "object")
    kind = kind[0] if isinstance(kind, list) and kind else kind
    if kind == "object":
        properties = schema.get("properties")
        if depth >= _DEEPEST or not isinstance(properties, dict):
            return {}
        return {
            name: instance(each if isinstance(each, dict) else {}, text, depth + 1)
            for name, each in properties.items()
        }
    plain = {"string": text, "integer": len(text), "number": len(text) / 2, "boolean": True, "array": []}
    return plain.get(kind) if isinstance(kind, str) else None


def logprob(piece: str, position: int, most: int) -> TokenLogprob:
    """Of the token in a place: between 1/2 and 1, and each alternative has half of what is left."""
    first = 0.5 + _digest(piece, position)[0] / 512
    left, top = 1.0 - first, [(piece, first)]
    while len(top) < most:
        left /= 2
        top.append((f"{piece}{len(top)}", left))
    rated = tuple(TopLogprob(token, math.log(each), tuple(token.encode())) for token, each in top[:most])
    return TokenLogprob(piece, math.log(first), tuple(piece.encode()), rated)


class Vocabulary:
    """Ids of the fake model's tokens: a hash of their text. Which text an id was is known for those seen last."""

    def __init__(self, size: int = 65_536) -> None:
        self._size = size
        self._texts: OrderedDict[int, str] = OrderedDict()

    def ids(self, pieces: Sequence[str]) -> tuple[int, ...]:
        """The ids of tokens."""
        found = tuple(int.from_bytes(_digest(piece)[:4]) >> 1 for piece in pieces)
        for number, piece in zip(found, pieces, strict=True):
            self._texts[number] = piece
            self._texts.move_to_end(number)
        while len(self._texts) > self._size:
            self._texts.popitem(last=False)
        return found

    def text(self, tokens: Sequence[int], param: str) -> str:
        """The text of tokens; INVALID_ARGUMENT for an id that this process never gave, or has forgotten."""
        for at, token in enumerate(tokens):
            if token not in self._texts:
                raise invalid(
                    f"There is no token {token} that the fake model knows.",
                    param=f"{param}[{at}]",
                    value=token,
                    fix="Send ids that /tokenize gave, or serve a real model.",
                )
        return "".join(self._texts[token] for token in tokens)


def spoken(messages: Sequence[ChatMessage]) -> list[tuple[object, ...]]:
    """What of a chat decides the answer: ids, which may be new each time, do not."""
    return [
        (turn.role, turn.content, *((call.name, call.arguments) for call in turn.tool_calls))
        for turn in messages
    ]


def _digest(*parts: object) -> bytes:
    return hashlib.sha256(repr(parts).encode()).digest()
