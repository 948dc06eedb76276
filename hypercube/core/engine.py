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


class FinishReason(StrEnum):
    """Why a generation ended, in OpenAI's words."""

    STOP = "stop"
    """The model ended its answer, or a stop sequence appeared."""
    LENGTH = "length"
    """`max_tokens` or the context window was reached."""


class Capability(StrEnum):
    """What an engine may be able to do with a model; a request that needs more is INVALID_ARGUMENT."""

    GENERATE = "generate"
    EMBED = "embed"
    SCORE = "score"
    """Rate texts against a query (reranking)."""
    JSON_SCHEMA = "json_schema"
    """Answers constrained to a JSON schema while they are generated."""
    ADAPTERS = "adapters"
    """LoRA adapters loaded at run time."""


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One turn; `role` is system, user or assistant."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    role: str
    content: str


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


@dataclass(frozen=True, slots=True)
class GenerationRequest:
    """A chat to be continued by one model.

    Attributes:
        messages: at least one turn.
        model: name as served; empty means the server's default.
        max_tokens: limit on generated tokens, or None for "what the context window leaves".
        sampling: how to draw tokens.
        json_schema: a JSON schema, as JSON text, that the answer must satisfy; None = free text.
        adapter: name of a LoRA adapter that was loaded beside the model; empty = the model alone.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    messages: tuple[ChatMessage, ...]
    model: str = ""
    max_tokens: int | None = None
    sampling: Sampling = field(default_factory=Sampling)
    json_schema: str | None = None
    adapter: str = ""


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


class EngineState(StrEnum):
    """Where a model stands between 'named' and 'answering'."""

    PENDING = "pending"
    DOWNLOADING = "downloading"
    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class EngineStatus:
    """What `/readyz`, `/v1/models` and the banner show of a model."""

    state: EngineState
    reason: str
    """One sentence: why it is not ready, or what it runs on."""
    progress: float | None = None
    """0..1 while downloading."""


@dataclass(frozen=True, slots=True)
class ServedModel:
    """A model as its users see it."""

    name: str
    engine: str
    context_length: int
    licence: str
    created: int
    """POSIX seconds of publication."""
    status: EngineStatus
    capabilities: tuple[Capability, ...] = (Capability.GENERATE,)


@dataclass(frozen=True, slots=True)
class ModelsRequest:
    """Ask what is served; it has no fields yet."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class ModelsResponse:
    """Every served model, the server's default first."""

    models: tuple[ServedModel, ...]


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
