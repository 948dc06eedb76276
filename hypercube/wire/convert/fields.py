"""Setting protobuf fields from values that a caller typed."""

from collections.abc import Iterable
from numbers import Integral, Real
from typing import Any, Final

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message

from hypercube.core.errors import invalid, shown
from hypercube.core.wrong_input import FIXES, wrong_kind

_INTEGER: Final = (Integral, "an integer")
_NUMBER: Final = (Real, "a number")
_KINDS: Final[dict[int, tuple[type, str]]] = {
    FieldDescriptor.CPPTYPE_INT32: _INTEGER,
    FieldDescriptor.CPPTYPE_INT64: _INTEGER,
    FieldDescriptor.CPPTYPE_UINT32: _INTEGER,
    FieldDescriptor.CPPTYPE_UINT64: _INTEGER,
    FieldDescriptor.CPPTYPE_ENUM: _INTEGER,
    FieldDescriptor.CPPTYPE_DOUBLE: _NUMBER,
    FieldDescriptor.CPPTYPE_FLOAT: _NUMBER,
    FieldDescriptor.CPPTYPE_BOOL: (bool, "a boolean"),
    FieldDescriptor.CPPTYPE_STRING: (str, "a string"),
    FieldDescriptor.CPPTYPE_MESSAGE: (object, "an object"),
}
"""By the kind of a field: the types that fit it, and what it is called."""


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
        kinds, wanted = _KINDS[message.DESCRIPTOR.fields_by_name[field].cpp_type]
        for given in _each(message, field, value):
            if not isinstance(given, kinds) or (isinstance(given, bool) and kinds is not bool):
                raise wrong_kind(name, given, wanted) from error
        raise invalid(
            f"{name} cannot be {shown(value)!r}: {error}.", param=name, value=value, fix=FIXES.get(field)
        ) from error


def _each(message: Message, field: str, value: Any) -> Iterable[Any]:
    """The items of a list where the field takes one; else the value itself."""
    repeated = hasattr(getattr(message, field), "extend")
    return value if repeated and isinstance(value, tuple | list) else (value,)
