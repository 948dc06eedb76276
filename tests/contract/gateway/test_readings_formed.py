"""Readings in a caller's schema over both doors: grounded sentence by sentence, whoever wrote them."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import asdict
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.client import AsyncClient, Client, EngineFailed, FormedReading, InvalidArgument
from hypercube.client._answers import formed_reading
from hypercube.gateway.grpc import create_grpc_server
from hypercube.saju import chart
from hypercube.saju.grounding import Checker, sentences
from hypercube.wire.v1 import error_pb2, reading_pb2, reading_pb2_grpc
from tests.contract.gateway.test_readings_by_model import BIRTH, LIE, Server, lying

LIST: dict[str, Any] = {"type": "array", "items": {"type": "string"}}


def schema(properties: dict[str, Any], **more: Any) -> dict[str, Any]:
    whole = {"type": "object", "properties": properties, **more}
    return {"type": "json_schema", "json_schema": {"name": "reading", "schema": whole, "strict": True}}


ASKED: dict[str, Any] = {
    **BIRTH,
    "length": "short",
    "response_format": schema({"성격": LIST, "money": {"type": "string"}}, required=["성격", "money"]),
}


def checked(sentences: list[str]) -> None:
    checker = Checker(
        chart(
            BIRTH["birth"],
            sex="female",
            place=BIRTH["place"],
            as_of=BIRTH["as_of"],
            include=("facts", "luck", "periods"),
        )
    )
    assert sentences
    for sentence in sentences:
        assert checker.grounded(sentence), sentence


async def test_a_written_reading_fills_the_schema() -> None:
    async with Server([]) as server:
        answer = await server.http.post("/v1/saju/readings", json=ASKED)
        assert answer.status_code == 200, answer.text
        found = answer.json()
        usual = await server.reading(writer="corpus")
        temper, wealth = ([each["text"] for each in part["sentences"]] for part in usual["sections"])
        assert found["structured"] == {"성격": temper, "money": " ".join(wealth)}
        assert set(found["sources"]) == {"성격", "money"}
        assert (found["written_by"], found["checked"]["contradictions"]) == ("corpus", 0)
        assert found["checked"]["sentences"] == len(temper) + len(wealth)
        checked([*temper, *wealth])
        assert server.engines.requests == []


async def test_a_model_that_lies_fills_it_without_its_lies() -> None:
    async with Server(lying) as server:
        answer = await server.http.post("/v1/saju/readings", json={**ASKED, "writer": "model"})
        assert answer.status_code == 200, answer.text
        found = answer.json()
        assert LIE not in answer.text
        assert "자수" not in answer.text
        assert "너른 언덕" in found["structured"]["성격"][0], "its own words, where they are true"
        assert found["written_by"] in ("tiny", "mixed")
        assert found["checked"]["contradictions"] > 0
        money = found["structured"]["money"]
        checked([*found["structured"]["성격"], *(money[start:end] for start, end in sentences(money))])


@pytest.mark.parametrize(
    ("more", "param"),
    [
        ({"response_format": schema({"행운의 색": {"type": "string"}}, required=["행운의 색"])}, "행운의 색"),
        ({"response_format": schema({"advice": {"type": "number"}})}, "advice.type"),
        ({"response_format": {"type": "json_schema", "json_schema": {"name": "x"}}}, "schema"),
        ({"response_format": {"type": "json_object"}}, "response_format"),
        ({"stream": True}, "stream"),
        ({"sections": ["temper"]}, "sections"),
    ],
)
async def test_what_cannot_be_filled_is_named(
    http: httpx.AsyncClient, more: dict[str, Any], param: str
) -> None:
    answer = await http.post("/v1/saju/readings", json={**ASKED, **more})
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert error["param"].endswith(param) or error["param"].startswith(param)
    assert error["fix"]


async def test_a_cube_takes_no_form(http: httpx.AsyncClient) -> None:
    answer = await http.post("/v1/cubes/reading:process", json=ASKED)
    assert (answer.status_code, answer.json()["error"]["param"]) == (400, "response_format")


# -- over gRPC and by the SDK

FORM: dict[str, Any] = {
    "type": "object",
    "properties": {
        "성격": LIST,
        "outlook": {"type": "object", "properties": {"money": {"type": "string"}}, "required": ["money"]},
        "lucky_colour": {"type": ["string", "null"]},
    },
    "required": ["성격", "outlook"],
}


@asynccontextmanager
async def grpc_target(server: Server) -> AsyncIterator[str]:
    door = create_grpc_server(server.services)
    port = door.add_insecure_port("127.0.0.1:0")
    await door.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await door.stop(0)


@pytest.mark.parametrize("writer", ["corpus", "model"])
async def test_both_doors_give_the_same_answer(writer: str) -> None:
    async with Server(lying) as server, grpc_target(server) as target:
        asked = {**BIRTH, "length": "short", "writer": writer}
        form = {"type": "json_schema", "json_schema": {"name": "reading", "schema": FORM}}
        over_http = await server.http.post("/v1/saju/readings", json={**asked, "response_format": form})
        assert over_http.status_code == 200, over_http.text

        def ask() -> FormedReading:
            with Client(target) as client:
                return client.formed_reading(schema=json.dumps(FORM), **asked)

        async with AsyncClient(target) as client:
            found = await client.formed_reading(schema=FORM, **asked)
        assert await asyncio.to_thread(ask) == found
        assert asdict(found) == over_http.json()
        assert LIE not in str(found)
        assert found.structured["lucky_colour"] is None
        assert set(found.sources) == {"성격", "outlook.money"}
        assert (found.written_by == "corpus") == (writer == "corpus")


async def test_it_is_one_message(http: httpx.AsyncClient, channel: grpc.aio.Channel) -> None:
    request = reading_pb2.InterpretRequest(response_schema_json=json.dumps(FORM))
    request.birth.birth = BIRTH["birth"]
    (event,) = [each async for each in reading_pb2_grpc.ReadingStub(channel).Interpret(request)]
    assert event.HasField("formed")
    assert not event.HasField("end")
    assert not event.HasField("sentence")
    assert [each.path for each in event.formed.sources] == ["성격", "outlook.money"]
    request.ClearField("response_schema_json")
    events = [each async for each in reading_pb2_grpc.ReadingStub(channel).Interpret(request)]
    assert not any(each.HasField("formed") for each in events)
    assert events[-1].HasField("end")


@pytest.mark.parametrize(
    ("text", "param"),
    [
        ("", "response_schema_json"),
        ("{", "response_schema_json"),
        ("[" * 100_000, "response_schema_json"),
        ("null", "response_schema_json"),
        ("[1]", "response_schema_json"),
        ('{"type": "string"}', "response_schema_json.type"),
        (
            '{"type": "object", "properties": {"advice": {"type": "number"}}}',
            "response_schema_json.properties.advice.type",
        ),
    ],
)
async def test_a_schema_that_is_none_is_named_over_grpc(
    channel: grpc.aio.Channel, text: str, param: str
) -> None:
    request = reading_pb2.InterpretRequest(response_schema_json=text)
    request.birth.birth = BIRTH["birth"]
    call = reading_pb2_grpc.ReadingStub(channel).Interpret(request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = error_pb2.Error.FromString(dict(await call.trailing_metadata())["hypercube-error-bin"])
    assert told.param == param
    assert told.fix


async def test_sections_stand_in_the_schema_alone(channel: grpc.aio.Channel) -> None:
    request = reading_pb2.InterpretRequest(response_schema_json=json.dumps(FORM))
    request.birth.birth = BIRTH["birth"]
    request.options.sections.append(reading_pb2.READING_SECTION_TEMPER)
    call = reading_pb2_grpc.ReadingStub(channel).Interpret(request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        async for _ in call:
            pass
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    told = error_pb2.Error.FromString(dict(await call.trailing_metadata())["hypercube-error-bin"])
    assert told.param == "options.sections"
    assert "response_schema_json" in told.message


@pytest.mark.parametrize("schema", [None, 5, ["advice"], {"type": {1}}, {"x": float("nan")}])
async def test_the_sdk_sends_no_schema_that_is_none(schema: Any) -> None:
    async with AsyncClient("127.0.0.1:1") as client:
        with pytest.raises(InvalidArgument) as caught:
            await client.formed_reading(BIRTH["birth"], schema)
    assert caught.value.param == "schema"


def test_a_server_that_knows_no_schemas_is_noticed() -> None:
    with pytest.raises(EngineFailed, match="usual form"):
        formed_reading([reading_pb2.ReadingEvent(title="성격"), reading_pb2.ReadingEvent()])
