"""A front-end that leaves: nobody on one of its connections loses an answer, and nobody new comes in."""

import asyncio

import pytest

from hypercube.app import Application
from hypercube.app.workers import retiring
from hypercube.app.workers.retiring import retire
from hypercube.settings import load_settings

REQUEST = b"GET /v1/cubes HTTP/1.1\r\nhost: here\r\n\r\n"
SETTINGS = {"model": {"name": "none"}, "server": {"http_port": 0, "grpc_port": 0}}


async def answer(reader: asyncio.StreamReader) -> tuple[bytes, dict[bytes, bytes]]:
    """The status line and the headers of the next answer, whose body is read."""
    status, *lines = (await reader.readuntil(b"\r\n\r\n")).lower().split(b"\r\n")
    headers = dict(line.split(b": ", 1) for line in lines if line)
    await reader.readexactly(int(headers[b"content-length"]))
    return status, headers


async def test_kept_connections_are_answered_once_more_and_told_to_go() -> None:
    application = Application(load_settings(SETTINGS))
    async with application.running(), asyncio.timeout(120):
        http, rpc = application.http_server, application.grpc_server
        assert http is not None
        assert rpc is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", application.http_port)
        writer.write(REQUEST)
        status, headers = await answer(reader)
        assert b"connection" not in headers

        leaving = asyncio.create_task(retire(http, rpc, application.traffic, 100))
        await asyncio.sleep(0)  # its first step
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", application.http_port)
        assert not leaving.done()

        writer.write(REQUEST)
        again, headers = await answer(reader)
        assert again == status == b"http/1.1 200 ok"
        assert headers[b"connection"] == b"close"
        assert await reader.read() == b""
        assert await leaving
        writer.close()


async def test_a_request_that_was_being_sent_is_answered_and_told_to_go() -> None:
    application = Application(load_settings(SETTINGS))
    async with application.running(), asyncio.timeout(120):
        http, rpc = application.http_server, application.grpc_server
        assert http is not None
        assert rpc is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", application.http_port)
        body = b'{"birth": "1990-05-03T07:20"}'
        writer.write(b"POST /v1/saju/charts HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body))
        while application.traffic.in_flight == 0:  # noqa: ASYNC110 - until its head is read
            await asyncio.sleep(0.001)
        leaving = asyncio.create_task(retire(http, rpc, application.traffic, 100))
        await asyncio.sleep(0)
        writer.write(body)
        status, headers = await answer(reader)
        assert status == b"http/1.1 200 ok"
        assert headers[b"connection"] == b"close"
        assert await leaving
        writer.close()


async def test_who_never_asks_anything_does_not_keep_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retiring, "_MUTE_S", 0.1)
    application = Application(load_settings(SETTINGS))
    async with application.running(), asyncio.timeout(120):
        http, rpc = application.http_server, application.grpc_server
        assert http is not None
        assert rpc is not None
        reader, writer = await asyncio.open_connection("127.0.0.1", application.http_port)
        while not http.connected:  # noqa: ASYNC110 - until it is accepted
            await asyncio.sleep(0.001)
        assert not await retire(http, rpc, application.traffic, 0.05)
        assert await retire(http, rpc, application.traffic, 100)
        assert await reader.read() == b""
        writer.close()


async def test_a_request_that_was_being_sent_when_a_drain_began_is_answered_and_one_given_up_is_forgotten() -> (
    None
):
    application = Application(load_settings(SETTINGS))
    async with application.running(), asyncio.timeout(120):
        reader, writer = await asyncio.open_connection("127.0.0.1", application.http_port)
        _, given_up = await asyncio.open_connection("127.0.0.1", application.http_port)
        body = b'{"birth": "1990-05-03T07:20"}'
        head = b"POST /v1/saju/charts HTTP/1.1\r\nhost: h\r\ncontent-length: %d\r\n\r\n" % len(body)
        for each in (writer, given_up):
            each.write(head + body[:9])
        while application.traffic.in_flight < 2:  # noqa: ASYNC110 - until both heads are read
            await asyncio.sleep(0.001)
        application.traffic.drain()
        given_up.close()
        writer.write(body[9:])
        status, _ = await answer(reader)
        assert status == b"http/1.1 200 ok"
        assert await application.traffic.wait_idle(60)
        writer.close()
