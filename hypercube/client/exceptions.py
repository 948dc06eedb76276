"""What a call of the SDK can raise. Every class is a `HyperCubeError`, so `except HyperCubeError` catches all.

    HyperCubeError                   hypercube.core.errors: kind, message, param, value, fix, details, retry_after_s
    └── ClientError                  everything this SDK raises; adds request_id and status
        ├── InvalidArgument          a value is wrong; the same request cannot succeed
        │   ├── ContextLengthExceeded    prompt and max_tokens do not fit the model
        │   └── PayloadTooLarge      the message exceeds the limit of the server, or of gRPC
        ├── NotFound                 no such cube, method or resource
        │   └── ModelNotFound        no model of that name is served there
        ├── Unauthenticated          no key, or one that is unknown, expired or revoked
        ├── PermissionDenied         this key may not do that
        ├── FailedPrecondition       right request, wrong state
        ├── Unavailable              not now: loading or draining; retry_after_s may say when
        │   ├── Overloaded           the server's queue is full
        │   └── ConnectionFailed     nobody answered at that address, or the connection broke
        ├── DeadlineExceeded         no answer within the timeout
        ├── Cancelled                the call was cancelled, here or there
        ├── EngineFailed             the model engine died under the request
        └── InternalError            a defect of the server, or an answer this version cannot read

The server says which one in the trailing metadata `hypercube-error-bin`; where that is missing (a proxy, a
connection that never was) the gRPC status decides.
"""

# The classes carry the names of the failures they stand for, as gRPC callers know them.
# ruff: noqa: N818

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

import grpc

from hypercube.core.errors import ErrorKind, Failure, HyperCubeError

__all__ = [
    "Cancelled",
    "ClientError",
    "ConnectionFailed",
    "ContextLengthExceeded",
    "DeadlineExceeded",
    "EngineFailed",
    "FailedPrecondition",
    "InternalError",
    "InvalidArgument",
    "ModelNotFound",
    "NotFound",
    "Overloaded",
    "PayloadTooLarge",
    "PermissionDenied",
    "Unauthenticated",
    "Unavailable",
    "class_of",
    "error_of",
    "kind_of",
]


_BESIDE: Final = ("request_id", "status", "trailers", "maybe_received")
"""What an error of the SDK holds beside its failure."""


class ClientError(HyperCubeError):
    """Base of all that the SDK raises.

    Attributes:
        request_id: the `x-request-id` the call was sent with, to be found in the server's log; empty for an
            error found before anything was sent.
        status: the gRPC status, or None for an error found before anything was sent.
        trailers: the trailing metadata that came with it.
    """

    request_id: str = ""
    status: grpc.StatusCode | None = None
    trailers: Mapping[str, str | bytes] = MappingProxyType({})

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions rebuild themselves from `args` alone, which would lose everything but the message, and a
        # process pool dies of an error that it cannot rebuild.
        own = vars(self)
        return _rebuild, (type(self), self.failure(), {name: own[name] for name in _BESIDE if name in own})


class InvalidArgument(ClientError):
    """A value is wrong; sending the same request again cannot succeed."""


class ContextLengthExceeded(InvalidArgument):
    """Prompt and requested output do not fit the model's context window."""


class PayloadTooLarge(InvalidArgument):
    """The message exceeds the limit."""


class NotFound(ClientError):
    """No such cube, method or resource."""


class ModelNotFound(NotFound):
    """No model of that name is served there."""


class Unauthenticated(ClientError):
    """No credential, or one that is unknown, expired, revoked or wrongly signed."""


class PermissionDenied(ClientError):
    """The caller is known, and may not do this."""


class FailedPrecondition(ClientError):
    """The request is right, but what it addresses is in the wrong state."""


class Unavailable(ClientError):
    """Not now: another moment, or another replica, can answer."""


class Overloaded(Unavailable):
    """The server's bounded queue is full."""


class ConnectionFailed(Unavailable):
    """Nobody answered at that address, or the connection broke.

    Attributes:
        maybe_received: False when no connection was made, so that the server cannot have seen the request.
    """

    maybe_received: bool = True


class DeadlineExceeded(ClientError):
    """No answer within the timeout."""


class Cancelled(ClientError):
    """The call was cancelled, here or there."""


class EngineFailed(ClientError):
    """The model engine died or broke its contract under the request."""


class InternalError(ClientError):
    """A defect of the server, or an answer that this version cannot read."""


CLASSES: Final[Mapping[ErrorKind, type[ClientError]]] = MappingProxyType(
    {
        ErrorKind.INVALID_ARGUMENT: InvalidArgument,
        ErrorKind.CONTEXT_LENGTH_EXCEEDED: ContextLengthExceeded,
        ErrorKind.MODEL_NOT_FOUND: ModelNotFound,
        ErrorKind.NOT_FOUND: NotFound,
        ErrorKind.METHOD_NOT_ALLOWED: NotFound,
        ErrorKind.PAYLOAD_TOO_LARGE: PayloadTooLarge,
        ErrorKind.UNAUTHENTICATED: Unauthenticated,
        ErrorKind.PERMISSION_DENIED: PermissionDenied,
        ErrorKind.FAILED_PRECONDITION: FailedPrecondition,
        ErrorKind.OVERLOADED: Overloaded,
        ErrorKind.UNAVAILABLE: Unavailable,
        ErrorKind.DEADLINE_EXCEEDED: DeadlineExceeded,
        ErrorKind.CANCELLED: Cancelled,
        ErrorKind.ENGINE_FAILED: EngineFailed,
        ErrorKind.INTERNAL: InternalError,
    }
)
"""The class of each kind."""

KINDS: Final[Mapping[grpc.StatusCode, ErrorKind]] = MappingProxyType(
    {
        grpc.StatusCode.OK: ErrorKind.INTERNAL,
        grpc.StatusCode.CANCELLED: ErrorKind.CANCELLED,
        grpc.StatusCode.UNKNOWN: ErrorKind.INTERNAL,
        grpc.StatusCode.INVALID_ARGUMENT: ErrorKind.INVALID_ARGUMENT,
        grpc.StatusCode.DEADLINE_EXCEEDED: ErrorKind.DEADLINE_EXCEEDED,
        grpc.StatusCode.NOT_FOUND: ErrorKind.NOT_FOUND,
        grpc.StatusCode.ALREADY_EXISTS: ErrorKind.FAILED_PRECONDITION,
        grpc.StatusCode.PERMISSION_DENIED: ErrorKind.PERMISSION_DENIED,
        grpc.StatusCode.UNAUTHENTICATED: ErrorKind.UNAUTHENTICATED,
        grpc.StatusCode.RESOURCE_EXHAUSTED: ErrorKind.OVERLOADED,
        grpc.StatusCode.FAILED_PRECONDITION: ErrorKind.FAILED_PRECONDITION,
        grpc.StatusCode.ABORTED: ErrorKind.FAILED_PRECONDITION,
        grpc.StatusCode.OUT_OF_RANGE: ErrorKind.INVALID_ARGUMENT,
        grpc.StatusCode.UNIMPLEMENTED: ErrorKind.NOT_FOUND,
        grpc.StatusCode.INTERNAL: ErrorKind.INTERNAL,
        grpc.StatusCode.UNAVAILABLE: ErrorKind.UNAVAILABLE,
        grpc.StatusCode.DATA_LOSS: ErrorKind.INTERNAL,
    }
)
"""What a status means when the server said nothing more."""


def class_of(kind: ErrorKind) -> type[ClientError]:
    """The exception class of a kind."""
    return CLASSES[kind]


def kind_of(status: grpc.StatusCode) -> ErrorKind:
    """The kind of a bare gRPC status; one from a later gRPC is INTERNAL."""
    return KINDS.get(status, ErrorKind.INTERNAL)


def error_of(failure: Failure) -> ClientError:
    """The exception for a failure that came as data, such as `ChartResult.error`."""
    return _as(class_of(failure.kind), failure)


def invalid(
    message: str, *, param: str, value: object = None, fix: str, details: Mapping[str, Any] | None = None
) -> InvalidArgument:
    """A value that is refused before anything is sent."""
    return InvalidArgument(
        ErrorKind.INVALID_ARGUMENT, message, param=param, value=value, fix=fix, details=details or {}
    )


def _as(cls: type[ClientError], failure: Failure) -> ClientError:
    return cls(
        failure.kind,
        failure.message,
        param=failure.param,
        value=failure.value,
        fix=failure.fix,
        details=failure.details or {},
        retry_after_s=failure.retry_after_s,
    )


def _rebuild(cls: type[ClientError], failure: Failure, beside: Mapping[str, Any]) -> ClientError:
    error = _as(cls, failure)
    vars(error).update(beside)
    return error
