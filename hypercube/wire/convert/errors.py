"""Failures on the wire."""

import json

from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.v1 import error_pb2


def error_to_proto(failure: Failure) -> error_pb2.Error:
    """A failure as it travels: in a batch row, or in the trailing metadata of a failed call."""
    value = failure.value
    return error_pb2.Error(
        kind=failure.kind.value,
        message=_text(failure.message),
        param=_text(failure.param or ""),
        value="" if value is None else _text(value if isinstance(value, str) else json.dumps(value)),
        fix=_text(failure.fix or ""),
        details_json=_text(json.dumps(dict(failure.details), ensure_ascii=False, default=str))
        if failure.details
        else "",
        retry_after_s=failure.retry_after_s,
    )


def _text(text: str) -> str:
    """Text that UTF-8 can carry: a lone surrogate that a caller smuggled in becomes `?`."""
    return text.encode("utf-8", "replace").decode("utf-8")


def error_from_proto(message: error_pb2.Error) -> Failure:
    """The failure as data; a kind that this version does not know is INTERNAL and keeps its message."""
    known = message.kind in ErrorKind.__members__.values()
    return Failure(
        kind=ErrorKind(message.kind) if known else ErrorKind.INTERNAL,
        message=message.message,
        param=message.param or None,
        value=message.value or None,
        fix=message.fix or None,
        details=json.loads(message.details_json) if message.details_json else None,
        retry_after_s=message.retry_after_s if message.HasField("retry_after_s") else None,
    )
