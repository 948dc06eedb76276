"""The chart as a tool call that the caller sees: `saju_chart`, whose arguments are a body of POST /v1/saju/charts.

Whoever offers a function of that name gets the call before the answer, and sends the chart back as it is usual with
tools. What it sends back is looked at for one thing only: whether it is what was computed here. The answer goes by the
chart that is computed here.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import fields
from enum import Enum
from typing import Any, Final

from hypercube.core.chart import BirthInput, Chart
from hypercube.core.engine import ChatMessage, GenerationRequest, Tool, ToolCallDelta, ToolChoice

TOOL: Final = "saju_chart"
_LEFT_OUT: Final = frozenset({"as_of"})
_DEFAULTS: Final = {each.name: each.default for each in fields(BirthInput)}


def arguments_of(birth: BirthInput) -> str:
    """A birth as the arguments of a call: what is not as it is by default, as JSON."""
    given = {
        each.name: _plain(value)
        for each in fields(BirthInput)
        if each.name not in _LEFT_OUT and (value := getattr(birth, each.name)) != _DEFAULTS[each.name]
    }
    return json.dumps(given, ensure_ascii=False)


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    return value.value if isinstance(value, Enum) else value


def offered(request: GenerationRequest) -> bool:
    """Whether the caller has the tool and may be asked to use it."""
    named = any(each.name == TOOL for each in request.tools)
    return named and request.tool_choice is not ToolChoice.NONE and request.tool_name in ("", TOOL)


def required(request: GenerationRequest) -> bool:
    """Whether the answer has to be a call of it."""
    if not offered(request) or request.tool_choice is not ToolChoice.REQUIRED:
        return False
    return request.tool_name == TOOL or len(request.tools) == 1


def elsewhere(request: GenerationRequest) -> bool:
    """Whether the answer has to be a call of another function of the caller's, which the model behind makes."""
    if request.tool_choice is not ToolChoice.REQUIRED or not request.tools:
        return False
    return request.tool_name != TOOL if request.tool_name else not offered(request)


def calls(request: GenerationRequest, births: Sequence[BirthInput]) -> tuple[ToolCallDelta, ...]:
    """The calls to make before an answer; none where the caller has no such tool, or has answered them."""
    if not offered(request) or request.messages[-1].role == "tool":
        return ()
    answered = _answered(request.messages)
    wanted = [each for birth in births if _parsed(each := arguments_of(birth)) not in answered]
    if not wanted and required(request):
        wanted = [arguments_of(births[0])]
    if not request.parallel_tool_calls:
        wanted = wanted[:1]
    return tuple(
        ToolCallDelta(at, _id(each, request), TOOL, each) for at, each in enumerate(dict.fromkeys(wanted))
    )


def _id(arguments: str, request: GenerationRequest) -> str:
    seen = repr((arguments, request.sampling.seed, len(request.messages)))
    return f"call_{hashlib.sha256(seen.encode()).hexdigest()[:24]}"


def _answered(messages: Sequence[ChatMessage]) -> list[Any]:
    """The arguments of every call of the tool that a tool's turn answers."""
    answers = {each.tool_call_id for each in messages if each.role == "tool"}
    return [
        _parsed(call.arguments)
        for each in messages
        for call in each.tool_calls
        if call.name == TOOL and call.id in answers
    ]


def results(messages: Sequence[ChatMessage]) -> list[str]:
    """What the tool's turns say that stand at the end of the conversation."""
    own = {call.id for each in messages for call in each.tool_calls if call.name == TOOL}
    found = []
    for each in reversed(messages):
        if each.role != "tool":
            break
        if each.tool_call_id in own:
            found.append(each.content)
    return found[::-1]


def other_than(result: str, charts: Sequence[Chart]) -> bool:
    """Whether a tool's turn shows pillars, and those of none of the charts."""
    shown = _pillars(_parsed(result))
    if shown is None:
        return False
    return all(shown != _pillars_of(chart) for chart in charts)


def _pillars_of(chart: Chart) -> tuple[Any, ...]:
    own = chart.pillars
    return tuple(None if each is None else each.hanja for each in (own.year, own.month, own.day, own.hour))


def _pillars(result: Any) -> tuple[Any, ...] | None:
    while isinstance(result, dict) and "pillars" not in result and isinstance(result.get("chart"), dict):
        result = result["chart"]
    pillars = result.get("pillars") if isinstance(result, dict) else None
    if not isinstance(pillars, dict):
        return None
    each = (pillars.get(name) for name in ("year", "month", "day", "hour"))
    return tuple(one.get("hanja") if isinstance(one, dict) else None for one in each)


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return None


def without(request: GenerationRequest) -> tuple[tuple[ChatMessage, ...], tuple[Tool, ...]]:
    """The turns and tools of a request for a model that knows nothing of this one."""
    own = {call.id for each in request.messages for call in each.tool_calls if call.name == TOOL}
    turns = []
    for each in request.messages:
        if each.role == "tool" and each.tool_call_id in own:
            continue
        left = tuple(call for call in each.tool_calls if call.name != TOOL)
        if each.tool_calls and not left and not each.content:
            continue
        turns.append(ChatMessage(each.role, each.content, left, each.tool_call_id))
    return tuple(turns), tuple(each for each in request.tools if each.name != TOOL)
