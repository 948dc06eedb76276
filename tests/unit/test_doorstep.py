"""Who has said nothing yet is a socket and no more; who asks for something comes in before those who do not."""

import asyncio
import contextlib
import errno
import select
import socket
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, field

import pytest
from uvicorn.server import ServerState

from hypercube.app.listening import bind_http
from hypercube.gateway.http import doorstep
from hypercube.gateway.http.crowd import Crowd, crowd_of
from hypercube.gateway.http.doorstep import BEGUN, WHOLE, Doorstep
from hypercube.gateway.http.first_look import SMALL

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="there is no epoll")

HEAD = b"POST / HTTP/1.1\r\nhost: x\r\n"
GET = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n"
HEADER_S = 10.0
PATIENCE_S = 60


async def until(check: Callable[[], bool]) -> None:
    """Wait for what a socket brings about."""
    async with asyncio.timeout(PATIENCE_S):
        while not check():  # noqa: ASYNC110 - nobody tells of it
            await asyncio.sleep(0.001)


class Connection(asyncio.Protocol):
    """What becomes of a socket; it keeps what it hears, and when it was made."""

    def __init__(self, house: "House", since: float | None) -> None:
        self._house = house
        self.since = since
        self.heard = b""
        self.turn = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.turn = self._house.turn
        self._house.made.append(self)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        self.heard += data


@dataclass
class House:
    """A doorstep with a room for `most`."""

    most: int = 1_000
    made: list[Connection] = field(default_factory=list)
    turn: int = 0
    clients: list[socket.socket] = field(default_factory=list)

    def open(self) -> None:
        self.listener = bind_http("127.0.0.1", 0)
        self.address = self.listener.getsockname()
        self.crowd: Crowd = crowd_of(ServerState(), asyncio.get_running_loop())
        self.doorstep = Doorstep(
            self.listener,
            lambda since: Connection(self, since),
            self.crowd,
            header_s=HEADER_S,
            full=self.full,
        )

    def full(self) -> bool:
        return len(self.made) + len(self.doorstep) >= self.most

    def come(self, say: bytes = b"") -> socket.socket:
        client = socket.create_connection(self.address)
        self.clients.append(client)
        client.sendall(say)
        return client

    async def waiting(self, count: int) -> None:
        await until(lambda: len(self.doorstep) == count)

    def look(self, ahead_s: float) -> int:
        """The look that there will be in so many seconds; how many it ended."""
        looks: Iterator[int] = self.doorstep.look(asyncio.get_running_loop().time() + ahead_s)
        return len(list(looks))


@contextlib.asynccontextmanager
async def house(most: int = 1_000) -> AsyncIterator[House]:
    made = House(most)
    made.open()
    try:
        yield made
    finally:
        made.doorstep.clear()
        for connection in made.made:
            connection.transport.close()
        for client in made.clients:
            client.close()
        await asyncio.sleep(0)


def answer(client: socket.socket) -> bytes:
    """What is there until the end; the server has closed, or reset it for what it had not read."""
    client.settimeout(PATIENCE_S)
    found = b""
    with contextlib.suppress(ConnectionResetError):
        while piece := client.recv(4096):
            found += piece
    return found


async def test_who_asks_comes_in_and_who_says_little_does_not() -> None:
    async with house() as at:
        at.come()
        slow = at.come(HEAD)
        await at.waiting(2)
        for say in (
            GET,
            HEAD + b"content-length: 3\r\n\r\n{",
            b"\x16\x03\x01 no request at all",
            b"GET / HTTP/1.1\r\nx\r\n",
        ):
            at.come(say)
            await until(lambda say=say: bool(at.made) and at.made[-1].heard == say)  # type: ignore[misc]
        assert len(at.doorstep) == 2
        slow.sendall(b"x-slow: ")
        for _ in range(50):
            slow.sendall(b"a")
            await asyncio.sleep(0)
        assert len(at.made) == 4
        slow.sendall(b"\r\n\r\n")
        await until(lambda: len(at.made) == 5)
        await until(lambda: at.made[4].heard == HEAD + b"x-slow: " + b"a" * 50 + b"\r\n\r\n")
        await at.waiting(1)


async def test_a_head_without_end_becomes_a_connection_which_can_say_what_is_wrong() -> None:
    async with house() as at:
        client = at.come(HEAD + b"x-long: ")
        await at.waiting(1)
        client.sendall(b"a" * SMALL)
        await until(lambda: len(at.made) == 1)
        await at.waiting(0)


async def test_whole_requests_do_not_stand_behind_a_crowd_that_has_half_of_one() -> None:
    async with house() as at:
        loop = asyncio.get_running_loop()
        half = HEAD + b"content-length: 9\r\n\r\n{"
        for _ in range(200):
            at.come(half)
        for _ in range(20):
            at.come(HEAD + b"content-length: 2\r\n\r\n{}")

        def count() -> None:
            at.turn += 1
            counting[0] = loop.call_soon(count)

        counting = [loop.call_soon(count)]
        await until(lambda: len(at.made) == 220)
        counting[0].cancel()
        await until(lambda: all(each.heard for each in at.made))
        turns = [each.turn for each in at.made]
        assert max(map(turns.count, turns)) <= WHOLE + BEGUN
        crowd = sorted(each.turn for each in at.made if each.heard == half)
        assert max(map(crowd.count, crowd)) <= BEGUN
        # All were looked at in 7 turns, in the order in which they came, and the crowd needed 50.
        assert max(each.turn for each in at.made if each.heard != half) < crowd[-50]


async def test_who_is_late_is_told_so_and_each_has_its_time_from_its_first_byte() -> None:
    async with house() as at:
        silent, slow = at.come(), at.come(HEAD)
        await at.waiting(2)
        assert at.look(HEADER_S - 1) == 0
        assert at.look(HEADER_S + 1) == 2
        for client in (silent, slow):
            said = answer(client)
            assert said.startswith(b"HTTP/1.1 408 ")
            assert b"more than 10 s" in said
        silent, late = at.come(), at.come()
        await at.waiting(2)
        loop = asyncio.get_running_loop()
        spoke = loop.time()
        while loop.time() <= spoke:  # noqa: ASYNC110 - the clock has steps
            await asyncio.sleep(0.001)
        first = at.doorstep.longest_since
        silent.sendall(HEAD)
        await until(lambda: at.doorstep.longest_since > first)
        second = at.doorstep.longest_since
        at.doorstep.turn_out()
        assert answer(late) == b""  # which said nothing, though it came later
        assert at.doorstep.longest_since > second
        await at.waiting(1)


async def test_what_became_of_a_head_that_dripped_knows_when_it_began() -> None:
    async with house() as at:
        slow, quick = at.come(HEAD), at.come()
        await at.waiting(2)
        await until(lambda: [each.spoke for each in at.doorstep._outside.values()] == [False, True])
        began = [each.since for each in at.doorstep._outside.values()][1]
        loop = asyncio.get_running_loop()
        while loop.time() <= began:  # noqa: ASYNC110 - the clock has steps
            await asyncio.sleep(0.001)
        slow.sendall(b"x-long: " + b"a" * SMALL)
        await until(lambda: len(at.made) == 1)
        quick.sendall(HEAD + b"x-long: " + b"a" * SMALL)
        await until(lambda: len(at.made) == 2)
        assert [each.since for each in at.made] == [began, None]


async def test_who_sends_the_rest_does_not_wait_with_those_who_do_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with house() as at:
        monkeypatch.setattr(doorstep, "BEGUN", 0)  # nobody's turn comes in that line
        half = HEAD + b"content-length: 2\r\n\r\n{"
        clients = [at.come(half) for _ in range(20)]
        await until(lambda: len(at.doorstep._begun) == 20)
        clients[-1].sendall(b"}")
        await until(lambda: [each.heard for each in at.made] == [half + b"}"])
        clients[0].close()
        monkeypatch.setattr(doorstep, "BEGUN", BEGUN)
        await until(lambda: len(at.made) == 20)
        assert len(at.doorstep) == 0


async def test_who_has_asked_is_not_ended_because_nobody_has_looked_yet() -> None:
    async with house(most=3) as at:
        for count, end in (
            (1, lambda: at.look(HEADER_S + 1)),
            (2, lambda: at.doorstep.turn_out()),
            (3, lambda: at.doorstep.turn_all_out()),
        ):
            client = at.come()
            await at.waiting(1)
            client.sendall(GET)
            end()  # in the same turn of the loop
            await until(lambda count=count: len(at.made) == count)  # type: ignore[misc]
            await until(lambda: at.made[-1].heard == GET)


async def test_those_who_may_be_looked_at_for_room_are_bounded() -> None:
    async with house() as at:
        clients = [at.come() for _ in range(20)]
        await at.waiting(20)
        for client in clients:
            client.sendall(GET)
        assert not at.crowd.make_room()
        assert len(at.doorstep) == 20
        await until(lambda: len(at.made) == 20)


async def test_at_the_end_all_who_have_asked_come_in_and_others_do_not() -> None:
    async with house() as at:
        mute, asked, half = at.come(), at.come(), at.come()
        await at.waiting(3)
        asked.sendall(GET)
        half.sendall(HEAD + b"content-length: 2\r\n\r\n{")
        at.come(GET)  # nobody has accepted it
        await at.doorstep.finish()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(at.address)
        assert sorted(each.heard for each in at.made) == sorted(
            [GET, GET, HEAD + b"content-length: 2\r\n\r\n{"]
        )
        assert answer(mute) == b""
        assert len(at.doorstep) == 0


class Refused:
    """A listening socket whose `accept` fails as it was told."""

    def __init__(self, real: socket.socket, error: int) -> None:
        self._real, self._error, self.asked = real, error, 0

    def accept(self) -> tuple[socket.socket, object]:
        self.asked += 1
        if self.asked == 1:
            raise OSError(self._error, "told to")
        return self._real.accept()

    def fileno(self) -> int:
        return self._real.fileno()

    def close(self) -> None:
        self._real.close()


@pytest.mark.parametrize(("error", "ended"), [(errno.EMFILE, True), (errno.EPROTO, False)])
async def test_only_where_there_is_no_room_is_somebody_ended_for_it(error: int, ended: bool) -> None:
    async with house() as at:
        first = at.come()
        await at.waiting(1)
        at.doorstep._listener = Refused(at.listener, error)  # type: ignore[assignment]
        at.come(GET)
        await until(lambda: len(at.made) == 1)
        assert len(at.doorstep) == (0 if ended else 1)
        if ended:
            assert answer(first) == b""


async def test_whom_the_system_does_not_watch_is_a_connection_at_once() -> None:
    class Full:
        def __init__(self, real: select.epoll) -> None:
            self._real = real

        def register(self, *_: object) -> None:
            raise OSError(errno.ENOSPC, "told to")

        def __getattr__(self, name: str) -> object:
            return getattr(self._real, name)

    async with house() as at:
        at.doorstep._poll = Full(at.doorstep._poll)  # type: ignore[assignment]
        client = at.come()
        await until(lambda: len(at.made) == 1)
        client.sendall(GET)
        await until(lambda: at.made[0].heard == GET)


async def test_who_leaves_is_forgotten() -> None:
    async with house() as at:
        clients = [at.come(say) for say in (b"", HEAD, HEAD)]
        await at.waiting(3)
        clients[0].close()
        clients[1].close()
        clients[2].shutdown(socket.SHUT_WR)
        await at.waiting(0)
        assert answer(clients[2]) == b""
        assert not at.made


async def test_who_asks_and_will_say_no_more_is_heard() -> None:
    async with house() as at:
        client = at.come()
        await at.waiting(1)
        client.sendall(GET)
        client.shutdown(socket.SHUT_WR)
        await until(lambda: bool(at.made) and at.made[0].heard == GET)


async def test_who_has_waited_longest_makes_room_and_where_nobody_waits_the_newcomer_hears_of_it() -> None:
    async with house(most=3) as at:
        first, *_ = (at.come(), at.come(), at.come())
        await at.waiting(3)
        at.come(GET)
        await until(lambda: len(at.made) == 1)
        assert answer(first) == b""
        for _ in range(2):
            at.come(GET)
        await until(lambda: len(at.made) == 3)
        at.come()
        await until(lambda: len(at.made) == 4)  # the connection says that there is no room
        assert len(at.doorstep) == 0


async def test_closed_it_accepts_nobody_and_hears_those_who_are_here() -> None:
    async with house() as at:
        client, mute = at.come(), at.come()
        await at.waiting(2)
        at.doorstep.close()
        at.doorstep.close()
        with pytest.raises(ConnectionRefusedError):
            socket.create_connection(at.address)
        client.sendall(GET)
        await until(lambda: bool(at.made) and at.made[0].heard == GET)
        at.doorstep.clear()
        assert answer(mute) == b""
        assert len(at.doorstep) == 0
