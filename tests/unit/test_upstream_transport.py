"""The plain HTTP/1.1 transport beside httpx's own: the same answers, and the same failures."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Final

import httpx
import pytest

from hypercube.inference.upstream.transport import PlainTransport

Answer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], "asyncio.Future[None]"]
_WHOLE: Final = b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nx-twice: a\r\nx-twice: b\r\n\r\nhello"
_CHUNKED: Final = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n2\r\nlo\r\n0\r\n\r\n"


class Server:
    """Answers each request of a connection with the next of its answers; None closes the connection."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)
        self.connections = 0
        self.heads: list[bytes] = []
        self.gone = asyncio.Event()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while self.answers:
                head = await reader.readuntil(b"\r\n\r\n")
                self.heads.append(head)
                length = next(
                    (h for h in head.lower().split(b"\r\n") if h.startswith(b"content-length:")), b":0"
                )
                await reader.readexactly(int(length.split(b":")[1]))
                answer = self.answers.pop(0)
                if answer is None:
                    return
                writer.write(answer)
                await writer.drain()
                if b"until-closed" in answer:
                    return
            await reader.read()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self.gone.set()
            writer.close()


@asynccontextmanager
async def client_of(server: Server, transport: httpx.AsyncBaseTransport) -> AsyncIterator[httpx.AsyncClient]:
    listening = await asyncio.start_server(server.serve, "127.0.0.1", 0)
    port = listening.sockets[0].getsockname()[1]
    try:
        async with httpx.AsyncClient(
            transport=transport, base_url=f"http://127.0.0.1:{port}", timeout=httpx.Timeout(30)
        ) as client:
            yield client
    finally:
        listening.close()
        await listening.wait_closed()


TRANSPORTS: Final = pytest.mark.parametrize(
    "made", [lambda: PlainTransport(4), lambda: httpx.AsyncHTTPTransport()], ids=["plain", "httpx"]
)


@TRANSPORTS
async def test_answers_come_whole_on_one_kept_connection(
    made: Callable[[], httpx.AsyncBaseTransport],
) -> None:
    continued = b"HTTP/1.1 103 Early Hints\r\nlink: x\r\n\r\n" + _WHOLE
    empty = b"HTTP/1.1 204 No Content\r\n\r\n"
    server = Server(_WHOLE, _CHUNKED, continued, empty, _WHOLE)
    async with client_of(server, made()) as client:
        answers = [await client.post("/a?b=c", json={"at": at}) for at in range(5)]
    assert [(each.status_code, each.content) for each in answers] == [
        (200, b"hello"),
        (200, b"hello"),
        (200, b"hello"),
        (204, b""),
        (200, b"hello"),
    ]
    assert answers[0].headers.get_list("x-twice") == ["a", "b"]
    assert "link" not in answers[2].headers
    assert server.connections == 1
    assert server.heads[0].startswith(b"POST /a?b=c HTTP/1.1\r\nHost: 127.0.0.1:")


@TRANSPORTS
async def test_what_follows_a_body_in_pieces_is_no_part_of_the_head(
    made: Callable[[], httpx.AsyncBaseTransport],
) -> None:
    later = _CHUNKED.removesuffix(b"\r\n") + b"x-later: c\r\n\r\n"
    server = Server(later, _WHOLE)
    async with client_of(server, made()) as client:
        answer = await client.get("/")
        assert (answer.content, "x-later" in answer.headers) == (b"hello", False)
        assert (await client.get("/")).content == b"hello"
    assert server.connections == 1


@TRANSPORTS
async def test_a_body_without_a_length_ends_with_the_connection(
    made: Callable[[], httpx.AsyncBaseTransport],
) -> None:
    server = Server(b"HTTP/1.1 200 OK\r\nx-body: until-closed\r\n\r\nall of it", _WHOLE)
    async with client_of(server, made()) as client:
        assert (await client.get("/")).content == b"all of it"
        assert (await client.get("/")).content == b"hello"
    assert server.connections == 2


@TRANSPORTS
@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (None, httpx.RemoteProtocolError),
        (b"SSH-2.0-OpenSSH\r\n\r\n", httpx.RemoteProtocolError),
        (b"HTTP/1.1 200 until-closed\r\ncontent-length: 50\r\n\r\nhello", httpx.RemoteProtocolError),
        (
            b"HTTP/1.1 200 until-closed\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n",
            httpx.RemoteProtocolError,
        ),
        (b"HTTP/1.1 200 OK\r\nx: " + b"y" * 500_000, httpx.RemoteProtocolError),
    ],
    ids=["nothing", "no-http", "short", "cut", "endless-head"],
)
async def test_broken_answers_fail_as_with_httpx(
    made: Callable[[], httpx.AsyncBaseTransport], answer: bytes | None, error: type[Exception]
) -> None:
    async with client_of(Server(answer, _WHOLE), made()) as client:
        with pytest.raises(error):
            await client.post("/", json={})


@TRANSPORTS
async def test_silence_and_closed_doors_have_their_names(
    made: Callable[[], httpx.AsyncBaseTransport],
) -> None:
    async with client_of(Server(b"", _WHOLE), made()) as client:
        with pytest.raises(httpx.ReadTimeout):
            await client.post("/", json={}, timeout=0.05)
        refusing = await asyncio.start_server(lambda *_: None, "127.0.0.1", 0)
        port = refusing.sockets[0].getsockname()[1]
        refusing.close()
        await refusing.wait_closed()
        with pytest.raises(httpx.ConnectError):
            await client.get(f"http://127.0.0.1:{port}/")


async def test_a_connection_that_the_server_closed_is_not_used_again() -> None:
    class Closing(Server):
        async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            self.connections += 1
            await reader.readuntil(b"\r\n\r\n")
            writer.write(_WHOLE)
            writer.close()

    server = Closing()
    async with client_of(server, PlainTransport(4)) as client:
        assert [(await client.get("/")).content for _ in range(5)] == [b"hello"] * 5


async def test_leaving_an_answer_closes_its_connection() -> None:
    begun = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhel\r\n"
    server = Server(begun, _WHOLE)
    async with client_of(server, PlainTransport(4)) as client:
        async with client.stream("GET", "/") as answer:
            assert await anext(answer.aiter_raw()) == b"hel"
        await server.gone.wait()
        assert (await client.get("/")).content == b"hello"
    assert server.connections == 2


async def test_what_came_at_once_is_read_at_once_and_a_slow_reader_slows_the_server() -> None:
    many = b"".join(b"400\r\n" + b"x" * 1024 + b"\r\n" for _ in range(64))
    server = Server(b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + many * 256 + b"0\r\n\r\n")
    sizes = []
    async with client_of(server, PlainTransport(4)) as client, client.stream("GET", "/") as answer:
        async for piece in answer.aiter_raw():
            sizes.append(len(piece))
            await asyncio.sleep(0)
    assert sum(sizes) == 256 * 64 * 1024
    assert len(sizes) < 256 * 64
    assert max(sizes) < 4 << 20


async def test_a_header_never_brings_a_second_one() -> None:
    server = Server(_WHOLE)
    async with client_of(server, PlainTransport(4)) as client:
        with pytest.raises(httpx.LocalProtocolError):
            await client.get("/", headers={"x-request-id": "a\r\nx-admin: 1"})
    assert server.heads == []
