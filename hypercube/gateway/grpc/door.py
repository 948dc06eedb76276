"""The first look at a call of gRPC: where more come than are answered, it is refused before its message is read."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final, NoReturn, TypeAlias

import grpc
import grpc.aio

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.door_queue import Line
from hypercube.gateway.errors import GRPC
from hypercube.gateway.grpc.statuses import ERROR_METADATA, trailer_of
from hypercube.gateway.request_id import REQUEST_ID, request_id_of
from hypercube.gateway.streams import close

Context = grpc.aio.ServicerContext[Any, Any]
Handler: TypeAlias = "grpc.RpcMethodHandler[Any, Any]"
RETRY_AFTER_S: Final = 1.0
_FAILURE: Final = HyperCubeError(
    ErrorKind.OVERLOADED,
    "More calls come than this server can answer.",
    fix=f"Try again in {RETRY_AFTER_S:g} s.",
    retry_after_s=RETRY_AFTER_S,
).failure()
_WORDS, _TRAILER = trailer_of(_FAILURE)
_QUOTA: Final = b'"quota"'


class GrpcDoor(grpc.GenericRpcHandler):  # type: ignore[type-arg]
    """Methods by their full names; those with a line are refused where it is full."""

    def __init__(self, methods: "Mapping[str, Handler]", lines: Mapping[str, Line]) -> None:
        self._methods = methods
        self._lines = lines
        self._counted = {name: _counted(methods[name], line) for name, line in lines.items()}

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "Handler | None":
        """Who answers a call."""
        name = handler_call_details.method
        line = self._lines.get(name)
        if line is None:
            return self._methods.get(name)
        if line.full:
            line.refuse()
            return _REFUSAL
        return self._counted[name]


async def _refuse(_: object, context: Context) -> NoReturn:
    await context.abort(GRPC[_FAILURE.kind], _WORDS, ((REQUEST_ID, request_id_of(None)), *_TRAILER))


_REFUSAL: Final = grpc.stream_unary_rpc_method_handler(_refuse)


def _counted(handler: Handler, line: Line) -> Handler:
    """The same, in its line until it ends."""
    unary, stream = handler.stream_unary, handler.stream_stream
    if unary is not None:

        async def one(requests: object, context: Context) -> Any:
            entered = line.enter()
            try:
                return await unary(requests, context)  # type: ignore[arg-type]
            finally:
                line.leave(entered, answered=not _for_want_of_room(context))

        return grpc.stream_unary_rpc_method_handler(one)
    assert stream is not None

    async def many(requests: object, context: Context) -> AsyncIterator[Any]:
        entered = line.enter()
        replies: AsyncIterator[Any] = stream(requests, context)  # type: ignore[assignment, arg-type]
        try:
            async for reply in replies:
                yield reply
        finally:
            await close(replies)
            line.leave(entered, answered=not _for_want_of_room(context))

    return grpc.stream_stream_rpc_method_handler(many)


def _for_want_of_room(context: Context) -> bool:
    """Whether a call was refused because there were too many, rather than because of who asked."""
    if context.code() not in _EXHAUSTED:
        return False
    told = dict(context.trailing_metadata() or ()).get(ERROR_METADATA, b"")
    return _QUOTA not in (told if isinstance(told, bytes) else told.encode())


_EXHAUSTED: Final = (grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.RESOURCE_EXHAUSTED.value[0])
