"""uvicorn's HTTP/1.1 protocol with bounds on what a client may do before a request is whole, and after its answer.

uvicorn bounds neither the size of a request's head nor the time that it takes. Here one look at all connections,
about once a second, ends those that are too slow, so a request pays for two readings of the clock and no timer. The
look is taken in slices (`gateway.slices`): of 10,000 that are late at once the last is ended some three seconds later.

Connections that wait, silent or a few bytes at a time, rest apart from the loop (`lobby`), so that thousands of them
that speak or leave in one moment are read a few a turn.

Connections are bounded, too. When there is no room for one more, the one that has waited longest for its first request
makes room, else the one that has waited longest for its next; if all are being answered, the newcomer is told so (503).
"""

import asyncio
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.flow_control import FlowControl
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol, RequestResponseCycle

from hypercube.gateway.http.crowd import Crowd, crowd_of
from hypercube.gateway.http.early_answers import answer_of, head_took_too_long
from hypercube.gateway.http.held_head import HELD, HeldHead
from hypercube.gateway.http.lobby import Lobby

_SLOWEST: Final = 16 << 10
"""Bytes of a body that buy one second more."""
_OVERHEAD: Final = 8
"""Bytes on the wire for one byte of a chunked body, at most; a chunk of one byte takes six."""
_PIECE: Final = 4 << 10
"""Bytes of a body for which its handler is woken before the end; each byte of one that drips would cost a turn."""
_SMALL: Final = 1 << 10
"""Who sends so few bytes, and not the end of a request, rests until more come."""
_SILENT_S: Final = 1.0
"""And who says nothing for so long."""


@dataclass(frozen=True, slots=True)
class ConnectionLimits:
    """Bounds of one connection; times in seconds."""

    max_header_bytes: int = 32 << 10
    max_headers: int = 100
    max_connections: int = 10_000
    header_s: float = 10.0
    body_s: float = 30.0
    read_s: float = 60.0


class Phase(IntEnum):
    """What a connection is doing."""

    HEAD = 0
    BODY = 1
    REPLY = 2


class _HeadTooLargeError(Exception):
    pass


class GuardedProtocol(HttpToolsProtocol):
    """One connection; `guarded` makes the class for some limits."""

    limits: ClassVar[ConnectionLimits] = ConnectionLimits()

    _phase = Phase.HEAD
    since = 0.0
    """When the phase began, by the loop's clock."""
    head_since: float | None = None
    """When the first head began, where that was before this became a connection (`doorstep`)."""
    _head = 0
    """Bytes of an unfinished head in earlier packets."""
    _packet = 0
    _raw = 0
    """Bytes that came for a body, with chunks' sizes and trailers."""
    _body = 0
    _unread_since: float | None = None
    """Since when the client has left too much of its answer."""
    _status = 0
    _turned_away = False
    _held: tuple[RequestResponseCycle, Any] | None = None
    """A request that is begun when it is whole or `_PIECE` of it came, so that one that never comes takes no place."""
    _lobby: Lobby | None = None
    """Where it rests."""
    _descriptor = -1
    """Of its socket; negative where it cannot rest."""

    # -- events of the connection

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client came."""
        # As uvicorn has it, but the addresses are asked of the transport, which knows them. uvicorn makes two sockets
        # to ask the system, and where gRPC's threads wait for the interpreter, each time takes a turn of theirs.
        self.connections.add(self)
        self.transport = transport
        self.flow = FlowControl(transport)
        self.server = _address(transport.get_extra_info("sockname"))
        client = _address(transport.get_extra_info("peername"))
        self.client = None if client is None or client[1] is None else (client[0], client[1])
        self.scheme = "https" if transport.get_extra_info("sslcontext") else "http"
        self.since = self.loop.time() if self.head_since is None else self.head_since
        crowd = self._crowd = crowd_of(self.server_state, self.loop)
        # What is encrypted is read ahead of us, so there is nothing to see on the socket.
        if self.scheme != "https" and (socket := transport.get_extra_info("socket")) is not None:
            self._descriptor = socket.fileno()
        if len(self.connections) > self.limits.max_connections:
            self._make_room(crowd)
        if not self._turned_away:
            crowd.strangers[self] = None
        if crowd.look is None:
            limits = self.limits
            step = min(1.0, limits.header_s / 4, limits.body_s / 4, limits.read_s / 4)
            crowd.watch(self.connections, step, self.loop)

    def connection_lost(self, exc: Exception | None) -> None:
        """It is closed."""
        self._crowd.leave(self)
        self._drop_held()
        if self._lobby is not None:
            self._lobby.leave(self._descriptor)
            self._lobby = None
        super().connection_lost(exc)
        for cycle, _ in self.pipeline:
            let_go(cycle)
        self.pipeline.clear()

    def data_received(self, data: bytes) -> None:
        """A packet came."""
        if self._turned_away:
            return
        self._packet = len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        phase, limits = self._phase, self.limits
        if phase is Phase.HEAD:
            self._head += self._packet
            if self._head > limits.max_header_bytes:
                self._refuse(431, _too_large(limits))
            elif self._packet < _SMALL and self._answered():
                self._rest(self._crowd.slow)
        elif phase is Phase.BODY:
            self._raw += self._packet
            waste = self._raw - self._body * _OVERHEAD
            if waste > self._packet + 2 * limits.max_header_bytes:
                self._refuse(431, _too_large(limits))
            elif self._packet < _SMALL:
                self._rest(self._crowd.slow)
        elif self._answered() and not self.pipeline and self.timeout_keep_alive_task is None:
            # Line breaks before a request begin none, but they end the wait for one.
            self._begin(Phase.HEAD)

    def pause_writing(self) -> None:
        """The client takes less than it is sent."""
        if self._unread_since is None:
            self._unread_since = self.loop.time()
        super().pause_writing()

    def resume_writing(self) -> None:
        """It has caught up."""
        self._unread_since = None
        super().resume_writing()

    # -- events of the parser

    def on_message_begin(self) -> None:
        """A request's first byte."""
        self._begin(Phase.HEAD)
        if self.head_since is not None:
            self.since, self.head_since = self.head_since, None
        self._head = self._raw = self._body = 0
        super().on_message_begin()

    def on_header(self, name: bytes, value: bytes) -> None:
        """A header, or one behind a body."""
        # As uvicorn has it, but one too many stops the parser: a packet may hold 25,000, which took 15 to 40 ms.
        if len(self.headers) >= self.limits.max_headers:
            self._status = 431
            raise _HeadTooLargeError
        name = name.lower()
        if name == b"expect" and value.lower() == b"100-continue":
            self.expect_100_continue = True
        self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """A request's head is whole."""
        limits = self.limits
        if (
            self._head + self._packet > limits.max_header_bytes
            and len(self.url) + sum(len(name) + len(value) + 4 for name, value in self.headers)
            > limits.max_header_bytes
        ):
            self._status = 431
            raise _HeadTooLargeError  # the parser stops, and `send_400_response` answers
        self._begin(Phase.BODY)
        self._crowd.leave(self)
        self._take_in()

    def _take_in(self) -> None:
        """Make a task of a request whose head is whole and within its bounds."""
        super().on_headers_complete()
        cycle = self._under_way()
        if cycle is not None and cycle.scope["path"] in HELD and cycle.scope["method"] == "POST":
            cycle.transport = HeldHead(self.transport, self.loop)  # type: ignore[assignment]

    def on_body(self, body: bytes) -> None:
        """A piece of a body."""
        self._body += len(body)
        cycle = self._under_way()
        if cycle is None or cycle.response_complete or len(cycle.body) + len(body) >= _PIECE:
            super().on_body(body)
            self._let_held_in()
        else:
            cycle.body += body

    def on_message_complete(self) -> None:
        """A request is whole."""
        self._phase = Phase.REPLY
        super().on_message_complete()
        self._let_held_in()

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """A request's turn among those of its connection has come."""
        if cycle is self.cycle and cycle.more_body and not self.expect_100_continue:
            self._held = cycle, app
        else:
            self._let_in(cycle, app)

    def _let_held_in(self) -> None:
        if self._held is not None:
            (cycle, app), self._held = self._held, None
            self._let_in(cycle, app)

    def _drop_held(self) -> None:
        """What has begun to come will not be begun."""
        if self._held is not None:
            let_go(self._held[0])
            self._held = None

    def _let_in(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Begin to answer a request."""
        super()._start_asgi_task(cycle, app)

    def on_response_complete(self) -> None:
        """An answer is whole."""
        if not self.transport.is_closing() and not self.pipeline:
            self._crowd.between[self] = None
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """What the parser could not read is answered."""
        if self._status:
            self._refuse(self._status, _too_large(self.limits))
        elif self._may_answer():
            self._refuse(400, "These bytes are no HTTP/1.1 request.")
        else:
            self.transport.abort()

    # -- rest

    def _rest(self, lobby: Lobby) -> None:
        """Have the loop read this connection no more until something comes, which is then read in its turn."""
        if self._lobby is not None or self._descriptor < 0 or self.flow.read_paused or self._turned_away:
            return
        if not self.transport.is_closing() and lobby.rest(self._descriptor, self._wake):
            self._lobby = lobby
            self.transport.pause_reading()

    def _wake(self) -> None:
        """Something came, if only the end."""
        self._lobby = None
        if not self.flow.read_paused:
            self.transport.resume_reading()

    # -- judgement

    def look(self, now: float) -> None:
        """End the connection if it has been too slow."""
        limits = self.limits
        if self._turned_away:
            if now - self.since > _TURNED_AWAY_S:
                self.transport.abort()
        elif self._unread_since is not None and now - self._unread_since > limits.read_s:
            self.transport.abort()
        elif self.transport.is_closing():
            # Closing waits until all is sent, which the client can put off for ever.
            if self.transport.get_write_buffer_size() and self._unread_since is None:
                self._unread_since = now
        elif self._phase is Phase.HEAD:
            if not self._answered():
                self.since = now  # the next request of a client that waits for this one's answer
            elif now - self.since > limits.header_s:
                self._refuse(408, head_took_too_long(limits.header_s))
            elif now - self.since > _SILENT_S:
                self._rest(self._crowd.slow)
        elif self._phase is Phase.BODY:
            if self.flow.read_paused:
                self.since = now - self._body / _SLOWEST  # we are the slow ones
            elif now - self.since > limits.body_s + self._body / _SLOWEST:
                self._refuse(408, f"The body came too slowly: {self._body:,} bytes so far.")
        elif now - self.since > _SILENT_S and self in self._crowd.between:
            self._rest(self._crowd.answered)

    def _make_room(self, crowd: Crowd) -> None:
        """End a connection that is not being answered, or else this one."""
        if crowd.make_room():
            return
        self._turned_away = True
        if self.scheme == "https" or len(self.connections) > self.limits.max_connections + _AT_THE_DOOR:
            self.transport.abort()
            return
        # A request may be on its way; closed at once, the connection would be reset and these words lost.
        self.transport.write(answer_of(503, _FULL, b"retry-after: 1\r\n"))
        self.transport.write_eof()

    def _begin(self, phase: Phase) -> None:
        self._phase = phase
        self.since = self.loop.time()

    def _under_way(self) -> RequestResponseCycle | None:
        """The latest request, if there was one."""
        return self.cycle

    def _answered(self) -> bool:
        """Whether no request waits for its answer."""
        cycle = self._under_way()
        return cycle is None or cycle.response_complete

    def _may_answer(self) -> bool:
        """Whether an answer of ours cannot end up inside one under way."""
        return self._answered() or not self.cycle.response_started

    def _refuse(self, status: int, message: str) -> None:
        """Say what was wrong, if that can be said, and close."""
        self._drop_held()
        if not self._may_answer():
            self.transport.abort()
            return
        if not self._answered():
            self.cycle.disconnected = True  # its handler must not answer, too
            self.cycle.message_event.set()
        self.transport.write(answer_of(status, message))
        self.transport.close()


def let_go(cycle: RequestResponseCycle) -> None:
    """A request that is never begun does not keep its connection in a circle, which thousands left for one long walk.

    uvicorn sees to that for those that are.
    """
    cycle.on_response = _nothing


def _nothing() -> None:
    pass


def _address(found: object) -> tuple[str, int | None] | None:
    """Host and port, or the path of a Unix socket."""
    if isinstance(found, tuple):
        return str(found[0]), int(found[1])
    return (found, None) if isinstance(found, str) else None


_FULL: Final = "This server has as many connections as it may. Try again in 1 s."
_AT_THE_DOOR: Final = 256
"""Connections over the limit that are told why; more are closed at once."""
_TURNED_AWAY_S: Final = 1.0
"""How long they get to read it."""


def _too_large(limits: ConnectionLimits) -> str:
    return (
        f"The head of the request is too large: at most {limits.max_headers} headers and "
        f"{limits.max_header_bytes:,} bytes are read. Send fewer or shorter headers."
    )


def guarded(limits: ConnectionLimits) -> type[GuardedProtocol]:
    """The protocol for uvicorn's `http` option, with these limits."""
    return type("LimitedProtocol", (GuardedProtocol,), {"limits": limits})
