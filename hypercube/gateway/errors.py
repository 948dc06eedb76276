"""From an `ErrorKind` to a status: one total map for HTTP, one for gRPC. Nothing else decides a status.

The HTTP body is OpenAI's error object with more in it, on every route:
`{"error": {"message", "type", "param", "code", "value", "fix", "details"}}`, where `code` is the `ErrorKind`.
"""

import logging
import math
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import grpc

from hypercube.core.errors import ErrorKind, Failure, HyperCubeError

_log = logging.getLogger(__name__)


class HttpStatus(NamedTuple):
    """A status code and the `type` that OpenAI clients expect beside it."""

    code: int
    type: str


_CALLER: Final = "invalid_request_error"
_SERVER: Final = "server_error"

HTTP: Final[Mapping[ErrorKind, HttpStatus]] = {
    ErrorKind.INVALID_ARGUMENT: HttpStatus(400, _CALLER),
    ErrorKind.CONTEXT_LENGTH_EXCEEDED: HttpStatus(400, _CALLER),
    ErrorKind.MODEL_NOT_FOUND: HttpStatus(404, _CALLER),
    ErrorKind.NOT_FOUND: HttpStatus(404, _CALLER),
    ErrorKind.METHOD_NOT_ALLOWED: HttpStatus(405, _CALLER),
    ErrorKind.PAYLOAD_TOO_LARGE: HttpStatus(413, _CALLER),
    ErrorKind.UNAUTHENTICATED: HttpStatus(401, "authentication_error"),
    ErrorKind.PERMISSION_DENIED: HttpStatus(403, "permission_error"),
    ErrorKind.FAILED_PRECONDITION: HttpStatus(409, _CALLER),
    ErrorKind.OVERLOADED: HttpStatus(429, "rate_limit_error"),
    ErrorKind.UNAVAILABLE: HttpStatus(503, _SERVER),
    ErrorKind.DEADLINE_EXCEEDED: HttpStatus(504, _SERVER),
    ErrorKind.CANCELLED: HttpStatus(499, _CALLER),
    ErrorKind.ENGINE_FAILED: HttpStatus(502, _SERVER),
    ErrorKind.INTERNAL: HttpStatus(500, _SERVER),
}

GRPC: Final[Mapping[ErrorKind, grpc.StatusCode]] = {
    ErrorKind.INVALID_ARGUMENT: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.CONTEXT_LENGTH_EXCEEDED: grpc.StatusCode.INVALID_ARGUMENT,
    ErrorKind.MODEL_NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.NOT_FOUND: grpc.StatusCode.NOT_FOUND,
    ErrorKind.METHOD_NOT_ALLOWED: grpc.StatusCode.UNIMPLEMENTED,
    ErrorKind.PAYLOAD_TOO_LARGE: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAUTHENTICATED: grpc.StatusCode.UNAUTHENTICATED,
    ErrorKind.PERMISSION_DENIED: grpc.StatusCode.PERMISSION_DENIED,
    ErrorKind.FAILED_PRECONDITION: grpc.StatusCode.FAILED_PRECONDITION,
    ErrorKind.OVERLOADED: grpc.StatusCode.RESOURCE_EXHAUSTED,
    ErrorKind.UNAVAILABLE: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.DEADLINE_EXCEEDED: grpc.StatusCode.DEADLINE_EXCEEDED,
    ErrorKind.CANCELLED: grpc.StatusCode.CANCELLED,
    ErrorKind.ENGINE_FAILED: grpc.StatusCode.UNAVAILABLE,
    ErrorKind.INTERNAL: grpc.StatusCode.INTERNAL,
}


def error_object(failure: Failure) -> dict[str, Any]:
    """A failure as the object that stands under `"error"` in a body, an SSE event or a batch row."""
    return {
        # Most clients show the message and nothing else, so it says what to write instead, too.
        "message": f"{failure.message} {failure.fix}" if failure.fix else failure.message,
        "type": HTTP[failure.kind].type,
        "param": failure.param,
        "code": failure.kind.value,
        "value": failure.value,
        "fix": failure.fix,
        "details": None if failure.details is None else dict(failure.details),
    }


def retry_after(failure: Failure) -> str | None:
    """The Retry-After header: whole seconds, rounded up, at least 1."""
    return None if failure.retry_after_s is None else str(max(1, math.ceil(failure.retry_after_s)))


def failure_of(error: Exception, request_id: str) -> Failure:
    """What the caller is told of any exception: its own words, or for a defect of ours only a number to quote."""
    if isinstance(error, HyperCubeError):
        return error.failure()
    _log.error("request %s failed unexpectedly", request_id, exc_info=error)
    return Failure(
        ErrorKind.INTERNAL,
        f"The server made a mistake while answering request {request_id}; the details are in its log.",
        fix=f"Try again; if it happens twice, report it with the request id {request_id}.",
        details={"request_id": request_id},
    )
