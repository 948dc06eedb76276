"""What can go wrong, in one closed list.

Every failure that a caller can see is a `HyperCubeError` with an `ErrorKind`. A transport turns the kind into
its own status with one total map (`hypercube.gateway.errors`); nothing else decides a status.

    HyperCubeError
      kind            what class of failure, closed list
      message         what was wrong, with the value
      param           which field of the request, as the caller wrote it ("birth", "births[3].longitude")
      value           the offending value, as given
      fix             what to write instead
      details         machine-readable extras ({"choices": [...]})
      retry_after_s   seconds after which trying again makes sense, else None
"""

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final

_EMPTY: Final[Mapping[str, Any]] = MappingProxyType({})
_SHOWN_CHARACTERS: Final = 120


class ErrorKind(StrEnum):
    """The closed list of failures; each transport maps all of them."""

    INVALID_ARGUMENT = "invalid_argument"
    """A field's value is wrong; sending the same request again cannot succeed."""
    CONTEXT_LENGTH_EXCEEDED = "context_length_exceeded"
    """Prompt and requested output do not fit the model's context window."""
    MODEL_NOT_FOUND = "model_not_found"
    """No model of that name is served here."""
    NOT_FOUND = "not_found"
    """No such route, cube or resource."""
    METHOD_NOT_ALLOWED = "method_not_allowed"
    """The route exists, but not for this HTTP method."""
    PAYLOAD_TOO_LARGE = "payload_too_large"
    """The body exceeds the configured limit."""
    UNAUTHENTICATED = "unauthenticated"
    """No credential, or one that is unknown, expired, revoked or wrongly signed."""
    PERMISSION_DENIED = "permission_denied"
    """The caller is known, and may not do this."""
    FAILED_PRECONDITION = "failed_precondition"
    """The request is right but the thing it addresses is in the wrong state."""
    OVERLOADED = "overloaded"
    """The bounded queue is full; `retry_after_s` says when to come back."""
    UNAVAILABLE = "unavailable"
    """Not ready or draining: another replica, or a later moment, can answer."""
    DEADLINE_EXCEEDED = "deadline_exceeded"
    """The request's deadline passed before the answer was ready."""
    CANCELLED = "cancelled"
    """The caller went away."""
    ENGINE_FAILED = "engine_failed"
    """The model engine died or broke its contract while this request was in flight."""
    INTERNAL = "internal"
    """A defect of ours; never the caller's doing."""


@dataclass(frozen=True, slots=True)
class Failure:
    """An error as plain data: what the wire carries, and what a batch holds for a row that failed.

    Attributes:
        kind: class of failure.
        message: what was wrong, with the value.
        param: which field, as the caller wrote it.
        value: the offending value, cut to a length that is safe to echo.
        fix: what to write instead.
        details: machine-readable extras.
        retry_after_s: seconds after which trying again makes sense.
    """

    kind: ErrorKind
    message: str
    param: str | None = None
    value: str | int | float | bool | None = None
    fix: str | None = None
    details: Mapping[str, Any] | None = None
    retry_after_s: float | None = None


class HyperCubeError(Exception):
    """A failure that a caller is meant to read; see the module docstring for the fields."""

    def __init__(
        self,
        kind: ErrorKind,
        message: str,
        *,
        param: str | None = None,
        value: object = None,
        fix: str | None = None,
        details: Mapping[str, Any] = _EMPTY,
        retry_after_s: float | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.param = param
        self.value = value
        self.fix = fix
        self.details = MappingProxyType(dict(details))
        self.retry_after_s = retry_after_s

    def __str__(self) -> str:
        return f"{self.message} {self.fix}" if self.fix else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # The default would call the class with the message alone; errors cross process pools.
        return (type(self).of, (self.failure(),))

    @classmethod
    def of(cls, failure: Failure) -> "HyperCubeError":
        """The exception for a failure that came as data."""
        return cls(
            failure.kind,
            failure.message,
            param=failure.param,
            value=failure.value,
            fix=failure.fix,
            details=failure.details or _EMPTY,
            retry_after_s=failure.retry_after_s,
        )

    def failure(self, prefix: str = "") -> Failure:
        """This error as data; `prefix` names the row of a batch ("births[3]") before the `param`."""
        param = self.param
        if prefix:
            param = prefix if param is None else prefix + ("" if param.startswith("[") else ".") + param
        return Failure(
            kind=self.kind,
            message=self.message,
            param=param,
            value=None if self.value is None else shown(self.value),
            fix=self.fix,
            details=dict(self.details) or None,
            retry_after_s=self.retry_after_s,
        )


def invalid(
    message: str, *, param: str | None = None, value: object = None, fix: str | None = None, **details: Any
) -> HyperCubeError:
    """The commonest error: a value that cannot be right, with what to write instead."""
    return HyperCubeError(
        ErrorKind.INVALID_ARGUMENT, message, param=param, value=value, fix=fix, details=details
    )


def shown(value: object) -> str | int | float | bool:
    """A client's value, cut to a length that is safe to echo."""
    if isinstance(value, bool | float):
        return value
    if isinstance(value, int):
        if abs(value) < 2**53:
            return value
        # Python refuses to print integers of more than 4,300 digits; nobody would read them either.
        return f"an integer of {value.bit_length()} bits" if value.bit_length() > 256 else str(value)
    text = value if isinstance(value, str) else repr(value)
    return text if len(text) <= _SHOWN_CHARACTERS else text[: _SHOWN_CHARACTERS - 1] + "…"


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str | None:
    """The known name most like `name`, for "did you mean"; None when nothing is as like as `cutoff` (0 to 1)."""
    close = difflib.get_close_matches(name, list(known), n=1, cutoff=cutoff)
    return close[0] if close else None
