"""The guarded protocol with a line at its door: requests wait there to be begun, or are refused before they are read.

One that came whole in one packet is refused at a glance, any other when it is whole; the connection stays. The cost of
a refusal is what decides how much of its peak an overloaded server keeps: of three times too much, two requests are
refused for each that is answered.
"""

from functools import partial
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from hypercube.core.errors import Failure
from hypercube.gateway.door_queue import CROWDED, DoorQueue
from hypercube.gateway.errors import error_object, retry_after
from hypercube.gateway.http.door import ALWAYS_OPEN, IN_LINE
from hypercube.gateway.http.glance import NEVER_REFUSED, Glance, kind_of
from hypercube.gateway.http.guarded_protocol import ConnectionLimits, GuardedProtocol, Phase, let_go
from hypercube.gateway.http.responses import FAILURE, encode, speaks_v2
from hypercube.gateway.recent_refusals import RecentRefusals
from hypercube.gateway.request_id import request_id_of
from hypercube.gateway.traffic import Traffic

_BODY: Final = Phase.BODY
_REPLY: Final = Phase.REPLY
_KEPT_BYTES: Final = 4096
"""Of a packet, for as long as its request is under way."""


class SheddingProtocol(GuardedProtocol):
    """One connection; `shedding` makes the class for some limits, a line and what was refused before."""

    traffic: ClassVar[Traffic]
    queue: ClassVar[DoorQueue]
    recent: ClassVar[RecentRefusals]
    glance: ClassVar[Glance]

    _refusing = False
    """Whether the request that is coming is refused when it is whole."""
    _packet_bytes = b""
    """The latest packet, which most often is a whole request."""
    _answered_before = False
    """Whether a request of this connection was, which makes it known at the line."""

    def data_received(self, data: bytes) -> None:
        """A packet came."""
        full = self.queue.full
        if (full or self.recent) and self._refused_at_a_glance(data, full=full):
            return
        self._packet_bytes = data if len(data) <= _KEPT_BYTES else b""
        super().data_received(data)
        if self._held is not None:
            self._count_held(self._held[0].scope)

    def _refused_at_a_glance(self, data: bytes, *, full: bool) -> bool:
        """Refuse a request that is whole in this packet; whether that was all there was to do.

        All in one function and with as little as possible: between two answers' steps nothing of it is in a cache.
        """
        cycle: Any = self.cycle  # None before the first
        if (
            self._phase is _BODY
            or self._head
            or self._turned_away
            or (cycle is not None and not cycle.response_complete)
            or self.transport.is_closing()
        ):
            return False
        seen = self.glance.at(data)
        if seen is None:
            return False
        if full:
            self.queue.refuse()
            failure = CROWDED
        else:
            told = self.recent.told(kind_of(data, seen.asker))
            if told is None:
                return False
            failure = told
        head, body = _refusal(failure, v2=seen.v2)
        named = request_id_of(seen.request_id.decode("latin-1") if seen.request_id else None)
        self.transport.write(b"%b%b\r\n\r\n%b" % (head, named.encode(), body))
        if self.timeout_keep_alive_task is not None:
            self._unset_keepalive_if_required()
        self._phase = _REPLY
        self.since = self.loop.time()
        crowd = self._crowd
        crowd.leave(self)
        crowd.between[self] = None
        return True

    def _take_in(self) -> None:
        if self.queue.full and self._may_be_refused():
            self._refusing = True
        else:
            super()._take_in()

    def _may_be_refused(self) -> bool:
        """Not who watches the server, nor a client that waits for our word before its body."""
        return (
            self._answered()
            and not self.expect_100_continue
            and not self.parser.should_upgrade()
            and _path(self.url) not in NEVER_REFUSED
        )

    def on_body(self, body: bytes) -> None:
        """A piece of a body; that of a request to be refused is thrown away."""
        if self._refusing:
            self._body += len(body)
        else:
            super().on_body(body)

    def on_message_complete(self) -> None:
        """A request is whole."""
        if not self._refusing:
            super().on_message_complete()
            return
        self._refusing = False
        self._phase = _REPLY
        self.queue.refuse()
        given = next((value for name, value in self.headers if name == b"x-request-id"), b"")
        stays = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        silent = self.parser.get_method() == b"HEAD"
        self._say_no(_path(self.url), CROWDED, given, stays=stays, silent=silent)

    def _say_no(
        self, path: bytes, failure: Failure, given: bytes, *, stays: bool, silent: bool = False
    ) -> None:
        """Refuse a request for which nothing was done; a connection that stays is looked at later, without a timer."""
        head, body = _refusal(failure, v2=speaks_v2(path.decode("latin-1")))
        named = request_id_of(given.decode("latin-1")).encode()
        if silent:
            body = b""
        if stays:
            self.transport.write(b"%b%b\r\n\r\n%b" % (head, named, body))
            self.since = self.loop.time()
            self._crowd.between[self] = None
        else:
            self.transport.write(b"%b%b\r\nconnection: close\r\n\r\n%b" % (head, named, body))
            self.transport.close()

    def look(self, now: float) -> None:
        """End the connection if it has been too slow, or silent for too long after it was refused."""
        super().look(now)
        if (
            self._phase is _REPLY
            and self.timeout_keep_alive_task is None
            and now - self.since > self.timeout_keep_alive
            and self._answered()
            and not self.pipeline
        ):
            self.transport.close()

    # -- who is not refused

    def _count_held(self, scope: Any) -> None:
        """A request whose body is on its way is inside: a server that drains waits for it, and answers it."""
        if IN_LINE not in scope and not self.traffic.draining:
            self.traffic.enter()
            scope[IN_LINE] = True

    def _drop_held(self) -> None:
        if self._held is not None and IN_LINE in self._held[0].scope:
            self.traffic.left()
        super()._drop_held()

    def _let_in(self, cycle: RequestResponseCycle, app: Any) -> None:
        scope: Any = cycle.scope
        queue = self.queue
        if scope["path"] in ALWAYS_OPEN or self.traffic.draining or queue.begins_at_once():
            super()._let_in(cycle, self._inside(app) if IN_LINE in scope else app)
        else:
            if IN_LINE not in scope:
                self.traffic.enter()
                scope[IN_LINE] = True
            queue.wait(partial(self._turn_came, cycle, app), known=self._answered_before)

    def _turn_came(self, cycle: RequestResponseCycle, app: Any, begin: bool) -> None:
        """It is begun, or refused after all; for a client that left meanwhile nothing is done."""
        if cycle.disconnected:
            self.traffic.left()
            let_go(cycle)
            return
        super()._let_in(cycle, self._inside(app if begin else _refuse))

    def _inside(self, app: Any) -> Any:
        """The same for a request that counts as inside, until it is answered."""

        async def inside(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            finally:
                self.traffic.left()

        return inside

    def on_response_complete(self) -> None:
        """An answer is whole."""
        scope: Any = self.cycle.scope
        if not self.pipeline:  # else it may be of the next request
            failure = scope.get(FAILURE)
            told = failure if isinstance(failure, Failure) else None
            if self._packet_bytes and self.recent.hears(told):
                self.recent.ended(kind_of(self._packet_bytes), told)
            # Not by what is free: a refusal, or one of the paths that never stand in line.
            if failure is None and scope["path"] not in ALWAYS_OPEN:
                self._answered_before = True
        self._packet_bytes = b""
        super().on_response_complete()


def _path(url: bytes) -> bytes:
    return url.partition(b"?")[0]


_said: dict[tuple[int, bool], tuple[Failure, tuple[bytes, bytes]]] = {}
"""By a failure's identity; the failure beside it lives as long as that."""
_SAID: Final = 16


def _refusal(failure: Failure, *, v2: bool) -> tuple[bytes, bytes]:
    """Head, up to the value of the request's id, and body; the latest are kept, as they are said again and again."""
    known = _said.get((id(failure), v2))
    if known is not None:
        return known[1]
    error = error_object(failure)
    body = encode({"error": error["message"] if v2 else error})
    head = (
        "HTTP/1.1 429 Too Many Requests\r\ncontent-type: application/json\r\n"
        f"content-length: {len(body)}\r\nretry-after: {retry_after(failure)}\r\nx-request-id: "
    ).encode("ascii")
    if len(_said) >= _SAID:
        _said.clear()
    _said[id(failure), v2] = (failure, (head, body))
    return head, body


async def _refuse(scope: Any, receive: Any, send: Any) -> None:
    """Answer a request that was in line and has no place there any more."""
    given = next((value for name, value in scope["headers"] if name == b"x-request-id"), b"")
    failure = scope[FAILURE] = CROWDED
    body = _refusal(failure, v2=speaks_v2(scope["path"]))[1]
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", b"%d" % len(body)),
        (b"retry-after", str(retry_after(failure)).encode()),
        (b"x-request-id", request_id_of(given.decode("latin-1")).encode()),
    ]
    await send({"type": "http.response.start", "status": 429, "headers": headers})
    await send({"type": "http.response.body", "body": body, "more_body": False})


def shedding(
    limits: ConnectionLimits, traffic: Traffic, queue: DoorQueue, recent: RecentRefusals
) -> type[SheddingProtocol]:
    """The protocol for uvicorn's `http` option, with these limits, this line and these refusals at its door.

    Who waits in line counts as inside (`traffic`): a server that drains answers them, too.
    """
    parts = {"limits": limits, "traffic": traffic, "queue": queue, "recent": recent, "glance": Glance()}
    return type("QueuedProtocol", (SheddingProtocol,), parts)
