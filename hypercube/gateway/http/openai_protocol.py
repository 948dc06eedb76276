"""OpenAI's chat request as its official client sends it, and its conversion to ours.

Every parameter that OpenAI knows has a field here. One that this server honours is converted; one that it does
not build yet is accepted at the value that asks for nothing, and refused by name at any other. An unknown
parameter is refused. Ranges and roles are judged by the chat cube, for all transports alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling

_INT64: Final = 2**63 - 1


@dataclass(frozen=True, slots=True, eq=False)
class _Neutral:
    """Accepts None and the values that ask for nothing.

    Compared by identity: `typing` would otherwise take an annotation that accepts 0 for one that accepts False.
    """

    values: tuple[Any, ...]

    def __call__(self, value: Any) -> Any:
        if value is None or any(type(value) is type(one) and value == one for one in self.values):
            return value
        shown = " or ".join(_json(one) for one in (*self.values, None))
        raise PydanticCustomError(
            "not_supported",
            "is not supported by this server yet.",
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


def _only(*values: Any) -> AfterValidator:
    return AfterValidator(_Neutral(values))


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
            "is no text part." if supported else "is of a type that is not supported by this server yet.",
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
                    },
                },
            ]
        }
    ),
]
_Stop = Annotated[
    tuple[str, ...],
    BeforeValidator(_tuple_of),
    WithJsonSchema({"anyOf": [_STRING_OR, {"type": "array", "items": _STRING_OR}, {"type": "null"}]}),
]
_Hint = Annotated[Any, Field(description="Accepted and without effect here.")]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OpenAIMessage(_Strict):
    """One turn. An assistant's turn can be sent back as it came."""

    role: str
    content: _Content
    name: Annotated[Any, _only()] = None
    refusal: Annotated[Any, _only()] = None
    annotations: Annotated[Any, _only([])] = None
    audio: Annotated[Any, _only()] = None
    function_call: Annotated[Any, _only()] = None
    tool_calls: Annotated[Any, _only([])] = None
    tool_call_id: Annotated[Any, _only()] = None


class StreamOptions(_Strict):
    """What else a stream carries."""

    include_usage: bool | None = None
    include_obfuscation: Annotated[Any, _only(False)] = None


class ChatCompletionRequest(_Strict):
    """The body of POST /v1/chat/completions."""

    messages: tuple[OpenAIMessage, ...]
    model: str = Field(default="", description="As listed by /v1/models; empty for the server's default.")
    max_tokens: int | None = None
    max_completion_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: Annotated[int, Field(ge=-_INT64, le=_INT64)] | None = None
    stop: _Stop = ()
    stream: bool | None = None
    stream_options: StreamOptions | None = None

    metadata: _Hint = None
    prompt_cache_key: _Hint = None
    safety_identifier: _Hint = None
    user: _Hint = None
    parallel_tool_calls: _Hint = None

    audio: Annotated[Any, _only()] = None
    function_call: Annotated[Any, _only("none", "auto")] = None
    functions: Annotated[Any, _only([])] = None
    logit_bias: Annotated[Any, _only({})] = None
    logprobs: Annotated[Any, _only(False)] = None
    modalities: Annotated[Any, _only(["text"])] = None
    moderation: Annotated[Any, _only()] = None
    n: Annotated[Any, _only(1)] = None
    prediction: Annotated[Any, _only()] = None
    prompt_cache_options: Annotated[Any, _only()] = None
    prompt_cache_retention: Annotated[Any, _only()] = None
    reasoning_effort: Annotated[Any, _only("none")] = None
    response_format: Annotated[Any, _only({"type": "text"})] = None
    service_tier: Annotated[Any, _only("auto", "default")] = None
    store: Annotated[Any, _only(False)] = None
    tool_choice: Annotated[Any, _only("none", "auto")] = None
    tools: Annotated[Any, _only([])] = None
    top_logprobs: Annotated[Any, _only(0)] = None
    verbosity: Annotated[Any, _only("medium")] = None
    web_search_options: Annotated[Any, _only()] = None

    @property
    def limit_param(self) -> str:
        """The name under which the caller gave its token limit."""
        return "max_completion_tokens" if self.max_completion_tokens is not None else "max_tokens"

    @property
    def wants_usage(self) -> bool:
        """Whether a stream ends with a chunk of token counts."""
        return self.stream_options is not None and bool(self.stream_options.include_usage)

    def to_generation(self) -> GenerationRequest:
        """The request in our own terms."""
        limit = self.max_tokens if self.max_completion_tokens is None else self.max_completion_tokens
        return GenerationRequest(
            messages=tuple(ChatMessage(_role(turn.role), turn.content) for turn in self.messages),
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
            ),
        )


def _role(role: str) -> str:
    """OpenAI's newer word for system is developer."""
    return "system" if role == "developer" else role
