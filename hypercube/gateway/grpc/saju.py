"""hypercube.v1.Saju."""

from collections.abc import AsyncIterator
from typing import Final

from hypercube.core.chart import BirthInput, Calendar
from hypercube.core.cube import Call
from hypercube.core.errors import Failure, HyperCubeError
from hypercube.core.everyday import OneBirth
from hypercube.gateway.grpc.births import BirthReader
from hypercube.gateway.grpc.columns import PillarRows, failed, read_births
from hypercube.gateway.grpc.methods import Duplex, Methods, Packed, Serializable, Unary
from hypercube.gateway.handlers import almanac, bulk
from hypercube.gateway.handlers import charts as handler
from hypercube.gateway.long_steps import my_turn
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Once
from hypercube.wire import convert
from hypercube.wire.v1 import calendar_pb2, saju_pb2

_DESCRIBED_ROWS_AT_ONCE: Final = 4
_ROWS_AT_ONCE: Final = 64
"""With and without facts: rows converted before other calls get a turn: 0.4 to 3 ms."""


async def chart(services: GatewayServices, birth: BirthInput | OneBirth, call: Call) -> saju_pb2.ChartReply:
    """One chart."""
    whole = birth.whole() if isinstance(birth, OneBirth) else birth
    return convert.chart_to_proto(await handler.chart(services, whole, call))


def chart_at_once(services: GatewayServices, birth: BirthInput | OneBirth, call: Call) -> bytes | None:
    """The bytes of the same for most births."""
    if not isinstance(birth, OneBirth) or (found := handler.everyday(services, birth, call)) is None:
        return None
    return convert.everyday_to_bytes(found)


async def charts(
    services: GatewayServices, request: saju_pb2.ChartsRequest, call: Call
) -> saju_pb2.ChartsReply:
    """A batch of charts."""
    handler.check_count(len(request.births), services.limits.max_births)
    births = [_read(row, birth) for row, birth in enumerate(request.births)]
    results = await handler.charts(services, births, call)
    reply = saju_pb2.ChartsReply()
    step = handler.rows_at_once(results, _ROWS_AT_ONCE, _DESCRIBED_ROWS_AT_ONCE)
    for start in range(0, len(results), step):
        if len(results) > step:
            await my_turn()
        reply.results.extend(map(convert.result_to_proto, results[start : start + step]))
    return reply


async def pillars(services: GatewayServices, births: bulk.BirthColumns, call: Call) -> Serializable:
    """Pillars in bulk."""
    return PillarRows(await bulk.pillars(services, births, call))


async def pillars_stream(
    services: GatewayServices, births: bulk.BirthColumns, call: Call
) -> AsyncIterator[Serializable]:
    """One chunk of them."""
    return Once(await pillars(services, births, call))


async def terms(
    services: GatewayServices, request: saju_pb2.TermsRequest, call: Call
) -> calendar_pb2.YearTerms:
    """The solar terms of a year."""
    message: calendar_pb2.YearTerms = convert.to_message(
        await almanac.terms(request.year, request.zone or None)
    )
    return message


async def lunar(
    services: GatewayServices, request: saju_pb2.LunarRequest, call: Call
) -> calendar_pb2.LunarDay:
    """A day by both calendars."""
    calendar = convert.member("calendar", request.calendar, Calendar)
    message: calendar_pb2.LunarDay = convert.to_message(
        await almanac.lunar(request.date, calendar, request.leap_month)
    )
    return message


def _read(row: int, birth: saju_pb2.Birth) -> BirthInput | Failure:
    try:
        return convert.birth_from_proto(birth)
    except HyperCubeError as error:
        return error.failure(prefix=f"births[{row}]")


METHODS: Final[Methods] = {
    "Chart": Packed(BirthReader(), chart, lambda services: services.limits.chart_s, at_once=chart_at_once),
    "Charts": Unary(saju_pb2.ChartsRequest, charts, lambda services: services.limits.batch_s),
    "Pillars": Packed(read_births, pillars, lambda services: services.limits.batch_s),
    "PillarsStream": Duplex(read_births, pillars_stream, failed, lambda services: services.limits.batch_s),
    "Terms": Unary(saju_pb2.TermsRequest, terms, lambda services: services.limits.chart_s),
    "Lunar": Unary(saju_pb2.LunarRequest, lunar, lambda services: services.limits.chart_s),
}
