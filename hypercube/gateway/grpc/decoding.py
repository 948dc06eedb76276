"""Messages read here and not by gRPC, which would answer bytes that are no message with UNKNOWN."""

from collections.abc import Iterator
from functools import cache
from typing import TypeVar

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import DecodeError, Message
from google.protobuf.unknown_fields import UnknownFieldSet

from hypercube.core.errors import invalid, shown

Q = TypeVar("Q", bound=Message)


def decode(kind: type[Q], raw: bytes) -> Q:
    """The message in some bytes.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for bytes that are no such message, and for a field that this version
            does not know: to ignore it would be to answer another question than the one asked.
    """
    try:
        message = kind.FromString(raw)
    except DecodeError as error:
        raise invalid(
            f"These {len(raw):,} bytes are no {kind.DESCRIPTOR.full_name} message.",
            fix="Encode the request with the published .proto files.",
        ) from error
    if _is_flat(kind.DESCRIPTOR) and not len(UnknownFieldSet(message)):
        return message
    for path, number in _unknown_fields(message, ""):
        raise invalid(
            f"Unknown field number {number} in {path or kind.DESCRIPTOR.full_name}.",
            param=path or None,
            value=number,
            fix="Send only fields of this server's .proto files; reflection shows them.",
        )
    return message


@cache
def _is_flat(kind: Descriptor) -> bool:
    """Whether a message holds no other one, so that one look finds every unknown field."""
    return all(field.type != FieldDescriptor.TYPE_MESSAGE for field in kind.fields)


def _unknown_fields(message: Message, path: str) -> Iterator[tuple[str, int]]:
    unknown = UnknownFieldSet(message)
    for at in range(len(unknown)):
        yield path, unknown[at].field_number
    for descriptor, value in message.ListFields():
        kind = descriptor.message_type
        if descriptor.type != FieldDescriptor.TYPE_MESSAGE or kind is None:
            continue
        step = f"{path}.{descriptor.name}" if path else descriptor.name
        if isinstance(value, Message):
            yield from _unknown_fields(value, step)
        elif kind.GetOptions().map_entry:
            for key, item in value.items():
                if isinstance(item, Message):
                    yield from _unknown_fields(item, f"{step}[{shown(key)!r}]")
        else:
            for at, item in enumerate(value):
                yield from _unknown_fields(item, f"{step}[{at}]")
