"""Clients that are slow, send too much before a request is whole, or never read: over real sockets.

The server's look at its connections takes the time as an argument, so nobody waits here for a limit to pass.
"""

import asyncio
import contextlib
import gc
import json
import weakref
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn

from hypercube.app.listening import HttpServer, bind_http, stop_http
from hypercube.gateway.http.guarded_protocol import ConnectionLimits, GuardedProtocol, guarded

BODY = json.dumps({"birth": "1990-05-03T07:20"}).encode()
HEAD = b"POST /v1/saju/charts HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\n"
WHOLE = HEAD + b"content-length: %d\r\n\r\n" % len(BODY) + BODY
PATIENCE_S = 60
"""Bounds a wait for what must come, on the busiest machine."""


async def until(check: Callable[[], bool]) -> None:
    """Wait for what a socket brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not check():  # noqa: ASYNC110 - the server has no event for it
            await asyncio.sleep(0.001)


@dataclass
class Wire:
    """A raw connection."""

    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def send(self, data: bytes) -> None:
        self.writer.write(data)
        await self.writer.drain()

    async def answer(self) -> tuple[int, bytes]:
        """One answer with a content length."""
        async with asyncio.timeout(PATIENCE_S):
            head = await self.reader.readuntil(b"\r\n\r\n")
            fields = dict(line.lower().split(b": ", 1) for line in head.split(b"\r\n")[1:-2])
            body = await self.reader.readexactly(int(fields[b"content-length"]))
        return int(head.split()[1]), body

    async def ended(self) -> bytes:
        """What still came until the server closed."""
        async with asyncio.timeout(PATIENCE_S):
            try:
                return await self.reader.read()
            except ConnectionResetError:
                return b""


@dataclass
class Listening:
    server: HttpServer
    port: int

    @property
    def connections(self) -> set[Any]:
        return self.server.server_state.connections

    def look(self, ahead_s: float) -> None:
        """The look that the server will have in `ahead_s` seconds."""
        now = asyncio.get_running_loop().time() + ahead_s
        for connection in tuple(self.connections):
            assert isinstance(connection, GuardedProtocol)
            connection.look(now)

    async def reached(self, count: int) -> None:
        """Wait until so many connections are there."""
        await until(lambda: len(self.connections) == count)

    @contextlib.asynccontextmanager
    async def wire(self) -> AsyncIterator[Wire]:
        reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
        try:
            yield Wire(reader, writer)
        finally:
            writer.close()
            with contextlib.suppress(OSError):
                await writer.wait_closed()

    async def still_serves(self) -> None:
        async with httpx.AsyncClient(timeout=PATIENCE_S) as client:
            answer = await client.post(f"http://127.0.0.1:{self.port}/v1/saju/charts", content=BODY)
        assert answer.status_code == 200


@contextlib.asynccontextmanager
async def served(app: Any, **limits: Any) -> AsyncIterator[Listening]:
    listener = bind_http("127.0.0.1", 0)
    protocol = guarded(ConnectionLimits(**limits))
    config = uvicorn.Config(
        app, http=protocol, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield Listening(server, listener.getsockname()[1])
    finally:
        await stop_http(server, task)
        listener.close()


def refused(found: tuple[int, bytes], status: int) -> None:
    assert found[0] == status
    error = json.loads(found[1])["error"]
    assert error["message"]
    assert error["type"] == "invalid_request_error"


async def test_whole_requests_in_any_pieces_are_answered(house: Any) -> None:
    async with served(house.app()) as at, at.wire() as wire:
        await wire.send(WHOLE)
        assert (await wire.answer())[0] == 200
        for piece in (WHOLE[:7], WHOLE[7:60], WHOLE[60:-5], WHOLE[-5:]):
            await wire.send(piece)
            await asyncio.sleep(0)
        assert (await wire.answer())[0] == 200
        await wire.send(WHOLE * 3)  # pipelined
        assert [(await wire.answer())[0] for _ in range(3)] == [200] * 3


async def test_who_leaves_before_a_request_is_whole_leaves_no_circle_behind(house: Any) -> None:
    """Thousands of them made one walk of Python's collector that nobody was served in."""
    async with served(house.app()) as at:
        gc.disable()
        try:
            for said in (b"", HEAD, HEAD + b"content-length: 10\r\n\r\n{", WHOLE + WHOLE[:-2]):
                async with at.wire() as wire:
                    await wire.send(said)
                    if said.startswith(WHOLE):
                        assert (await wire.answer())[0] == 200
                    await until(lambda said=said: bool(at.connections) and read(at, said))  # type: ignore[misc]
                    (kept,) = [weakref.ref(connection) for connection in at.connections]
                await at.reached(0)
                await until(lambda kept=kept: kept() is None)  # type: ignore[misc]
        finally:
            gc.enable()


def read(at: Listening, said: bytes) -> bool:
    """Whether the one connection has read what a client said."""
    (connection,) = at.connections
    return bool(connection.headers) or not said


async def test_a_head_that_does_not_end_in_time_is_cut_off(house: Any) -> None:
    async with (
        served(house.app(), header_s=10.0) as at,
        at.wire() as slow,
        at.wire() as silent,
        at.wire() as kept,
    ):
        await at.reached(3)
        await slow.send(HEAD + b"x-slow: a")
        await kept.send(WHOLE)
        assert (await kept.answer())[0] == 200
        await kept.send(b"\r\n")  # ends the wait for a next request, and begins none
        at.look(9.0)
        assert len(at.connections) == 3
        await at.still_serves()
        at.look(11.0)
        refused(await slow.answer(), 408)
        assert await slow.ended() == b""
        refused(await silent.answer(), 408)
        await kept.ended()
        await at.reached(0)
        await at.still_serves()


async def test_a_body_that_crawls_is_cut_off_and_a_steady_one_is_not(house: Any) -> None:
    async with served(house.app(), body_s=30.0) as at:
        async with at.wire() as slow:
            await slow.send(HEAD + b"content-length: 10000\r\n\r\n" + b" " * 5_000)
            await at.reached(1)
            await until(lambda: house.services.traffic.in_flight == 1)
            at.look(29.0)
            assert house.services.traffic.in_flight == 1
            at.look(31.0)
            refused(await slow.answer(), 408)
            await slow.ended()
        await until(lambda: house.services.traffic.in_flight == 0)  # its handler is gone, too
        async with at.wire() as steady:
            await steady.send(HEAD + b"content-length: 1048576\r\n\r\n")
            for _ in range(31):
                await steady.send(b" " * 32_768)
            await until(lambda: [each._body for each in at.connections] == [31 * 32_768])
            at.look(60.0)  # what came bought 62 s beside the 30
            assert [each.transport.is_closing() for each in at.connections] == [False]
            await steady.send(b" " * 32_768)
            assert (await steady.answer())[0] == 400


async def test_an_answer_that_nobody_reads_is_cut_off(house: Any) -> None:
    async def endless(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        while (await send({"type": "http.response.body", "body": b"x" * 65_536, "more_body": True})) is None:
            if stopped.is_set():
                return
            await asyncio.sleep(0)

    stopped = asyncio.Event()
    async with served(endless, read_s=60.0) as at, at.wire() as wire:
        await wire.send(WHOLE)
        await at.reached(1)
        (connection,) = at.connections
        await until(lambda: connection._unread_since is not None)
        at.look(59.0)
        assert len(at.connections) == 1
        stopped.set()
        at.look(61.0)
        await at.reached(0)


@pytest.mark.parametrize(
    "head",
    [
        HEAD + b"".join(b"x-%d: a\r\n" % number for number in range(200)) + b"\r\n",
        HEAD + b"x-long: " + b"a" * 200_000 + b"\r\n\r\n",
        HEAD + b"x-endless: " + b"a" * 2_000_000,
        b"GET /" + b"a" * 200_000 + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        HEAD + b"transfer-encoding: chunked\r\n\r\n1;" + b"a" * 2_000_000,
        HEAD + b"transfer-encoding: chunked\r\n\r\n0\r\nx-trailer: " + b"a" * 2_000_000,
        HEAD
        + b"transfer-encoding: chunked\r\n\r\n0\r\n"
        + b"".join(b"x-%d: a\r\n" % n for n in range(50_000)),
    ],
    ids=["many", "long", "endless", "path", "chunk-extension", "trailer", "trailers"],
)
async def test_a_bomb_is_refused_and_costs_nobody_else(house: Any, head: bytes) -> None:
    async with served(house.app()) as at:
        for _ in range(3):
            async with at.wire() as wire:
                sender = asyncio.ensure_future(wire.send(head))
                said = await wire.ended()
                if said:  # the answer may be lost when the rest of the bomb meets a closed door
                    assert said.split()[1] in (b"431", b"400"), said[:200]
                sender.cancel()
                await asyncio.gather(sender, return_exceptions=True)
            await at.still_serves()
        await at.reached(0)
        assert house.services.traffic.in_flight == 0


@pytest.mark.parametrize(
    "before", [b"", b"transfer-encoding: chunked\r\n\r\n0\r\n"], ids=["headers", "trailers"]
)
async def test_of_a_packet_with_too_many_headers_no_more_than_the_limit_are_read(
    house: Any, monkeypatch: pytest.MonkeyPatch, before: bytes
) -> None:
    read: list[bytes] = []
    plain = GuardedProtocol.on_header

    def on_header(self: GuardedProtocol, name: bytes, value: bytes) -> None:
        read.append(name)
        plain(self, name, value)

    monkeypatch.setattr(GuardedProtocol, "on_header", on_header)
    async with served(house.app(), max_headers=10, max_header_bytes=1 << 20) as at, at.wire() as wire:
        await wire.send(HEAD + before + b"x: a\r\n" * 5_000 + b"\r\n")
        refused(await wire.answer(), 431)
        await wire.ended()
    assert len(read) == 11  # the last of them is the one too many


async def test_heads_at_the_limit_pass_and_over_it_do_not(house: Any) -> None:
    async with served(house.app(), max_headers=10, max_header_bytes=2048) as at:
        for extra, status in ((7, 200), (8, 431)):  # beside host, content-type and content-length
            async with at.wire() as wire:
                more = b"".join(b"x-%d: a\r\n" % number for number in range(extra))
                await wire.send(HEAD + more + WHOLE[len(HEAD) :])
                assert (await wire.answer())[0] == status
        for size, status in ((1500, 200), (3000, 431)):
            async with at.wire() as wire:
                await wire.send(HEAD + b"x-long: " + b"a" * size + b"\r\n" + WHOLE[len(HEAD) :])
                assert (await wire.answer())[0] == status


async def test_bytes_that_are_no_http_get_an_answer_in_our_shape(house: Any) -> None:
    async with served(house.app()) as at, at.wire() as wire:
        await wire.send(b"\x16\x03\x01\x02\x00 hello\r\n\r\n")
        refused(await wire.answer(), 400)
        await wire.ended()


async def test_who_says_nothing_makes_room_for_a_newcomer(house: Any) -> None:
    async with served(house.app(), max_connections=5) as at, contextlib.AsyncExitStack() as stack:
        kept = await stack.enter_async_context(at.wire())
        await kept.send(WHOLE)
        assert (await kept.answer())[0] == 200
        silent = []
        for count in range(2, 6):
            silent.append(await stack.enter_async_context(at.wire()))
            await at.reached(count)
        await silent[1].send(HEAD)
        for oldest in silent:
            newcomer = await stack.enter_async_context(at.wire())
            await newcomer.send(WHOLE)
            assert (await newcomer.answer())[0] == 200
            assert await oldest.ended() == b""
        # Only those between two requests are left; the one that has waited longest is `kept`.
        last = await stack.enter_async_context(at.wire())
        await last.send(WHOLE)
        assert (await last.answer())[0] == 200
        assert await kept.ended() == b""
        assert len(at.connections) == 5


async def test_a_newcomer_is_told_when_all_are_being_answered(house: Any) -> None:
    async def waiting(scope: Any, receive: Any, send: Any) -> None:
        await go_on.wait()
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    go_on = asyncio.Event()
    async with served(waiting, max_connections=2) as at, contextlib.AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(at.wire()) for _ in range(2)]
        for wire in wires:
            await wire.send(WHOLE)
        await until(lambda: len(at.connections) == 2 and not any(each._answered() for each in at.connections))
        async with at.wire() as one_more:
            await one_more.send(WHOLE)
            said = await one_more.ended()
            assert said.startswith(b"HTTP/1.1 503 ")
            assert b"\r\nretry-after: 1\r\n" in said
            assert json.loads(said.partition(b"\r\n\r\n")[2])["error"]["code"] == "unavailable"
        await at.reached(2)
        async with at.wire() as stubborn:  # told, and stays
            await at.reached(3)
            at.look(2.0)
            await at.reached(2)
            await stubborn.ended()
        go_on.set()
        for wire in wires:
            assert (await wire.answer())[0] == 200


async def test_the_server_looks_by_itself(house: Any) -> None:
    async with served(house.app(), header_s=0.05) as at, at.wire() as slow:
        await slow.send(HEAD)
        refused(await slow.answer(), 408)
        await slow.ended()


async def test_two_hundred_slow_ones_and_a_quick_one(house: Any) -> None:
    async with served(house.app()) as at, contextlib.AsyncExitStack() as stack:
        for number in range(200):
            wire = await stack.enter_async_context(at.wire())
            await wire.send((HEAD + b"x-slow: a")[: 1 + number % len(HEAD)])
        await at.reached(200)
        for _ in range(10):
            await at.still_serves()
        at.look(11.0)
        await at.reached(0)
        await at.still_serves()
    assert house.services.traffic.in_flight == 0
