"""What travelled with an answer, for whoever wants to see it: `client.raw(client.chart, "1990-05-03")`."""

import re
from collections.abc import Iterable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any, Final, Generic, TypeAlias, TypeVar

import grpc

from hypercube.client._constants import SERVER_TIMING

T = TypeVar("T")
Received: TypeAlias = Mapping[str, str | bytes]
"""Metadata that a server sent; values of keys that end in -bin are bytes."""

_DURATION: Final = re.compile(r"([\w-]+);dur=([0-9.]+)")


@dataclass(frozen=True, slots=True)
class RawAnswer(Generic[T]):
    """An answer and what came with it.

    Attributes:
        answer: what the method returned.
        status: the gRPC status; None for a stream, which has not ended.
        metadata: what the server sent before the answer.
        trailers: what it sent behind it.
        request_id: the call's name in the server's log.
        attempts: how many times the request was sent, hedges included.
        seconds: from the call to its answer, pauses included, by the client's clock.
    """

    answer: T
    status: grpc.StatusCode | None
    metadata: Received
    trailers: Received
    request_id: str
    attempts: int
    seconds: float

    @property
    def server_timing(self) -> dict[str, float]:
        """Where the server says that the time went, in seconds: queue, batch, compute, total."""
        return server_timing(self.trailers)


def server_timing(trailers: Received) -> dict[str, float]:
    """The durations in a Server-Timing, in seconds; empty where there is none."""
    told = trailers.get(SERVER_TIMING, "")
    if not isinstance(told, str):
        return {}
    return {name: float(ms) / 1e3 for name, ms in _DURATION.findall(told)}


@dataclass(slots=True)
class Recorder:
    """What one call meets on its way."""

    began: float
    status: grpc.StatusCode | None = None
    metadata: Received = field(default_factory=dict)
    trailers: Received = field(default_factory=dict)
    request_id: str = ""
    attempts: int = 0

    def sent(self, request_id: str) -> None:
        """A request went out."""
        self.request_id = request_id
        self.attempts += 1

    def ended(self, status: grpc.StatusCode | None, metadata: Any, trailers: Any) -> None:
        """It was answered."""
        self.status, self.metadata, self.trailers = status, received(metadata), received(trailers)

    def told(self, answer: T, now: float) -> RawAnswer[T]:
        """The answer with everything else."""
        return RawAnswer(
            answer,
            self.status,
            self.metadata,
            self.trailers,
            self.request_id,
            self.attempts,
            now - self.began,
        )


RECORDER: Final[ContextVar[Recorder | None]] = ContextVar("hypercube_client_recorder", default=None)
"""Set while `raw` calls a method."""


def received(metadata: Iterable[Any] | None) -> Received:
    """Metadata as a mapping; of a key that comes twice the last value."""
    return {str(key): value for key, value in metadata or ()}
