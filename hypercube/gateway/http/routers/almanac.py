"""The calendar: /v1/saju/terms and /v1/saju/lunar."""

from typing import Final

from starlette.responses import Response

from hypercube.core.calendar import LunarDay, YearTerms
from hypercube.core.chart import Calendar
from hypercube.gateway.handlers import almanac as handler
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.query import Parameter, read_query
from hypercube.gateway.http.responses import json_response
from hypercube.saju.years import FIRST_YEAR, LAST_YEAR

_TERMS: Final = {
    "year": Parameter(
        "Civil year, 1800 to 2200.", "2026", "integer", required=True, bounds=(FIRST_YEAR, LAST_YEAR)
    ),
    "zone": Parameter("IANA zone whose clock is shown; Asia/Seoul if left out.", "Asia/Seoul"),
}
_LUNAR: Final = {
    "date": Parameter("YYYY-MM-DD, of the calendar named.", "1990-05-03", required=True),
    "calendar": Parameter(
        "Which calendar the date belongs to; solar if left out.", "solar", choices=tuple(Calendar)
    ),
    "leap_month": Parameter("The leap month (윤달) of a lunar date.", "false", "boolean"),
}


async def terms(request: HttpRequest) -> Response:
    """The solar terms of a year."""
    query = read_query(request.query, _TERMS)
    return json_response(await handler.terms(query["year"], query.get("zone")))


async def lunar(request: HttpRequest) -> Response:
    """A day by both calendars."""
    query = read_query(request.query, _LUNAR)
    return json_response(
        await handler.lunar(query["date"], query.get("calendar"), query.get("leap_month", False))
    )


OPERATIONS: Final = (
    Operation(
        "GET",
        "/v1/saju/terms",
        "saju",
        "The 24 solar terms (절기) of a year",
        terms,
        response=YearTerms,
        errors=(400, 503),
        query=_TERMS,
        description="Instants to the millisecond, by the zone's clock, and rounded to the minute as KASI prints them.",
    ),
    Operation(
        "GET",
        "/v1/saju/lunar",
        "saju",
        "A day by the solar and the Korean lunar calendar",
        lunar,
        response=LunarDay,
        errors=(400, 503),
        query=_LUNAR,
        description="Solar 1000-02-13 to 2050-12-31, lunar 1000-01-01 to 2050-11-18.",
    ),
)
