"""Charts: /v1/saju."""

import asyncio
from typing import Any, Final

from starlette.responses import Response

from hypercube.core.chart import BirthInput, Chart, ChartResult, ChartsRequest
from hypercube.gateway.errors import error_object
from hypercube.gateway.handlers import charts as handler
from hypercube.gateway.http import examples
from hypercube.gateway.http.births import read_births
from hypercube.gateway.http.bodies import ChartsBody
from hypercube.gateway.http.chart_json import chart_document, chart_json
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import JSON, encode
from hypercube.gateway.long_steps import my_turn
from hypercube.gateway.validation import JsonModel, json_model

_BIRTH: Final[JsonModel[BirthInput]] = json_model(BirthInput)
_READ_IN_A_THREAD: Final = 32 * 1024
"""Bytes from which reading leaves the event loop: 10,000 malformed births take most of a second to explain."""
_DESCRIBED_ROWS_AT_ONCE: Final = 8
_ROWS_AT_ONCE: Final = 64
"""With and without facts: rows encoded before other requests get a turn: 0.4 to 3 ms."""


async def chart(request: HttpRequest) -> Response:
    """One chart."""
    birth = _BIRTH.read(request.body)
    made = await handler.chart(request.services, birth, request.call)
    return Response(chart_json(made), media_type=JSON)


async def charts(request: HttpRequest) -> Response:
    """A batch of charts."""
    limit = request.services.limits.max_births
    if len(request.body) > _READ_IN_A_THREAD:
        births = await asyncio.to_thread(read_births, request.body, limit)
    else:
        births = read_births(request.body, limit)
    results = await handler.charts(request.services, births, request.call)
    return Response(await _encode(results), media_type=JSON)


async def _encode(results: list[ChartResult]) -> bytes:
    pieces: list[bytes] = []
    step = handler.rows_at_once(results, _ROWS_AT_ONCE, _DESCRIBED_ROWS_AT_ONCE)
    for start in range(0, len(results), step):
        if len(results) > step:
            await my_turn()
        rows = [_row(result) for result in results[start : start + step]]
        pieces.append(encode(rows)[1:-1])
    return b'{"results":[' + b",".join(pieces) + b"]}"


def _row(result: ChartResult) -> dict[str, Any]:
    return {
        "chart": None if result.chart is None else chart_document(result.chart),
        "error": None if result.error is None else error_object(result.error),
    }


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/saju/charts",
        "saju",
        "The four pillars of one birth",
        chart,
        request=BirthInput,
        examples=examples.BIRTHS,
        response=Chart,
        response_example=examples.CHART,
        errors=(400, 413, 429, 503, 504),
        description=(
            "Facts only: the pillars, the instant in UTC, every correction in seconds, the nearest term, "
            "and both candidates where a clock minute cannot decide. `include` adds every fact that follows from "
            "the pillars, the luck pillars (대운) and the year, month and day in force."
        ),
    ),
    Operation(
        "POST",
        "/v1/saju/charts:batch",
        "saju",
        "Up to 10,000 charts in one request",
        charts,
        allowance="batch_s",
        request=ChartsRequest,
        examples=examples.BATCHES,
        response=ChartsBody,
        errors=(400, 413, 429, 503, 504),
        description="Every birth gets its own chart or its own error, in the order given; the status is 200.",
    ),
)
