"""Pillars in bulk: two columns of numbers in, rows of four bytes out, no objects between."""

from dataclasses import dataclass
from typing import Final

from hypercube.core.chart import DayBoundary
from hypercube.core.cube import Call
from hypercube.core.errors import invalid
from hypercube.core.tensors import Datatype, Tensor, TensorRequest, TensorResponse
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import TENSORS, GatewayServices

_MODEL: Final = "saju_pillars"
_SLACK_BYTES: Final = 1 << 10
"""Of a message, for what surrounds the rows."""


@dataclass(frozen=True, slots=True)
class BirthColumns:
    """Births as columns of N numbers, little-endian, as bytes.

    Attributes:
        utc_seconds: int64, POSIX seconds.
        offset_seconds: int32, what is added to UTC to get the clock that decides; N of them, or one for all.
        day_boundary: when a day begins; None for midnight.
    """

    utc_seconds: memoryview
    offset_seconds: memoryview
    day_boundary: DayBoundary | None = None


async def pillars(services: GatewayServices, births: BirthColumns, call: Call) -> memoryview:
    """The rows: uint8[N, 4], year, month, day and hour as sexagenary indices.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for columns that do not fit each other, for an instant outside the term
            table, and for more rows than one answer holds; OVERLOADED; DEADLINE_EXCEEDED.
    """
    request = TensorRequest(
        _MODEL,
        (
            _column("utc_seconds", Datatype.INT64, births.utc_seconds),
            _column("offset_seconds", Datatype.INT32, births.offset_seconds),
        ),
        {"day_boundary": births.day_boundary.value} if births.day_boundary is not None else {},
        max_answer_bytes=services.limits.max_message_bytes - _SLACK_BYTES,
    )
    async with within(call, services.clock):
        answer: TensorResponse = await services.cubes.process(TENSORS, request, call)
    return answer.outputs[0].data


def _column(name: str, datatype: Datatype, data: memoryview) -> Tensor:
    if len(data) % datatype.itemsize:
        raise invalid(
            f"{name} has {len(data):,} bytes, which is no multiple of {datatype.itemsize}.",
            param=name,
            value=len(data),
            fix=f"Send {datatype} numbers, little-endian, one behind the other.",
        )
    return Tensor(name, datatype, (len(data) // datatype.itemsize,), data)
