"""The cube contract (cube interface standard v2): what a service module is.

A cube has *metadata* (who it is, what it needs, what it takes and returns), a *lifecycle* (an explicit state
machine), *communication* (`process`, `subscribe`, `publish`) and *monitoring* (`metrics`, `logs`, `traces`).
`hypercube.cubes.registry` checks cubes against this contract when they register and drives their lifecycle.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import Any, ClassVar, Final, Protocol

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.monitor import LogRecord, MetricSample, Monitor, SpanRecord
from hypercube.core.principal import LOCAL, Principal, Role


class Color(StrEnum):
    """What kind of organ a cube is; the colour is its category's."""

    BLUE = "blue"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    PURPLE = "purple"
    ORANGE = "orange"
    BROWN = "brown"

    @property
    def category(self) -> str:
        """The folder under `hypercube/cubes/` that cubes of this colour live in."""
        return _CATEGORIES[self]


_CATEGORIES: Final = {
    Color.BLUE: "feature",
    Color.GREEN: "network",
    Color.YELLOW: "data",
    Color.RED: "security",
    Color.PURPLE: "monitoring",
    Color.ORANGE: "ui",
    Color.BROWN: "integration",
}


class CubeState(StrEnum):
    """The lifecycle; `TRANSITIONS` says which steps are legal."""

    CREATED = "created"
    INITIALIZED = "initialized"
    RUNNING = "running"
    STOPPED = "stopped"
    DESTROYED = "destroyed"


TRANSITIONS: Final[Mapping[CubeState, frozenset[CubeState]]] = {
    CubeState.CREATED: frozenset({CubeState.INITIALIZED, CubeState.DESTROYED}),
    CubeState.INITIALIZED: frozenset({CubeState.RUNNING, CubeState.DESTROYED}),
    CubeState.RUNNING: frozenset({CubeState.STOPPED}),
    CubeState.STOPPED: frozenset({CubeState.RUNNING, CubeState.DESTROYED}),
    CubeState.DESTROYED: frozenset(),
}


class Health(StrEnum):
    """Three answers; `degraded` still serves."""

    HEALTHY = "healthy"
    DEGRADED = "degraded"
    UNHEALTHY = "unhealthy"


@dataclass(frozen=True, slots=True)
class HealthStatus:
    """A cube's own verdict, and why."""

    health: Health
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Dependency:
    """Another cube that must run first; `versions` is a range such as `>=1.0,<2`."""

    name: str
    versions: str = ""


_NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")


@dataclass(frozen=True, slots=True)
class CubeMetadata:
    """Who a cube is.

    Attributes:
        name: lower case, digits, hyphens; unique in a registry and part of its route.
        version: semantic version.
        color: its category's colour.
        summary: one line for `hypercube cubes list`.
        request_model: a type whose JSON form `process` takes (a dataclass or a pydantic model).
        response_model: the type of the answer, or of each piece of a streamed answer.
        dependencies: cubes that must run first.
        capabilities: words a caller can look for, e.g. `chart.batch`, `stream`.
    """

    name: str
    version: str
    color: Color
    summary: str
    request_model: Any
    response_model: Any
    dependencies: tuple[Dependency, ...] = ()
    capabilities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"cube name {self.name!r} must match {_NAME.pattern}")


@dataclass(slots=True)
class Timing:
    """Where a call's time went, in seconds; the gateway shows it as `Server-Timing`."""

    queue_s: float = 0.0
    batch_s: float = 0.0
    compute_s: float = 0.0
    batch_size: int = 0


@dataclass(slots=True)
class Standing:
    """What is left of one of a caller's quotas: `limit` in all, `remaining` now, all of it again in `full_in_s`."""

    limit: int
    remaining: int
    full_in_s: float


class Priority(IntEnum):
    """How urgent a call is; a lower number goes first, and waiting makes every call more urgent (ageing)."""

    URGENT = 0
    HIGH = 1
    NORMAL = 2
    LOW = 3


@dataclass(slots=True)
class Call:
    """What travels beside a request.

    Attributes:
        request_id: the caller's `x-request-id`, or one made for it.
        deadline: `Clock` seconds after which the answer is worthless, or None.
        priority: who goes first where there is a queue.
        tenant: on whose behalf, for fairness between tenants; empty where nobody is told apart.
        principal: who asks; set by the door.
        end_user: whom the caller asks for, as it says itself; such a user stays with one version of a split.
        timing: filled in on the way.
        served_by: the version that answers (`name@version`); filled in on the way.
        quotas: what is left of the caller's quotas ("requests", "tokens"); None where nothing is counted.
        privileged: whether it asked for what only an administrator may do; such calls are audited.
        only_version: the one version that may answer, because it was asked for by number; empty = any.
        idempotency_key: the caller's name for the request, under which it may come again; None = none.
        replayed: whether the answer was computed for an earlier request of that key; filled in on the way.
        joined: whether pieces of text that come together may be handed on as one.
    """

    request_id: str = ""
    deadline: float | None = None
    priority: Priority = Priority.NORMAL
    tenant: str = ""
    principal: Principal = LOCAL
    end_user: str = ""
    timing: Timing = field(default_factory=Timing)
    served_by: str = ""
    quotas: dict[str, Standing] | None = None
    privileged: bool = False
    only_version: str = ""
    idempotency_key: str | None = None
    replayed: bool = False
    joined: bool = False

    def require(self, role: Role) -> None:
        """Return if the caller has the role.

        Raises:
            HyperCubeError: PERMISSION_DENIED.
        """
        self.privileged = self.privileged or role is Role.ADMIN
        self.principal.require(role)

    @property
    def sticky_key(self) -> str | None:
        """Who is to get the same version of a split every time; the request itself where nobody is told apart."""
        caller = self.tenant or ("" if self.principal is LOCAL else self.principal.name)
        if self.end_user:
            return f"{caller}/{self.end_user}"
        return caller or self.request_id or None


EventHandler = Callable[[str, Any], Awaitable[None]]


class EventBus(Protocol):
    """How cubes tell one another things without knowing one another."""

    def subscribe(self, event: str, handler: EventHandler) -> None:
        """Call `handler(event, data)` for every later `event`."""
        ...

    async def publish(self, event: str, data: Any) -> None:
        """Tell every subscriber; a subscriber's failure is logged and reaches nobody else."""
        ...


class Cube(ABC):
    """Base of all cubes: keeps the state machine honest and the instruments running.

    A cube overrides `metadata`, `process` and whichever `on_...` hooks it needs.
    """

    metadata: ClassVar[CubeMetadata]

    def __init__(self) -> None:
        self.monitor = Monitor()
        self._state = CubeState.CREATED
        self._bus: EventBus | None = None

    # -- lifecycle

    @property
    def state(self) -> CubeState:
        """Where in its life the cube is."""
        return self._state

    async def initialize(self, config: Mapping[str, Any]) -> None:
        """Take the settings; no I/O to other parts yet."""
        await self._move(CubeState.INITIALIZED, self.on_initialize, config)

    async def start(self) -> None:
        """Begin to serve; dependencies run already."""
        await self._move(CubeState.RUNNING, self.on_start)

    async def stop(self) -> None:
        """Stop serving; everything accepted is finished first."""
        await self._move(CubeState.STOPPED, self.on_stop)

    async def destroy(self) -> None:
        """Give everything back; the cube cannot be used again."""
        await self._move(CubeState.DESTROYED, self.on_destroy)

    async def _move(self, to: CubeState, hook: Callable[..., Awaitable[None]], *arguments: Any) -> None:
        if to not in TRANSITIONS[self._state]:
            legal = ", ".join(sorted(state.value for state in TRANSITIONS[self._state])) or "nothing"
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Cube {self.metadata.name!r} is {self._state.value} and cannot become {to.value}.",
                fix=f"From {self._state.value} it can become: {legal}.",
            )
        await hook(*arguments)
        # Only a hook that succeeded moves the state: a cube whose start failed is not running.
        self._state = to
        self.monitor.log("info", f"{self.metadata.name} is {to.value}")

    async def health_check(self) -> HealthStatus:
        """A verdict from a real look, not from the fact that the process is up."""
        if self._state is not CubeState.RUNNING:
            return HealthStatus(Health.UNHEALTHY, f"{self.metadata.name} is {self._state.value}")
        return await self.on_health_check()

    # -- communication

    @abstractmethod
    async def process(self, request: Any, call: Call) -> Any:
        """Answer a `metadata.request_model`: with a `response_model`, or an async iterator of them."""

    def at_once(self, request: Any, call: Call) -> Any:
        """The answer to a request of the cube's own making, where it is there without waiting; None: `process` it.

        What it takes is computing, which whoever calls it counts.
        """
        return None

    def attach(self, bus: EventBus) -> None:
        """Join a registry's bus; done once, at registration."""
        self._bus = bus

    def subscribe(self, event: str, handler: EventHandler) -> None:
        """Hear of `event` from now on."""
        self._require_bus().subscribe(event, handler)

    async def publish(self, event: str, data: Any) -> None:
        """Tell whoever listens."""
        await self._require_bus().publish(event, data)

    def _require_bus(self) -> EventBus:
        if self._bus is None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Cube {self.metadata.name!r} is not registered, so it has nobody to talk to.",
                fix="Register it first: registry.register(cube).",
            )
        return self._bus

    # -- monitoring

    def metrics(self) -> tuple[MetricSample, ...]:
        """Counters of this cube."""
        return self.monitor.metrics()

    def logs(self) -> tuple[LogRecord, ...]:
        """The cube's last log lines."""
        return self.monitor.logs()

    def traces(self) -> tuple[SpanRecord, ...]:
        """The cube's last finished spans."""
        return self.monitor.spans()

    # -- hooks

    async def on_initialize(self, config: Mapping[str, Any]) -> None:
        """Check the settings; raise to stay in `created`."""

    async def on_start(self) -> None:
        """Open what is needed; raise to stay where it was."""

    async def on_stop(self) -> None:
        """Finish what was accepted."""

    async def on_destroy(self) -> None:
        """Release what is held."""

    async def on_health_check(self) -> HealthStatus:
        """A real look at what the cube stands on."""
        return HealthStatus(Health.HEALTHY)


def is_stream(answer: Any) -> bool:
    """Whether a cube answered with a stream."""
    return isinstance(answer, AsyncIterator)
