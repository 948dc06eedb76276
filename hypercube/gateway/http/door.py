"""The way of an HTTP request from its first byte to its last, as plain ASGI: one pass, nothing buffered twice.

Named, timed, counted, found, read within its limit, answered, measured. What fails on the way becomes a typed
answer. Routes are looked up in a table; a general router with its stack of middleware took half of a quick
request's time (benchmarks/batching.py).
"""

import asyncio
import logging
from collections.abc import Iterable
from contextlib import nullcontext
from typing import Final, NamedTuple

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Role
from hypercube.gateway.access.authenticator import credential_of
from hypercube.gateway.errors import failure_of
from hypercube.gateway.http.endpoint import CALL, ROUTE, TIMEOUT, BodyTooLargeError, Endpoint
from hypercube.gateway.http.origin import require_known_origin
from hypercube.gateway.http.responses import FAILURE, error_response
from hypercube.gateway.http.routing import RouteTable
from hypercube.gateway.http.timeout import TIMEOUT_HEADER, read_timeout
from hypercube.gateway.quota_headers import quota_headers
from hypercube.gateway.request_id import REQUEST_ID, SERVED_BY, request_id_of
from hypercube.gateway.server_timing import server_timing
from hypercube.gateway.services import GatewayServices

ALWAYS_OPEN: Final = frozenset({"/livez", "/readyz", "/metrics", "/v2/health/live", "/v2/health/ready"})
"""Paths that answer while draining: whoever watches the server needs them most then."""
IN_LINE: Final = "hypercube.in_line"
"""Key of the ASGI scope of a request that waited to be begun: whoever let it in counted it as inside."""
_REQUEST_ID: Final = REQUEST_ID.encode()
_SERVED_BY: Final = SERVED_BY.encode()
_TIMEOUT: Final = TIMEOUT_HEADER.encode()

_log = logging.getLogger(__name__)


class HttpDoor:
    """The ASGI application of the gateway; `pages` answers what is in no table (documentation, unknown paths)."""

    def __init__(self, services: GatewayServices, endpoints: Iterable[Endpoint], pages: ASGIApp) -> None:
        self._services = services
        self._table = RouteTable(endpoints)
        self._pages = pages

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._pages(scope, receive, send)
            return
        services = self._services
        headers = _read_headers(scope["headers"])
        call = scope[CALL] = Call(request_id=request_id_of(headers.request_id))
        answer = _Answer(call, services.clock, send)
        try:
            try:
                if headers.timeout is not None:
                    scope[TIMEOUT] = read_timeout(headers.timeout, services.limits.longest_s)
                if scope["path"] in ALWAYS_OPEN:
                    await self._handle(headers, scope, receive, answer)
                else:
                    with nullcontext() if IN_LINE in scope else services.traffic.admit():
                        await self._handle(headers, scope, receive, answer)
            except Exception as error:  # noqa: BLE001 - the last net under every route
                failure = scope[FAILURE] = failure_of(error, call.request_id)
                if not answer.started:
                    allow = (failure.details or {}).get("allow")
                    extra = {"allow": str(allow)} if allow is not None else None
                    await error_response(failure, extra, path=scope["path"])(scope, receive, answer)
        except asyncio.CancelledError:
            scope.setdefault(FAILURE, HyperCubeError(ErrorKind.CANCELLED, "The server stopped.").failure())
            raise
        finally:
            outcome = scope[FAILURE].kind.value if FAILURE in scope else "ok"
            route = scope.get(ROUTE, "unmatched")
            services.observe("http", route, outcome, services.clock() - answer.began)
            if call.privileged and services.audit is not None:
                what, peer = f"{scope['method']} {scope['path']}", (scope.get("client") or ("",))[0]
                services.audit(call, transport="http", what=what, outcome=outcome, peer=peer)

    async def _handle(self, headers: "_Headers", scope: Scope, receive: Receive, answer: "_Answer") -> None:
        endpoint = self._table.find(scope)
        if endpoint is not None:
            await self._let_in(endpoint, headers, scope)
        limit = self._services.limits.max_body_bytes
        if headers.content_length > limit:
            size = headers.content_length
            await self._refuse(f"has {size:,} bytes", size, scope, receive, answer)
        elif endpoint is None:
            await self._pages(scope, receive, answer)
        else:
            try:
                await endpoint(scope, receive, answer)
            except BodyTooLargeError as error:
                await self._refuse(f"goes on after {limit:,} bytes", error.size, scope, receive, answer)

    async def _let_in(self, endpoint: Endpoint, headers: "_Headers", scope: Scope) -> None:
        """Find out who asks, where that is asked for; pages and paths that nobody has are open to all."""
        services = self._services
        if endpoint.role is Role.ADMIN:
            scope[CALL].privileged = True  # also where nobody is let in
        if services.access is None:
            if headers.origin is not None:
                require_known_origin(headers.origin, services.origins)
        elif scope["path"] not in services.access.keyless:
            scope[ROUTE] = endpoint.route
            await services.access.admit(credential_of(scope["headers"]), scope["path"], scope[CALL])

    async def _refuse(self, how: str, size: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, then read on for a moment without keeping anything.

        A client that is still sending reads its answer only if the connection is not reset under it.
        """
        limits = self._services.limits
        failure = HyperCubeError(
            ErrorKind.PAYLOAD_TOO_LARGE,
            f"The body {how}; at most {limits.max_body_bytes:,} are read.",
            value=size,
            fix=f"Send at most {limits.max_body_bytes / 2**20:g} MiB in one request, for example a batch in "
            "several parts.",
            details={"limit_bytes": limits.max_body_bytes},
        ).failure()
        scope[FAILURE] = failure
        response = error_response(failure, {"connection": "close"}, path=scope["path"])
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        )
        await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
        try:
            async with asyncio.timeout(limits.linger_s):
                while (await receive()).get("more_body", False):  # a disconnect has none
                    pass
        except TimeoutError:
            _log.info("a refused body was still coming after %g s; closing", limits.linger_s)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _Headers(NamedTuple):
    """The headers that the door itself reads; a content length of -1 was not given."""

    request_id: str | None
    timeout: str | None
    content_length: int
    origin: bytes | None


def _read_headers(headers: Iterable[tuple[bytes, bytes]]) -> _Headers:
    """One walk over the headers, whose names ASGI gives in lower case; the first of two equals counts."""
    request_id = timeout = origin = None
    content_length = -1
    for name, value in headers:
        if name == _REQUEST_ID:
            request_id = request_id or value.decode("latin-1")
        elif name == _TIMEOUT:
            timeout = timeout or value.decode("latin-1")
        elif name == b"content-length" and content_length < 0 and value.isdigit():
            content_length = int(value[:20])
        elif name == b"origin":
            origin = value
    return _Headers(request_id, timeout, content_length, origin)


class _Answer:
    """`send`, with the request's id, its timing and the model's version put into the head of the answer."""

    __slots__ = ("_call", "_clock", "_send", "began", "started")

    def __init__(self, call: Call, clock: Clock, send: Send) -> None:
        self._call = call
        self._clock = clock
        self._send = send
        self.began = clock()
        self.started = False

    async def __call__(self, message: Message) -> None:
        """Pass a message on."""
        if message["type"] == "http.response.start":
            self.started = True
            timing = server_timing(self._call.timing, self._clock() - self.began)
            message["headers"] = [
                *message.get("headers", ()),
                (_REQUEST_ID, self._call.request_id.encode("latin-1")),
                (b"server-timing", timing.encode("latin-1")),
                *(quota_headers(self._call.quotas) if self._call.quotas is not None else ()),
            ]
            if self._call.served_by:
                message["headers"].append((_SERVED_BY, self._call.served_by.encode("latin-1", "replace")))
        await self._send(message)
