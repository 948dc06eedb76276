"""Solar terms, lunar dates and charts with their facts: the same over HTTP, gRPC and the SDK's own reading."""

import dataclasses
import json
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.core.calendar import LunarDay, YearTerms
from hypercube.core.chart import MAX_INCLUDING, BirthInput, Chart, Include, Sex
from hypercube.gateway.validation import json_model
from hypercube.saju import chart
from hypercube.saju.almanac import lunar_day, year_terms
from hypercube.wire import convert
from hypercube.wire.v1 import error_pb2, saju_pb2, saju_pb2_grpc

FULL: dict[str, Any] = {
    "birth": "1990-05-03T07:20",
    "sex": "male",
    "place": "강남구",
    "include": ["facts", "luck", "periods"],
    "as_of": "2026-11-23",
    "luck_age": "ymd",
    "hidden_stems": "chinese",
}


async def test_the_terms_of_a_year(http: httpx.AsyncClient, channel: grpc.aio.Channel) -> None:
    answer = await http.get("/v1/saju/terms", params={"year": "2026", "zone": "America/New_York"})
    terms: YearTerms = json_model(YearTerms).read(answer.content)
    assert terms == year_terms(2026, "America/New_York")
    assert [terms.terms[2].kst_minute, terms.terms[2].local[:16]] == ["2026-02-04T05:02", "2026-02-03T15:02"]
    saju = saju_pb2_grpc.SajuStub(channel)
    reply = await saju.Terms(saju_pb2.TermsRequest(year=2026, zone="America/New_York"))
    assert convert.from_message(YearTerms, reply) == terms
    seoul = (await http.get("/v1/saju/terms?year=2026")).json()
    assert seoul["zone"] == "Asia/Seoul"


@pytest.mark.parametrize(
    ("query", "date", "calendar", "leap_month"),
    [
        ("date=1990-05-03", "1990-05-03", "solar", False),
        ("date=1990-04-09&calendar=lunar", "1990-04-09", "lunar", False),
        ("date=2020-04-01&calendar=lunar&leap_month=true", "2020-04-01", "lunar", True),
        ("date=2020-05-23&calendar=solar&leap_month=false", "2020-05-23", "solar", False),
    ],
)
async def test_a_day_by_both_calendars(
    http: httpx.AsyncClient, channel: grpc.aio.Channel, query: str, date: str, calendar: str, leap_month: bool
) -> None:
    expected = lunar_day(date, calendar=calendar, leap_month=leap_month)
    answer = await http.get(f"/v1/saju/lunar?{query}")
    assert json_model(LunarDay).read(answer.content) == expected
    number = {"solar": saju_pb2.CALENDAR_SOLAR, "lunar": saju_pb2.CALENDAR_LUNAR}[calendar]
    request = saju_pb2.LunarRequest(date=date, calendar=number, leap_month=leap_month)
    reply = await saju_pb2_grpc.SajuStub(channel).Lunar(request)
    assert convert.from_message(LunarDay, reply) == expected


@pytest.mark.parametrize(
    ("path", "param", "said"),
    [
        ("terms", "year", "?year=2026"),
        ("terms?year=", "year", "whole number"),
        ("terms?year=2026.0", "year", "whole number"),
        ("terms?year=99999999999999999999", "year", "whole number"),
        ("terms?year=1799", "year", "1800 to 2200"),
        ("terms?year=2026&year=2027", "year", "once"),
        ("terms?yaer=2026", "yaer", "'year'"),
        ("terms?year=2026&zone=Seoul", "zone", "Asia/Seoul"),
        ("terms?year=2026&zone=", "zone", "IANA"),
        ("terms?" + "&".join(["year=1"] * 40), None, "year"),
        ("lunar", "date", "?date="),
        ("lunar?date=1990-02-30", "date", "YYYY-MM-DD"),
        ("lunar?date=1990-05-03T07:20", "date", "YYYY-MM-DD"),
        ("lunar?date=1990-04-09T07:20&calendar=lunar", "date", "YYYY-MM-DD"),
        ("lunar?date=2051-01-01", "date", "2050-12-31"),
        ("lunar?date=1990-04-31&calendar=lunar", "date", "1 to 29"),
        ("lunar?date=1990-04-09&calendar=lunar&leap_month=true", "date", "month 5"),
        ("lunar?date=1990-04-09&leap_month=true", "leap_month", "'lunar'"),
        ("lunar?date=1990-04-09&calendar=moon", "calendar", "solar, lunar"),
        ("lunar?date=1990-04-09&leap_month=yes", "leap_month", "true or false"),
    ],
)
async def test_a_query_that_is_wrong(
    http: httpx.AsyncClient, path: str, param: str | None, said: str
) -> None:
    answer = await http.get(f"/v1/saju/{path}")
    assert answer.status_code == 400, answer.text
    error = answer.json()["error"]
    assert error["param"] == param
    assert said in error["fix"], error


@pytest.mark.parametrize(
    ("method", "request_", "param"),
    [
        ("Terms", saju_pb2.TermsRequest(), "year"),
        ("Terms", saju_pb2.TermsRequest(year=2026, zone="Mars/Olympus"), "zone"),
        ("Lunar", saju_pb2.LunarRequest(), "date"),
        ("Lunar", saju_pb2.LunarRequest(date="1990-05-03", calendar=9), "calendar"),  # type: ignore[arg-type]
        ("Chart", saju_pb2.Birth(birth="1990-05-03", include=[saju_pb2.INCLUDE_LUCK]), "sex"),
        ("Chart", saju_pb2.Birth(birth="1990-05-03", include=[7]), "include[0]"),  # type: ignore[list-item]
    ],
)
async def test_a_message_that_is_wrong(
    channel: grpc.aio.Channel, method: str, request_: Any, param: str
) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await getattr(saju_pb2_grpc.SajuStub(channel), method)(request_)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    trailer = dict(caught.value.trailing_metadata() or ())["hypercube-error-bin"]
    assert error_pb2.Error.FromString(bytes(trailer)).param == param  # type: ignore[arg-type]


async def test_a_whole_chart_is_the_same_everywhere(
    http: httpx.AsyncClient, channel: grpc.aio.Channel
) -> None:
    expected = chart(**FULL)
    answer = await http.post("/v1/saju/charts", json=FULL)
    assert json_model(Chart).read(answer.content) == expected
    birth = json_model(BirthInput).read(json.dumps(FULL))
    reply = await saju_pb2_grpc.SajuStub(channel).Chart(convert.birth_to_proto(birth))
    assert convert.chart_from_proto(reply) == expected


async def test_a_batch_mixes_rows_with_and_without(http: httpx.AsyncClient) -> None:
    births = [FULL, {"birth": "1990-05-03"}, FULL | {"sex": None}, FULL | {"birth": "1990-02-04"}] * 20
    rows = (await http.post("/v1/saju/charts:batch", json={"births": births})).json()["results"]
    assert len(rows) == 80
    assert rows[2]["error"]["param"] == "births[2].sex"
    assert rows[0]["chart"]["facts"] is not None
    assert rows[1]["chart"]["facts"] is None
    assert rows[6]["error"]["param"] == "births[6].sex"
    assert len(rows[79]["chart"]["luck_ranges"]) == 2


async def test_a_batch_has_room_for_so_many_facts(house: Any, channel: grpc.aio.Channel) -> None:
    one = BirthInput("1990-05-03T07:20", Sex.MALE, include=(Include.FACTS,))
    many = convert.charts_request_to_proto([one] * (MAX_INCLUDING + 1) + [BirthInput("1990-05-03")])
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await saju_pb2_grpc.SajuStub(channel).Charts(many)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert f"{MAX_INCLUDING:,}" in str(caught.value.details())
    plain = [dataclasses.replace(one, include=())] * (MAX_INCLUDING + 1)
    reply = await saju_pb2_grpc.SajuStub(channel).Charts(convert.charts_request_to_proto([one, *plain]))
    assert [row.chart.HasField("facts") for row in reply.results[:2]] == [True, False]
