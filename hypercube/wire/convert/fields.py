"""Setting protobuf fields from values that a caller typed."""

from typing import Any

from google.protobuf.message import Message

from hypercube.core.errors import invalid


def put(message: Message, field: str, value: Any, param: str | None = None) -> None:
    """Set a scalar or repeated scalar field; None leaves it unset."""
    if value is None:
        return
    try:
        if isinstance(value, tuple | list):
            getattr(message, field).extend(value)
        else:
            setattr(message, field, value)
    except (AttributeError, TypeError, ValueError) as error:
        name = param or field
        raise invalid(f"{name} cannot be {value!r}: {error}.", param=name, value=value) from error
