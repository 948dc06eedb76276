"""hypercube.v1.Saju."""

import asyncio
from typing import Final

from hypercube.core.chart import BirthInput
from hypercube.core.cube import Call
from hypercube.core.errors import Failure, HyperCubeError
from hypercube.gateway.grpc.rpc import Methods, Unary
from hypercube.gateway.handlers import charts as handler
from hypercube.gateway.services import GatewayServices
from hypercube.wire import convert
from hypercube.wire.v1 import saju_pb2

_ROWS_AT_ONCE: Final = 256
"""Rows converted before other calls get a turn: about 5 ms."""


async def chart(services: GatewayServices, request: saju_pb2.Birth, call: Call) -> saju_pb2.ChartReply:
    """One chart."""
    return convert.chart_to_proto(await handler.chart(services, convert.birth_from_proto(request), call))


async def charts(
    services: GatewayServices, request: saju_pb2.ChartsRequest, call: Call
) -> saju_pb2.ChartsReply:
    """A batch of charts."""
    handler.check_count(len(request.births), services.limits.max_births)
    births = [_read(row, birth) for row, birth in enumerate(request.births)]
    results = await handler.charts(services, births, call)
    reply = saju_pb2.ChartsReply()
    for start in range(0, len(results), _ROWS_AT_ONCE):
        reply.results.extend(map(convert.result_to_proto, results[start : start + _ROWS_AT_ONCE]))
        if len(results) > _ROWS_AT_ONCE:
            await asyncio.sleep(0)
    return reply


def _read(row: int, birth: saju_pb2.Birth) -> BirthInput | Failure:
    try:
        return convert.birth_from_proto(birth)
    except HyperCubeError as error:
        return error.failure(prefix=f"births[{row}]")


METHODS: Final[Methods] = {
    "Chart": Unary(saju_pb2.Birth, chart, lambda services: services.limits.chart_s),
    "Charts": Unary(saju_pb2.ChartsRequest, charts, lambda services: services.limits.batch_s),
}
