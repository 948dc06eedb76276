"""Server-sent events leave together when they are there together, and never wait for one that is not."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from hypercube.gateway.http.responses import ANSWERED, DONE, EventStream
from hypercube.gateway.streams import Foreseen


class Sent:
    """What was sent, a body a write."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.some = asyncio.Event()

    async def __call__(self, message: Any) -> None:
        if message["type"] == "http.response.body":
            self.bodies.append(message["body"])
            self.some.set()


async def run(pieces: AsyncIterator[bytes], sent: Any) -> None:
    await EventStream(pieces, "r-1", frame=lambda piece: piece)({}, None, sent)  # type: ignore[arg-type]


async def test_pieces_that_are_there_share_writes_and_the_first_ones_go_early() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(200):
            yield b"x"

    sent = Sent()
    await run(pieces(), sent)
    assert b"".join(sent.bodies) == b"x" * 200 + DONE
    assert [len(body) for body in sent.bodies[:6]] == [2, 4, 8, 16, 32, 32]


async def test_what_is_there_is_sent_before_the_next_piece_is_waited_for() -> None:
    sent, more = Sent(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        await more.wait()
        assert sent.bodies == [b"a"]
        yield b"b"

    running = asyncio.ensure_future(run(pieces(), sent))
    await sent.some.wait()
    assert sent.bodies == [b"a"]
    more.set()
    await running
    assert sent.bodies == [b"a", b"b" + DONE]


class Told(Foreseen[bytes]):
    """Two pieces that come together, and work behind them."""

    def __init__(self, behind: AsyncIterator[bytes]) -> None:
        self.behind = behind
        self.left = [b"a", b"b"]
        self.closed = False

    async def __anext__(self) -> bytes:
        return self.left.pop(0) if self.left else await anext(self.behind)

    @property
    def complete(self) -> bool:
        return not self.left

    def besides(self) -> list[bytes]:
        taken, self.left = self.left, []
        return taken

    async def aclose(self) -> None:
        self.closed = True


async def test_the_end_of_an_answer_does_not_wait_for_the_end_of_the_work() -> None:
    sent, ended, scope = Sent(), asyncio.Event(), dict[str, Any]()

    async def behind() -> AsyncIterator[bytes]:
        if not await ended.wait():
            yield b""

    pieces = Told(behind())
    stream = EventStream(pieces, "r-1", frame=lambda piece: piece)
    running = asyncio.ensure_future(stream(scope, None, sent))  # type: ignore[arg-type]
    await sent.some.wait()
    assert sent.bodies == [b"ab" + DONE]
    assert not running.done()
    assert not pieces.closed
    assert scope == {ANSWERED: True}
    ended.set()
    await running
    assert pieces.closed
    assert sent.bodies == [b"ab" + DONE]


async def test_a_failure_behind_a_whole_answer_is_none_of_it() -> None:
    async def behind() -> AsyncIterator[bytes]:
        raise RuntimeError("broken")
        yield b""

    sent, pieces = Sent(), Told(behind())
    await run(pieces, sent)
    assert sent.bodies == [b"ab" + DONE]
    assert pieces.closed


async def test_a_failure_comes_after_what_was_there() -> None:
    async def pieces() -> AsyncIterator[bytes]:
        yield b"a"
        raise RuntimeError("broken")

    sent = Sent()
    await run(pieces(), sent)
    assert sent.bodies[0] == b"a"
    assert sent.bodies[1].startswith(b'data: {"error"')
    assert len(sent.bodies) == 2


async def test_a_caller_who_leaves_during_a_write_ends_the_work() -> None:
    ended, writing = asyncio.Event(), asyncio.Event()

    async def pieces() -> AsyncIterator[bytes]:
        try:
            yield b"a"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0)
            ended.set()

    async def send(message: Any) -> None:
        if message["type"] == "http.response.body":
            writing.set()
            await asyncio.Event().wait()

    running = asyncio.ensure_future(run(pieces(), send))
    await writing.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert ended.is_set()
