"""Both clients against a real grpc.aio server with small services of the tests' own."""

import asyncio
import contextlib
import json
import socket
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from hypercube import client as sdk
from hypercube.client import _base as base
from hypercube.client import _constants as const
from hypercube.client import _methods as methods
from hypercube.client import _requests
from hypercube.core.chart import BirthInput, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import birth_from_proto, error_to_proto
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    cubes_pb2,
    cubes_pb2_grpc,
    embeddings_pb2,
    models_pb2,
    models_pb2_grpc,
    reading_pb2,
    saju_pb2,
    saju_pb2_grpc,
)

WAIT = 10.0
"""Seconds until a test that waits for an event has failed."""


async def refuse(context: Any, failure: Failure, code: grpc.StatusCode) -> None:
    trailer = error_to_proto(failure).SerializeToString()
    await context.abort(code, failure.message, ((const.ERROR_TRAILER, trailer),))


class World:
    """What the services saw, and what they shall do."""

    def __init__(self) -> None:
        self.births: list[saju_pb2.Birth] = []
        self.metadata: list[dict[str, Any]] = []
        self.chats: list[chat_pb2.ChatRequest] = []
        self.failures: list[tuple[Failure | None, grpc.StatusCode]] = []
        """Errors for the next calls, in turn; None for a bare status."""
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.hold = False
        """Hold calls (streams: after the first piece) until they are cancelled."""
        self.before_first = False
        """Hold streams before their first piece."""
        self.gate = asyncio.Event()
        """Streams go on behind their first piece when it is set."""
        self.gate.set()
        self.pieces = ["갑", "을", "병"]
        self.finish = "stop"

    async def enter(self, context: Any) -> None:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.failures:
            failure, code = self.failures.pop(0)
            if failure is None:
                await context.abort(code, "a bare status")
            else:
                await refuse(context, failure, code)

    async def held(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


class Saju(saju_pb2_grpc.SajuServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def Chart(self, request: Any, context: Any) -> saju_pb2.ChartReply:
        await self.world.enter(context)
        self.world.births.append(request)
        if self.world.hold:
            await self.world.held()
        return saju_pb2.ChartReply(notes=[request.birth], options=saju_pb2.ChartOptions(place=request.place))

    async def Charts(self, request: Any, context: Any) -> saju_pb2.ChartsReply:
        await self.world.enter(context)
        self.world.births.extend(request.births)
        failure = Failure(ErrorKind.INVALID_ARGUMENT, "no such day", param="births[1].birth")
        return saju_pb2.ChartsReply(
            results=[
                saju_pb2.ChartResult(error=error_to_proto(failure))
                if "02-31" in birth.birth
                else saju_pb2.ChartResult(chart=saju_pb2.ChartReply(notes=[birth.birth]))
                for birth in request.births
            ]
        )


class Chat(chat_pb2_grpc.ChatServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def Complete(self, request: Any, context: Any) -> chat_pb2.ChatReply:
        await self.world.enter(context)
        self.world.chats.append(request)
        usage = chat_pb2.Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
        return chat_pb2.ChatReply(
            id="c1",
            model="fake",
            content="".join(self.world.pieces),
            finish_reason=self.world.finish,
            usage=usage,
        )

    async def Stream(self, request: Any, context: Any) -> AsyncIterator[chat_pb2.ChatEvent]:
        await self.world.enter(context)
        self.world.chats.append(request)
        if self.world.before_first:
            await self.world.held()
        for piece in self.world.pieces:
            yield chat_pb2.ChatEvent(id="c1", model="fake", text=piece)
            if self.world.hold:
                await self.world.held()
            await self.world.gate.wait()
            await self.world.enter(context)
        if self.world.finish:
            usage = chat_pb2.Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
            yield chat_pb2.ChatEvent(id="c1", model="fake", finish_reason=self.world.finish, usage=usage)


class Models(models_pb2_grpc.ModelsServicer):
    async def List(self, request: Any, context: Any) -> models_pb2.ListModelsReply:
        model = models_pb2.Model(
            name="fake", engine="fake", context_length=4096, state="downloading", reason="why", progress=0.5
        )
        return models_pb2.ListModelsReply(models=[model])


class Cubes(cubes_pb2_grpc.CubesServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def List(self, request: Any, context: Any) -> cubes_pb2.ListCubesReply:
        cube = cubes_pb2.Cube(
            name="saju",
            version="1.0.0",
            color="blue",
            category="feature",
            dependencies=[cubes_pb2.CubeDependency(name="models", versions=">=1")],
            capabilities=["chart"],
            state="running",
            health="healthy",
            request_schema_json='{"type": "object"}',
        )
        return cubes_pb2.ListCubesReply(cubes=[cube])

    async def Process(self, request: Any, context: Any) -> cubes_pb2.ProcessReply:
        await self.world.enter(context)
        answers = {"list": "[1]", "broken": "{", "echo": request.request_json}
        return cubes_pb2.ProcessReply(response_json=answers[request.name])


class Watching(health.aio.HealthServicer):
    """The official health service, which tells when somebody watches."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    async def Watch(self, request: Any, context: Any) -> None:
        self.world.entered.set()
        await super().Watch(request, context)


class Server:
    def __init__(self, port: int = 0) -> None:
        self.world = World()
        options = [
            ("grpc.max_receive_message_length", const.MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", const.MAX_MESSAGE_BYTES),
        ]
        self.grpc = grpc.aio.server(options=options)
        saju_pb2_grpc.add_SajuServicer_to_server(Saju(self.world), self.grpc)
        chat_pb2_grpc.add_ChatServicer_to_server(Chat(self.world), self.grpc)
        models_pb2_grpc.add_ModelsServicer_to_server(Models(), self.grpc)
        cubes_pb2_grpc.add_CubesServicer_to_server(Cubes(self.world), self.grpc)
        self.health = Watching(self.world)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.grpc)
        self.port = self.grpc.add_insecure_port(f"127.0.0.1:{port}")
        self.target = f"127.0.0.1:{self.port}"


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    made = Server()
    await made.grpc.start()
    yield made
    await made.grpc.stop(None)


@pytest.fixture
def free_port() -> int:
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        port: int = held.getsockname()[1]
    return port


class Twin:
    """One way to drive both clients from a test; the sync one in a thread of its own."""

    def __init__(self, kind: str) -> None:
        self.sync = kind == "sync"
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], Awaitable[None]] | None = None
        self.made: list[Any] = []
        self.loop = asyncio.get_running_loop()

    def client(self, target: str, **options: Any) -> Any:
        make: Any = sdk.Client if self.sync else sdk.AsyncClient
        made = make(target, sleep=self._sleep if self.sync else self._asleep, **options)
        self.made.append(made)
        return made

    def _sleep(self, seconds: float) -> None:
        asyncio.run_coroutine_threadsafe(self._asleep(seconds), self.loop).result(WAIT)

    async def _asleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep is not None:
            await self.on_sleep(seconds)

    async def do(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.sync:
            return await asyncio.to_thread(method, *args, **options)
        return await method(*args, **options)

    async def next(self, stream: Any) -> Any:
        """The next piece; None at the end."""
        return await (asyncio.to_thread(next, stream, None) if self.sync else anext(stream, None))

    async def rest(self, stream: Any) -> list[Any]:
        pieces = []
        while (piece := await self.next(stream)) is not None:
            pieces.append(piece)
        return pieces


@pytest.fixture(params=["sync", "async"])
async def twin(request: pytest.FixtureRequest) -> AsyncIterator[Twin]:
    made = Twin(request.param)
    yield made
    for client in made.made:
        await made.do(client.close)


async def within(waited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(waited, WAIT)


# -- what travels


async def test_a_chart_carries_every_option(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    chart = await twin.do(
        client.chart,
        "1990-05-03T07:20",
        sex="female",
        place="서울",
        longitude=127,
        zone="Asia/Seoul",
        time_basis=TimeBasis.TRUE_SOLAR,
        day_boundary="zi23",
        fold=1,
    )
    assert birth_from_proto(server.world.births[0]) == BirthInput(
        "1990-05-03T07:20",
        Sex.FEMALE,
        "서울",
        127.0,
        "Asia/Seoul",
        TimeBasis.TRUE_SOLAR,
        DayBoundary.ZI23,
        1,
    )
    assert chart.notes == ("1990-05-03T07:20",)
    assert chart.options.place == "서울"


async def test_charts_give_each_birth_its_own(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    results = await twin.do(
        client.charts, ["1990-05-03", {"birth": "1990-02-31", "place": "Seoul"}, BirthInput("1990-05-04")]
    )
    assert [result.chart and result.chart.notes for result in results] == [
        ("1990-05-03",),
        None,
        ("1990-05-04",),
    ]
    with pytest.raises(sdk.InvalidArgument, match="no such day"):
        raise sdk.error_of(results[1].error)


async def test_a_full_batch_and_one_more(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    births = ["1990-05-03"] * 10_000
    assert len(await twin.do(client.charts, births)) == 10_000
    for more, words in (
        ([*births, "x"], "10,001"),
        ((birth for birth in [*births, "x"]), "more than 10,000"),
    ):
        with pytest.raises(sdk.InvalidArgument, match=words):
            await twin.do(client.charts, more)
    assert len(server.world.metadata) == 1, "what is refused is not sent"


async def test_a_whole_answer(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    answer = await twin.do(
        client.chat,
        [{"role": "system", "content": "짧게"}, sdk.ChatMessage("user", "안녕")],
        model="fake",
        max_tokens=7,
        temperature=0,
        top_p=0.9,
        top_k=4,
        min_p=0.1,
        frequency_penalty=-1.0,
        presence_penalty=1.0,
        seed=2**40,
        stop="끝",
    )
    assert answer == sdk.ChatAnswer("갑을병", sdk.FinishReason.STOP, sdk.Usage(3, 2), "fake", "c1")
    sent = server.world.chats[0]
    assert [(turn.role, turn.content) for turn in sent.messages] == [("system", "짧게"), ("user", "안녕")]
    assert (sent.model, sent.max_tokens, sent.temperature, sent.top_p, sent.top_k) == ("fake", 7, 0.0, 0.9, 4)
    assert (sent.min_p, sent.frequency_penalty, sent.presence_penalty) == (0.1, -1.0, 1.0)
    assert (sent.seed, list(sent.stop)) == (2**40, ["끝"])
    assert sent.HasField("temperature"), "0 is a choice, not an omission"


async def test_a_prompt_is_one_user_turn_and_leaves_defaults_to_the_server(
    server: Server, twin: Twin
) -> None:
    await twin.do(twin.client(server.target).chat, "안녕")
    assert server.world.chats == [
        chat_pb2.ChatRequest(messages=[chat_pb2.ChatMessage(role="user", content="안녕")])
    ]


async def test_models_cubes_and_process(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    (model,) = await twin.do(client.models)
    assert (model.name, model.status.state, model.status.progress) == ("fake", "downloading", 0.5)
    (cube,) = await twin.do(client.cubes)
    assert (cube.name, cube.dependencies[0].versions, cube.request_schema) == (
        "saju",
        ">=1",
        {"type": "object"},
    )
    assert cube.response_schema == {}
    request = {"이름": "갑자", "n": [1, 2.5, None, True]}
    assert await twin.do(client.process, "echo", request) == request
    assert await twin.do(client.process, "list", {}) == [1]


async def test_an_answer_that_cannot_be_read_is_typed(server: Server, twin: Twin) -> None:
    with pytest.raises(sdk.InternalError, match="cannot be read"):
        await twin.do(twin.client(server.target).process, "broken", {})


async def test_a_finish_reason_of_a_later_server_is_typed(server: Server, twin: Twin) -> None:
    server.world.finish = "content_filter"
    with pytest.raises(sdk.InternalError, match="content_filter"):
        await twin.do(twin.client(server.target).chat, "안녕")


async def test_metadata_and_one_request_id_a_call(server: Server, twin: Twin) -> None:
    client = twin.client(server.target, metadata={"authorization": "Bearer k"})
    loading = Failure(ErrorKind.UNAVAILABLE, "loading")
    server.world.failures = [(loading, grpc.StatusCode.UNAVAILABLE)]
    await twin.do(client.chart, "1990-05-03")
    await twin.do(client.chart, "1990-05-03")
    ids = [seen["x-request-id"] for seen in server.world.metadata]
    assert ids[0] == ids[1] != ids[2]
    assert all(len(one) == 32 for one in ids)
    assert {seen["authorization"] for seen in server.world.metadata} == {"Bearer k"}
    assert server.world.metadata[0]["user-agent"].startswith("heal7-hypercube/")


async def test_six_megabytes_each_way(server: Server, twin: Twin) -> None:
    # gRPC's own limit is 4 MB.
    request = {"text": "가" * 2_000_000}
    assert await twin.do(twin.client(server.target).process, "echo", request) == request


async def test_more_than_the_limit_is_not_sent(
    server: Server, twin: Twin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_requests, "MAX_MESSAGE_BYTES", 1000)
    with pytest.raises(sdk.PayloadTooLarge) as caught:
        await twin.do(twin.client(server.target).process, "echo", {"text": "x" * 1000})
    assert caught.value.details["limit"] == 1000
    assert caught.value.details["size"] > 1000
    assert "1,0" in str(caught.value)
    assert not server.world.metadata


# -- errors


@pytest.mark.parametrize("kind", list(ErrorKind))
async def test_the_servers_error_arrives_typed(server: Server, twin: Twin, kind: ErrorKind) -> None:
    failure = Failure(kind, "why 왜", param="birth", value="x", fix="Do this.", details={"choices": [0, 1]})
    # The bare code is never the kind's own: the trailer decides.
    server.world.failures = [(failure, grpc.StatusCode.DATA_LOSS)]
    with pytest.raises(sdk.ClientError) as caught:
        await twin.do(twin.client(server.target, max_retries=0).chart, "1990-05-03")
    assert caught.value.failure() == failure
    assert caught.value.request_id == server.world.metadata[0]["x-request-id"]
    assert caught.value.status is grpc.StatusCode.DATA_LOSS
    assert caught.value.__cause__ is None


@pytest.mark.parametrize(
    "code", [code for code in grpc.StatusCode if code is not grpc.StatusCode.OK], ids=lambda code: code.name
)
@pytest.mark.parametrize("stream", [False, True], ids=["whole", "stream"])
async def test_every_bare_status_is_typed(
    server: Server, twin: Twin, code: grpc.StatusCode, stream: bool
) -> None:
    server.world.failures = [(None, code)]
    with pytest.raises(sdk.ClientError) as caught:
        await twin.do(twin.client(server.target, max_retries=0).chat, "안녕", stream=stream)
    assert caught.value.status is code


async def test_nobody_there(twin: Twin, free_port: int) -> None:
    client = twin.client(f"127.0.0.1:{free_port}", max_retries=1)
    with pytest.raises(sdk.ConnectionFailed) as caught:
        await twin.do(client.chart, "1990-05-03")
    for words in (f"127.0.0.1:{free_port}", "Is the server running?", "`make run`"):
        assert words in str(caught.value)
    assert not caught.value.maybe_received
    assert len(twin.slept) == 1


async def test_the_http_port_is_recognised(twin: Twin) -> None:
    async def http1(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\ncontent-length: 0\r\n\r\n")
        with contextlib.suppress(ConnectionError):
            await writer.drain()
        writer.close()

    listening = await asyncio.start_server(http1, "127.0.0.1", 0)
    async with listening:
        port = listening.sockets[0].getsockname()[1]
        with pytest.raises(sdk.ConnectionFailed, match="give the gRPC port"):
            await twin.do(twin.client(f"127.0.0.1:{port}", max_retries=0).chart, "1990-05-03")


async def test_a_timeout_is_a_typed_error_and_ends_the_work(server: Server, twin: Twin) -> None:
    server.world.hold = True
    with pytest.raises(sdk.DeadlineExceeded, match=r"within 0\.3 s"):
        await twin.do(twin.client(server.target).chart, "1990-05-03", timeout=0.3)
    await within(server.world.left.wait())
    assert len(server.world.births) == 1, "a deadline is not retried"


# -- retries


async def test_retry_after_is_honoured(server: Server, twin: Twin) -> None:
    full = Failure(ErrorKind.OVERLOADED, "full", retry_after_s=3.0)
    loading = Failure(ErrorKind.UNAVAILABLE, "loading", retry_after_s=0.5)
    server.world.failures = [
        (full, grpc.StatusCode.RESOURCE_EXHAUSTED),
        (loading, grpc.StatusCode.UNAVAILABLE),
    ]
    await twin.do(twin.client(server.target).chart, "1990-05-03")
    first, second = twin.slept
    assert 3.0 <= first < 3.0 + const.RETRY_BASE_S
    assert 0.5 <= second < 0.5 + const.RETRY_BASE_S


async def test_a_stream_is_retried_before_its_first_piece(server: Server, twin: Twin) -> None:
    server.world.failures = [(Failure(ErrorKind.UNAVAILABLE, "loading"), grpc.StatusCode.UNAVAILABLE)]
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    assert "".join(piece.text for piece in await twin.rest(stream)) == "갑을병"
    assert len(twin.slept) == 1


async def test_a_server_that_comes_up_is_found(twin: Twin, free_port: int) -> None:
    started: list[Server] = []

    async def start(seconds: float) -> None:
        if not started:
            started.append(Server(free_port))
            await started[0].grpc.start()
        await asyncio.sleep(seconds)  # the pause that is on trial: gRPC must reconnect within it

    twin.on_sleep = start
    client = twin.client(f"127.0.0.1:{free_port}")
    try:
        chart = await twin.do(client.chart, "1990-05-03")
        assert chart.notes == ("1990-05-03",)
    finally:
        await started[0].grpc.stop(None)


# -- streams


async def test_a_stream_adds_up(server: Server, twin: Twin) -> None:
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    first = await twin.next(stream)
    assert (first.text, stream.text, stream.finish_reason, stream.usage) == ("갑", "갑", None, None)
    pieces = await twin.rest(stream)
    assert [piece.text for piece in pieces] == ["을", "병", ""]
    assert (stream.text, stream.finish_reason, stream.usage) == ("갑을병", "stop", sdk.Usage(3, 2))
    assert (stream.id, stream.model) == ("c1", "fake")
    assert await twin.next(stream) is None
    await twin.do(stream.close)


async def test_leaving_early_cancels_the_work_on_the_server(server: Server, twin: Twin) -> None:
    server.world.hold = True
    client = twin.client(server.target)
    stream = await twin.do(client.chat, "안녕", stream=True)
    if twin.sync:

        def leave() -> None:
            with stream:
                assert next(stream).text == "갑"

        await asyncio.to_thread(leave)
    else:
        async with stream:
            assert (await anext(stream)).text == "갑"
    await within(server.world.left.wait())
    assert stream.finish_reason is None
    assert stream.text == "갑"
    assert await twin.next(stream) is None, "a closed stream is over"


async def test_closing_while_somebody_reads(server: Server, twin: Twin) -> None:
    server.world.hold = True
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    reading = asyncio.ensure_future(twin.rest(stream))
    await within(server.world.entered.wait())
    await twin.do(stream.close)
    assert [piece.text for piece in await within(reading)] in ([], ["갑"])
    await within(server.world.left.wait())


async def test_a_forgotten_stream_is_cancelled(server: Server, twin: Twin) -> None:
    server.world.hold = True
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    await within(server.world.entered.wait())
    del stream
    await within(server.world.left.wait())


async def test_an_error_behind_the_first_piece_is_raised_and_not_retried(server: Server, twin: Twin) -> None:
    server.world.gate.clear()
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    server.world.failures = [(Failure(ErrorKind.UNAVAILABLE, "it died"), grpc.StatusCode.UNAVAILABLE)]
    server.world.gate.set()
    with pytest.raises(sdk.Unavailable, match="it died") as caught:
        await twin.rest(stream)
    assert stream.text == "갑"
    assert stream.finish_reason is None
    assert caught.value.request_id == server.world.metadata[0]["x-request-id"]
    assert not twin.slept


async def test_a_stream_cut_short_is_no_answer(server: Server, twin: Twin) -> None:
    server.world.finish = ""
    stream = await twin.do(twin.client(server.target).chat, "안녕", stream=True)
    with pytest.raises(sdk.EngineFailed, match="3 characters"):
        await twin.rest(stream)
    assert stream.text == "갑을병"
    server.world.pieces = []
    with pytest.raises(sdk.EngineFailed, match="0 characters"):
        await twin.do(twin.client(server.target).chat, "안녕", stream=True)


# -- lifetimes


async def test_closing_the_client_ends_calls_in_flight(server: Server, twin: Twin) -> None:
    server.world.hold = True
    client = twin.client(server.target)
    calling = asyncio.ensure_future(twin.do(client.chart, "1990-05-03", timeout=None))
    await within(server.world.entered.wait())
    await twin.do(client.close)
    with pytest.raises(sdk.Cancelled):
        await within(calling)
    await within(server.world.left.wait())
    with pytest.raises(sdk.FailedPrecondition, match="closed"):
        await twin.do(client.chart, "1990-05-03")


async def test_closing_the_client_ends_its_streams(server: Server, twin: Twin) -> None:
    server.world.hold = True
    client = twin.client(server.target)
    stream = await twin.do(client.chat, "안녕", stream=True)
    await twin.next(stream)
    reading = asyncio.ensure_future(twin.rest(stream))
    await within(server.world.entered.wait())
    await twin.do(client.close)
    with pytest.raises(sdk.Cancelled):
        await within(reading)


async def test_closing_the_client_ends_the_wait_for_a_first_piece(server: Server, twin: Twin) -> None:
    server.world.before_first = True
    client = twin.client(server.target)
    opening = asyncio.ensure_future(twin.do(client.chat, "안녕", stream=True, timeout=None))
    await within(server.world.entered.wait())
    await twin.do(client.close)
    with pytest.raises(sdk.Cancelled):
        await within(opening)
    await within(server.world.left.wait())


async def test_closing_the_client_ends_its_wait_for_readiness(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    await server.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    waiting = asyncio.ensure_future(twin.do(client.ready, None))
    await within(server.world.entered.wait())
    await twin.do(client.close)
    with pytest.raises(sdk.Cancelled):
        await within(waiting)


async def test_clients_are_context_managers(server: Server) -> None:
    def sync() -> sdk.Client:
        with sdk.Client(server.target) as client:
            assert client.chart("1990-05-03").notes == ("1990-05-03",)
        return client

    async with sdk.AsyncClient(server.target) as aclient:
        assert (await aclient.chart("1990-05-03")).notes == ("1990-05-03",)
    for client in (await asyncio.to_thread(sync), aclient):
        with pytest.raises(sdk.FailedPrecondition):
            next(client.attempts(methods.CHART, None))


async def test_cancelling_a_task_cancels_its_call(server: Server) -> None:
    server.world.hold = True
    async with sdk.AsyncClient(server.target) as client:
        calling = asyncio.ensure_future(client.chart("1990-05-03"))
        await within(server.world.entered.wait())
        calling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await calling
        await within(server.world.left.wait())
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.chart("1990-05-03"), 0.2)


def test_an_async_client_says_that_it_belongs_to_its_loop() -> None:
    client = sdk.AsyncClient("127.0.0.1:1", max_retries=0)
    for expected in (sdk.ConnectionFailed, sdk.FailedPrecondition):
        with pytest.raises(expected):
            asyncio.run(client.chart("1990-05-03"))


async def test_one_sync_client_for_many_threads(server: Server) -> None:
    started = threading.Barrier(16)

    def work(thread: int) -> list[bool]:
        started.wait(WAIT)
        mine = [f"{thread}-{call}" for call in range(25)]
        return [client.chart(nonce).notes == (nonce,) for nonce in mine]

    with sdk.Client(server.target) as client, ThreadPoolExecutor(16) as pool:
        loop = asyncio.get_running_loop()
        answers = await asyncio.gather(*(loop.run_in_executor(pool, work, thread) for thread in range(16)))
    assert [all(mine) for mine in answers] == [True] * 16
    assert len(server.world.births) == 400


async def test_one_async_client_for_many_tasks(server: Server) -> None:
    async with sdk.AsyncClient(server.target) as client:
        charts = await asyncio.gather(*(client.chart(str(nonce)) for nonce in range(200)))
    assert [chart.notes for chart in charts] == [(str(nonce),) for nonce in range(200)]


# -- readiness


async def test_ready_waits_until_the_server_serves(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    await server.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    waiting = asyncio.ensure_future(twin.do(client.ready, WAIT))
    await within(server.world.entered.wait())
    assert not waiting.done()
    await server.health.set("", health_pb2.HealthCheckResponse.SERVING)
    await within(waiting)
    await server.health.set("hypercube.v1.Chat", health_pb2.HealthCheckResponse.SERVING)
    await twin.do(client.ready, WAIT, service="hypercube.v1.Chat")


async def test_not_ready_in_time_says_what_it_saw(server: Server, twin: Twin) -> None:
    client = twin.client(server.target)
    await server.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    with pytest.raises(sdk.Unavailable, match=r"the server is NOT_SERVING within 0\.3 s.*readyz") as caught:
        await twin.do(client.ready, 0.3)
    assert type(caught.value) is sdk.Unavailable
    with pytest.raises(sdk.Unavailable, match=r"hypercube\.v1\.Nothing is SERVICE_UNKNOWN"):
        await twin.do(client.ready, 0.3, service="hypercube.v1.Nothing")


async def test_ready_where_nobody_listens(twin: Twin, free_port: int) -> None:
    began = time.monotonic()
    with pytest.raises(sdk.ConnectionFailed, match="make run"):
        await twin.do(twin.client(f"127.0.0.1:{free_port}").ready, 0.3)
    assert time.monotonic() - began < WAIT


async def test_ready_outlives_a_server_that_restarts(twin: Twin) -> None:
    first = Server()
    await first.health.set("", health_pb2.HealthCheckResponse.NOT_SERVING)
    await first.grpc.start()
    second: list[Server] = []

    async def restart(seconds: float) -> None:
        if not second:
            second.append(Server(first.port))
            await second[0].grpc.start()

    twin.on_sleep = restart
    waiting = asyncio.ensure_future(twin.do(twin.client(first.target).ready, WAIT))
    await within(first.world.entered.wait())
    await first.grpc.stop(None)
    await within(waiting)
    assert twin.slept
    await second[0].grpc.stop(None)


# -- the same words on both sides


def test_every_method_is_in_the_protocol() -> None:
    services = {
        service.full_name: service
        for module in (saju_pb2, reading_pb2, chat_pb2, embeddings_pb2, models_pb2, cubes_pb2)
        for service in module.DESCRIPTOR.services_by_name.values()
    }
    ours = [value for value in vars(methods).values() if isinstance(value, methods.Method)]
    assert len(ours) == 16
    for method in ours:
        _, service, name = method.path.split("/")
        if service == "grpc.health.v1.Health":
            continue
        described = services[service].methods_by_name[name]
        assert described.input_type.name == method.request.__name__
        assert described.output_type.name == method.reply.__name__
        for ours_too, theirs in (
            (method.request, described.input_type),
            (method.reply, described.output_type),
        ):
            # The SDK's own classes around buffers bear the names of the messages they stand for.
            assert getattr(ours_too, "DESCRIPTOR", theirs) is theirs


def test_the_wrappers_are_the_health_messages() -> None:
    theirs = health_pb2.HealthCheckRequest(service="hypercube.v1.Saju").SerializeToString()
    assert base.Watched("hypercube.v1.Saju").request.SerializeToString() == theirs
    for number in health_pb2.HealthCheckResponse.ServingStatus.values():
        reply = health_pb2.HealthCheckResponse(status=number).SerializeToString()
        assert methods.WATCH_HEALTH.reply.FromString(reply).value == number
        assert base._HEALTH[number] == health_pb2.HealthCheckResponse.ServingStatus.Name(number)
    assert health_pb2.HealthCheckResponse.SERVING == base.SERVING


async def test_a_request_over_a_hundred_megabytes_is_refused_before_it_is_sent(server: Server) -> None:
    text = "x" * const.MAX_MESSAGE_BYTES
    with sdk.Client(server.target) as client, pytest.raises(sdk.PayloadTooLarge) as caught:
        client.process("echo", {"text": text})
    assert f"{const.MAX_MESSAGE_BYTES:,}" in str(caught.value)
    assert not server.world.metadata
    assert json.dumps(dict(caught.value.details))
