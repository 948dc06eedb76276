"""Calls of tools in what a model writes, for engines whose library hands out text alone.

Two forms are read: the one that chat models are taught, `<tool_call>{"name": …, "arguments": …}</tool_call>` between
ordinary text, and, where a call is forced, a JSON list of `{"name": …, "arguments": …}` by a schema.
"""

import json
import uuid
from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from hypercube.core.engine import (
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    Tool,
    ToolCallDelta,
    ToolChoice,
)
from hypercube.inference.generated_text import StopFinder

OPEN: Final = "<tool_call>"
CLOSE: Final = "</tool_call>"


class Piece(NamedTuple):
    """What a reader makes of some text: what is to be shown, and calls that are complete."""

    text: str = ""
    calls: tuple[ToolCallDelta, ...] = ()


def joined(*pieces: Piece) -> Piece:
    """Pieces of one answer, one after the other."""
    return Piece("".join(each.text for each in pieces), tuple(call for each in pieces for call in each.calls))


class ToolCallReader:
    """Takes calls out of a text that comes piece by piece.

    What looks like a call and is none (no JSON, no tool of that name) is shown as the text that it is. Without
    parallel calls nothing is read after the first.
    """

    def __init__(self, request: GenerationRequest) -> None:
        self._names = {tool.name for tool in request.tools}
        self._active = bool(request.tools) and request.tool_choice is not ToolChoice.NONE
        self._forced = self._active and request.tool_choice is ToolChoice.REQUIRED
        self._parallel = request.parallel_tool_calls
        self._opening = StopFinder((OPEN,))
        self._inside: str | None = "" if self._forced else None
        self._called = 0

    @property
    def called(self) -> bool:
        """Whether a call was found."""
        return self._called > 0

    @property
    def full(self) -> bool:
        """Whether nothing more is to be read."""
        return self.called and not self._parallel

    def feed(self, text: str) -> Piece:
        """What `text` completes."""
        if not self._active:
            return Piece(text)
        if self._forced:
            self._inside = (self._inside or "") + text
            return Piece()
        shown: list[str] = []
        calls: list[ToolCallDelta] = []
        while text and not self.full:
            outside = self._inside is None
            text = self._outside(text, shown) if outside else self._within(text, shown, calls)
        return Piece("".join(shown), tuple(calls))

    def _outside(self, text: str, shown: list[str]) -> str:
        """Show what stands before a call; returns what follows its opening."""
        held = self._opening.held
        before = self._opening.feed(text)
        # White space around calls is the template's, not the answer's.
        shown.append(before if not self.called else before.lstrip("\n"))
        if not self._opening.found:
            return ""
        self._opening, self._inside = StopFinder((OPEN,)), ""
        return (held + text)[len(before) + len(OPEN) :]

    def _within(self, text: str, shown: list[str], calls: list[ToolCallDelta]) -> str:
        """Collect a call until its end; returns what follows it."""
        inside = (self._inside or "") + text
        body, end, rest = inside.partition(CLOSE)
        if not end:
            self._inside = inside
            return ""
        self._inside = None
        self._take(body, OPEN + body + CLOSE, shown, calls)
        return rest

    def _take(self, body: str, written: str, shown: list[str], calls: list[ToolCallDelta]) -> None:
        try:
            call = self._call(json.loads(body))
        except (ValueError, RecursionError):
            call = None
        if call is None:
            shown.append(written)
        else:
            calls.append(call)

    def _call(self, said: Any) -> ToolCallDelta | None:
        name = said.get("name") if isinstance(said, dict) else None
        if not isinstance(name, str) or name not in self._names:
            return None
        arguments = said.get("arguments", {})
        text = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
        self._called += 1
        return ToolCallDelta(self._called - 1, new_call_id(), name, text)

    def flush(self) -> Piece:
        """What is left at the end of the answer: a call that was cut off is text."""
        if not self._active or self.full:
            return Piece()
        if self._inside is None:
            return Piece(self._opening.flush())
        inside, self._inside = self._inside, None
        if not self._forced:
            # Some models end their answer in place of closing the call.
            shown: list[str] = []
            ended: list[ToolCallDelta] = []
            self._take(inside, OPEN + inside, shown, ended)
            return Piece("".join(shown), tuple(ended))
        try:
            said = json.loads(inside)
        except (ValueError, RecursionError):
            return Piece(inside)
        found = [call for each in (said if isinstance(said, list) else [said]) if (call := self._call(each))]
        return Piece("", tuple(found)) if found else Piece(inside)


def read_calls(event: GenerationEvent, reader: ToolCallReader) -> GenerationEvent:
    """An event with the calls that `reader` finds in its text; of which nothing is to be shown is a sign of life."""
    piece = reader.feed(event.text)
    if event.finish_reason is None:
        return GenerationEvent(piece.text, tool_calls=piece.calls)
    piece = joined(piece, reader.flush())
    stopped = event.finish_reason is FinishReason.STOP and reader.called
    finish = FinishReason.TOOL_CALLS if stopped else event.finish_reason
    return GenerationEvent(piece.text, finish, event.usage, tool_calls=piece.calls)


def new_call_id() -> str:
    """A name for a call, as OpenAI writes them."""
    return f"call_{uuid.uuid4().hex[:24]}"


def forced_schema(request: GenerationRequest) -> str | None:
    """The JSON schema, as JSON text, of an answer that has to call tools; None where it may do without."""
    if request.tool_choice is not ToolChoice.REQUIRED or not request.tools:
        return None
    tools = [tool for tool in request.tools if request.tool_name in ("", tool.name)]
    limit = {} if request.parallel_tool_calls and not request.tool_name else {"maxItems": 1}
    return json.dumps(
        {"type": "array", "minItems": 1, **limit, "items": {"anyOf": [_call_schema(tool) for tool in tools]}},
        ensure_ascii=False,
    )


def _call_schema(tool: Tool) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {
            "name": {"enum": [tool.name]},
            "arguments": {"type": "object", **json.loads(tool.parameters)},
        },
        "required": ["name", "arguments"],
        "additionalProperties": False,
    }


def tools_of(request: GenerationRequest) -> list[dict[str, Any]] | None:
    """The tools as chat templates and OpenAI's API take them; None where none may be called."""
    if not request.tools or request.tool_choice is ToolChoice.NONE:
        return None
    return described(request.tools)


def described(tools: Sequence[Tool]) -> list[dict[str, Any]]:
    """Tools in OpenAI's words."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                **({"description": tool.description} if tool.description else {}),
                "parameters": json.loads(tool.parameters),
            },
        }
        for tool in tools
    ]
