"""A birth read around its options: in most requests these are bytes that came before, and are read once.

A `Birth` begins with its text (field 1), as every writer of protobuf puts it; the rest is the options. Whatever looks
otherwise, and every rest that is seen for the first time, is read as a message and checked field by field.
"""

from typing import Final

from hypercube.core.chart import BirthInput
from hypercube.core.everyday import BirthOptions, OneBirth
from hypercube.gateway.grpc.decoding import decode
from hypercube.wire import convert
from hypercube.wire.v1 import saju_pb2

_TEXT: Final = saju_pb2.Birth.BIRTH_FIELD_NUMBER << 3 | 2
_ONE_BYTE: Final = 128
"""Lengths below it are written in one byte; no birth is longer."""
_KEPT: Final = 4_096
_LONGEST: Final = 256
"""Bytes of options that are kept; none that make sense are longer."""


class BirthReader:
    """Reads births; remembers the options of the last few thousand different ones."""

    def __init__(self) -> None:
        self._known: dict[bytes, BirthOptions] = {}

    def __call__(self, raw: bytes) -> BirthInput | OneBirth:
        """The birth in some bytes; a `OneBirth` if its options are known.

        Raises:
            HyperCubeError: INVALID_ARGUMENT.
        """
        if len(raw) > 2 and raw[0] == _TEXT and (size := raw[1]) < _ONE_BYTE:
            end = size + 2
            options = self._known.get(raw[end:])
            if options is not None and end <= len(raw) and (text := raw[2:end]).isascii():
                return OneBirth(text.decode("ascii"), options)
        message = decode(saju_pb2.Birth, raw)
        birth = convert.birth_from_proto(message)
        if raw and raw[0] == _TEXT and (end := raw[1] + 2) < _ONE_BYTE + 2:
            self._learn(raw[end:])
        return birth

    def _learn(self, rest: bytes) -> None:
        """Remember options, if they are written as protobuf writes them and no second text is among them."""
        if len(rest) > _LONGEST:
            return
        message = saju_pb2.Birth.FromString(rest)
        if message.birth or message.SerializeToString(deterministic=True) != rest:
            return
        if len(self._known) >= _KEPT:
            self._known.clear()
        self._known[rest] = BirthOptions(convert.birth_from_proto(message))
