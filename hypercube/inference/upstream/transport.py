"""HTTP/1.1 to one server in the clear, as the transport of an `httpx.AsyncClient`, and without one for chats.

httpx's own costs a chat more than all else that this house adds to it. Here are asyncio's protocols,
httptools' parser, kept connections, and one piece of a body for all that came in one read:
an event stream that was sent at once is read at once. Failures are httpx's, so nobody above can tell the two apart.
Not for TLS, proxies or HEAD: httpx does those.

A chat does without httpx's requests and answers, too (`Poster`): to make them takes longer than to read the answer.
"""

import asyncio
import select
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Mapping
from typing import Final, cast

import httptools
import httpx

_LONGEST_HEAD: Final = 128 << 10
_AHEAD: Final = 1 << 20
"""Bytes of a body that may wait for a slow reader before the server is slowed, too."""


class PlainTransport(httpx.AsyncBaseTransport):
    """Connections to `http://` addresses of one host; at most `kept` of them wait for their next request."""

    def __init__(self, kept: int) -> None:
        """Nothing is opened before the first request."""
        self._kept = kept
        self._idle: deque[_Connection] = deque()
        self._busy: set[_Connection] = set()

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

    def _waiting(self) -> "_Connection | None":
        """A kept connection that the server has not closed; the last used one first."""
        while self._idle:
            connection = self._idle.pop()
            if connection.usable():
                return connection
            connection.abort()
        return None

    async def _open(self, url: httpx.URL, limit_s: float | None) -> "_Connection":
        host, port = url.raw_host.decode("ascii"), url.port or 80
        try:
            async with asyncio.timeout(limit_s):
                _, connection = await asyncio.get_running_loop().create_connection(_Connection, host, port)
        except TimeoutError as error:
            raise httpx.ConnectTimeout(f"no connection in {limit_s} s") from error
        except (OSError, UnicodeError) as error:
            raise httpx.ConnectError(str(error)) from error
        return connection

    def left(self, connection: "_Connection") -> None:
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
        connection: "_Connection",
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


class _Connection(asyncio.Protocol):
    """One request at a time, and what has come of its answer."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._transport: asyncio.Transport | None = None
        self._poll = select.poll()
        self._parser: httptools.HttpResponseParser | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._since = 0.0
        self._limit_s: float | None = None
        """When the wait under way began, by the loop's clock, and how long it may take."""
        self._timer: asyncio.TimerHandle | None = None
        self._closed = False
        self._forget()

    def _forget(self) -> None:
        self._pieces: list[bytes] = []
        self._size = 0
        self._paused = False
        self._before_head = 0
        self._headers: list[tuple[bytes, bytes]] = []
        self._has_head = False
        self._framed = False
        self._ended = False
        self._keep_alive = False
        self._error: httpx.TransportError | None = None

    # -- asked by the transport

    @property
    def reusable(self) -> bool:
        """Whether another request may follow."""
        return (
            self._ended and self._keep_alive and not self._pieces and not self._closed and self._error is None
        )

    def usable(self) -> bool:
        """Whether the server has neither closed it nor said anything unasked, as far as is known here by now."""
        return self.reusable and not self._poll.poll(0)

    def abort(self) -> None:
        """Close without a farewell."""
        if self._transport is not None:
            self._transport.abort()

    async def ask(self, request: bytes, limit_s: float | None) -> tuple[int, list[tuple[bytes, bytes]]]:
        """Send a request and wait for the head of its answer."""
        self._forget()
        parser = self._parser = httptools.HttpResponseParser(self)
        assert self._transport is not None
        self._transport.write(request)
        while not self._has_head:
            await self._more(limit_s)
        return parser.get_status_code(), self._headers

    async def piece(self, limit_s: float | None) -> bytes:
        """All of the body that came by now; waits for some of it, and is empty at the end."""
        while not self._pieces:
            if self._ended:
                return b""
            await self._more(limit_s)
        piece = self._pieces[0] if len(self._pieces) == 1 else b"".join(self._pieces)
        self._pieces.clear()
        self._size = 0
        if self._paused and not self._closed and self._transport is not None:
            self._paused = False
            self._transport.resume_reading()
        return piece

    async def _more(self, limit_s: float | None) -> None:
        """Wait for news of the server, for `limit_s` seconds at most."""
        if self._error is not None:
            raise self._error
        waiter = self._waiter = self._loop.create_future()
        self._since, self._limit_s = self._loop.time(), limit_s
        if limit_s is not None and (self._timer is None or self._timer.when() > self._since + limit_s):
            self._look_at(self._since + limit_s)
        try:
            await waiter
        finally:
            self._waiter = None

    def _look_at(self, when: float) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._loop.call_at(when, self._look)

    def _look(self) -> None:
        """End a wait that took too long. One timer is set for many waits: it outlives those that ended before it."""
        self._timer = None
        if self._waiter is None or self._limit_s is None:
            return
        if self._loop.time() < self._since + self._limit_s:
            self._look_at(self._since + self._limit_s)
        else:
            self._failed(httpx.ReadTimeout(f"nothing came for {self._limit_s} s"))

    def _failed(self, error: httpx.TransportError) -> None:
        self._error = self._error or error
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- told by the event loop

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        if self._parser is None or self._ended:
            self._keep_alive = False  # nobody asked
            self.abort()
            return
        try:
            self._parser.feed_data(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade) as error:
            self._failed(httpx.RemoteProtocolError(f"no HTTP answer ({type(error).__name__}: {error})"))
            self.abort()
            return
        if not self._has_head:
            self._before_head += len(data)
            if self._before_head > _LONGEST_HEAD:
                self._failed(httpx.RemoteProtocolError(f"a head of more than {_LONGEST_HEAD:,} bytes"))
                self.abort()
            return
        if self._size > _AHEAD and not self._paused and self._transport is not None:
            self._paused = True
            self._transport.pause_reading()
        self._wake()

    def connection_lost(self, error: Exception | None) -> None:
        self._closed = True
        if self._timer is not None:
            self._timer.cancel()
        if self._ended or self._parser is None:
            return
        if error is not None:
            self._failed(httpx.ReadError(str(error)))
        elif not self._has_head:
            self._failed(httpx.RemoteProtocolError("Server disconnected without sending a response."))
        elif self._framed:
            self._failed(
                httpx.RemoteProtocolError("peer closed connection without sending complete message body")
            )
        else:
            self._ended = True  # a body without a length ends where the connection does
            self._wake()

    # -- told by the parser

    def on_header(self, name: bytes, value: bytes) -> None:
        self._headers.append((name, value))
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        assert self._parser is not None
        if self._parser.get_status_code() < 200:  # an answer before the answer
            self._headers, self._framed = [], False
        else:
            self._has_head = True

    def on_body(self, body: bytes) -> None:
        self._pieces.append(body)
        self._size += len(body)

    def on_message_complete(self) -> None:
        if self._has_head:
            assert self._parser is not None
            self._ended, self._keep_alive = True, self._parser.should_keep_alive()
