"""Both clients against a real grpc.aio server with small services of the tests' own: what travels, errors, retries."""

import asyncio
import contextlib
import json

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

from hypercube import client as sdk
from hypercube.client import _base as base
from hypercube.client import _constants as const
from hypercube.client import _methods as methods
from hypercube.client import _requests
from hypercube.core.chart import BirthInput, DayBoundary, Sex, TimeBasis
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import birth_from_proto
from hypercube.wire.v1 import (
    chat_pb2,
    cubes_pb2,
    embeddings_pb2,
    models_pb2,
    reading_pb2,
    saju_pb2,
)
from tests.contract.client_server import Server, Twin, within

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
