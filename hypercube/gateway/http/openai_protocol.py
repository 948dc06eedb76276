"""OpenAI's chat request as its official client sends it, and its conversion to ours.

Every parameter that OpenAI knows has a field here. One that this server honours is converted; one that it does
not build is accepted at the value that asks for nothing, and refused by name at any other. An unknown
parameter is refused. Ranges and roles are judged by the chat cube, for all transports alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    WithJsonSchema,
    model_validator,
)
from pydantic_core import CoreSchema, PydanticCustomError
from pydantic_core.core_schema import no_info_after_validator_function

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import HyperCubeError
from hypercube.gateway.http.openai_numbers import (
    Choices,
    FrequencyPenalty,
    MinP,
    PresencePenalty,
    Seed,
    Temperature,
    Tokens,
    TopK,
    TopLogprobs,
    TopP,
)
from hypercube.gateway.http.openai_tools import (
    CalledTool,
    FunctionTool,
    ResponseFormat,
    Strict,
    ToolChoiceBody,
    choice_of,
    refused,
    schema_of,
)
from hypercube.inference.request_check import MAX_LOGIT_BIAS, MAX_STOP_CHARACTERS, MAX_STOPS, ROLES

_LONGEST_ID: Final = 10
"""Digits of a token id."""


@dataclass(frozen=True, slots=True, eq=False)
class Neutral:
    """Accepts None and the values that ask for nothing.

    Compared by identity: `typing` would otherwise take an annotation that accepts 0 for one that accepts False.
    """

    values: tuple[Any, ...]

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        """Judged after what the annotation itself says."""
        return no_info_after_validator_function(self, handler(source))

    def __get_pydantic_json_schema__(self, core: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        """Null and the values, and nothing else."""
        return {"enum": [*self.values, None], "description": "Not honoured here; these ask for nothing."}

    def __call__(self, value: Any) -> Any:
        """The value, if it asks for nothing."""
        if value is None or any(type(value) is type(one) and value == one for one in self.values):
            return value
        shown = " or ".join(_json(one) for one in (*self.values, None))
        raise PydanticCustomError(
            "not_supported",
            "is not supported by this server.",
            {"param": (), "value": _json(value), "fix": f"Leave it out, or send {shown}."},
        )


def _json(value: Any) -> str:
    """A value in JSON's words, for a message."""
    match value:
        case None | True | False:
            return {None: "null", True: "true", False: "false"}[value]
        case dict() if value:
            return "an object"
        case list() if value:
            return "a list"
        case _:
            return str(value)


def only(*values: Any) -> Neutral:
    """A field that this server does not honour: None and `values`, which ask for nothing, are accepted."""
    return Neutral(values)


def _text_of(content: Any) -> Any:
    """Text, also when it comes as a list of text parts."""
    if not isinstance(content, list | tuple):
        return content
    texts: list[str] = []
    for at, part in enumerate(content):
        kind = part.get("type") if isinstance(part, Mapping) else None
        if kind == "text" and isinstance(part.get("text"), str) and len(part) == 2:
            texts.append(part["text"])
            continue
        supported = kind in (None, "text")
        raise PydanticCustomError(
            "content_part",
            "is no text part." if supported else "is of a type that is not supported by this server.",
            {
                "param": (at,) if supported else (at, "type"),
                "value": kind,
                "fix": 'Send text: {"type": "text", "text": "…"}, or the content as one string.',
            },
        )
    return "\n".join(texts)


def _tuple_of(stop: Any) -> Any:
    """Stop sequences, also when one comes alone."""
    if stop is None:
        return ()
    return (stop,) if isinstance(stop, str) else tuple(stop) if isinstance(stop, list) else stop


_STRING_OR = {"type": "string"}
_STOP = {"type": "string", "minLength": 1, "maxLength": MAX_STOP_CHARACTERS}
_Content = Annotated[
    str,
    BeforeValidator(_text_of),
    WithJsonSchema(
        {
            "anyOf": [
                _STRING_OR,
                {
                    "type": "array",
                    "items": {
                        "type": "object",
                        "properties": {"type": {"const": "text"}, "text": _STRING_OR},
                        "required": ["type", "text"],
                        "additionalProperties": False,
                    },
                },
            ]
        }
    ),
]
Stop = Annotated[
    tuple[str, ...],
    BeforeValidator(_tuple_of),
    WithJsonSchema(
        {"anyOf": [_STOP, {"type": "array", "items": _STOP, "maxItems": MAX_STOPS}, {"type": "null"}]}
    ),
]


def _token_ids(given: dict[str, float]) -> dict[str, float]:
    for name in given:
        if not (name.isascii() and name.isdigit() and len(name) <= _LONGEST_ID):
            raise refused(
                "is no id of a token.", 'Write token ids as names: {"1234": -100}.', name, value=name
            )
    return given


LogitBias = Annotated[
    dict[str, float],
    AfterValidator(_token_ids),
    WithJsonSchema(
        {
            "type": "object",
            "propertyNames": {"pattern": "^[0-9]{1,9}$"},
            "additionalProperties": {"type": "number", "minimum": -100, "maximum": 100},
            "maxProperties": MAX_LOGIT_BIAS,
        }
    ),
]
Hint = Annotated[Any, Field(description="Accepted and without effect here.")]
EndUser = Annotated[
    Any, Field(description="Whom the request is for; such a user stays with one version of a split model.")
]
_LONGEST_USER: Final = 256


def end_user_of(*given: Any) -> str:
    """The first of `given` that names somebody; what is no plain text, or too long, names nobody."""
    texts = (each for each in given if isinstance(each, str) and 0 < len(each) <= _LONGEST_USER)
    return next((each for each in texts if each.isprintable()), "")


class OpenAIMessage(Strict):
    """One turn. An assistant's turn can be sent back as it came."""

    role: Annotated[str, WithJsonSchema({"enum": [*ROLES, "developer"]})]
    content: _Content | None = None
    name: Annotated[Any, only()] = None
    refusal: Annotated[Any, only()] = None
    annotations: Annotated[Any, only([])] = None
    audio: Annotated[Any, only()] = None
    function_call: Annotated[Any, only()] = None
    tool_calls: tuple[CalledTool, ...] | None = None
    tool_call_id: str | None = None

    @model_validator(mode="after")
    def _says_something(self) -> "OpenAIMessage":
        if self.content is None and not self.tool_calls:
            raise refused(
                "is missing.",
                "Write what the turn says; only a turn that calls tools says nothing.",
                "content",
            )
        return self

    def to_message(self) -> ChatMessage:
        """The turn in our own terms; OpenAI's newer word for system is developer."""
        role = "system" if self.role == "developer" else self.role
        calls = tuple(call.to_call() for call in self.tool_calls or ())
        return ChatMessage(role, self.content or "", calls, self.tool_call_id or "")


class StreamOptions(Strict):
    """What else a stream carries."""

    include_usage: bool | None = None
    include_obfuscation: Annotated[Any, only(False)] = None


class ChatCompletionRequest(Strict):
    """The body of POST /v1/chat/completions."""

    messages: Annotated[tuple[OpenAIMessage, ...], Field(json_schema_extra={"minItems": 1})]
    model: str = Field(default="", description="As listed by /v1/models; empty for the server's default.")
    max_tokens: Tokens | None = None
    max_completion_tokens: Tokens | None = None
    temperature: Temperature | None = None
    top_p: TopP | None = None
    top_k: TopK | None = None
    min_p: MinP | None = None
    frequency_penalty: FrequencyPenalty | None = None
    presence_penalty: PresencePenalty | None = None
    seed: Seed | None = None
    stop: Stop = ()
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    metadata: Hint = None
    prompt_cache_key: Hint = None
    safety_identifier: EndUser = None
    user: EndUser = None

    logit_bias: LogitBias | None = None
    logprobs: bool | None = None
    top_logprobs: TopLogprobs | None = None
    n: Choices | None = None
    parallel_tool_calls: bool | None = None
    response_format: ResponseFormat | None = None
    tool_choice: ToolChoiceBody | None = None
    tools: tuple[FunctionTool, ...] | None = None

    audio: Annotated[Any, only()] = None
    function_call: Annotated[Any, only("none", "auto")] = None
    functions: Annotated[Any, only([])] = None
    modalities: Annotated[Any, only(["text"])] = None
    moderation: Annotated[Any, only()] = None
    prediction: Annotated[Any, only()] = None
    prompt_cache_options: Annotated[Any, only()] = None
    prompt_cache_retention: Annotated[Any, only()] = None
    reasoning_effort: Annotated[Any, only("none")] = None
    service_tier: Annotated[Any, only("auto", "default")] = None
    store: Annotated[Any, only(False)] = None
    verbosity: Annotated[Any, only("medium")] = None
    web_search_options: Annotated[Any, only()] = None

    @model_validator(mode="after")
    def _agrees(self) -> "ChatCompletionRequest":
        if self.top_logprobs and not self.logprobs:
            raise refused(
                "is asked for without logprobs.",
                'Send "logprobs": true beside it.',
                "top_logprobs",
                value=self.top_logprobs,
            )
        if self.stream_options is not None and not self.stream:
            raise refused("is for streams alone.", 'Send "stream": true, or leave it out.', "stream_options")
        return self

    @property
    def names(self) -> dict[str, str]:
        """What the caller calls that the engines call otherwise."""
        newer = self.max_completion_tokens is not None
        return {"max_tokens": "max_completion_tokens"} if newer else {}

    @property
    def end_user(self) -> str:
        """Whom the answer is for; empty where that is not said."""
        return end_user_of(self.safety_identifier, self.user)

    @property
    def choices(self) -> int:
        """How many answers are wanted."""
        return self.n or 1

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk of token counts."""
        return wants_usage(self.stream_options)

    def to_generation(self) -> GenerationRequest:
        """The request in our own terms."""
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        tool_choice, tool_name = choice_of(self.tool_choice)
        return GenerationRequest(
            messages=tuple(turn.to_message() for turn in self.messages),
            model=self.model,
            max_tokens=limit,
            sampling=Sampling(
                temperature=self.temperature,
                top_p=self.top_p,
                top_k=self.top_k,
                min_p=self.min_p,
                frequency_penalty=self.frequency_penalty,
                presence_penalty=self.presence_penalty,
                seed=self.seed,
                stop=self.stop,
                logit_bias=bias_of(self.logit_bias),
            ),
            json_schema=schema_of(self.response_format),
            logprobs=(self.top_logprobs or 0) if self.logprobs else None,
            tools=tuple(each.to_tool() for each in self.tools or ()),
            tool_choice=tool_choice,
            tool_name=tool_name,
            parallel_tool_calls=self.parallel_tool_calls is not False,
        )


def bias_of(given: Mapping[str, float] | None) -> tuple[tuple[int, float], ...]:
    """The bias of tokens, whose ids JSON can only write as names."""
    return tuple((int(token), float(bias)) for token, bias in (given or {}).items())


def wants_usage(options: StreamOptions | None) -> bool:
    """Whether a stream ends with a chunk of token counts."""
    return options is not None and bool(options.include_usage)


def renamed(error: HyperCubeError, names: Mapping[str, str]) -> HyperCubeError:
    """An error about the field that the caller sent: engines know one name for each."""
    head, dot, rest = (error.param or "").partition(".")
    root, bracket, place = head.partition("[")
    if root in names:
        error.param = names[root] + bracket + place + dot + rest
    return error
