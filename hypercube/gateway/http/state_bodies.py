"""The JSON bodies that tell how models, cubes and the server are, as types: for handlers and the documentation."""

from typing import Any, Literal

from typing_extensions import TypedDict

from hypercube.core.monitor import LogRecord, SpanRecord


class ModelVersionBody(TypedDict):
    """A version of a served model; the figures are of the split's window, and null or 0 without a split."""

    id: str
    version: str
    state: str
    reason: str
    aliases: list[str]
    share: float
    in_flight: int
    measured_bytes: int | None
    requests: int
    failed: int
    first_p95_s: float | None
    total_p95_s: float | None
    withdrawn: str


class ModelBody(TypedDict):
    """A served model: OpenAI's four fields, then ours."""

    id: str
    object: Literal["model"]
    created: int
    owned_by: str
    engine: str
    context_length: int
    licence: str
    state: str
    reason: str
    progress: float | None
    version: str
    on_demand: bool
    pinned: bool
    measured_bytes: int | None
    versions: list[ModelVersionBody]
    routing_note: str
    digest: str
    parent: str | None
    capabilities: list[str]


class ModelListBody(TypedDict):
    """Every served model."""

    object: Literal["list"]
    data: list[ModelBody]


class DependencyBody(TypedDict):
    """A cube that must run first."""

    name: str
    versions: str


class CubeBody(TypedDict):
    """Who a cube is and how it is."""

    name: str
    version: str
    color: str
    category: str
    summary: str
    dependencies: list[DependencyBody]
    capabilities: list[str]
    state: str
    health: str
    health_reason: str


class CubeListBody(TypedDict):
    """Every cube."""

    cubes: list[CubeBody]


class MetricBody(TypedDict):
    """One number."""

    name: str
    labels: dict[str, str]
    value: float


class CubeDetailBody(CubeBody):
    """A cube with what it takes and gives, and what it remembers of its last minute."""

    request_schema: dict[str, Any]
    response_schema: dict[str, Any]
    metrics: list[MetricBody]
    logs: list[LogRecord]
    traces: list[SpanRecord]


class PartBody(TypedDict):
    """One part of the server."""

    ready: bool
    reason: str


class ReadyBody(TypedDict):
    """The server and each of its parts."""

    ready: bool
    parts: dict[str, PartBody]


class LiveBody(TypedDict):
    """The process answers."""

    live: bool
