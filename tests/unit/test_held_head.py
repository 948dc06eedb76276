"""The head of an answer and the first piece of its body are one write, and nothing is lost or changes its place."""

import asyncio
from typing import cast

from hypercube.gateway.http.held_head import HeldHead


class Written:
    """A connection that keeps what is written to it."""

    def __init__(self) -> None:
        self.writes: list[bytes] = []
        self.closing = False

    def write(self, data: bytes) -> None:
        assert not self.closing
        self.writes.append(data)

    def close(self) -> None:
        self.closing = True

    def is_closing(self) -> bool:
        return self.closing


def held() -> tuple[Written, HeldHead]:
    written = Written()
    return written, HeldHead(cast("asyncio.Transport", written), asyncio.get_running_loop())


async def test_head_and_first_piece_are_one_write() -> None:
    written, head = held()
    head.write(b"head")
    assert written.writes == []
    head.write(b"a")
    head.write(b"b")
    await asyncio.sleep(0)
    assert written.writes == [b"heada", b"b"]


async def test_a_head_waits_no_longer_than_a_turn_of_the_loop() -> None:
    written, head = held()
    head.write(b"head")
    await asyncio.sleep(0)
    assert written.writes == [b"head"]
    head.write(b"a")
    assert written.writes == [b"head", b"a"]


async def test_a_long_body_is_not_copied() -> None:
    written, head = held()
    body = b"x" * (1 << 20)
    head.write(b"head")
    head.write(body)
    assert written.writes[0] == b"head"
    assert written.writes[1] is body


async def test_a_connection_that_closes_is_given_the_head_before() -> None:
    written, head = held()
    head.write(b"head")
    head.close()
    await asyncio.sleep(0)
    assert written.writes == [b"head"]
    assert head.is_closing()


async def test_nothing_is_written_to_a_connection_that_closed_meanwhile() -> None:
    written, head = held()
    head.write(b"head")
    written.closing = True
    await asyncio.sleep(0)
    assert written.writes == []
