"""The guarded protocol with a queue at its door: requests wait there to be begun, or are refused before they are read.

One that came whole in one packet is refused at a glance, any other when it is whole; the connection stays. The cost of
a refusal is what decides how much of its peak an overloaded server keeps: of three times too much, two requests are
refused for each that is answered.
"""

import re
from functools import partial
from typing import Any, ClassVar, Final

from uvicorn.protocols.http.httptools_impl import RequestResponseCycle

from hypercube.gateway.door_queue import DoorQueue, Line, for_want_of_room
from hypercube.gateway.http.door import ALWAYS_OPEN
from hypercube.gateway.http.glance import NEVER_REFUSED, Glance
from hypercube.gateway.http.guarded_protocol import (
    ConnectionLimits,
    GuardedProtocol,
    Phase,
    error_body,
    head_of,
)
from hypercube.gateway.http.responses import FAILURE
from hypercube.gateway.request_id import request_id_of

_REQUEST_ID: Final = re.compile(rb"\r\nx-request-id:[ \t]*([^\r\n]*)", re.IGNORECASE)
_BODY: Final = error_body(429, "More requests come than this server can answer. Try again in 1 s.")
_HEAD: Final = head_of(429, _BODY) + b"retry-after: 1\r\nx-request-id: "


class SheddingProtocol(GuardedProtocol):
    """One connection; `shedding` makes the class for some limits and a queue."""

    queue: ClassVar[DoorQueue]
    glance: ClassVar[Glance]

    _refusing = False
    """Whether the request that is coming is refused when it is whole."""

    def data_received(self, data: bytes) -> None:
        """A packet came."""
        if not (self.queue.alert and self._refused_at_a_glance(data)):
            super().data_received(data)

    def _refused_at_a_glance(self, data: bytes) -> bool:
        """Refuse a request that is whole in this packet; whether that was all there was to do."""
        if (
            self._phase is Phase.BODY
            or self._head
            or self._turned_away
            or not self._answered()
            or self.transport.is_closing()
        ):
            return False
        path = self.glance.path_of_one_request(data)
        if path is None or not self.queue.full(path):
            return False
        self._unset_keepalive_if_required()
        self._crowd.leave(self)
        self._phase = Phase.REPLY
        given = _REQUEST_ID.search(data)
        self._say_no(path, given[1] if given else b"", stays=True)
        return True

    def _take_in(self) -> None:
        if self.queue.full(_path(self.url)) and self._may_be_refused():
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
        self._phase = Phase.REPLY
        given = next((value for name, value in self.headers if name == b"x-request-id"), b"")
        stays = self.parser.get_http_version() == "1.1" and self.parser.should_keep_alive()
        silent = self.parser.get_method() == b"HEAD"
        self._say_no(_path(self.url), given, stays=stays, silent=silent)

    def _say_no(self, path: bytes, given: bytes, *, stays: bool, silent: bool = False) -> None:
        """Refuse a request for which nothing was done; a connection that stays is looked at later, without a timer."""
        self.queue.refuse(path)
        named = request_id_of(given.decode("latin-1")).encode()
        content = b"" if silent else _BODY
        if stays:
            self.transport.write(b"%b%b\r\n\r\n%b" % (_HEAD, named, content))
            self._since = self.loop.time()
            self._crowd.between[self] = None
        else:
            self.transport.write(b"%b%b\r\nconnection: close\r\n\r\n%b" % (_HEAD, named, content))
            self.transport.close()

    def look(self, now: float) -> None:
        """End the connection if it has been too slow, or silent for too long after it was refused."""
        super().look(now)
        if (
            self._phase is Phase.REPLY
            and self.timeout_keep_alive_task is None
            and now - self._since > self.timeout_keep_alive
            and self._answered()
            and not self.pipeline
        ):
            self.transport.close()

    # -- who is not refused

    def _start_asgi_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        if cycle.scope["path"] in ALWAYS_OPEN:
            super()._start_asgi_task(cycle, app)
            return
        line = self.queue.lines.get(cycle.scope["raw_path"])
        if line is None:
            self.queue.enter(partial(self._begin_task, cycle, app))
        else:
            self.queue.enter(partial(self._begin_in_line, cycle, app, line, line.enter()))

    def _begin_task(self, cycle: RequestResponseCycle, app: Any) -> None:
        """Its turn has come; for a client that left meanwhile nothing is done."""
        if not cycle.disconnected:
            super()._start_asgi_task(cycle, app)

    def _begin_in_line(self, cycle: RequestResponseCycle, app: Any, line: Line, entered: float) -> None:
        if cycle.disconnected:
            line.leave(entered, answered=False)
            return

        async def until_it_ends(scope: Any, receive: Any, send: Any) -> None:
            try:
                await app(scope, receive, send)
            finally:
                failure = scope.get(FAILURE)
                line.leave(entered, answered=failure is None or not for_want_of_room(failure))

        super()._start_asgi_task(cycle, until_it_ends)


def _path(url: bytes) -> bytes:
    return url.partition(b"?")[0]


def shedding(limits: ConnectionLimits, queue: DoorQueue) -> type[SheddingProtocol]:
    """The protocol for uvicorn's `http` option, with these limits and this queue at its door."""
    parts = {"limits": limits, "queue": queue, "glance": Glance()}
    return type("QueuedProtocol", (SheddingProtocol,), parts)
