"""Columns and rows as packed bytes: buffers in, buffers out, each copied once, into the message."""

import struct
import sys
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeAlias

from google.protobuf.message import DecodeError

from hypercube.client.exceptions import invalid
from hypercube.core.chart import DayBoundary
from hypercube.core.errors import shown
from hypercube.wire.convert.records import number_of
from hypercube.wire.packed import Bytes, field, split
from hypercube.wire.v1 import embeddings_pb2, saju_pb2

Column: TypeAlias = Any
"""Whole numbers: anything with the buffer protocol (a NumPy array, `array.array`, or `bytes` that hold them
little-endian), or a sequence of `int`."""

_UTC: Final = saju_pb2.PillarsRequest.UTC_SECONDS_FIELD_NUMBER
_OFFSET: Final = saju_pb2.PillarsRequest.OFFSET_SECONDS_FIELD_NUMBER
_ROWS: Final = saju_pb2.PillarsReply.PILLARS_FIELD_NUMBER
_VECTORS: Final = embeddings_pb2.EmbedReply.VECTORS_FIELD_NUMBER
_KINDS: Final = {8: ("q", "int64"), 4: ("i", "int32")}


def column(name: str, given: object, itemsize: int) -> memoryview:
    """The numbers as little-endian bytes; a buffer that holds them so is not copied.

    Raises:
        InvalidArgument: other numbers, or no numbers.
    """
    code, kind = _KINDS[itemsize]
    try:
        view = memoryview(given)  # type: ignore[arg-type]
    except TypeError:
        return _from_numbers(name, given, code, kind)
    if view.format in ("B", "b", "c"):
        if view.nbytes % itemsize:
            raise _wrong(name, f"has {view.nbytes:,} bytes, no multiple of {itemsize}", kind)
    elif view.itemsize != itemsize or view.format not in ("q", "l", "i", "<q", "<l", "<i"):
        raise _wrong(name, f"holds numbers of format {view.format!r}, {view.itemsize} bytes each", kind)
    if view.ndim != 1:
        raise _wrong(name, f"has {view.ndim} dimensions", kind)
    if not view.contiguous:
        view = memoryview(view.tobytes())
    return _little(view.cast("B"), code, raw=view.format in ("B", "b", "c") or (view.format or "")[0] == "<")


def _from_numbers(name: str, given: object, code: str, kind: str) -> memoryview:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise _wrong(name, f"is {shown(given)!r}", kind)
    try:
        numbers = array(code, given if isinstance(given, Sequence) else list(given))
    except (TypeError, OverflowError) as error:
        raise _wrong(name, f"holds what is no {kind}: {error}", kind) from None
    return _little(memoryview(numbers).cast("B"), code, raw=False)


def _little(view: memoryview, code: str, *, raw: bool) -> memoryview:
    if raw or sys.byteorder == "little":
        return view
    swapped = array(code, view.tobytes())
    swapped.byteswap()
    return memoryview(swapped).cast("B")


def _wrong(name: str, problem: str, kind: str) -> Exception:
    return invalid(
        f"{name} {problem}.",
        param=name,
        fix=f"Give one dimension of {kind}: a NumPy array, an array.array, little-endian bytes, or a list of int.",
    )


@dataclass(frozen=True, slots=True)
class PillarsRequest:
    """`saju_pb2.PillarsRequest` around buffers of the caller's."""

    utc_seconds: memoryview
    offset_seconds: memoryview
    day_boundary: DayBoundary | None = None

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message."""
        rest = saju_pb2.PillarsRequest()
        if self.day_boundary is not None:
            rest.day_boundary = number_of(self.day_boundary)
        parts: list[Bytes] = [*field(_UTC, self.utc_seconds), *field(_OFFSET, self.offset_seconds)]
        return b"".join((*parts, rest.SerializeToString()))

    def ByteSize(self) -> int:  # noqa: N802 - protobuf's name
        """Bytes of the message, or a few more."""
        return len(self.utc_seconds) + len(self.offset_seconds) + 16


@dataclass(frozen=True, slots=True)
class PillarsReply:
    """`saju_pb2.PillarsReply` with its rows as a view of the message."""

    rows: memoryview
    rest: saju_pb2.PillarsReply

    @staticmethod
    def FromString(raw: bytes) -> "PillarsReply":  # noqa: N802 - protobuf's name
        """Read a message."""
        rest, rows = _taken(raw, _ROWS)
        return PillarsReply(rows, saju_pb2.PillarsReply.FromString(rest))


@dataclass(frozen=True, slots=True)
class EmbedReply:
    """`embeddings_pb2.EmbedReply` with its vectors as a view of the message."""

    vectors: memoryview
    rest: embeddings_pb2.EmbedReply

    @staticmethod
    def FromString(raw: bytes) -> "EmbedReply":  # noqa: N802 - protobuf's name
        """Read a message."""
        rest, vectors = _taken(raw, _VECTORS)
        return EmbedReply(vectors, embeddings_pb2.EmbedReply.FromString(rest))


def _taken(raw: bytes, number: int) -> tuple[bytes, memoryview]:
    try:
        rest, taken = split(raw, (number,))
    except (IndexError, ValueError) as error:
        raise DecodeError(str(error)) from None
    return rest, taken[-1][1] if taken else memoryview(b"")


def table(view: memoryview, code: Literal["B", "f"], width: int) -> memoryview:
    """Bytes as rows of `width` numbers; ValueError if they do not fill whole rows."""
    size = width * struct.calcsize(code)
    if width < 1 or not len(view) or len(view) % size:
        raise ValueError(f"{len(view)} bytes are no rows of {width} numbers")
    made: Any = view
    rows: memoryview = made.cast(code, (len(view) // size, width))
    return rows
