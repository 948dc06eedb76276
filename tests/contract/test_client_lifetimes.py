"""Both clients: streams, the lifetimes of clients and calls, and readiness, against a real grpc.aio server."""

import asyncio
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2

from hypercube import client as sdk
from hypercube.client import _methods as methods
from hypercube.core.errors import ErrorKind, Failure
from tests.contract.client_server import WAIT, Server, Twin, within

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


async def test_a_conversation_that_ended_by_itself_leaves_no_thread(server: Server) -> None:
    def talk() -> None:
        before = set(threading.enumerate())
        client = sdk.Client(server.target)
        turn = client.conversation().say("hello")
        with pytest.raises(sdk.NotFound):  # this server has no conversations
            turn.whole()
        client.close()
        for thread in set(threading.enumerate()) - before:
            thread.join(WAIT)
            assert not thread.is_alive()

    await asyncio.to_thread(talk)


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
