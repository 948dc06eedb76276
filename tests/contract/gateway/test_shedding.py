"""Requests of a path that is crowded are refused before they are read; over real sockets, whatever their shape."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from hypercube.app.listening import HttpServer, bind_http, stop_http
from hypercube.gateway.door_queue import FEW, DoorQueue, Line
from hypercube.gateway.http.app import PATHS
from hypercube.gateway.http.guarded_protocol import ConnectionLimits
from hypercube.gateway.http.shedding_protocol import SheddingProtocol, shedding
from tests.contract.gateway.test_slow_clients import BODY, HEAD, PATIENCE_S, WHOLE, Wire, until

PATH = b"/v1/saju/charts"


class Crowd:
    """A server; `fill` makes charts crowded, as if `FEW` of them were inside for ever."""

    def __init__(self, server: HttpServer, port: int, queue: DoorQueue) -> None:
        self.server = server
        self.port = port
        self.queue = queue
        self.entered: list[float] = []

    @property
    def line(self) -> Line:
        return self.queue.lines[PATH]

    def fill(self) -> None:
        self.line.room = FEW
        self.queue._crowded.add(self.line)
        self.entered = [self.line.enter() for _ in range(FEW)]
        assert self.queue.full(PATH)

    def empty(self) -> None:
        while self.entered:
            self.line.leave(self.entered.pop(), answered=True)

    @contextlib.asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()


@pytest.fixture
async def crowd(house: Any) -> AsyncIterator[Crowd]:
    listener = bind_http("127.0.0.1", 0)
    # The clock stands still: what is crowded stays so.
    queue = DoorQueue(PATHS, clock=lambda: 0.0)
    config = uvicorn.Config(
        house.app(),
        http=shedding(ConnectionLimits(), queue),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield Crowd(server, listener.getsockname()[1], queue)
    finally:
        await stop_http(server, task)
        listener.close()


async def refused(wire: Wire, request_id: bytes | None = None) -> bytes:
    """Read one refusal; its head."""
    async with asyncio.timeout(PATIENCE_S):
        head = await wire.reader.readuntil(b"\r\n\r\n")
        fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
        body = await wire.reader.readexactly(int(fields[b"content-length"]))
    assert head.startswith(b"HTTP/1.1 429 Too Many Requests\r\n")
    assert fields[b"retry-after"] == b"1"
    assert fields[b"x-request-id"] == request_id if request_id else len(fields[b"x-request-id"]) == 32
    error = json.loads(body)["error"]
    assert error["code"] == "overloaded"
    assert error["type"] == "rate_limit_error"
    assert error["message"].endswith("Try again in 1 s.")
    return head


PIECES = (WHOLE[:7], WHOLE[7:60], WHOLE[60:-5], WHOLE[-5:])
CHUNKED = HEAD + b"transfer-encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (len(BODY), BODY)
LARGE = HEAD + b"content-length: 3000000\r\n\r\n" + b" " * 3_000_000


async def test_every_shape_of_request_is_refused_and_the_connection_stays(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        for pieces in ((WHOLE,), PIECES, (CHUNKED,), (LARGE,), (WHOLE,)):
            for piece in pieces:
                await wire.send(piece)
                await asyncio.sleep(0)
            await refused(wire)
        named = HEAD + b"X-Request-Id: mine-7\r\n" + WHOLE[len(HEAD) :]
        await wire.send(named)
        await refused(wire, b"mine-7")
        await wire.send(named[:50])
        await asyncio.sleep(0)
        await wire.send(named[50:])
        await refused(wire, b"mine-7")
        await wire.send(WHOLE * 3)  # pipelined
        for _ in range(3):
            await refused(wire)
        assert crowd.queue.refused == 10
        assert crowd.line.refused == 10
        crowd.empty()
        for piece in PIECES:
            await wire.send(piece)
        assert (await wire.answer())[0] == 200
    assert crowd.line.inside == 0


async def test_a_path_with_a_query_is_the_same_path(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(WHOLE.replace(PATH, PATH + b"?a=b"))
        await refused(wire)


async def test_other_paths_and_probes_are_answered(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        for path in (b"/livez", b"/metrics", b"/v1/cubes", b"/nowhere"):
            await wire.send(b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % path)
            assert (await wire.answer())[0] in (200, 404)
        assert crowd.queue.refused == 0


async def test_who_wants_the_connection_closed_gets_it_closed(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(HEAD + b"connection: close\r\n" + WHOLE[len(HEAD) :])
        assert b"\r\nconnection: close\r\n" in await refused(wire)
        assert await wire.ended() == b""
    async with crowd.wire() as old:
        await old.send(WHOLE.replace(b"HTTP/1.1", b"HTTP/1.0"))
        assert b"\r\nconnection: close\r\n" in await refused(old)
        assert await old.ended() == b""


async def test_a_head_request_gets_no_body(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(b"HEAD %b HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n" % PATH)
        said = await wire.ended()
    assert said.startswith(b"HTTP/1.1 429 ")
    assert said.endswith(b"\r\n\r\n")


async def test_who_waits_for_our_word_before_a_body_gets_it(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(HEAD + b"expect: 100-continue\r\ncontent-length: %d\r\n\r\n" % len(BODY))
        async with asyncio.timeout(PATIENCE_S):
            assert await wire.reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
        await wire.send(BODY)
        assert (await wire.answer())[0] == 200


async def test_what_is_no_request_is_told_so_all_the_same(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        assert (await wire.answer())[0] == 400
    async with crowd.wire() as wire:  # and the glance is as good as before
        await wire.send(WHOLE)
        await refused(wire)


async def test_a_request_that_ends_elsewhere_for_somebody_in_front_is_not_glanced_at(crowd: Crowd) -> None:
    """Two lengths: a request that one reader takes for two must not become two here, either."""
    crowd.fill()
    async with crowd.wire() as wire:
        double = HEAD + b"content-length: %d\r\ncontent-length: 5\r\n\r\n%b" % (len(BODY), BODY)
        await wire.send(double)
        assert (await wire.answer())[0] == 400
        await wire.ended()


async def test_who_was_refused_and_says_no_more_is_let_go(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        await wire.send(WHOLE)
        await refused(wire)
        (connection,) = crowd.server.server_state.connections
        assert isinstance(connection, SheddingProtocol)
        now = asyncio.get_running_loop().time()
        connection.look(now + connection.timeout_keep_alive - 1)
        assert not connection.transport.is_closing()
        connection.look(now + connection.timeout_keep_alive + 1)
        assert await wire.ended() == b""


async def test_who_left_before_the_turn_came_is_not_begun(house: Any, crowd: Crowd) -> None:
    begun: list[object] = []
    async with crowd.wire() as wire:
        crowd.queue._most = 0  # nobody's turn comes
        await wire.send(WHOLE)
        await until(lambda: len(crowd.queue.waiting) == 1)
    await until(lambda: not crowd.server.server_state.connections)
    house.services.traffic.entered = lambda: begun.append(None)
    crowd.queue._most = FEW
    crowd.queue._turn()
    await until(lambda: not crowd.queue.waiting and crowd.line.inside == 0)
    assert not begun
