"""Requests for which there is no room at the door are refused before they are read; over real sockets, any shape."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import uvicorn

from hypercube.app.listening import HttpServer, bind_http, stop_http
from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.door_queue import FEW, DoorQueue
from hypercube.gateway.http.glance import kind_of
from hypercube.gateway.http.guarded_protocol import ConnectionLimits
from hypercube.gateway.http.shedding_protocol import SheddingProtocol, shedding
from hypercube.gateway.recent_refusals import RecentRefusals
from tests.contract.gateway.test_slow_clients import BODY, HEAD, PATIENCE_S, WHOLE, Wire, until

PATH = b"/v1/saju/charts"


class Crowd:
    """A server; `fill` makes it crowded, as if `FEW` waited and nobody's turn came."""

    def __init__(self, server: HttpServer, port: int, queue: DoorQueue, recent: RecentRefusals) -> None:
        self.server = server
        self.port = port
        self.queue = queue
        self.recent = recent
        self.sent_away: list[bool] = []

    def fill(self) -> None:
        self.queue.crowded = self.queue._turning = True
        for _ in range(FEW):
            self.queue.waiting.append(self.sent_away.append)
        assert self.queue.full

    def empty(self) -> None:
        assert self.queue.waiting.take(FEW) == [self.sent_away.append] * FEW
        self.queue._turn()

    def hold(self) -> None:
        """Nobody's turn comes."""
        self.queue._turning, self.queue._in_turn = True, 1_000

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
    queue, recent = DoorQueue(clock=lambda: 0.0), RecentRefusals(clock=lambda: 0.0)
    config = uvicorn.Config(
        house.app(),
        http=shedding(ConnectionLimits(), house.services.traffic, queue, recent),
        log_config=None,
        access_log=False,
        lifespan="off",
        timeout_graceful_shutdown=2,
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield Crowd(server, listener.getsockname()[1], queue, recent)
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
        crowd.empty()
        for piece in PIECES:
            await wire.send(piece)
        assert (await wire.answer())[0] == 200


async def test_probes_are_answered(crowd: Crowd) -> None:
    crowd.fill()
    async with crowd.wire() as wire:
        for path in (b"/livez", b"/metrics", b"/readyz?verbose", b"/v2/health/live"):
            for piece in (b"GET %b HTTP/1.1\r\nho" % path, b"st: x\r\n\r\n"):
                await wire.send(piece)
            assert (await wire.answer())[0] == 200
            await wire.send(b"GET %b HTTP/1.1\r\nhost: x\r\n\r\n" % path)
            assert (await wire.answer())[0] == 200
        assert crowd.queue.refused == 0


async def test_the_open_inference_protocol_has_its_own_shape_of_error(crowd: Crowd) -> None:
    crowd.fill()
    request = b"POST /v2/models/saju_pillars/infer HTTP/1.1\r\nhost: x\r\ncontent-length: 2\r\n\r\n{}"
    async with crowd.wire() as wire:
        for pieces in ((request,), (request[:9], request[9:])):
            for piece in pieces:
                await wire.send(piece)
                await asyncio.sleep(0)
            status, body = await wire.answer()
            assert status == 429
            assert json.loads(body)["error"].endswith("Try again in 1 s.")


async def test_who_waits_in_line_is_inside_and_is_answered_by_a_server_that_drains(
    house: Any, crowd: Crowd
) -> None:
    traffic = house.services.traffic
    crowd.hold()
    async with crowd.wire() as wire, crowd.wire() as late, crowd.wire() as gone:
        await wire.send(WHOLE)
        await gone.send(WHOLE)
        await until(lambda: len(crowd.queue.waiting) == 2)
        assert traffic.in_flight == 2
        gone.writer.close()
        await until(lambda: len(crowd.server.server_state.connections) == 2)
        traffic.drain()
        await late.send(WHOLE)
        assert (await late.answer())[0] == 503
        assert not await traffic.wait_idle(0.01)
        crowd.queue._turn()
        assert (await wire.answer())[0] == 200
        assert await traffic.wait_idle(PATIENCE_S)


async def test_a_connection_that_was_answered_before_is_begun_before_strangers_that_came_sooner(
    crowd: Crowd,
) -> None:
    async with crowd.wire() as known, crowd.wire() as first, crowd.wire() as second:
        await known.send(WHOLE)
        assert (await known.answer())[0] == 200
        crowd.hold()
        for count, wire in enumerate((first, second, known), 1):
            await wire.send(WHOLE)
            await until(lambda count=count: len(crowd.queue.waiting) == count)  # type: ignore[misc]
        begin_known, begin_first = crowd.queue.waiting.take(1)
        begin_known(True)
        assert (await known.answer())[0] == 200
        assert len(crowd.queue.waiting) == 1
        begin_first(True)
        crowd.queue._turn()
        assert [(await wire.answer())[0] for wire in (first, second)] == [200, 200]


async def test_who_was_in_line_and_has_no_place_any_more_is_told_the_same(crowd: Crowd) -> None:
    crowd.hold()
    async with crowd.wire() as wire:
        await wire.send(HEAD + b"x-request-id: mine-8\r\n" + WHOLE[len(HEAD) :])
        await until(lambda: len(crowd.queue.waiting) == 1)
        crowd.queue.room = 0
        crowd.queue._turn_away()
        await refused(wire, b"mine-8")
        crowd.queue._turn()
        await wire.send(WHOLE)
        assert (await wire.answer())[0] == 200
    assert crowd.queue.refused == 1


FULL = Failure(
    ErrorKind.OVERLOADED, "The queue is full.", details={"waiting": 64}, retry_after_s=2.5, fix="Come back."
)


async def test_what_a_full_queue_refused_is_refused_again_unread(crowd: Crowd) -> None:
    crowd.recent.ended(kind_of(WHOLE), FULL)
    async with crowd.wire() as wire:
        await wire.send(WHOLE)
        async with asyncio.timeout(PATIENCE_S):
            head = await wire.reader.readuntil(b"\r\n\r\n")
            assert b"\r\nretry-after: 3\r\n" in head
            error = json.loads(await wire.reader.readuntil(b"}}}"))["error"]
        assert error["message"] == "The queue is full. Come back."
        assert error["details"] == {"waiting": 64}
        await wire.send(WHOLE.replace(b"host: x", b"host: x\r\nauthorization: Bearer other"))
        assert (await wire.answer())[0] == 200
    assert crowd.recent.refused == 1


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
        await until(lambda: len(crowd.queue.waiting) == FEW + 1)
        crowd.empty()
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
        crowd.hold()
        await wire.send(WHOLE)
        await until(lambda: len(crowd.queue.waiting) == 1)
    await until(lambda: not crowd.server.server_state.connections)
    house.services.traffic.entered = lambda: begun.append(None)
    crowd.queue._turn()
    await until(lambda: not crowd.queue.waiting)
    assert not begun


async def test_a_head_seen_before_says_no_more_than_the_parser_did(crowd: Crowd) -> None:
    """A remembered head is one with a body of that length; anything longer or shorter is read anew."""
    crowd.fill()
    async with crowd.wire() as wire:
        for _ in range(2):
            await wire.send(WHOLE)
            await refused(wire)
        await wire.send(WHOLE[:-3])  # the same head, and the body is still coming
        await asyncio.sleep(0)
        await wire.send(WHOLE[-3:])
        await refused(wire)
        await wire.send(WHOLE + WHOLE[:-3])  # one and a piece of the next
        await refused(wire)
        await wire.send(WHOLE[-3:])
        await refused(wire)
        for _ in range(2):  # chunks say their lengths themselves
            await wire.send(CHUNKED)
            await refused(wire)
            await wire.send(CHUNKED[:-5])
            await asyncio.sleep(0)
            await wire.send(CHUNKED[-5:])
            await refused(wire)
        assert crowd.queue.refused == 9
        crowd.empty()
        await wire.send(WHOLE)
        assert (await wire.answer())[0] == 200
