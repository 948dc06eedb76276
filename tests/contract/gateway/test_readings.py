"""Readings over HTTP, as server-sent events, over gRPC and through both clients: one text, one check."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from hypercube.client import AsyncClient, Client, InvalidArgument
from hypercube.core.reading import Reading, ReadingOptions, ReadingSection
from hypercube.cubes.feature.reading import ReadingCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.saju import chart
from hypercube.saju.interpretation import interpret

BIRTH: dict[str, Any] = {
    "birth": "1990-05-03T07:20",
    "sex": "female",
    "place": "Seoul",
    "as_of": "2026-11-27",
}


def expected(**options: Any) -> Reading:
    found = chart(
        BIRTH["birth"],
        **{name: value for name, value in BIRTH.items() if name != "birth"},
        include=("facts", "luck", "periods"),
    )
    return interpret(found, ReadingOptions(**options))


async def test_a_reading_is_whole_cited_and_checked(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/saju/readings", json=BIRTH)
    assert answer.status_code == 200, answer.text
    reading = answer.json()
    assert [section["section"] for section in reading["sections"]] == list(ReadingSection)
    facts = {fact["id"] for fact in reading["facts"]}
    sentences = [sentence for section in reading["sections"] for sentence in section["sentences"]]
    assert all(sentence["facts"] and set(sentence["facts"]) <= facts for sentence in sentences)
    assert (reading["written_by"], reading["corpus_version"]) == ("corpus", "3")
    assert reading["checked"]["sentences"] == len(sentences)
    assert reading["checked"]["contradictions"] == 0
    assert reading["checked"]["confirmed"] > 30
    assert reading["chart"]["pillars"]["day"]["hanja"] == "戊辰"
    assert reading["chart"]["facts"] is None


async def test_a_stream_brings_the_same_sentences_one_by_one(http: httpx.AsyncClient) -> None:
    whole = (await http.post("/v1/saju/readings", json=BIRTH)).json()
    answer = await http.post("/v1/saju/readings", json={**BIRTH, "stream": True})
    assert answer.headers["content-type"].startswith("text/event-stream")
    lines = [line.removeprefix("data: ") for line in answer.text.split("\n\n") if line]
    assert lines[-1] == "[DONE]"
    events = [json.loads(line) for line in lines[:-1]]
    streamed = [event["sentence"]["text"] for event in events[:-1]]
    assert streamed == [each["text"] for section in whole["sections"] for each in section["sentences"]]
    assert events[-1]["done"]["checked"] == whole["checked"]
    assert events[-1]["done"]["sections"] == []


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"birth": "1990-02-31"}, "birth"),
        ({"birth": "1990-05-03", "language": "jp"}, "language"),
        ({"birth": "1990-05-03", "sections": ["money"]}, "sections[0]"),
        ({"birth": "1990-05-03", "lenght": "short"}, "lenght"),
        ({"birth": "1990-05-03", "as_of": "someday"}, "as_of"),
        ({"birth": "1990-05-03T07:20", "longitude": 999}, "longitude"),
    ],
)
@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_wrong_is_named(
    http: httpx.AsyncClient, body: dict[str, Any], param: str, stream: bool
) -> None:
    answer = await http.post("/v1/saju/readings", json={**body, "stream": stream})
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["param"] == param


@pytest.fixture
async def target() -> AsyncIterator[str]:
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    registry.register(SajuCube(batchers))
    registry.register(ReadingCube(registry))
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


async def test_the_client_gets_the_reading_as_it_was_written(target: str) -> None:
    async with AsyncClient(target) as client:
        assert await client.reading(**BIRTH) == expected()
        english = await client.reading(**BIRTH, language="en", length="short", sections=["work", "advice"])
        assert [section.section for section in english.sections] == ["work", "advice"]
        assert english.sections[0].title == "Work and talent"
        unknown = await client.reading("1990-05-03", sex="male", tone="plain", audience="beginner")
        assert unknown.chart.pillars.hour is None
        with pytest.raises(InvalidArgument) as wrong:
            await client.reading("1990-13-01")
        assert wrong.value.param == "birth"
        with pytest.raises(InvalidArgument, match="language"):
            await client.reading("1990-05-03", language="latin")


async def test_both_clients_agree(target: str) -> None:

    def ask() -> Reading:
        with Client(target) as client:
            return client.reading(**BIRTH, length="long")

    async with AsyncClient(target) as client:
        assert await asyncio.to_thread(ask) == await client.reading(**BIRTH, length="long")


async def test_the_cube_is_healthy(target: str) -> None:
    async with AsyncClient(target) as client:
        (cube,) = [each for each in await client.cubes() if each.name == "reading"]
        assert (cube.health, cube.state) == ("healthy", "running")
        assert [(need.name, need.versions) for need in cube.dependencies] == [("saju", ">=1.0,<2")]
