"""Messages of packed columns, read and written around their bytes (`wire.packed`)."""

from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import DayBoundary
from hypercube.core.errors import Failure, invalid
from hypercube.gateway.grpc.decoding import decode
from hypercube.gateway.handlers.bulk import BirthColumns
from hypercube.wire import convert
from hypercube.wire.packed import Bytes, field, split
from hypercube.wire.v1 import saju_pb2

_UTC: Final = saju_pb2.PillarsRequest.UTC_SECONDS_FIELD_NUMBER
_OFFSET: Final = saju_pb2.PillarsRequest.OFFSET_SECONDS_FIELD_NUMBER
_ROWS: Final = saju_pb2.PillarsReply.PILLARS_FIELD_NUMBER


def read_births(raw: bytes) -> BirthColumns:
    """The columns in some bytes, as views of them.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    try:
        rest, taken = split(raw, (_UTC, _OFFSET))
    except (IndexError, ValueError):
        raise invalid(
            f"These {len(raw):,} bytes are no hypercube.v1.PillarsRequest message.",
            fix="Encode the request with the published .proto files.",
        ) from None
    message = decode(saju_pb2.PillarsRequest, rest)
    columns = dict(taken)  # of a field that comes twice the last one counts, as everywhere in protobuf
    nothing = memoryview(b"")
    return BirthColumns(
        columns.get(_UTC, nothing),
        columns.get(_OFFSET, nothing),
        convert.member("day_boundary", message.day_boundary, DayBoundary),
    )


@dataclass(frozen=True, slots=True)
class PillarRows:
    """Rows as a `PillarsReply`."""

    rows: Bytes

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message; the rows are copied once."""
        return b"".join(field(_ROWS, self.rows))


def failed(failure: Failure) -> saju_pb2.PillarsReply:
    """A chunk that was wrong."""
    return saju_pb2.PillarsReply(error=convert.error_to_proto(failure))
