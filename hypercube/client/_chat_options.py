"""What `chat` takes beside the messages, and how tools and formats may be written."""

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeAlias, TypedDict

from hypercube.client.exceptions import InvalidArgument, invalid
from hypercube.core.engine import GenerationRequest, Sampling, Tool, ToolChoice
from hypercube.core.errors import shown

ToolLike: TypeAlias = Tool | Mapping[str, Any]
"""A tool: a `Tool`, `{"name": …, "description": …, "parameters": {…}}`, or OpenAI's form around the same."""
_TOOL_KEYS = frozenset({"name", "description", "parameters", "strict"})


class ChatOptions(TypedDict, total=False):
    """Options of a chat; one that is left out, or None, takes the server's default.

    Attributes:
        model: name as served.
        max_tokens: limit on generated tokens.
        temperature: 0 to 2; 0 always takes the likeliest token.
        top_p: draw from the likeliest tokens that together have this probability.
        top_k: draw from so many of the likeliest tokens.
        min_p: draw from tokens at least so likely, as a share of the likeliest one's probability.
        frequency_penalty: -2 to 2, against tokens the more often they came.
        presence_penalty: -2 to 2, against tokens that came at all.
        seed: the same seed and request, the same answer, as far as the engine can.
        stop: one text or several that end the answer and are not part of it.
        logit_bias: what is added to the logits of tokens, by their id.
        json_schema: what the answer must satisfy: a JSON schema, as a mapping or as JSON text.
        logprobs: how many of the likeliest tokens to tell of in each place; 0 tells of the drawn one alone.
        tools: what the model may call.
        tool_choice: auto, none or required.
        tool_name: the one tool that has to be called, beside "required".
        parallel_tool_calls: whether one answer may hold several calls.
        adapter: a LoRA adapter loaded beside the model.
    """

    model: str | None
    max_tokens: int | None
    temperature: float | None
    top_p: float | None
    top_k: int | None
    min_p: float | None
    frequency_penalty: float | None
    presence_penalty: float | None
    seed: int | None
    stop: str | Sequence[str] | None
    logit_bias: Mapping[int, float] | None
    json_schema: Mapping[str, Any] | str | None
    logprobs: int | None
    tools: Iterable[ToolLike] | None
    tool_choice: ToolChoice | str | None
    tool_name: str | None
    parallel_tool_calls: bool | None
    adapter: str | None


SAMPLING = (
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
)


def generation(options: Mapping[str, Any], choice: ToolChoice | None) -> GenerationRequest:
    """A request without messages; `choice` is the tool_choice of the options, read.

    Raises:
        InvalidArgument: what cannot travel.
        TypeError: an option that there is not, as Python raises for an unknown argument.
    """
    unknown = sorted(set(options) - set(ChatOptions.__annotations__))
    if unknown:
        raise TypeError(f"chat() got an unexpected keyword argument {unknown[0]!r}")
    given = {name: value for name, value in options.items() if value is not None}
    sampling = Sampling(
        **{name: given[name] for name in SAMPLING if name in given},
        stop=_stops(given.get("stop", ())),
        logit_bias=_bias(given.get("logit_bias", {})),
    )
    return GenerationRequest(
        messages=(),
        model=given.get("model", ""),
        max_tokens=given.get("max_tokens"),
        sampling=sampling,
        json_schema=json_text("json_schema", given.get("json_schema")),
        adapter=given.get("adapter", ""),
        logprobs=given.get("logprobs"),
        tools=tuple(_tool(at, each) for at, each in enumerate(_listed("tools", given.get("tools", ())))),
        tool_choice=choice or ToolChoice.AUTO,
        tool_name=given.get("tool_name", ""),
        parallel_tool_calls=given.get("parallel_tool_calls", True),
    )


def _stops(stop: Any) -> tuple[str, ...]:
    if not isinstance(stop, Iterable):
        raise invalid(
            f"stop is {shown(stop)}.", param="stop", value=stop, fix="Give a text, or a list of them."
        )
    return (stop,) if isinstance(stop, str) else tuple(stop)


def _bias(bias: Any) -> tuple[tuple[int, float], ...]:
    if not isinstance(bias, Mapping):
        raise invalid(
            f"logit_bias is {shown(bias)}.", param="logit_bias", value=bias, fix="Give {token id: number}."
        )
    return tuple(bias.items())


def _listed(param: str, given: Any) -> Iterable[Any]:
    if isinstance(given, str | Mapping) or not isinstance(given, Iterable):
        raise invalid(
            f"{param} is {shown(given)!r}, not a list.", param=param, value=given, fix="Give a list."
        )
    return given


def _tool(at: int, given: Any) -> Tool:
    if isinstance(given, Tool):
        return given
    inner = given
    if isinstance(given, Mapping) and given.get("type") == "function" and len(given) == 2:
        inner = given.get("function")
    if not isinstance(inner, Mapping) or "name" not in inner or set(inner) - _TOOL_KEYS:
        raise invalid(
            f"tools[{at}] is {shown(given)!r}.",
            param=f"tools[{at}]",
            value=given,
            fix='Write {"name": "weather", "description": "…", "parameters": {…a JSON schema…}}, or a Tool.',
        )
    schema = json_text(f"tools[{at}].parameters", inner.get("parameters"))
    return Tool(inner["name"], inner.get("description") or "", schema or "")


def json_text(param: str, given: Any) -> str | None:
    """What is given as JSON text, or as a mapping that becomes it; None stays None."""
    if given is None or isinstance(given, str):
        return given
    if not isinstance(given, Mapping):
        raise _no_json(param, given, "it is no object")
    try:
        text = json.dumps(given, ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise _no_json(param, given, str(error)) from None
    return text


def _no_json(param: str, given: Any, why: str) -> InvalidArgument:
    return invalid(
        f"{param} is no JSON schema: {why}.",
        param=param,
        value=given,
        fix='Give a mapping, or JSON text: {"type": "object", "properties": {…}}.',
    )
