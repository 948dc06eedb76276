"""Messages of every kind of wrong, drawn from a seed: nearly right ones, damaged bytes, and no protobuf at all."""

import random
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from google.protobuf import descriptor_pool
from google.protobuf.descriptor import Descriptor, FieldDescriptor, MethodDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

TEXTS: Final = (
    "1990-05-03T07:20", "1988-10-09T02:30", "1990-02-31", "0000-00-00", "9999-12-31T23:59:60", "2026-11-23", "Seoul",
    "서울", "Asia/Seoul", "UTC", "user", "system", "assistant", "tool", "fake", "saju", "chat", "saju_pillars",
    "saju_features", "saju_compatibility", "utc_seconds", "offset_seconds", "pillars", "text_input", "INT64", "INT32",
    "UINT8", "BYTES", "k", "{}", "[]", '{"type": "object"}', '{"birth": "1990-05-03T07:20"}', "{" * 2000, "", " ",
    "\0", "\U0001f600" * 40, "a" * 5000, "../../etc/passwd", "/dev/shm/x", "production", "1.0.0", "%s%n",
)  # fmt: skip
INTEGERS: Final = (
    0,
    1,
    -1,
    2,
    4,
    60,
    127,
    128,
    1990,
    2**31 - 1,
    -(2**31),
    2**32 - 1,
    2**63 - 1,
    -(2**63),
    2**64 - 1,
)
FLOATS: Final = (
    0.0,
    -0.0,
    1.0,
    -1.0,
    0.7,
    126.978,
    1e308,
    -1e-320,
    float("inf"),
    float("-inf"),
    float("nan"),
)
_DEEPEST: Final = 4
_RANGES: Final[Mapping[int, tuple[int, int]]] = {
    FieldDescriptor.CPPTYPE_INT32: (-(2**31), 2**31 - 1),
    FieldDescriptor.CPPTYPE_INT64: (-(2**63), 2**63 - 1),
    FieldDescriptor.CPPTYPE_UINT32: (0, 2**32 - 1),
    FieldDescriptor.CPPTYPE_UINT64: (0, 2**64 - 1),
}


def methods(services: Sequence[str]) -> list[MethodDescriptor]:
    """Every method of some services whose code was imported."""
    pool = descriptor_pool.Default()
    return [method for name in services for method in pool.FindServiceByName(name).methods]


class Mutations:
    """Endless bytes for a message type; the same seed gives the same ones."""

    def __init__(self, kind: Descriptor, valid: Sequence[Message], seed: str) -> None:
        """`valid` are right messages, of which most of the wrong ones are made."""
        self._kind = kind
        self._valid = [message.SerializeToString() for message in valid] or [b""]
        self._draw = random.Random(seed)

    def next(self) -> bytes:
        """One message, well formed in about half of all cases."""
        draw = self._draw
        way = draw.random()
        if way < 0.25:
            return self._edited()
        if way < 0.45:
            return self._drawn(self._kind, 0).SerializeToString()
        if way < 0.5:
            return draw.choice(self._valid)
        if way < 0.9:
            raw = self._edited() if draw.random() < 0.5 else draw.choice(self._valid)
            for _ in range(draw.randint(1, 3)):
                raw = draw.choice(self._DAMAGES)(self, raw)
            return raw
        return draw.randbytes(draw.choice((1, 2, 7, 60, 400)))

    # -- well formed

    def _edited(self) -> bytes:
        """A right message with a field or two drawn anew."""
        message = GetMessageClass(self._kind).FromString(self._draw.choice(self._valid))
        for _ in range(self._draw.randint(1, 2)):
            inner = self._somewhere_in(message)
            if fields := inner.DESCRIPTOR.fields:
                field = self._draw.choice(fields)
                inner.ClearField(field.name)
                self._fill(inner, field, 1)
        return message.SerializeToString()

    def _somewhere_in(self, message: Message) -> Message:
        inner = [
            each
            for field, value in message.ListFields()
            if field.type == FieldDescriptor.TYPE_MESSAGE and not field.message_type.GetOptions().map_entry
            for each in (value if field.is_repeated else (value,))
        ]
        if inner and self._draw.random() < 0.7:
            return self._somewhere_in(self._draw.choice(inner))
        return message

    def _drawn(self, kind: Descriptor, depth: int) -> Message:
        message = GetMessageClass(kind)()
        for field in kind.fields:
            if self._draw.random() < 0.6:
                self._fill(message, field, depth)
        return message

    def _fill(self, message: Message, field: FieldDescriptor, depth: int) -> None:
        draw, name = self._draw, field.name
        if field.message_type is not None and field.message_type.GetOptions().map_entry:
            key, value = field.message_type.fields
            for _ in range(draw.randint(0, 3)):
                if value.message_type is None:
                    getattr(message, name)[self._scalar(key)] = self._scalar(value)
                else:
                    getattr(message, name)[self._scalar(key)].CopyFrom(
                        self._drawn(value.message_type, depth + 1)
                    )
        elif field.message_type is not None:
            if depth >= _DEEPEST:
                return
            if field.is_repeated:
                for _ in range(draw.randint(0, 3)):
                    getattr(message, name).add().CopyFrom(self._drawn(field.message_type, depth + 1))
            else:
                getattr(message, name).CopyFrom(self._drawn(field.message_type, depth + 1))
        elif field.is_repeated:
            getattr(message, name).extend(self._scalar(field) for _ in range(draw.choice((0, 1, 2, 20))))
        else:
            setattr(message, name, self._scalar(field))

    def _scalar(self, field: FieldDescriptor) -> Any:
        draw = self._draw
        match field.cpp_type:
            case FieldDescriptor.CPPTYPE_STRING:
                if field.type == FieldDescriptor.TYPE_BYTES:
                    return draw.randbytes(draw.choice((0, 1, 4, 8, 12, 16, 64)))
                return draw.choice(TEXTS)
            case FieldDescriptor.CPPTYPE_BOOL:
                return draw.random() < 0.5
            case FieldDescriptor.CPPTYPE_ENUM:
                known = [value.number for value in field.enum_type.values]
                return draw.choice([*known, *known, -1, 77, 2**31 - 1])
            case FieldDescriptor.CPPTYPE_DOUBLE | FieldDescriptor.CPPTYPE_FLOAT:
                return draw.choice(FLOATS)
        low, high = _RANGES[field.cpp_type]
        return min(max(draw.choice(INTEGERS), low), high)

    # -- damaged

    def _cut(self, raw: bytes) -> bytes:
        return raw[: self._draw.randint(0, len(raw))]

    def _flipped(self, raw: bytes) -> bytes:
        found = bytearray(raw or b"\0")
        for _ in range(self._draw.randint(1, 4)):
            found[self._draw.randrange(len(found))] ^= 1 << self._draw.randrange(8)
        return bytes(found)

    def _spliced(self, raw: bytes) -> bytes:
        other = self._draw.choice(self._valid)
        at = self._draw.randint(0, len(raw))
        return raw[:at] + other[self._draw.randint(0, len(other)) :]

    def _doubled(self, raw: bytes) -> bytes:
        return raw * self._draw.choice((2, 2, 50))

    def _strange(self, raw: bytes) -> bytes:
        """Something that no encoder writes, at an edge of the message or in the midst of it."""
        number = self._draw.choice([field.number for field in self._kind.fields] or [1])
        at = self._draw.choice((0, len(raw), self._draw.randint(0, len(raw))))
        strange: tuple[bytes, ...] = (
            tag(number, self._draw.choice((0, 1, 2, 3, 4, 5, 6, 7)))
            + self._draw.randbytes(8),  # wrong wire type
            tag(number, 0) + b"\xff" * 11,  # a varint that does not end
            tag(number, 0) + b"\xff" * 9 + b"\x01",
            tag(number, 2) + varint(2**32 - 1),  # a length of 4 GiB
            tag(number, 2) + varint(2**63),
            tag(number, 2) + b"\x04\xed\xa0\x80\xff",  # no UTF-8
            tag(number, 2) + b"\x02\xc0\x80",
            tag(number, 3) * 200,  # groups without an end
            tag(number, 3) + tag(number, 4),
            tag(self._draw.choice((999, 19_000, 2**29 - 1)), 2) + b"\x03abc",  # unknown fields
            tag(999, 0) + b"\x01",
            b"\0\0",  # field number 0
            nested(number, self._draw.choice((99, 101, 3000))),
            tag(number, 2) + varint(3000) + b"\x08\x01" * 1500,  # packed, or not
        )
        return raw[:at] + self._draw.choice(strange) + raw[at:]

    _DAMAGES: Final[tuple[Callable[["Mutations", bytes], bytes], ...]] = (
        _cut,
        _flipped,
        _spliced,
        _doubled,
        _strange,
        _strange,
    )


def varint(value: int) -> bytes:
    """Base 128, least significant group first."""
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def tag(number: int, wire_type: int) -> bytes:
    """What stands before a field's value."""
    return varint(number << 3 | wire_type)


def nested(number: int, depth: int) -> bytes:
    """A message in a message in a message."""
    inner = b""
    for _ in range(depth):
        inner = tag(number, 2) + varint(len(inner)) + inner
    return inner
