"""The SDK against the real gateway: chats with every option, vectors, pillars in bulk, and what travels beside them."""

import asyncio
import json
from array import array
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hypercube import client as sdk
from hypercube.client import _base as base
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.embeddings import EmbeddingsCube
from hypercube.cubes.feature.tensors import TensorsCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore
from hypercube.saju import pillars

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}
WEATHER = {"name": "weather", "description": "…", "parameters": SCHEMA}


@pytest.fixture
async def target(tmp_path: Path) -> AsyncIterator[str]:
    engines = Hypercluster([lookup("fake")], ModelStore(tmp_path))
    registry = CubeRegistry()
    for cube in (ChatCube(engines), EmbeddingsCube(engines), ModelsCube(engines)):
        registry.register(cube)
    registry.register(TensorsCube(backend="reference"))
    await registry.start_all()
    engines.start()
    await engines.settled()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    services = GatewayServices(registry, readiness, lambda: b"")
    server = create_grpc_server(services)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield f"127.0.0.1:{port}"
    await server.stop(0)
    assert await services.traffic.wait_idle(10), "a request was never counted out"
    assert engines.in_flight == 0
    await registry.stop_all()
    await engines.close()


class Twin:
    """Both clients by one way of calling them."""

    def __init__(self, client: Any) -> None:
        self.client = client
        self.sync = isinstance(client, sdk.Client)

    async def do(self, method: Any, *args: Any, **options: Any) -> Any:
        if self.sync:
            return await asyncio.to_thread(method, *args, **options)
        return await method(*args, **options)

    async def rest(self, stream: Any) -> list[Any]:
        return await asyncio.to_thread(list, stream) if self.sync else [piece async for piece in stream]


@pytest.fixture(params=["sync", "async"])
async def twin(request: pytest.FixtureRequest, target: str) -> AsyncIterator[Twin]:
    made = Twin((sdk.Client if request.param == "sync" else sdk.AsyncClient)(target))
    yield made
    await made.do(made.client.close)


async def test_tools_come_back_and_are_answered(twin: Twin) -> None:
    chat = twin.client.chat
    answer = await twin.do(chat, "the weather?", tools=[WEATHER], seed=1)
    assert answer.finish_reason is sdk.FinishReason.TOOL_CALLS
    (call,) = answer.tool_calls
    assert call.name == "weather"
    assert json.loads(call.arguments) is not None
    turns = [
        {"role": "user", "content": "the weather?"},
        answer.message,
        {"role": "tool", "content": "sunny", "tool_call_id": call.id},
    ]
    assert (await twin.do(chat, turns)).finish_reason is sdk.FinishReason.STOP
    as_openai = {"type": "function", "function": WEATHER}
    as_tool = sdk.Tool("weather", "…", json.dumps(SCHEMA))
    for tool in (as_openai, as_tool):
        again = await twin.do(chat, "the weather?", tools=[tool], seed=1)
        assert [(each.name, each.arguments) for each in again.tool_calls] == [(call.name, call.arguments)]
    stream = await twin.do(chat, "the weather?", tools=[WEATHER], seed=1, stream=True)
    await twin.rest(stream)
    assert [(each.name, each.arguments) for each in stream.tool_calls] == [(call.name, call.arguments)]
    assert stream.message.tool_calls == tuple(stream.tool_calls)
    forced = await twin.do(chat, "hello", tools=[WEATHER], tool_choice="required", tool_name="weather")
    assert forced.tool_calls[0].name == "weather"
    free = await twin.do(chat, "the weather?", tools=[WEATHER], tool_choice=sdk.ToolChoice.NONE)
    assert not free.tool_calls


async def test_logprobs_and_several_answers(twin: Twin) -> None:
    chat = twin.client.chat
    answer = await twin.do(chat, "갑자", logprobs=2, seed=3, max_tokens=4)
    assert "".join(each.token for each in answer.logprobs) == answer.content
    assert len(answer.logprobs[0].top) == 2
    stream = await twin.do(chat, "갑자", logprobs=2, seed=3, max_tokens=4, stream=True)
    await twin.rest(stream)
    assert tuple(stream.logprobs) == answer.logprobs
    assert "total" in base_timing(stream.trailers)
    several = await twin.do(chat, "tell", n=3, seed=5)
    alone = [(await twin.do(chat, "tell", seed=seed)).content for seed in (5, 6, 7)]
    assert [several.content, *(each.content for each in several.further)] == alone
    with pytest.raises(sdk.InvalidArgument, match="A stream has one answer"):
        await twin.do(chat, "tell", n=2, stream=True)


def base_timing(trailers: Any) -> str:
    told = trailers["server-timing"]
    assert isinstance(told, str)
    return told


async def test_a_schema_travels_and_the_server_judges(twin: Twin) -> None:
    for schema in (SCHEMA, json.dumps(SCHEMA)):
        with pytest.raises(sdk.InvalidArgument, match="fake"):
            await twin.do(twin.client.chat, "x", json_schema=schema)
    with pytest.raises(TypeError, match="temprature"):
        await twin.do(twin.client.chat, "x", temprature=1)


@pytest.mark.parametrize(
    ("options", "param"),
    [
        ({"json_schema": {1, 2}}, "json_schema"),
        ({"json_schema": {"x": float("nan")}}, "json_schema"),
        ({"tools": WEATHER}, "tools"),
        ({"tools": [5]}, "tools[0]"),
        ({"tools": [{"name": "x", "parametres": {}}]}, "tools[0]"),
        ({"tools": [{"name": 5}]}, "tools[0].name"),
        ({"tool_choice": "always"}, "tool_choice"),
        ({"logit_bias": [1]}, "logit_bias"),
        ({"logit_bias": {2**40: 1.0}}, "logit_bias"),
        ({"n": 0}, "n"),
        ({"n": True}, "n"),
        ({"idempotency_key": "two words"}, "idempotency_key"),
    ],
)
def test_what_cannot_travel(options: dict[str, Any], param: str) -> None:
    with sdk.Client("127.0.0.1:1", max_retries=0) as client, pytest.raises(sdk.InvalidArgument) as caught:
        client.chat("x", **options)
    assert caught.value.param == param


async def test_vectors(twin: Twin) -> None:
    found = await twin.do(twin.client.embed, ["갑자", "을축 병인", "갑자"])
    assert (len(found), found.model, found.data.shape) == (3, "fake", (3, found.dimensions))
    assert isinstance(found[0], array)
    assert found[0] == found[-1] == list(found)[2]
    assert np.asarray(found.data).dtype == np.float32
    assert np.asarray(found.data)[1].tolist() == found[1].tolist()
    with pytest.raises(IndexError):
        found[3]
    assert (await twin.do(twin.client.embed, "갑자"))[0] == found[0]
    with pytest.raises(sdk.InvalidArgument) as caught:
        await twin.do(twin.client.embed, ["a", ""])
    assert caught.value.param == "input[1]"
    for wrong in (5, {"a": "b"}, [5]):
        with pytest.raises(sdk.InvalidArgument):
            await twin.do(twin.client.embed, wrong)


def births(count: int, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    utc = random.integers(-2_000_000_000, 2_500_000_000, count, dtype=np.int64)
    return utc, random.integers(-12, 15, count, dtype=np.int32) * np.int32(3600)


async def test_pillars_from_whatever_holds_numbers(twin: Twin) -> None:
    utc, offset = births(1_000)
    wanted = pillars(utc, offset, backend="reference")
    for first, second in (
        (utc, offset),
        (utc.astype("<i8").tobytes(), bytearray(offset.astype("<i4").tobytes())),
        (array("q", utc.tolist()), array("i", offset.tolist())),
        (utc.tolist(), offset.tolist()),
        (np.repeat(utc, 2)[::2], memoryview(offset)),
    ):
        rows = await twin.do(twin.client.pillars, first, second)
        assert rows.shape == (1_000, 4)
        assert (np.asarray(rows) == wanted).all()
    seoul = await twin.do(twin.client.pillars, utc, 32_400, day_boundary="zi23")
    nine = np.full(1_000, 32_400, np.int32)
    assert (np.asarray(seoul) == pillars(utc, nine, day_boundary="zi23", backend="reference")).all()


@pytest.mark.parametrize(
    ("utc", "offset", "param"),
    [
        (np.zeros(3, np.int32), 0, "utc_seconds"),
        (np.zeros(3, np.float64), 0, "utc_seconds"),
        (np.zeros((2, 2), np.int64), 0, "utc_seconds"),
        (np.zeros(3, ">i8"), 0, "utc_seconds"),
        (b"1234567", 0, "utc_seconds"),
        ("1990", 0, "utc_seconds"),
        (5, 0, "utc_seconds"),
        ([1.5], 0, "utc_seconds"),
        ([], 0, "utc_seconds"),
        ([2**70], 0, "utc_seconds"),
        ([0], [2**40], "offset_seconds"),
        ([0], 2**40, "offset_seconds"),
        ([0], None, "offset_seconds"),
    ],
)
def test_what_is_no_column(utc: Any, offset: Any, param: str) -> None:
    with sdk.Client("127.0.0.1:1", max_retries=0) as client, pytest.raises(sdk.InvalidArgument) as caught:
        client.pillars(utc, offset)
    assert caught.value.param == param


async def test_pillars_chunk_by_chunk(twin: Twin) -> None:
    chunks = [births(500 + seed, seed) for seed in range(9)]
    wrong = [(utc, offset[:-1]) if at == 4 else (utc, offset) for at, (utc, offset) in enumerate(chunks)]
    stream = await twin.do(twin.client.pillars_stream, wrong)
    for at, (utc, offset) in enumerate(chunks):
        step = asyncio.to_thread(next, stream, None) if twin.sync else anext(stream, None)
        if at == 4:
            with pytest.raises(sdk.InvalidArgument) as caught:
                await step
            assert caught.value.param == "offset_seconds"
            continue
        rows = await step
        assert (np.asarray(rows) == pillars(utc, offset, backend="reference")).all()
    assert await twin.rest(stream) == []
    await twin.do(stream.close)


async def test_a_chunk_that_cannot_travel_is_raised_as_it_is(twin: Twin) -> None:
    stream = await twin.do(twin.client.pillars_stream, [([0], 0), ("1990", 0)])
    with pytest.raises(sdk.InvalidArgument) as caught:
        await twin.rest(stream)
    assert caught.value.param == "utc_seconds"
    await twin.do(stream.close)


async def test_chunks_that_must_be_waited_for(target: str) -> None:
    async def source() -> AsyncIterator[tuple[Any, Any]]:
        for seed in range(3):
            await asyncio.sleep(0)
            yield births(10, seed)

    async with sdk.AsyncClient(target) as client:
        stream = await client.pillars_stream(source())
        assert [rows.shape async for rows in stream] == [(10, 4)] * 3


async def test_leaving_a_stream_of_columns_early(twin: Twin) -> None:
    def endless() -> Any:
        while True:
            yield births(1_000)

    stream = await twin.do(twin.client.pillars_stream, endless())
    first = await (asyncio.to_thread(next, stream) if twin.sync else anext(stream))
    assert first.shape == (1_000, 4)
    await twin.do(stream.close)
    assert await twin.rest(stream) == []


async def test_raw_tells_what_travelled(twin: Twin) -> None:
    seen = await twin.do(twin.client.raw, twin.client.embed, ["갑자"], timeout=10)
    assert seen.answer.model == "fake"
    assert seen.status.name == "OK"
    assert seen.trailers["x-request-id"] == seen.request_id
    assert len(seen.request_id) == 32
    assert seen.attempts == 1
    assert 0 < seen.server_timing["total"] <= seen.seconds
    streamed = await twin.do(twin.client.raw, twin.client.chat, "x", stream=True)
    assert streamed.status is None
    await twin.rest(streamed.answer)
    assert streamed.answer.trailers["x-request-id"] == streamed.request_id
    with pytest.raises(sdk.InvalidArgument) as caught:
        await twin.do(twin.client.raw, twin.client.embed, [])
    assert caught.value.trailers["x-request-id"] == caught.value.request_id
    assert base.RECORDER.get() is None
