"""A kept connection of HTTP/1.1: one request at a time, and what has come of its answer.

Told by the event loop what came, and by httptools what it means; failures are those of httpx.
"""

import asyncio
import select
from typing import Final, cast

import httptools
import httpx

_LONGEST_HEAD: Final = 128 << 10
_AHEAD: Final = 1 << 20
"""Bytes of a body that may wait for a slow reader before the server is slowed, too."""


class Connection(asyncio.Protocol):
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
        """It is open."""
        self._transport = cast("asyncio.Transport", transport)  # uvloop's are none by their class
        self._poll.register(transport.get_extra_info("socket").fileno(), select.POLLIN)

    def data_received(self, data: bytes) -> None:
        """Have the parser read what came; one that sends faster than it is read is slowed."""
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
        """It is closed: the end of an answer that has no length, or a failure."""
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
        """Keep a line of the head; what follows a body is nobody's."""
        if self._has_head:
            return
        self._headers.append((name, value))
        if name.lower() in (b"content-length", b"transfer-encoding"):
            self._framed = True

    def on_headers_complete(self) -> None:
        """The head is whole."""
        assert self._parser is not None
        if self._parser.get_status_code() < 200:  # an answer before the answer
            self._headers, self._framed = [], False
        else:
            self._has_head = True

    def on_body(self, body: bytes) -> None:
        """Keep a part of the body."""
        self._pieces.append(body)
        self._size += len(body)

    def on_message_complete(self) -> None:
        """The answer is whole."""
        if self._has_head:
            assert self._parser is not None
            self._ended, self._keep_alive = True, self._parser.should_keep_alive()
