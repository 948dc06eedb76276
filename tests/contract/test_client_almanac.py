"""The SDK against the real gateway: charts with their facts, solar terms, lunar dates."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hypercube.client import AsyncClient, Client, InvalidArgument
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.saju import chart
from hypercube.saju.almanac import lunar_day, year_terms

FULL: dict[str, Any] = {
    "sex": "female",
    "place": "부산",
    "include": ["luck", "facts", "periods"],
    "luck_age": "exact",
    "blade": "all_stems",
    "goegang": "six_pillars",
    "life_stages": "yin_forward",
}


@pytest.fixture
async def target() -> AsyncIterator[str]:
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    registry.register(SajuCube(batchers))
    await registry.start_all()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    server = create_grpc_server(GatewayServices(registry, readiness, lambda: b""))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)
    await registry.stop_all()
    await batchers.close()


async def test_everything_comes_through_as_it_was_computed(target: str) -> None:
    async with AsyncClient(target) as client:
        whole = await client.chart("1990-05-03T07:20", as_of=dt.date(2026, 11, 23), **FULL)
        assert whole == chart("1990-05-03T07:20", as_of="2026-11-23", **FULL)
        unknown = await client.chart(dt.date(2020, 4, 1), calendar="lunar", leap_month=True, **FULL)
        assert unknown.lunar is not None
        assert unknown.lunar.leap
        assert len(unknown.luck_ranges) == 1
        assert unknown.periods is not None
        assert not unknown.periods.as_of.given
        rows = await client.charts(
            [{"birth": "1990-05-03", "include": ["facts"]}, {"birth": "1990-05-03", "include": ["luck"]}]
        )
        assert rows[0].chart is not None
        assert rows[0].chart.facts is not None
        assert rows[1].error is not None
        assert rows[1].error.param == "births[1].sex"
        assert await client.terms(1961) == year_terms(1961)
        assert await client.terms(2026, zone="Europe/London") == year_terms(2026, "Europe/London")
        assert await client.lunar("1990-05-03") == lunar_day("1990-05-03")
        again = await client.lunar(dt.date(2020, 4, 1), calendar="lunar", leap_month=True)
        assert again == lunar_day("2020-05-23")


async def test_what_the_sdk_itself_refuses(target: str) -> None:
    with Client(target) as client:
        for call, param in (
            (lambda: client.chart("1990-05-03", include="facts"), "include"),
            (lambda: client.chart("1990-05-03", include=["fact"]), "include[0]"),
            (lambda: client.chart("1990-05-03", as_of=dt.datetime(2026, 1, 1, 12)), "as_of"),
            (lambda: client.chart("1990-05-03", luck_age="round"), "luck_age"),
            (lambda: client.terms("2026"), "year"),  # type: ignore[arg-type]
            (lambda: client.terms(2**40), "year"),
            (lambda: client.terms(2026, zone=""), "zone"),
            (lambda: client.lunar(dt.datetime(1990, 5, 3)), "date"),
            (lambda: client.lunar("1990-05-03", calendar="moon"), "calendar"),
        ):
            with pytest.raises(InvalidArgument) as caught:
                call()
            assert caught.value.param == param


async def test_what_the_server_refuses_keeps_its_words(target: str) -> None:
    async with AsyncClient(target) as client:
        with pytest.raises(InvalidArgument, match="there is no day 31") as caught:
            await client.lunar("1990-04-31", calendar="lunar")
        assert caught.value.param == "date"
        with pytest.raises(InvalidArgument, match="1800 to 2200"):
            await client.terms(1066)
