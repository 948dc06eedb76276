"""From the end of a gRPC call to the exception that says why."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any, Final

import grpc
from google.protobuf.message import DecodeError

from hypercube.client._constants import ERROR_TRAILER
from hypercube.client.exceptions import (
    ClientError,
    ConnectionFailed,
    PayloadTooLarge,
    class_of,
    error_of,
    kind_of,
)
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import error_from_proto
from hypercube.wire.v1 import error_pb2

_NEVER_CONNECTED: Final = ("failed to connect to all addresses", "errors resolving", "DNS resolution failed")
"""How gRPC's details begin when a call found no connection to travel on."""
_SPEAKS_HTTP1: Final = ("http1", "Expected SETTINGS frame")
"""What gRPC's details hold when the other side is an HTTP/1 server."""

_HANDSHAKE: Final = ("SSL", "TLS", "andshake", "ertificate", "Peer name")
"""What they hold when the two sides do not agree on TLS."""


@dataclass(frozen=True, slots=True)
class Status:
    """How a call ended, the same for both of gRPC's Python interfaces."""

    code: grpc.StatusCode
    details: str = ""
    trailers: tuple[tuple[str, str | bytes], ...] = ()


class StatusError(Exception):
    """Carries a `Status` from the call to the decision about it; never leaves the client."""

    def __init__(self, status: Status) -> None:
        super().__init__(status)
        self.status = status


def status_of(code: grpc.StatusCode | None, details: str | None, trailers: Iterable[Any] | None) -> Status:
    """A `Status` from the three things a finished call can be asked for."""
    return Status(
        code or grpc.StatusCode.UNKNOWN,
        details or "",
        tuple((str(key), value) for key, value in trailers or ()),
    )


@dataclass(frozen=True, slots=True)
class CallSite:
    """What an error message says of the call besides its status."""

    target: str
    path: str
    request_id: str
    timeout_s: float | None

    @property
    def within(self) -> str:
        """The deadline in words."""
        return "in time" if self.timeout_s is None else f"within {self.timeout_s:g} s"


def error_from_status(status: Status, site: CallSite) -> ClientError:
    """The exception for a failed call: what the server said, else what the status means."""
    failure = _said(status)
    error = error_of(failure) if failure is not None else _meant(status, site)
    error.request_id, error.status = site.request_id, status.code
    error.trailers = dict(status.trailers)
    return error


def _said(status: Status) -> Failure | None:
    """The failure in the trailing metadata; None if there is none that can be read."""
    for key, value in status.trailers:
        if key == ERROR_TRAILER and isinstance(value, bytes):
            try:
                message = error_pb2.Error.FromString(value)
                failure = error_from_proto(message)
            except (DecodeError, ValueError):
                return None
            if not failure.message:
                return None
            # A kind of a later server is unknown here, but its status is not.
            known = failure.kind.value == message.kind
            return failure if known else replace(failure, kind=kind_of(status.code))
    return None


def _meant(status: Status, site: CallSite) -> ClientError:
    """The exception for a bare status: from a proxy, from gRPC itself, or from no server at all."""
    code, details = status.code, status.details.strip().rstrip(".") or "no details"
    kind = kind_of(code)
    if code is grpc.StatusCode.UNAVAILABLE:
        return _no_connection(details, site)
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED and "larger than max" in details:
        return PayloadTooLarge(
            ErrorKind.PAYLOAD_TOO_LARGE,
            f"A message of {site.path} is too large: {details}.",
            fix="Ask for less in one call.",
        )
    message, fix = f"{site.path} at {site.target} failed with {code.name}: {details}.", None
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        message = f"{site.path} at {site.target} was not answered {site.within}."
        fix = "Give it longer, timeout=<seconds>; timeout=None waits for ever."
    elif code is grpc.StatusCode.UNIMPLEMENTED:
        message = f"{site.target} has no {site.path}: {details}."
        fix = "Is that a HyperCube gRPC port, and is the server as new as this SDK?"
    elif code in (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED):
        fix = 'Give a key: Client(target, api_key="…").'
    return class_of(kind)(kind, message, fix=fix)


def _no_connection(details: str, site: CallSite) -> ConnectionFailed:
    never = details.startswith(_NEVER_CONNECTED)
    if any(sign in details for sign in _SPEAKS_HTTP1):
        fix = f"{site.target} speaks HTTP/1: give the gRPC port, 50051 unless GRPC_PORT changed it."
    elif any(sign in details for sign in _HANDSHAKE):
        fix = "Does the server speak TLS, is `tls` right about who signed its certificate, and does it want yours?"
    else:
        fix = 'Is the server running? `make run` starts it; Client("host:port") names another address.'
        if "refused" not in details:
            fix += " A server with a certificate speaks TLS: give tls=True, or tls=Tls(ca=…)."
    problem = "No connection to" if never else "The connection failed to"
    error = ConnectionFailed(ErrorKind.UNAVAILABLE, f"{problem} {site.target}: {details}.", fix=fix)
    error.maybe_received = not never
    return error
