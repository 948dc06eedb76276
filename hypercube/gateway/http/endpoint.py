"""One route: read the body, let the handler answer, and stop the work if the client leaves."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, Final

from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure
from hypercube.core.principal import Role
from hypercube.gateway.errors import failure_of
from hypercube.gateway.http.responses import ANSWERED, FAILURE, error_response
from hypercube.gateway.idempotency import key_in
from hypercube.gateway.services import GatewayServices

CALL: Final = "hypercube.call"
TIMEOUT: Final = "hypercube.timeout_s"
ROUTE: Final = "hypercube.route"
"""Keys of the ASGI scope: the call, the seconds the client allows, the path template."""
FIRST_LOOK_S: Final = 0.02
"""When a request that still runs is first watched for its client's leaving."""


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
    headers: Iterable[tuple[bytes, bytes]] = ()
    """As they came; names in lower case."""


Handler = Callable[[HttpRequest], Awaitable[Response]]


class ClientLeftError(Exception):
    """The client closed the connection before its request was complete."""


class BodyTooLargeError(Exception):
    """A body went over the limit; `size` bytes of it had come."""

    def __init__(self, size: int) -> None:
        super().__init__(f"{size} bytes")
        self.size = size


class Endpoint:
    """One method on one path, and the handler that answers it."""

    def __init__(
        self,
        services: GatewayServices,
        handler: Handler,
        *,
        path: str,
        route: str,
        method: str,
        default_s: float,
        role: Role = Role.USER,
        keyed: bool = False,
    ) -> None:
        """`path` is matched, `route` is its name in metrics; `default_s` bounds a request without a deadline.

        A caller without `role` is refused. With `keyed`, an idempotency key is read, also where it changes nothing.
        """
        self.path = path
        self.method = method
        self.route = route
        self._services = services
        self._handler = handler
        self._default_s = default_s
        self.role = role
        self._keyed = keyed

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request.

        Raises:
            BodyTooLargeError: nothing was answered.
        """
        scope[ROUTE] = self.route
        services = self._services
        call: Call = scope[CALL]
        call.deadline = services.deadline(scope.get(TIMEOUT), self._default_s)
        body = b""
        if self.method == "POST":
            try:
                body = await read_body(receive, services.limits.max_body_bytes)
            except ClientLeftError:
                scope[FAILURE] = Failure(ErrorKind.CANCELLED, "The client left while sending.")
                return
        request = HttpRequest(
            services,
            call,
            body,
            scope.get("path_params", {}),
            scope.get("query_string", b""),
            scope["headers"],
        )
        watch = _Watch(scope, receive)
        try:
            try:
                call.require(self.role)
                if self._keyed:
                    call.idempotency_key = key_in(scope["headers"])
                response = await self._handler(request)
            except Exception as error:  # noqa: BLE001 - every failure becomes a typed answer
                failure = scope[FAILURE] = failure_of(error, call.request_id)
                response = error_response(failure, path=self.path)
            await response(scope, receive, send)
        except asyncio.CancelledError:
            if not watch.fired():
                raise
            scope[FAILURE] = Failure(ErrorKind.CANCELLED, "The client left before its answer.")
        finally:
            watch.stop()


class _Watch:
    """Cancels the current task when its client leaves; looks only at requests that take a moment.

    Most are answered before the first look, and need no task beside theirs.
    """

    __slots__ = ("_left", "_receive", "_request", "_scope", "_task", "_timer")

    def __init__(self, scope: Scope, receive: Receive) -> None:
        self._scope = scope
        self._receive = receive
        self._request = asyncio.current_task()
        self._left = False
        self._task: asyncio.Task[None] | None = None
        self._timer = asyncio.get_running_loop().call_later(FIRST_LOOK_S, self._begin)

    def _begin(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._until_disconnect())

    async def _until_disconnect(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        if ANSWERED in self._scope:
            return
        assert self._request is not None
        self._left = True
        self._request.cancel()

    def fired(self) -> bool:
        """Whether a cancellation of the request came from here; it is then taken back."""
        if self._left and self._request is not None:
            self._request.uncancel()
        return self._left

    def stop(self) -> None:
        """Look no more."""
        self._timer.cancel()
        if self._task is not None:
            self._task.cancel()


async def read_body(receive: Receive, limit: int) -> bytes:
    """The whole body.

    Raises:
        ClientLeftError: the connection closed first.
        BodyTooLargeError: it has more than `limit` bytes.
    """
    message = await receive()
    body: bytes = message.get("body", b"")
    chunks, size = [body], len(body)
    while message.get("more_body", False) and size <= limit:
        message = await receive()
        chunks.append(message.get("body", b""))
        size += len(chunks[-1])
    if message["type"] == "http.disconnect":
        raise ClientLeftError
    if size > limit:
        raise BodyTooLargeError(size)
    return body if len(chunks) == 1 else b"".join(chunks)
