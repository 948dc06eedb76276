"""What the gateway is given: contracts only, so tests and other compositions can hand in their own parts."""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from hypercube.core.chart import MAX_BIRTHS
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call, Cube, HealthStatus
from hypercube.gateway.access.audit import Audit
from hypercube.gateway.access.authenticator import Access
from hypercube.gateway.acquainted import Acquainted
from hypercube.gateway.door_queue import DoorQueue
from hypercube.gateway.idempotency import IdempotentAnswers
from hypercube.gateway.inference_statistics import InferenceStatistics
from hypercube.gateway.open_calls import OpenCalls
from hypercube.gateway.recent_refusals import RecentRefusals
from hypercube.gateway.response_store import ResponseStore
from hypercube.gateway.shared_memory import SharedRegions
from hypercube.gateway.traffic import Traffic

SAJU: Final = "saju"
READING: Final = "reading"
COMPATIBILITY: Final = "compatibility"
CHAT: Final = "chat"
SAJU_CHAT: Final = "saju-chat"
EMBEDDINGS: Final = "embeddings"
MODELS: Final = "models"
MODEL_ADMIN: Final = "model-admin"
TENSORS: Final = "tensors"
TOKENIZER: Final = "tokenizer"
"""The cubes that have routes of their own."""

CHARTS_PART: Final = "charts"
MODEL_PART: Final = "model:"
"""Parts of `Readiness`: the charts, and each model under this prefix."""


class Cubes(Protocol):
    """What the gateway needs of a cube registry."""

    def names(self) -> tuple[str, ...]:
        """Every registered cube."""
        ...

    def get(self, name: str) -> Cube:
        """One cube; `HyperCubeError` NOT_FOUND, with the nearest name, if there is none."""
        ...

    def all(self) -> tuple[Cube, ...]:
        """Every registered cube."""
        ...

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Let a cube answer; the answer may be an async iterator (`core.cube.is_stream`)."""
        ...

    def at_once(self, name: str, request: Any, call: Call) -> Any:
        """A cube's answer to a request of its own making that needs no waiting; None: ask `process`."""
        ...

    async def health(self) -> Mapping[str, HealthStatus]:
        """Every cube's own verdict by name."""
        ...


@dataclass(frozen=True, slots=True)
class PartStatus:
    """Whether one part of the server can answer, and what it runs on or waits for."""

    ready: bool
    reason: str


@dataclass(frozen=True, slots=True)
class Readiness:
    """The whole server's readiness and that of its parts: `charts`, and `model:<name>` for each model."""

    ready: bool
    parts: Mapping[str, PartStatus]


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what one request may ask; times in seconds."""

    max_body_bytes: int = 16 * 1024 * 1024
    max_message_bytes: int = 100 * 1024 * 1024
    """One gRPC message, either way."""
    max_births: int = MAX_BIRTHS
    chart_s: float = 10.0
    """Default deadline of one chart, and of anything else that is quick."""
    batch_s: float = 60.0
    """Default deadline of a batch of charts."""
    chat_s: float = 600.0
    """Default deadline of a chat, to its last token, and of a call to any cube by name."""
    longest_s: float = 3600.0
    """The longest deadline a caller may set."""
    linger_s: float = 5.0
    """How long a refused body is still read (and thrown away), so that its sender sees the answer."""
    max_connections: int = 10_000
    """Of gRPC."""
    message_s: float = 60.0
    """How long the one message of a gRPC call may be on its way."""
    stream_s: float = 600.0
    """How long a gRPC stream each way may be open before its first message."""


class Observe(Protocol):
    """Called once for each finished request."""

    def __call__(self, transport: str, route: str, outcome: str, seconds: float) -> None:
        """`transport` http or grpc; `route` a template, never a raw path; `outcome` ok or an error kind."""
        ...


def observe_nothing(transport: str, route: str, outcome: str, seconds: float) -> None:
    """The observer of a server that keeps no numbers."""


@dataclass(frozen=True, slots=True)
class GatewayServices:
    """Everything the doors open to.

    Attributes:
        cubes: who does the work.
        readiness: a real look at every part; quick enough to be called by a probe each second.
        metrics_text: the Prometheus page.
        traffic: shared by HTTP and gRPC, so that a drain waits for both.
        limits: bounds of one request.
        clock: monotonic seconds, the same that deadlines are made and judged with everywhere.
        observe: told of every finished request.
        regions: shared memory of same-host clients of the Open Inference Protocol.
        statistics: what became of that protocol's requests.
        responses: answers of OpenAI's Responses API that are kept for a while.
        idempotent: answers that are kept for their idempotency keys.
        access: who may come in; None lets in whoever reaches the server, which listens on loopback only.
        audit: told of every call that needs an administrator.
        calls: gRPC calls that are open.
        line: gRPC calls that wait to be begun.
        full_queues: what gRPC calls were told because a model's queue was full.
        acquainted: gRPC connections on which a call was answered.
        origins: web pages (`https://host`) that may talk to this server from a browser.
    """

    cubes: Cubes
    readiness: Callable[[], Awaitable[Readiness]]
    metrics_text: Callable[[], bytes]
    traffic: Traffic = field(default_factory=Traffic)
    limits: Limits = field(default_factory=Limits)
    clock: Clock = monotonic
    observe: Observe = observe_nothing
    regions: SharedRegions = field(default_factory=SharedRegions)
    statistics: InferenceStatistics = field(default_factory=InferenceStatistics)
    responses: ResponseStore = field(default_factory=ResponseStore)
    idempotent: IdempotentAnswers = field(default_factory=IdempotentAnswers)
    access: Access | None = None
    audit: Audit | None = None
    origins: tuple[str, ...] = ()
    calls: OpenCalls = field(default_factory=OpenCalls)
    line: DoorQueue = field(default_factory=DoorQueue)
    full_queues: RecentRefusals = field(default_factory=RecentRefusals)
    acquainted: Acquainted = field(default_factory=Acquainted)

    def deadline(self, seconds: float | None, default_s: float) -> float:
        """Clock seconds at which a request that may take `seconds` (None: `default_s`) is too late."""
        return self.clock() + min(default_s if seconds is None else seconds, self.limits.longest_s)
