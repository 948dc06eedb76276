"""What a text engine is to the rest of the house: a small contract, no scheduler, no device.

`hypercube.inference` implements it; cubes and the gateway see only this. A generation is an async iterator
of `GenerationEvent`s; closing the iterator, or cancelling the task that drives it, cancels the engine's work.
"""

from array import array
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar, Protocol

from hypercube.core.cube import Call
from hypercube.core.reading import Grounding
from hypercube.core.served_models import ServedModel


class FinishReason(StrEnum):
    """Why a generation ended, in OpenAI's words."""

    STOP = "stop"
    """The model ended its answer, or a stop sequence appeared."""
    LENGTH = "length"
    """`max_tokens` or the context window was reached."""
    TOOL_CALLS = "tool_calls"
    """The model calls tools, and waits for what they say."""


class ToolChoice(StrEnum):
    """Whether the model may, must not, or must call a tool; a `tool_name` beside REQUIRED says which."""

    AUTO = "auto"
    NONE = "none"
    REQUIRED = "required"


@dataclass(frozen=True, slots=True)
class Tool:
    """A function that the caller can run; `parameters` is a JSON schema of its arguments, as JSON text."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    description: str = ""
    parameters: str = "{}"


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A call that the model made in an earlier turn; `arguments` is JSON text."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ToolCallDelta:
    """A piece of a call under way: the first of call `index` has its id and name, all have more `arguments`."""

    index: int
    id: str = ""
    name: str = ""
    arguments: str = ""


@dataclass(frozen=True, slots=True)
class TopLogprob:
    """A token that could stand in a place: its text, its bytes, its natural log-probability."""

    token: str
    logprob: float
    bytes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class TokenLogprob:
    """A token of an answer, with the likeliest ones of its place (as many as were asked for), likeliest first."""

    token: str
    logprob: float
    bytes: tuple[int, ...]
    top: tuple[TopLogprob, ...] = ()


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn; `role` is system, user, assistant or tool.

    Attributes:
        role: who speaks.
        content: what it says; empty where an assistant only calls tools.
        tool_calls: an assistant's calls.
        tool_call_id: which call a tool's turn answers.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    role: str
    content: str
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str = ""


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to draw tokens; None leaves the engine's own default."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    temperature: float | None = None
    top_p: float | None = None
    top_k: int | None = None
    min_p: float | None = None
    frequency_penalty: float | None = None
    presence_penalty: float | None = None
    seed: int | None = None
    stop: tuple[str, ...] = ()
    logit_bias: tuple[tuple[int, float], ...] = ()
    """Token ids with what is added to their logits before a draw."""


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A chat, or a plain text, to be continued by one model.

    Attributes:
        messages: at least one turn; none where `prompt` is given.
        model: name as served; empty means the server's default.
        max_tokens: limit on generated tokens, or None for "what the context window leaves".
        sampling: how to draw tokens.
        json_schema: a JSON schema, as JSON text, that the answer must satisfy; None = free text.
        adapter: name of a LoRA adapter that was loaded beside the model; empty = the model alone.
        prompt: a text, or token ids, to be continued as it is, in place of `messages`.
        logprobs: how many of the likeliest tokens to tell of in each place (0: the drawn one alone); None = nothing.
        tools: what the model may call.
        tool_choice: whether it may, must or must not.
        tool_name: the one tool that it must call, beside REQUIRED; empty = any.
        parallel_tool_calls: whether one answer may hold several calls.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    messages: tuple[ChatMessage, ...]
    model: str = ""
    max_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    json_schema: str | None = None
    adapter: str = ""
    prompt: str | tuple[int, ...] | None = None
    logprobs: int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = ToolChoice.AUTO
    tool_name: str = ""
    parallel_tool_calls: bool = True


@dataclass(frozen=True, slots=True)
class Usage:
    """Token counts of one request."""

    prompt_tokens: int
    completion_tokens: int

    @property
    def total_tokens(self) -> int:
        """Prompt and completion together."""
        return self.prompt_tokens + self.completion_tokens


@dataclass(frozen=True, slots=True)
class GenerationEvent:
    """A piece of an answer. The last event of a stream has `finish_reason` and `usage` set."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage | None = None
    logprobs: tuple[TokenLogprob, ...] = ()
    """Of the tokens of `text`, if they were asked for."""
    tool_calls: tuple[ToolCallDelta, ...] = ()
    grounding: Grounding | None = None
    """With the last event of an answer about a chart: what it rests on."""

    @property
    def empty(self) -> bool:
        """Whether it is only a sign of life."""
        return not (self.text or self.logprobs or self.tool_calls) and self.finish_reason is None


@dataclass(frozen=True, slots=True)
class TokenizeRequest:
    """A text, or a chat as its model reads it, to be turned into tokens; or tokens to be turned into text.

    Attributes:
        text: to be tokenized.
        messages: to be rendered by the model's chat template and tokenized, in place of `text`.
        tokens: to be turned into text, in place of both.
        model: name as served; empty means the server's default.
        add_special_tokens: whether the tokenizer adds what it adds to a prompt; None = to a text yes, to a chat no.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    text: str | None = None
    messages: tuple[ChatMessage, ...] = ()
    tokens: tuple[int, ...] | None = None
    model: str = ""
    add_special_tokens: bool | None = None


@dataclass(frozen=True, slots=True)
class Tokenized:
    """Tokens and the text that they are.

    Attributes:
        tokens: ids.
        pieces: the text of each token, when text was tokenized; a part of a character shows as U+FFFD.
        text: what was tokenized (a chat as rendered), or what the tokens spell.
        context_length: how many tokens the model takes.
    """

    tokens: tuple[int, ...]
    pieces: tuple[str, ...]
    text: str
    context_length: int


@dataclass(frozen=True, slots=True)
class EmbeddingRequest:
    """Texts to be turned into vectors by one model; an empty model name means the default for embeddings."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    texts: tuple[str, ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Embeddings:
    """One vector a text, in the order asked.

    Attributes:
        vectors: one `array('f')` a text, all of the model's width.
        prompt_tokens: tokens read, special ones included.
    """

    vectors: "tuple[array[float], ...]"
    prompt_tokens: int


@dataclass(frozen=True, slots=True)
class ScoreRequest:
    """Documents to be rated against a query by one model."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    query: str
    documents: tuple[str, ...]
    model: str = ""


@dataclass(frozen=True, slots=True)
class Scores:
    """One score a document, in the order asked; higher is nearer.

    A cross-encoder's score is its logit through a sigmoid (0..1); an embedding model's is the cosine (-1..1).
    """

    scores: tuple[float, ...]
    prompt_tokens: int


class EngineClient(Protocol):
    """All that cubes and the gateway know of inference."""

    def models(self) -> Sequence[ServedModel]:
        """Every model served here, ready or not."""
        ...

    def generate(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """Stream the continuation of a chat.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND; UNAVAILABLE with `retry_after_s` while the model loads;
                CONTEXT_LENGTH_EXCEEDED with the counts; OVERLOADED when the queue is full; ENGINE_FAILED when
                the engine died under the request; DEADLINE_EXCEEDED.
        """
        ...

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """Vectors of texts; errors as `generate`, and INVALID_ARGUMENT when the model is no encoder."""
        ...

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """Scores of documents against a query; errors as `embed`."""
        ...

    async def probe(self, model: str, timeout_s: float) -> None:
        """Generate one token for real within `timeout_s`; raises what `generate` raises if that fails."""
        ...


class TokenizerClient(Protocol):
    """The tokenizers of the served models."""

    def models(self) -> Sequence[ServedModel]:
        """Every model served here, ready or not."""
        ...

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """Text to tokens or back; INVALID_ARGUMENT when the model's engine cannot, or a token is not in it."""
        ...
