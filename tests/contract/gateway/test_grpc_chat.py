"""hypercube.v1.Chat and Embeddings over the fake model: every field, and the same answers as HTTP gives."""

import base64
import json
from array import array
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.core.errors import ErrorKind, Failure
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.embeddings import EmbeddingsCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.http import create_http_app
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore
from hypercube.wire import convert
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    embeddings_pb2,
    embeddings_pb2_grpc,
    error_pb2,
)

SCHEMA = {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}


@dataclass
class Served:
    """A gateway before the fake model."""

    services: GatewayServices
    engines: Hypercluster


@pytest.fixture
async def fake(tmp_path: Path) -> AsyncIterator[Served]:
    engines = Hypercluster([lookup("fake")], ModelStore(tmp_path))
    registry = CubeRegistry()
    for cube in (ChatCube(engines), EmbeddingsCube(engines), ModelsCube(engines)):
        registry.register(cube)
    await registry.start_all()
    engines.start()
    await engines.settled()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    made = Served(GatewayServices(registry, readiness, lambda: b""), engines)
    yield made
    assert await made.services.traffic.wait_idle(10), "a request was never counted out"
    assert engines.in_flight == 0
    await registry.stop_all()
    await engines.close()


@pytest.fixture
async def channel(
    fake: Served, grpc_listen: Callable[[Any], AbstractAsyncContextManager[grpc.aio.Channel]]
) -> AsyncIterator[grpc.aio.Channel]:
    async with grpc_listen(fake) as made:
        yield made


@pytest.fixture
async def http(fake: Served) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_http_app(fake.services))
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


def asks(content: str, **more: Any) -> chat_pb2.ChatRequest:
    return chat_pb2.ChatRequest(messages=[chat_pb2.ChatMessage(role="user", content=content)], **more)


def tool(name: str) -> chat_pb2.Tool:
    return chat_pb2.Tool(name=name, description="…", parameters=json.dumps(SCHEMA))


def failure(error: grpc.aio.AioRpcError) -> Failure:
    for key, value in error.trailing_metadata():
        if key == "hypercube-error-bin":
            assert isinstance(value, bytes)
            return convert.error_from_proto(error_pb2.Error.FromString(value))
    raise AssertionError(f"no typed error beside {error}")


async def test_tools_are_called_as_over_http(channel: grpc.aio.Channel, http: httpx.AsyncClient) -> None:
    question = "what is weather, and lookup?"
    stub = chat_pb2_grpc.ChatStub(channel)
    reply = await stub.Complete(asks(question, tools=[tool("weather"), tool("lookup")], seed=1))
    functions = [
        {"type": "function", "function": {"name": name, "description": "…", "parameters": SCHEMA}}
        for name in ("weather", "lookup")
    ]
    body = {"messages": [{"role": "user", "content": question}], "tools": functions, "seed": 1}
    shown = (await http.post("/v1/chat/completions", json=body)).json()["choices"][0]
    assert reply.finish_reason == shown["finish_reason"] == "tool_calls"
    assert [(call.name, call.arguments) for call in reply.tool_calls] == [
        (call["function"]["name"], call["function"]["arguments"]) for call in shown["message"]["tool_calls"]
    ]
    assert len(reply.tool_calls) == 2

    events = [event async for event in stub.Stream(asks(question, tools=[tool("weather")], seed=1))]
    pieces = [piece for event in events for piece in event.tool_calls]
    assert (pieces[0].index, pieces[0].name) == (0, "weather")
    assert json.loads("".join(piece.arguments for piece in pieces)) is not None

    messages = [
        chat_pb2.ChatMessage(role="user", content=question),
        chat_pb2.ChatMessage(role="assistant", tool_calls=reply.tool_calls),
        chat_pb2.ChatMessage(role="tool", content="sunny", tool_call_id=reply.tool_calls[0].id),
    ]
    after = await stub.Complete(chat_pb2.ChatRequest(messages=messages))
    assert after.finish_reason == "stop"


async def test_a_tool_is_forced_forbidden_and_checked(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    both = [tool("weather"), tool("lookup")]
    forced = await stub.Complete(
        asks("hello", tools=both, tool_choice=chat_pb2.TOOL_CHOICE_REQUIRED, tool_name="lookup")
    )
    assert [call.name for call in forced.tool_calls] == ["lookup"]
    none = await stub.Complete(asks("weather?", tools=both, tool_choice=chat_pb2.TOOL_CHOICE_NONE))
    assert (none.finish_reason, len(none.tool_calls)) == ("stop", 0)
    one = await stub.Complete(asks("weather, lookup?", tools=both, parallel_tool_calls=False))
    assert len(one.tool_calls) == 1
    for wrong, param in (
        (asks("x", tools=both, tool_choice=9), "tool_choice"),
        (asks("x", tools=[chat_pb2.Tool(name="a b")]), "tools[0].function.name"),
        (asks("x", tools=both, tool_name="nobody"), "tool_choice.function.name"),
        (asks("x", n=17), "n"),
        (asks("x", n=0), "n"),
        (asks("x", json_schema="[]"), "response_format"),
        (asks("x", logprobs=21), "top_logprobs"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Complete(wrong)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert failure(caught.value).param == param


async def test_what_the_model_cannot_do_says_so(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    for wrong in (
        asks("x", json_schema='{"type": "object"}'),
        asks("x", adapter="poet"),
        asks("x", logit_bias={1: 5.0}),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Complete(wrong)
        assert failure(caught.value).kind in (ErrorKind.INVALID_ARGUMENT, ErrorKind.NOT_FOUND)


async def test_logprobs_whole_and_streamed_agree(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    reply = await stub.Complete(asks("갑자 and more", logprobs=2, seed=3, max_tokens=4))
    assert "".join(each.token for each in reply.logprobs) == reply.content
    assert all(each.bytes.decode() == each.token and len(each.top) == 2 for each in reply.logprobs)
    events = [event async for event in stub.Stream(asks("갑자 and more", logprobs=2, seed=3, max_tokens=4))]
    assert [each for event in events for each in event.logprobs] == list(reply.logprobs)
    assert "".join(event.text for event in events) == reply.content


async def test_several_answers(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    reply = await stub.Complete(asks("tell", n=3, seed=5))
    alone = [await stub.Complete(asks("tell", seed=seed)) for seed in (5, 6, 7)]
    assert [reply.content, *(each.content for each in reply.further)] == [each.content for each in alone]
    assert reply.usage.completion_tokens == sum(each.usage.completion_tokens for each in alone)
    assert reply.usage.prompt_tokens == alone[0].usage.prompt_tokens
    texts = ["", "", ""]
    async for event in stub.Stream(asks("tell", n=3, seed=5)):
        texts[event.index] += event.text
    assert texts == [each.content for each in alone]


async def test_vectors_are_those_of_http(channel: grpc.aio.Channel, http: httpx.AsyncClient) -> None:
    texts = ["갑자", "을축 병인", "갑자"]
    stub = embeddings_pb2_grpc.EmbeddingsStub(channel)
    reply = await stub.Embed(embeddings_pb2.EmbedRequest(input=texts))
    body = {"input": texts, "model": "fake", "encoding_format": "base64"}
    shown = (await http.post("/v1/embeddings", json=body)).json()
    assert reply.vectors == b"".join(base64.b64decode(row["embedding"]) for row in shown["data"])
    assert (reply.model, reply.prompt_tokens) == ("fake", shown["usage"]["prompt_tokens"])
    rows = array("f", reply.vectors)
    assert len(rows) == reply.dimensions * 3
    assert rows[: reply.dimensions] == rows[2 * reply.dimensions :]


async def test_what_cannot_be_embedded(channel: grpc.aio.Channel) -> None:
    stub = embeddings_pb2_grpc.EmbeddingsStub(channel)
    for wrong, param in (
        (embeddings_pb2.EmbedRequest(), "input"),
        (embeddings_pb2.EmbedRequest(input=["a", ""]), "input[1]"),
        (embeddings_pb2.EmbedRequest(input=["a"], dimensions=3), "dimensions"),
        (embeddings_pb2.EmbedRequest(input=["a"], model="nobody"), "model"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Embed(wrong)
        assert failure(caught.value).param == param


async def test_an_answer_tells_its_name_and_its_time(channel: grpc.aio.Channel) -> None:
    stub = chat_pb2_grpc.ChatStub(channel)
    call = stub.Complete(asks("hello"), metadata=(("x-request-id", "mine-1"),))
    await call
    told = dict(await call.trailing_metadata())
    assert told["x-request-id"] == "mine-1"
    assert "total;dur=" in told["server-timing"]
    stream = stub.Stream(asks("hello"), metadata=(("x-request-id", "mine-2"),))
    assert [event async for event in stream]
    assert dict(await stream.trailing_metadata())["x-request-id"] == "mine-2"


async def test_a_stream_that_has_ended_in_any_way_is_on_its_way_no_more(
    fake: Served, channel: grpc.aio.Channel
) -> None:
    stub, sending = chat_pb2_grpc.ChatStub(channel), fake.services.line.sending
    with pytest.raises(grpc.aio.AioRpcError):
        await stub.Stream(asks("hello", model="nobody")).read()
    assert not sending
    async for _ in stub.Stream(asks("hello")):
        pass
    await fake.services.traffic.wait_idle(10)
    assert not sending
    left = stub.Stream(asks("hello", max_tokens=10_000))
    assert await left.read() is not None
    left.cancel()
    assert await fake.services.traffic.wait_idle(10)
    assert not sending
