"""Models as they are served: in which state, by which versions."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import ClassVar

from hypercube.core.adapters import ServedAdapter
from hypercube.core.tensors import TensorSpec


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
    LOGPROBS = "logprobs"
    """Log-probabilities of the tokens of an answer."""
    LOGIT_BIAS = "logit_bias"
    """Single tokens made likelier or forbidden."""
    TOOLS = "tools"
    """Tools offered to the model, and its calls of them read."""
    TOOL_CHOICE = "tool_choice"
    """A call of a tool forced while the answer is generated."""
    COMPLETE = "complete"
    """A plain text continued, without turns."""
    TOKENIZE = "tokenize"
    """The model's tokenizer, used by itself."""


class EngineState(StrEnum):
    """Where a model stands between 'named' and 'answering'."""

    PENDING = "pending"
    IDLE = "idle"
    """Not loaded, and loaded by the first request for it, which waits."""
    UNLOADED = "unloaded"
    """Taken out of memory by the operator, until it is loaded again."""
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
class ServedVersion:
    """One of the versions of a served model: what answers its name, a canary, what was asked for by version.

    Attributes:
        version: semantic version.
        status: where it stands.
        aliases: names that lead to it, `name@alias`.
        share: 0..1 of the requests for the bare name.
        in_flight: requests running or waiting.
        measured_bytes: as of `ServedModel`.
        requests: of the split, answered or failed within its window; 0 where there is no split.
        failed: those of them that failed by the version's fault.
        first_p95_s: 95th percentile of the time to the first piece, of the split's requests.
        total_p95_s: the same of the whole answer.
        withdrawn: why requests were taken away from it; empty while they were not.
    """

    version: str
    status: EngineStatus
    aliases: tuple[str, ...] = ()
    share: float = 1.0
    in_flight: int = 0
    measured_bytes: int | None = None
    requests: int = 0
    failed: int = 0
    first_p95_s: float | None = None
    total_p95_s: float | None = None
    withdrawn: str = ""


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version that requests can ask for as `name@version`: its files are here, whether it is loaded or not.

    Attributes:
        version: as asked for.
        answers: the version that answers then: itself, or what was made from it for this server's engine.
        inputs: what its manifest's signature takes; empty = what its engine takes.
        outputs: the same of what it gives.
    """

    version: str
    answers: str
    inputs: tuple[TensorSpec, ...] = ()
    outputs: tuple[TensorSpec, ...] = ()


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
    version: str = ""
    on_demand: bool = False
    """Requests for it wait while it is loaded, instead of being refused."""
    pinned: bool = False
    """It stays in memory whatever other models need."""
    measured_bytes: int | None = None
    """Memory that its processes held after it was last loaded; None while that is not known."""
    versions: tuple[ServedVersion, ...] = ()
    """Every version of it that this server has at hand, the one that answers its name first."""
    routing_note: str = ""
    """Why that one is not what the registry says; empty while it is."""
    digest: str = ""
    """SHA-256 over its content (with its adapter's): what belongs into every cache key."""
    adapters: tuple[ServedAdapter, ...] = ()
    """The LoRA adapters that it can be asked with."""
    parent: str = ""
    """Of an adapter that is listed as a model of its own (`model:adapter`): the model."""
    known: tuple[KnownVersion, ...] = ()
    """Every version that can be asked for, the one that `name@latest` means first; empty = only the one it is."""
    aliases: Mapping[str, str] = field(default_factory=dict, hash=False)
    """Alias (as in `name@alias`) -> which of `known` it leads to."""

    @property
    def accepting(self) -> bool:
        """Whether a request for it is taken in now: it is ready, or will be, and requests may wait for that."""
        return self.status.state is EngineState.READY or (self.on_demand and self.status.state in COMING)


COMING = frozenset({EngineState.IDLE, EngineState.PENDING, EngineState.DOWNLOADING, EngineState.LOADING})


@dataclass(frozen=True, slots=True)
class ModelsRequest:
    """Ask what is served; it has no fields yet."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}


@dataclass(frozen=True, slots=True)
class ModelsResponse:
    """Every served model, the server's default first."""

    models: tuple[ServedModel, ...]
