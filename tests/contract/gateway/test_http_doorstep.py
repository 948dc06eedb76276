"""A server on whose doorstep clients wait until they ask: whatever they say, its connections answer as without one."""

import asyncio
import contextlib
import re
import socket
import sys
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import uvicorn

from hypercube.app.listening import HttpServer, bind_http, bind_http_socket, stop_http
from hypercube.gateway.http.first_look import SMALL
from hypercube.gateway.http.guarded_protocol import ConnectionLimits, guarded

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no epoll")

BODY = b'{"birth": "1990-05-03T07:20"}'
LINE = b"POST /v1/saju/charts HTTP/1.1\r\n"
HEAD = LINE + b"host: x\r\ncontent-type: application/json\r\n"
LENGTH = b"content-length: %d\r\n" % len(BODY)
WHOLE = HEAD + LENGTH + b"\r\n" + BODY
CHUNKS = b"5\r\n%b\r\n%x\r\n%b\r\n0\r\n\r\n" % (BODY[:5], len(BODY) - 5, BODY[5:])
STATUS = re.compile(rb"HTTP/1\.1 (\d{3}) ")
PATIENCE_S = 60


async def until(check: Callable[[], bool]) -> None:
    """Wait for what a socket brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not check():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.001)


@contextlib.asynccontextmanager
async def served(app: Any, listener: socket.socket, *, doorstep: bool = True) -> AsyncIterator[HttpServer]:
    config = uvicorn.Config(
        app,
        http=guarded(ConnectionLimits()),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = HttpServer(config, doorstep=doorstep)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield server
    finally:
        await stop_http(server, task)
        listener.close()


def connect(listener: socket.socket) -> socket.socket:
    client = socket.socket(listener.family)
    client.connect(listener.getsockname())
    client.settimeout(PATIENCE_S)
    return client


def rest(client: socket.socket) -> bytes:
    """What is there until the server closes."""
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(65_536):
            found += piece
    return found


def answers(client: socket.socket, count: int) -> list[int]:
    """The statuses of so many answers; after a refusal, of all that came until the end."""
    found, refused = b"", False
    with contextlib.suppress(ConnectionResetError):
        while refused or len(STATUS.findall(found)) < count:
            piece = client.recv(65_536)
            found += piece
            refused = b"HTTP/1.1 400 " in found
            if not piece:
                break
    return [int(each) for each in STATUS.findall(found)]


@contextlib.asynccontextmanager
async def speaking(server: HttpServer) -> AsyncIterator[asyncio.Event]:
    """An event that is set whenever what somebody said on the doorstep was looked at."""
    seen, doorstep = asyncio.Event(), server._doorstep
    if doorstep is not None:
        judged = doorstep._judge

        def judge(*arguments: Any, **named: Any) -> None:
            judged(*arguments, **named)
            seen.set()

        doorstep._judge = judge  # type: ignore[method-assign]
    yield seen


@pytest.mark.parametrize("where", ["127.0.0.1", "::1", "unix"])
async def test_it_is_at_every_kind_of_address(house: Any, where: str, tmp_path: Path) -> None:
    if where == "unix":
        listener = bind_http_socket(tmp_path / "door")
    elif where == "::1" and not socket.has_ipv6:
        pytest.skip("there is no IPv6")
    else:
        listener = bind_http(where, 0)
    async with served(house.app(), listener) as server:
        with connect(listener) as client:
            await until(lambda: server.connected == 1)
            assert not server.server_state.connections
            client.sendall(WHOLE.replace(b"host: x", b"host: x\r\nconnection: close"))
            assert (await asyncio.to_thread(rest, client)).startswith(b"HTTP/1.1 200 ")
        await until(lambda: server.connected == 0)


@pytest.mark.parametrize(
    ("said", "statuses"),
    [
        ([WHOLE * 3], [200, 200, 200]),
        ([HEAD + LENGTH + b"\r\n", BODY], [200]),
        ([HEAD[:9], HEAD[9:] + LENGTH, b"\r\n" + BODY[:3], BODY[3:]], [200]),
        ([b"\r\n", WHOLE], [200]),
        ([HEAD + LENGTH + b"expect: 100-continue\r\n\r\n", BODY], [100, 200]),
        ([HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS], [200]),
        ([HEAD + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS[:20], CHUNKS[20:]], [200]),
        ([WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0")], [200]),
        ([WHOLE.replace(b"/v1", b"http://x/v1")], [None]),
        ([b"OPTIONS /v1/saju/charts HTTP/1.1\r\nhost: x\r\n\r\n"], [None]),
        ([b"GET /health HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n"], [None]),
        ([b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"], [400]),
        ([b"\x16\x03\x01\x02\x00\x01"], [400]),
        ([WHOLE.replace(b"\r\n", b"\n")], [400]),
        ([LINE + b"host: x\r\nx: a\r\n b\r\n" + LENGTH + b"\r\n" + BODY], [400]),
        ([HEAD + LENGTH + b"content-length: 3\r\n\r\n" + BODY], [400]),
        ([HEAD + LENGTH + b"transfer-encoding: chunked\r\n\r\n" + CHUNKS], [400]),
        ([HEAD + b"content-length : 3\r\n\r\n" + BODY], [400]),
        ([HEAD + b"content-length: +3\r\n\r\n" + BODY], [400]),
        ([HEAD + b"x: content-length: 3\r\n" + LENGTH + b"\r\n" + BODY], [200]),
        ([HEAD + b"content-length: 99999999999999999999\r\n\r\n" + BODY], [400]),
    ],
)
async def test_what_is_said_there_is_answered_as_by_any_connection(
    house: Any, said: list[bytes], statuses: list[int | None]
) -> None:
    """In pieces, each looked at for itself; what the parser refuses is refused, however it looked."""
    found = {}
    for doorstep in (False, True):
        listener = bind_http("127.0.0.1", 0)
        async with served(house.app(), listener, doorstep=doorstep) as server, speaking(server) as seen:
            with connect(listener) as client:
                await until(lambda server=server: server.connected == 1)  # type: ignore[misc]
                for piece in said:
                    seen.clear()
                    client.sendall(piece)
                    await until(
                        lambda seen=seen, server=server: (
                            seen.is_set()  # type: ignore[misc]
                            or bool(server.server_state.connections)
                            or not server.connected
                        )
                    )
                found[doorstep] = await asyncio.to_thread(answers, client, len(statuses))
            await until(lambda server=server: server.connected == 0)  # type: ignore[misc]
    assert found[True] == found[False]
    assert [
        None if expected is None else status for status, expected in zip(found[True], statuses, strict=True)
    ] == (statuses)


async def test_the_time_for_a_head_is_not_given_anew(house: Any) -> None:
    listener = bind_http("127.0.0.1", 0)
    async with served(house.app(), listener) as server:
        with connect(listener) as client:
            client.sendall(HEAD + b"x-long: ")
            doorstep = server._doorstep
            assert doorstep is not None
            await until(lambda: any(each.spoke for each in doorstep._outside.values()))
            began = doorstep.longest_since
            loop = asyncio.get_running_loop()
            while loop.time() < began + 0.01:  # noqa: ASYNC110 - the clock has steps
                await asyncio.sleep(0.001)
            client.sendall(b"a" * SMALL)
            await until(lambda: bool(server.server_state.connections))
            connection: Any = next(iter(server.server_state.connections))
            await until(lambda: connection._head > SMALL)
            connection.look(began + 9.99)
            assert not connection.transport.is_closing()
            connection.look(began + 10.005)
            assert (await asyncio.to_thread(rest, client)).startswith(b"HTTP/1.1 408 ")


@pytest.mark.parametrize("seen", [True, False], ids=["accepted", "not yet accepted"])
async def test_who_had_asked_when_the_server_ended_is_answered(house: Any, seen: bool) -> None:
    listener = bind_http("127.0.0.1", 0)
    async with served(house.app(), listener) as server:
        with connect(listener) as client, connect(listener) as mute:
            if seen:
                await until(lambda: server.connected == 2)
            client.sendall(WHOLE)
            await server.shutdown([listener])
            assert rest(client).startswith(b"HTTP/1.1 200 ")
            assert rest(mute) == b""
            assert server.connected == 0
