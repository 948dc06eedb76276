"""Idempotency keys over both doors: one computation for all requests of a key, whatever becomes of connections."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import grpc.aio
import httpx
import openai
import pytest

from hypercube import client as sdk
from hypercube.gateway.grpc import create_grpc_server
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    cubes_pb2,
    cubes_pb2_grpc,
    embeddings_pb2,
    embeddings_pb2_grpc,
    error_pb2,
)

WAIT = 20.0
MESSAGES = [{"role": "user", "content": "하나 둘 셋"}]
BODIES: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"model": "small", "messages": MESSAGES},
    "/v1/completions": {"model": "small", "prompt": "하나 둘 셋"},
    "/v1/responses": {"model": "small", "input": "하나 둘 셋"},
    "/v1/embeddings": {"model": "small", "input": "하나 둘 셋"},
}


def keyed(key: str) -> dict[str, str]:
    return {"Idempotency-Key": key}


def asks(content: str = "하나 둘 셋") -> chat_pb2.ChatRequest:
    return chat_pb2.ChatRequest(messages=[chat_pb2.ChatMessage(role="user", content=content)])


async def trailers(call: Any) -> dict[str, Any]:
    return dict(await call.trailing_metadata())


@pytest.mark.parametrize("path", BODIES)
async def test_the_same_request_again_gets_the_same_answer(
    house: Any, http: httpx.AsyncClient, path: str
) -> None:
    first, again = [await http.post(path, json=BODIES[path], headers=keyed("a")) for _ in range(2)]
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content, "ids and times with it"
    assert "idempotent-replayed" not in first.headers
    assert again.headers["idempotent-replayed"] == "true"
    assert again.headers["content-type"] == first.headers["content-type"] == "application/json"
    if path != "/v1/embeddings":
        assert len(house.engine.requests) == 1
        another = await http.post(path, json=BODIES[path], headers=keyed("b"))
        assert another.json()["id"] != first.json()["id"]
        assert len(house.engine.requests) == 2

    wrong = await http.post(path, json={**BODIES[path], "user": "anna"}, headers=keyed("a"))
    assert wrong.status_code == 409
    error = wrong.json()["error"]
    assert (error["code"], error["param"], error["value"]) == ("failed_precondition", "idempotency-key", "a")
    unusable = await http.post(path, json=BODIES[path], headers=keyed("two words"))
    assert (unusable.status_code, unusable.json()["error"]["param"]) == (400, "idempotency-key")


async def over_http(http: httpx.AsyncClient, key: str | None, *, stream: bool) -> bool:
    """Whether the answer was computed for an earlier request; raises for a key that is none."""
    headers = {} if key is None else keyed(key)
    body = {**BODIES["/v1/chat/completions"], "stream": stream}
    answer = await http.post("/v1/chat/completions", json=body, headers=headers)
    if answer.status_code == 400:
        error = answer.json()["error"]
        raise ValueError(f"{error['code']}: {error['param']}")
    assert answer.status_code == 200
    assert answer.text.endswith("data: [DONE]\n\n") == stream
    return "idempotent-replayed" in answer.headers


async def over_grpc(channel: grpc.aio.Channel, key: str | None, *, stream: bool) -> bool:
    """As `over_http`."""
    metadata, stub = () if key is None else (("idempotency-key", key),), chat_pb2_grpc.ChatStub(channel)
    call: Any = (stub.Stream if stream else stub.Complete)(asks(), metadata=metadata)
    try:
        if stream:
            pieces = [piece async for piece in call]
            assert pieces[-1].finish_reason == "stop"
        else:
            await call
    except grpc.aio.AioRpcError as error:
        told = error_pb2.Error.FromString(dict(await trailers(call))["hypercube-error-bin"])
        raise ValueError(f"{error.code().name.lower()}: {told.param}") from None
    return "idempotent-replayed" in await trailers(call)


@pytest.mark.parametrize("door", ["http", "grpc"])
async def test_a_stream_is_computed_each_time(
    house: Any, http: httpx.AsyncClient, channel: grpc.aio.Channel, door: str
) -> None:
    async def ask(key: str | None, *, stream: bool) -> bool:
        if door == "http":
            return await over_http(http, key, stream=stream)
        return await over_grpc(channel, key, stream=stream)

    for count in (1, 2):
        assert not await ask("a", stream=True)
        assert len(house.engine.requests) == count
    # Nor is it what a whole answer of its key is taken from, or the other way round.
    assert not await ask("a", stream=False)
    assert not await ask("a", stream=True)
    assert await ask("a", stream=False)
    assert len(house.engine.requests) == 4
    for wrong in ("", "two words", "k" * 256):
        for stream in (False, True):
            with pytest.raises(ValueError, match=r"^invalid_argument: idempotency-key$"):
                await ask(wrong, stream=stream)
    assert len(house.engine.requests) == 4
    assert not await ask(None, stream=True)


async def test_a_failure_is_not_kept(house: Any, http: httpx.AsyncClient) -> None:
    body = {"model": "small", "messages": [{"role": "user", "content": "!break 둘"}]}
    for attempt in (1, 2):
        answer = await http.post("/v1/chat/completions", json=body, headers=keyed("a"))
        assert answer.status_code == 502
        assert len(house.engine.requests) == attempt


async def test_openais_client_goes_by_its_key(house: Any, ai: openai.AsyncOpenAI) -> None:
    answers = [
        await ai.chat.completions.create(
            model="small", messages=[{"role": "user", "content": "하나 둘"}], extra_headers=keyed("a")
        )
        for _ in range(2)
    ]
    assert answers[0].model_dump() == answers[1].model_dump()
    assert len(house.engine.requests) == 1
    with pytest.raises(openai.ConflictError) as caught:
        await ai.chat.completions.create(
            model="small", messages=[{"role": "user", "content": "하나"}], extra_headers=keyed("a")
        )
    assert caught.value.param == "idempotency-key"


async def test_one_of_two_leaves_and_the_other_is_answered(house: Any, exchange: Any) -> None:
    body = b'{"model": "small", "messages": [{"role": "user", "content": "!wait \xeb\x91\x98"}]}'

    def ask() -> Any:
        return exchange(house.app(), "/v1/chat/completions", body, idempotency_key="a")

    first = ask()
    await asyncio.wait_for(house.engine.started.wait(), WAIT)
    second = ask()
    while house.services.traffic.in_flight < 2:  # noqa: ASYNC110 - no event of its own
        await asyncio.sleep(0.001)
    first.disconnect()
    while house.services.traffic.in_flight > 1:  # noqa: ASYNC110
        await asyncio.sleep(0.001)
    assert (house.engine.active, house.engine.closed.is_set()) == (1, False)
    house.engine.release.set()
    status, headers = await asyncio.wait_for(second.head(), WAIT)
    assert (status, headers["idempotent-replayed"]) == (200, "true")
    assert "둘".encode() in await second.body()
    assert len(house.engine.requests) == 1


async def test_all_leave_and_the_model_is_stopped(house: Any, exchange: Any) -> None:
    body = b'{"model": "small", "messages": [{"role": "user", "content": "!hang"}]}'
    waiting = [
        exchange(house.app(), "/v1/chat/completions", body, idempotency_key="a"),
        exchange(house.app(), "/v1/chat/completions", body, idempotency_key="a"),
    ]
    await asyncio.wait_for(house.engine.started.wait(), WAIT)
    for each in waiting:
        each.disconnect()
    await asyncio.wait_for(house.engine.closed.wait(), WAIT)
    assert await house.services.traffic.wait_idle(WAIT)
    assert (len(house.engine.requests), house.engine.active) == (1, 0)


async def test_grpc_goes_by_the_same_rules(house: Any, channel: grpc.aio.Channel) -> None:
    stub, metadata = chat_pb2_grpc.ChatStub(channel), (("idempotency-key", "a"),)
    calls = [stub.Complete(asks(), metadata=metadata) for _ in range(2)]
    replies = [await call for call in calls]
    again = stub.Complete(asks(), metadata=metadata)
    assert replies[0] == replies[1] == await again
    assert (await trailers(again))["idempotent-replayed"] == "true"
    assert len(house.engine.requests) == 1
    fresh = stub.Complete(asks(), metadata=(("idempotency-key", "b"),))
    assert (await fresh).id != replies[0].id
    assert "idempotent-replayed" not in await trailers(fresh)

    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await stub.Complete(asks("하나"), metadata=metadata)
    assert caught.value.code() is grpc.StatusCode.FAILED_PRECONDITION

    embedder = embeddings_pb2_grpc.EmbeddingsStub(channel)
    request = embeddings_pb2.EmbedRequest(model="small", input=["하나"])
    first, second = [embedder.Embed(request, metadata=metadata) for _ in range(2)]
    assert await first == await second
    assert len({"idempotent-replayed" in await trailers(each) for each in (first, second)}) == 2


@pytest.mark.parametrize("key", ["", "two words", "k" * 256])
async def test_grpc_refuses_what_is_no_key(house: Any, channel: grpc.aio.Channel, key: str) -> None:
    metadata = (("idempotency-key", key),)
    embed = embeddings_pb2.EmbedRequest(model="small", input=["하나"])
    process = cubes_pb2.ProcessRequest(
        name="saju", request_json='{"births": [{"birth": "1990-05-03T07:20"}]}'
    )
    calls = [
        chat_pb2_grpc.ChatStub(channel).Complete(asks(), metadata=metadata),
        embeddings_pb2_grpc.EmbeddingsStub(channel).Embed(embed, metadata=metadata),
        cubes_pb2_grpc.CubesStub(channel).Process(process, metadata=metadata),
    ]
    for call in calls:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await call
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        told = error_pb2.Error.FromString(dict(await trailers(call))["hypercube-error-bin"])
        assert told.param == "idempotency-key"
    assert not house.engine.requests
    # Without a key all of them answer.
    await chat_pb2_grpc.ChatStub(channel).Complete(asks())
    await embeddings_pb2_grpc.EmbeddingsStub(channel).Embed(embed)
    await cubes_pb2_grpc.CubesStub(channel).Process(process)


class Line:
    """A connection between a client and a server that breaks when it is told to."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.at = 0
        self.calls = 0
        self.silent = asyncio.Event()
        """What the server says from now on does not arrive."""
        self.lost = asyncio.Event()
        """It has said something since."""
        self._near: list[asyncio.StreamWriter] = []
        self._far: list[asyncio.StreamWriter] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def break_near(self) -> None:
        """The client's side is gone; the server hears nothing of it, as when a network dies without a word."""
        for writer in self._near:
            writer.transport.abort()
        self._near.clear()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.calls += 1
        far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
        self._near.append(writer)
        self._far.append(far_writer)
        silent = self.silent

        async def up() -> None:
            with contextlib.suppress(OSError):
                while data := await reader.read(65536):
                    far_writer.write(data)

        async def down() -> None:
            with contextlib.suppress(OSError):
                while data := await far_reader.read(65536):
                    if silent.is_set():
                        self.lost.set()
                    else:
                        writer.write(data)

        for each in (up(), down()):
            task = asyncio.ensure_future(each)
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    @contextlib.asynccontextmanager
    async def open(self) -> AsyncIterator["Line"]:
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.at = server.sockets[0].getsockname()[1]
        try:
            yield self
        finally:
            for writer in (*self._near, *self._far):
                writer.transport.abort()
            server.close()
            for task in tuple(self._tasks):
                task.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)


@pytest.fixture
async def line(house: Any) -> AsyncIterator[Line]:
    server = create_grpc_server(house.services)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with Line(port).open() as made:
        yield made
    await server.stop(0)


def ask(kind: str, target: str, content: str) -> "asyncio.Future[sdk.ChatAnswer]":
    async def asynchronously() -> sdk.ChatAnswer:
        async with sdk.AsyncClient(target) as client:
            return await client.chat(content, timeout=WAIT)

    def synchronously() -> sdk.ChatAnswer:
        with sdk.Client(target) as client:
            return client.chat(content, timeout=WAIT)

    return asyncio.ensure_future(asynchronously() if kind == "async" else asyncio.to_thread(synchronously))


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_sdk_joins_what_it_began_before_its_connection_broke(
    house: Any, line: Line, kind: str
) -> None:
    asking = ask(kind, f"127.0.0.1:{line.at}", "!wait 둘 셋")
    await asyncio.wait_for(house.engine.started.wait(), WAIT)
    line.break_near()
    while house.services.traffic.in_flight < 2:  # noqa: ASYNC110 - the second attempt has come
        await asyncio.sleep(0.005)
    house.engine.release.set()
    assert (await asyncio.wait_for(asking, WAIT)).content == "!wait 둘 셋"
    assert (line.calls, len(house.engine.requests)) == (2, 1)


@pytest.mark.parametrize("kind", ["sync", "async"])
async def test_the_sdk_gets_an_answer_that_was_lost_on_its_way(house: Any, line: Line, kind: str) -> None:
    asking = ask(kind, f"127.0.0.1:{line.at}", "!wait 둘 셋")
    await asyncio.wait_for(house.engine.started.wait(), WAIT)
    line.silent.set()
    house.engine.release.set()
    while house.services.traffic.in_flight:  # noqa: ASYNC110 - it is answered
        await asyncio.sleep(0.005)
    await asyncio.wait_for(line.lost.wait(), WAIT)
    line.silent = asyncio.Event()  # of the next connection
    line.break_near()
    assert (await asyncio.wait_for(asking, WAIT)).content == "!wait 둘 셋"
    assert (line.calls, len(house.engine.requests)) == (2, 1)
