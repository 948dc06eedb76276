"""What the hypercluster asks of an engine that runs one model."""

from array import array
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple, Protocol, runtime_checkable

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest, Tokenized, TokenizeRequest
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.served_models import Capability


@dataclass(frozen=True, slots=True)
class EngineOptions:
    """How to run models.

    Attributes:
        context_length: tokens of prompt and answer together that one request may use.
        slots: requests that an engine works on at once.
        threads: CPU threads of an engine; None takes every core this process may use.
        device: "auto", "cpu", "cuda" or "cuda:N".
        precision: "auto", or a name of `precision.PRECISIONS`.
        tensor_parallel: devices (processes on a CPU) that share each layer.
        pipeline_parallel: devices that share the layers out.
        adapters: LoRA adapters that may be loaded at once; 0 = none, and the model runs without what they cost.
    """

    context_length: int = 4096
    slots: int = 2
    threads: int | None = None
    device: str = "auto"
    precision: str = "auto"
    tensor_parallel: int = 1
    pipeline_parallel: int = 1
    adapters: int = 0

    def __post_init__(self) -> None:
        for name, value in (
            ("context_length", self.context_length),
            ("slots", self.slots),
            ("threads", self.threads),
            ("tensor_parallel", self.tensor_parallel),
            ("pipeline_parallel", self.pipeline_parallel),
        ):
            if value is not None and value < 1:
                raise invalid(f"{name} is {value}.", param=name, value=value, fix="Write a number from 1.")


class Embedded(NamedTuple):
    """A text's vector, `array('f')` of the model's width, and the tokens read for it."""

    vector: "array[float]"
    tokens: int


class Scored(NamedTuple):
    """A pair's score (see `core.engine.Scores`), and the tokens read for it."""

    score: float
    tokens: int


class Engine(Protocol):
    """One model, loaded once, then working until unloaded. An engine object is not loaded a second time.

    An engine that breaks raises ENGINE_FAILED from the work under way and finishes `died`; it does not mend
    itself. Refusing one request (INVALID_ARGUMENT, CONTEXT_LENGTH_EXCEEDED) is not breaking. What an engine is
    not capable of it is never asked: the cluster refuses before, naming who can.
    """

    @property
    def capabilities(self) -> frozenset[Capability]:
        """What it can do with its model; known before loading."""
        ...

    @property
    def context_length(self) -> int:
        """Tokens of prompt and answer together."""
        ...

    @property
    def slots(self) -> int:
        """Generations that run at once; the cluster never starts more."""
        ...

    @property
    def description(self) -> str:
        """What runs where, as `/readyz` says it: "llama.cpp on the CPU, 2 threads"."""
        ...

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """Open the model; sentences for the user go to `on_status`.

        `path` is the one file of a format that has one (GGUF), a folder with all files under their names for
        any other (safetensors), and None where the model has no files.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when this machine cannot run it, with the fix; ENGINE_FAILED when
                it broke on the way.
        """
        ...

    def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; the last event has `finish_reason` and `usage`.

        An event with neither text nor `finish_reason` is a sign of life (the prompt is being read). Closing the
        iterator stops the engine's work on it.
        """
        ...

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """One forward pass over a batch that the dynamic batcher formed; one result a text, in order.

        Raises:
            HyperCubeError: CONTEXT_LENGTH_EXCEEDED or INVALID_ARGUMENT when a text is at fault (the batcher finds
                out which); ENGINE_FAILED.
        """
        ...

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """The same for (query, document) pairs."""
        ...

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Take a LoRA adapter in under `name`, beside a loaded model; a taken name means the new one from now on.

        Answers under way end with the adapter that they began with.

        Raises:
            HyperCubeError: INVALID_ARGUMENT when the engine has no adapters, or the folder's is not made for the
                model; ENGINE_FAILED.
        """
        ...

    async def unload_adapter(self, name: str) -> None:
        """Forget an adapter; INVALID_ARGUMENT when there is none of that name."""
        ...

    async def died(self) -> HyperCubeError:
        """Wait until a loaded engine breaks; the answer says how. Never returns for an engine that is unloaded."""
        ...

    async def unload(self) -> None:
        """Give everything back, whatever state the engine is in; safe to call twice."""
        ...


@runtime_checkable
class CanBeAway(Protocol):
    """An engine whose work is done elsewhere: that place can be away, and come back without a new load."""

    @property
    def retry_after_s(self) -> float:
        """Seconds until a place that is away is looked at again."""
        ...

    def watch(self, on_away: Callable[[str | None], None]) -> None:
        """Call `on_away` with the reason when it goes away, and with None when it is back; on the event loop."""
        ...


@runtime_checkable
class ShowsTokens(Protocol):
    """An engine whose tokenizer can be used by itself; it has the capability TOKENIZE."""

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """Text to tokens, or tokens to text.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for a token that the vocabulary does not have; ENGINE_FAILED.
        """
        ...


class WithoutAdapters:
    """The other half of an engine that cannot load LoRA adapters."""

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Not among its capabilities."""
        raise incapable(type(self).__name__, Capability.ADAPTERS)

    async def unload_adapter(self, name: str) -> None:
        """Not among its capabilities."""
        raise incapable(type(self).__name__, Capability.ADAPTERS)


class GeneratesOnly(WithoutAdapters):
    """The other half of an engine that only generates text."""

    capabilities: frozenset[Capability] = frozenset({Capability.GENERATE})

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """Not among its capabilities."""
        raise incapable(type(self).__name__, Capability.EMBED)

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """Not among its capabilities."""
        raise incapable(type(self).__name__, Capability.SCORE)


def incapable(who: str, capability: Capability, able: Sequence[str] = ()) -> HyperCubeError:
    """INVALID_ARGUMENT: `who` (a model or an engine) cannot do that; `able` names what could."""
    if capability is Capability.ADAPTERS and not able:
        return invalid(
            f"{who} cannot load adapters.",
            param="adapter",
            value=who,
            fix=f"Serve it with one of {', '.join(ENGINES_ABLE[capability])}, and set model.adapters above 0.",
            choices=[],
        )
    return invalid(
        f"{who} cannot {_DOING[capability]}.",
        param=_PARAM.get(capability, "model"),
        value=who,
        fix=f"Use one that can: {', '.join(able)}."
        if able
        else f"Nothing served here can; serve a model with one of: {', '.join(ENGINES_ABLE[capability])}.",
        choices=list(able),
    )


_TEXT_ENGINES = ("llama.cpp", "transformers", "vllm", "upstream")
ENGINES_ABLE: Final[Mapping[Capability, tuple[str, ...]]] = {
    Capability.GENERATE: (*_TEXT_ENGINES, "fake"),
    Capability.EMBED: ("transformers", "torch", "upstream", "fake"),
    Capability.SCORE: ("transformers", "torch", "fake"),
    Capability.JSON_SCHEMA: _TEXT_ENGINES,
    Capability.ADAPTERS: ("transformers", "vllm"),
    Capability.LOGPROBS: (*_TEXT_ENGINES, "fake"),
    Capability.LOGIT_BIAS: _TEXT_ENGINES,
    Capability.TOOLS: (*_TEXT_ENGINES, "fake"),
    Capability.TOOL_CHOICE: (*_TEXT_ENGINES, "fake"),
    Capability.COMPLETE: (*_TEXT_ENGINES, "fake"),
    Capability.TOKENIZE: ("llama.cpp", "transformers", "vllm", "fake"),
}
"""Which engines can do what, for those who have none that can; a test holds it to the engines."""
_DOING = {
    Capability.GENERATE: "generate text",
    Capability.EMBED: "make embeddings",
    Capability.SCORE: "score documents",
    Capability.JSON_SCHEMA: "keep an answer to a JSON schema",
    Capability.ADAPTERS: "load adapters",
    Capability.LOGPROBS: "tell log-probabilities",
    Capability.LOGIT_BIAS: "make single tokens likelier",
    Capability.TOOLS: "call tools",
    Capability.TOOL_CHOICE: "be forced to call a tool",
    Capability.COMPLETE: "continue a plain text",
    Capability.TOKENIZE: "show its tokens",
}
_PARAM = {
    Capability.JSON_SCHEMA: "response_format",
    Capability.ADAPTERS: "adapter",
    Capability.LOGPROBS: "logprobs",
    Capability.LOGIT_BIAS: "logit_bias",
    Capability.TOOLS: "tools",
    Capability.TOOL_CHOICE: "tool_choice",
    Capability.COMPLETE: "prompt",
}


def engine_failed(what: str, *, retry_after_s: float | None = None) -> HyperCubeError:
    """The error of everybody who was waiting for an engine that broke."""
    return HyperCubeError(
        ErrorKind.ENGINE_FAILED,
        f"The model engine failed: {what}.",
        fix="Send the request again; the engine is being restarted.",
        retry_after_s=retry_after_s,
    )
