"""Messages with large `bytes` fields, read and written around them: protobuf would copy each of those twice.

A field that is taken out is a view of the message; one that is put in is joined into it from where it lies.
Everything else in a message is protobuf's.
"""

from collections.abc import Collection
from typing import NamedTuple

Bytes = bytes | memoryview


class Split(NamedTuple):
    """A message without some of its fields, and those fields in the order they came in.

    Attributes:
        rest: the other fields, as a message.
        taken: the number and the content of each field that was taken out.
    """

    rest: bytes
    taken: list[tuple[int, memoryview]]


def split(raw: Bytes, numbers: Collection[int]) -> Split:
    """Take the length-delimited fields with these numbers out of a message.

    Raises:
        IndexError: the bytes end within a field.
        ValueError: they are no message for another reason.
    """
    whole, end = memoryview(raw), len(raw)
    tags = {number << 3 | 2 for number in numbers}
    rest: list[memoryview] = []
    taken: list[tuple[int, memoryview]] = []
    at = 0
    while at < end:
        begin = at
        tag, at = read_varint(whole, at)
        kind = tag & 7
        if kind == 2:
            length, at = read_varint(whole, at)
            if length > end - at:
                raise ValueError("a field ends behind the message")
            at += length
            if tag in tags:
                taken.append((tag >> 3, whole[at - length : at]))
                continue
        elif kind == 0:
            _, at = read_varint(whole, at)
        else:
            at += {1: 8, 5: 4}.get(kind, end + 1)
        if at > end:
            raise ValueError("a field ends behind the message")
        rest.append(whole[begin:at])
    return Split(b"".join(rest), taken)


def field(number: int, *content: Bytes) -> list[Bytes]:
    """The parts of a length-delimited field, to be joined with the other parts of its message."""
    return [varint(number << 3 | 2), varint(sum(map(len, content))), *content]


def read_varint(raw: Bytes, at: int) -> tuple[int, int]:
    """A number, and where the next byte after it is; IndexError or ValueError where there is none."""
    value = shift = 0
    while True:
        byte = raw[at]
        at += 1
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("a number of more than ten bytes")


def varint(value: int) -> bytes:
    """A number as it is written."""
    made = bytearray()
    while value > 0x7F:
        made.append(value & 0x7F | 0x80)
        value >>= 7
    made.append(value)
    return bytes(made)
