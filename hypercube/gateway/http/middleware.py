"""What every HTTP request passes through, as plain ASGI: nothing here buffers a body or an answer."""

import asyncio
import logging
import math
from typing import Final

from starlette.datastructures import Headers, MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from hypercube.core.cube import Call, Timing
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.gateway.errors import failure_of
from hypercube.gateway.http.endpoint import CALL, ROUTE, TIMEOUT
from hypercube.gateway.http.responses import FAILURE, error_response
from hypercube.gateway.request_id import REQUEST_ID, request_id_of
from hypercube.gateway.services import GatewayServices

TIMEOUT_HEADER: Final = "x-request-timeout-seconds"
ALWAYS_OPEN: Final = frozenset({"/livez", "/readyz", "/metrics"})
"""Paths that answer while draining: whoever watches the server needs them most then."""

_log = logging.getLogger(__name__)


class RequestMiddleware:
    """Outermost: gives the request its id, clock and timing, and its failure a typed answer."""

    def __init__(self, app: ASGIApp, services: GatewayServices) -> None:
        self._app = app
        self._services = services

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        call = Call(request_id=request_id_of(headers.get(REQUEST_ID)))
        scope[CALL] = call
        began = self._services.clock()
        started = False

        async def send_named(message: Message) -> None:
            nonlocal started
            if message["type"] == "http.response.start":
                started = True
                out = MutableHeaders(scope=message)
                out[REQUEST_ID] = call.request_id
                if timing := server_timing(call.timing, self._services.clock() - began):
                    out["server-timing"] = timing
            await send(message)

        try:
            try:
                scope[TIMEOUT] = read_timeout(headers.get(TIMEOUT_HEADER), self._services.limits.longest_s)
                await self._app(scope, receive, send_named)
            except Exception as error:  # noqa: BLE001 - the last net under every route
                failure = failure_of(error, call.request_id)
                scope[FAILURE] = failure
                if not started:
                    await error_response(failure)(scope, receive, send_named)
        except asyncio.CancelledError:
            scope.setdefault(FAILURE, HyperCubeError(ErrorKind.CANCELLED, "The server stopped.").failure())
            raise
        finally:
            self._finish(scope, self._services.clock() - began)

    def _finish(self, scope: Scope, seconds: float) -> None:
        outcome = scope[FAILURE].kind.value if FAILURE in scope else "ok"
        route = scope.get(ROUTE, "unmatched")
        self._services.observe("http", route, outcome, seconds)


class TrafficMiddleware:
    """Counts a request until its last byte, and refuses new ones while the server drains."""

    def __init__(self, app: ASGIApp, services: GatewayServices) -> None:
        self._app = app
        self._traffic = services.traffic

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http" or scope["path"] in ALWAYS_OPEN:
            await self._app(scope, receive, send)
            return
        with self._traffic.admit():
            await self._app(scope, receive, send)


class BodyLimitMiddleware:
    """Refuses a body over the limit: at once if it says so, else at the byte that goes over."""

    def __init__(self, app: ASGIApp, services: GatewayServices) -> None:
        self._app = app
        self._limits = services.limits

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Handle one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        limit = self._limits.max_body_bytes
        declared = Headers(scope=scope).get("content-length", "")
        if declared.isdecimal() and int(declared[:20]) > limit:
            size = int(declared[:20])
            await self._refuse(f"has {size:,} bytes", size, scope, receive, send)
            return
        seen = 0

        async def receive_counted() -> Message:
            nonlocal seen
            message = await receive()
            seen += len(message.get("body", b""))
            if seen > limit:
                raise _BodyTooLargeError
            return message

        try:
            await self._app(scope, receive_counted, send)
        except _BodyTooLargeError:
            await self._refuse(f"goes on after {limit:,} bytes", seen, scope, receive, send)

    async def _refuse(self, how: str, size: int, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer 413, then read on for a moment without keeping anything.

        A client that is still sending reads its answer only if the connection is not reset under it.
        """
        limit = self._limits.max_body_bytes
        failure = HyperCubeError(
            ErrorKind.PAYLOAD_TOO_LARGE,
            f"The body {how}; at most {limit:,} are read.",
            value=size,
            fix=f"Send at most {limit / 2**20:g} MiB in one request, for example a batch in several parts.",
            details={"limit_bytes": limit},
        ).failure()
        scope[FAILURE] = failure
        response = error_response(failure, {"connection": "close"})
        await send(
            {"type": "http.response.start", "status": response.status_code, "headers": response.raw_headers}
        )
        await send({"type": "http.response.body", "body": bytes(response.body), "more_body": True})
        try:
            async with asyncio.timeout(self._limits.linger_s):
                while (await receive()).get("more_body", False):  # a disconnect has none
                    pass
        except TimeoutError:
            _log.info("a refused body was still coming after %g s; closing", self._limits.linger_s)
        await send({"type": "http.response.body", "body": b"", "more_body": False})


class _BodyTooLargeError(Exception):
    """Raised inside `receive`, caught by the middleware that made it."""


def read_timeout(given: str | None, longest_s: float) -> float | None:
    """The seconds of the timeout header; None if it was not sent.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    if given is None:
        return None
    try:
        seconds = float(given)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds <= longest_s:
        raise invalid(
            f"{TIMEOUT_HEADER} is {given[:40]!r}, which is no time to wait.",
            param=TIMEOUT_HEADER,
            value=given,
            fix=f"Send a number of seconds over 0 and up to {longest_s:g}, such as 2.5.",
        )
    return seconds


def server_timing(timing: Timing, total_s: float) -> str:
    """The Server-Timing header: where the time until the first byte went, in milliseconds."""
    parts = [
        f"{name};dur={seconds * 1000:.3f}"
        for name, seconds in (
            ("queue", timing.queue_s),
            ("batch", timing.batch_s),
            ("compute", timing.compute_s),
        )
        if seconds > 0
    ]
    if timing.batch_size:
        parts.append(f'items;desc="{timing.batch_size}"')
    parts.append(f"total;dur={total_s * 1000:.3f}")
    return ", ".join(parts)
