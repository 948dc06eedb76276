"""One route: read the body, let the handler answer, and stop the work if the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.errors import failure_of
from hypercube.gateway.http.responses import FAILURE, error_response
from hypercube.gateway.services import GatewayServices

CALL: Final = "hypercube.call"
TIMEOUT: Final = "hypercube.timeout_s"
ROUTE: Final = "hypercube.route"
"""Keys of the ASGI scope: the call, the seconds the client allows, the path template."""


@dataclass(frozen=True, slots=True)
class HttpRequest:
    """What a handler of an HTTP route sees."""

    services: GatewayServices
    call: Call
    body: bytes
    path: dict[str, Any]
    """Parameters of the path."""
    query: bytes = b""
    """What follows the question mark, as it came."""


Handler = Callable[[HttpRequest], Awaitable[Response]]


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


class Endpoint:
    """An ASGI application around one handler."""

    def __init__(
        self, services: GatewayServices, handler: Handler, *, route: str, default_s: float, reads: bool
    ) -> None:
        """`default_s` bounds a request that sets no deadline; `reads` says whether it takes a body."""
        self._route = route
        self._services = services
        self._handler = handler
        self._default_s = default_s
        self._reads = reads

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        scope[ROUTE] = self._route
        call: Call = scope[CALL]
        call.deadline = self._services.deadline(scope.get(TIMEOUT), self._default_s)
        if not self._reads:
            await self._answer(b"", scope, receive, send)
            return
        try:
            body = await read_body(receive)
        except ClientLeftError:
            scope[FAILURE] = Failure(ErrorKind.CANCELLED, "The client left while sending.")
            return
        work = asyncio.create_task(self._answer(body, scope, receive, send))
        left = asyncio.create_task(until_disconnect(receive))
        try:
            await asyncio.wait((work, left), return_when=asyncio.FIRST_COMPLETED)
            if not work.done():
                scope[FAILURE] = Failure(ErrorKind.CANCELLED, "The client left before its answer.")
        finally:
            await _stop(left)
            await _stop(work)
        if not work.cancelled():
            work.result()

    async def _answer(self, body: bytes, scope: Scope, receive: Receive, send: Send) -> None:
        call: Call = scope[CALL]
        request = HttpRequest(
            self._services, call, body, scope.get("path_params", {}), scope.get("query_string", b"")
        )
        try:
            response = await self._handler(request)
        except Exception as error:  # noqa: BLE001 - every failure becomes a typed answer
            failure = failure_of(error, call.request_id)
            scope[FAILURE] = failure
            response = error_response(failure)
        await response(scope, receive, send)


async def _stop(task: asyncio.Task[None]) -> None:
    """Cancel a task, if it still runs, and wait until it is over."""
    if not task.done():
        task.cancel()
    await asyncio.wait((task,))


async def read_body(receive: Receive) -> bytes:
    """The whole body; the middleware bounds its size.

    Raises:
        ClientLeftError: the connection closed first.
    """
    chunks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientLeftError
        chunks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return chunks[0] if len(chunks) == 1 else b"".join(chunks)


async def until_disconnect(receive: Receive) -> None:
    """Return when the client has left."""
    while (await receive())["type"] != "http.disconnect":
        pass
