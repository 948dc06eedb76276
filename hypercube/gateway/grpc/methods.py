"""What a remote method is: how its messages are read, who answers, how long it may take, who may ask."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import grpc.aio
from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.core.errors import Failure
from hypercube.core.principal import Role
from hypercube.gateway.services import GatewayServices

Q = TypeVar("Q", bound=Message)
P = TypeVar("P")
Context = grpc.aio.ServicerContext[Any, Any]


class Serializable(Protocol):
    """A message, or what becomes one without a copy of its large fields."""

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message."""
        ...


@dataclass(frozen=True, slots=True)
class Unary(Generic[Q]):
    """A method with one answer."""

    request: type[Q]
    answer: Callable[[GatewayServices, Q, Call], Awaitable[Serializable]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Packed(Generic[P]):
    """A method with one answer whose messages are read and written by code of its own."""

    decode: Callable[[bytes], P]
    answer: Callable[[GatewayServices, P, Call], Awaitable[Serializable]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER
    at_once: Callable[[GatewayServices, P, Call], bytes | None] | None = None
    """The bytes of the answer where it needs no waiting, else None; most charts do not."""


@dataclass(frozen=True, slots=True)
class Duplex(Generic[P]):
    """A stream of requests, each with its answers, in order; one that fails is told so and the stream goes on."""

    decode: Callable[[bytes], P]
    open: Callable[[GatewayServices, P, Call], Awaitable[AsyncIterator[Serializable]]]
    failed: Callable[[Failure], Serializable]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Streaming(Generic[Q]):
    """A method with a stream of answers; `open` returns once the first one exists."""

    request: type[Q]
    open: Callable[[GatewayServices, Q, Call], Awaitable[AsyncIterator[Serializable]]]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


@dataclass(frozen=True, slots=True)
class Session:
    """A stream each way that the method itself reads and answers; each request in it is a `Call` of its own.

    The function that makes one raises HyperCubeError where the caller may not make it.
    """

    run: Callable[
        [GatewayServices, AsyncIterator[bytes], Callable[[], Awaitable[Call]]], AsyncIterator[Serializable]
    ]
    default_s: Callable[[GatewayServices], float]
    role: Role = Role.USER


Methods = dict[str, Unary[Any] | Packed[Any] | Streaming[Any] | Duplex[Any] | Session]
