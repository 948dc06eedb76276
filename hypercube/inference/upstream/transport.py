"""HTTP/1.1 to one server in the clear, as the transport of an `httpx.AsyncClient`, and without one for chats.

httpx's own costs a chat more than all else that this house adds to it. Here are asyncio's protocols,
httptools' parser, kept connections, and one piece of a body for all that came in one read:
an event stream that was sent at once is read at once. Failures are httpx's, so nobody above can tell the two apart.
Not for TLS, proxies or HEAD: httpx does those.

A chat does without httpx's requests and answers, too (`Poster`): to make them takes longer than to read the answer.
"""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping

import httpx

from hypercube.inference.upstream.connection import Connection


class PlainTransport(httpx.AsyncBaseTransport):
    """Connections to `http://` addresses of one host; at most `kept` of them wait for their next request."""

    def __init__(self, kept: int) -> None:
        """Nothing is opened before the first request."""
        self._kept = kept
        self._idle: deque[Connection] = deque()
        self._busy: set[Connection] = set()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send a request; returns at the end of the answer's head.

        Raises:
            httpx.TransportError: as httpx's own transport.
        """
        body = await request.aread()
        limits = request.extensions.get("timeout", {})
        answer = await self.ask(
            request.url, _head(request) + b"\r\n\r\n" + body, limits.get("connect"), limits.get("read")
        )
        return answer.response()

    async def ask(
        self, url: httpx.URL, request: bytes, connect_s: float | None, read_s: float | None
    ) -> "Arriving":
        """Send the bytes of a whole request; returns at the end of the answer's head.

        Args:
            url: of the server.
            request: head and body.
            connect_s: limit of opening a connection, None = none.
            read_s: limit of the wait for each sign of life, None = none.

        Raises:
            httpx.TransportError: as httpx's own transport.
        """
        connection = self._waiting() or await self._open(url, connect_s)
        self._busy.add(connection)
        try:
            status, headers = await connection.ask(request, read_s)
        except BaseException:
            self.left(connection)
            raise
        return Arriving(self, connection, status, headers, read_s)

    async def aclose(self) -> None:
        """Close every connection."""
        for connection in (*self._idle, *self._busy):
            connection.abort()
        self._idle.clear()
        self._busy.clear()
        await asyncio.sleep(0)  # until the event loop has let go of them

    def _waiting(self) -> Connection | None:
        """A kept connection that the server has not closed; the last used one first."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.abort()
        return None

    async def _open(self, url: httpx.URL, limit_s: float | None) -> Connection:
        host, port = url.raw_host.decode("ascii"), url.port or 80
        try:
            async with asyncio.timeout(limit_s):
                _, connection = await asyncio.get_running_loop().create_connection(Connection, host, port)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection in {limit_s} s") from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def left(self, connection: Connection) -> None:
        """Keep a connection whose answer was read to its end; close any other."""
        if connection not in self._busy:
            return
        self._busy.remove(connection)
        if connection.reusable and len(self._idle) < self._kept:
            self._idle.append(connection)
        else:
            connection.abort()


def _head(request: httpx.Request) -> bytes:
    """The lines of a request's head, without its end."""
    lines = [b"%b %b HTTP/1.1" % (request.method.encode("ascii"), request.url.raw_path)]
    lines += [b"%b: %b" % (name, value) for name, value in request.headers.raw]
    return _joined(lines)


def _joined(lines: list[bytes]) -> bytes:
    head = b"\r\n".join(lines)
    if head.count(b"\n") != len(lines) - 1 or head.count(b"\r") != len(lines) - 1:
        raise httpx.LocalProtocolError("a header holds a line end")
    return head


class Arriving:
    """An answer whose head came, to be read piece by piece; closing it before its end closes the connection."""

    __slots__ = ("_connection", "_headers", "_limit_s", "_transport", "status_code")

    def __init__(
        self,
        transport: PlainTransport,
        connection: Connection,
        status_code: int,
        headers: list[tuple[bytes, bytes]],
        limit_s: float | None,
    ) -> None:
        self.status_code = status_code
        self._transport = transport
        self._connection = connection
        self._headers = headers
        self._limit_s = limit_s

    def piece(self) -> Awaitable[bytes]:
        """All of the body that came by now; waits for some of it, and is empty at the end.

        Raises:
            httpx.TransportError: the connection broke or fell silent.
        """
        return self._connection.piece(self._limit_s)

    async def aclose(self) -> None:
        """Give the connection back."""
        self._transport.left(self._connection)

    def response(self) -> httpx.Response:
        """The same as httpx's answer, which is to be read and closed in place of this."""
        return httpx.Response(
            self.status_code,
            headers=self._headers,
            stream=_Body(self),
            extensions={"http_version": b"HTTP/1.1"},
        )


class _Body(httpx.AsyncByteStream):
    """The rest of an answer."""

    def __init__(self, answer: Arriving) -> None:
        self._answer = answer

    async def __aiter__(self) -> AsyncIterator[bytes]:
        while piece := await self._answer.piece():
            yield piece

    async def aclose(self) -> None:
        await self._answer.aclose()


class Poster:
    """Posts JSON as a client with this transport does, with heads that are written once for each path."""

    def __init__(self, client: httpx.AsyncClient, transport: PlainTransport) -> None:
        """The client's address, headers and limits hold."""
        self._client = client
        self._transport = transport
        self._known: dict[str, tuple[httpx.URL, bytes]] = {}

    def __call__(self, path: str, content: bytes, headers: Mapping[str, str] | None) -> Awaitable[Arriving]:
        """Post `content` to `path` with `headers` besides; as `PlainTransport.ask`."""
        known = self._known.get(path)
        if known is None:
            request = self._client.build_request("POST", path, json={})
            del request.headers["content-length"]
            known = self._known[path] = request.url, _head(request)
        url, head = known
        own = [b"Content-Length: %d" % len(content)]
        if headers:
            own += [b"%b: %b" % (name.encode(), value.encode()) for name, value in headers.items()]
        limits = self._client.timeout
        return self._transport.ask(
            url, b"%b\r\n%b\r\n\r\n%b" % (head, _joined(own), content), limits.connect, limits.read
        )
