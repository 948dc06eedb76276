"""The first moments of a call: it is counted, and its first message has to come in time.

gRPC itself waits for a message for ever, and a stream that was opened and left so costs memory. So every method is
registered as one whose requests are a stream, which on the wire is the same, and the wait for them is ours
(`first_message`).
"""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any, Final, NoReturn

import grpc
import grpc.aio
from grpc.aio import AbortError

from hypercube.core.errors import Failure, HyperCubeError, invalid
from hypercube.gateway.grpc.first_message import FirstMessage
from hypercube.gateway.grpc.statuses import abort
from hypercube.gateway.request_id import request_id_of
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close

Context = grpc.aio.ServicerContext[Any, Any]
One = Callable[[bytes, Context], Awaitable[bytes]]
Many = Callable[[bytes, Context], AsyncIterator[bytes]]
Both = Callable[[AsyncIterator[bytes], Context], AsyncIterator[bytes]]

_EOF: Final = grpc.aio.EOF  # type: ignore[attr-defined]
_CANCELLED_IN: Final = 3
"""Turns of the loop from the end of a reset call's messages to its cancellation, both of which are told together."""


def one_answer(services: GatewayServices, route: str, answer: One) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """A method of one message and one answer."""
    return grpc.stream_unary_rpc_method_handler(_OneAnswer(services, route, answer))


class _OneAnswer:
    """What gRPC calls for such a method.

    It is an awaitable in name only. With every call gRPC asks `inspect` anew whether what it calls is asynchronous;
    of an awaitable it hears so at once, where a function is taken apart first (9 us of the 140 of a bare call).
    """

    __slots__ = ("_answer", "_first", "_route", "_services")

    def __init__(self, services: GatewayServices, route: str, answer: One) -> None:
        self._services = services
        self._route = route
        self._answer = answer
        self._first = FirstMessage(services.limits.message_s)

    def __await__(self) -> NoReturn:
        raise TypeError(f"{self._route} is to be called, not awaited")

    async def __call__(self, _: object, context: Context) -> bytes:
        services = self._services
        try:
            try:
                with services.calls:
                    raw = await self._first.read(context)
                    return await self._answer(await _none() if raw is _EOF else raw, context)
            except HyperCubeError as error:
                failure = error.failure()
            await _refused(services, self._route, context, failure)
        except AbortError as end:
            _forget_the_way(end)
            del context, _
            raise


def many_answers(
    services: GatewayServices, route: str, answers: Many
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """A method of one message and a stream of answers."""
    first = FirstMessage(services.limits.message_s)

    async def begun(context: Context) -> AsyncIterator[bytes]:
        raw = await first.read(context)
        return answers(await _none() if raw is _EOF else raw, context)

    return _streamed(services, route, begun)


def both_ways(services: GatewayServices, route: str, answers: Both) -> "grpc.RpcMethodHandler[bytes, bytes]":
    """A method of a stream each way, which may be opened long before it is used."""
    first = FirstMessage(services.limits.stream_s)

    async def begun(context: Context) -> AsyncIterator[bytes]:
        return answers(_all(first, context), context)

    return _streamed(services, route, begun)


def _streamed(
    services: GatewayServices, route: str, begun: Callable[[Context], Awaitable[AsyncIterator[bytes]]]
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def whole(_: object, context: Context) -> AsyncIterator[bytes]:
        try:
            try:
                with services.calls:
                    replies = await begun(context)
                    try:
                        async for answer in replies:
                            yield answer
                    finally:
                        await close(replies)
                    return
            except HyperCubeError as error:
                failure = error.failure()
            await _refused(services, route, context, failure)
        except AbortError as end:
            _forget_the_way(end)
            del context, _
            raise

    return grpc.stream_stream_rpc_method_handler(whole)


async def _all(first: FirstMessage, context: Context) -> AsyncIterator[bytes]:
    raw = await first.read(context)
    while raw is not _EOF:
        yield raw
        raw = await context.read()


async def _none() -> NoReturn:
    """Refuse a call that ended without a message.

    One that its client has reset looks like that first, and is cancelled a moment later: to wait for it spares telling
    nobody what was wrong, half of what such a call costs.
    """
    for _ in range(_CANCELLED_IN):
        await asyncio.sleep(0)
    raise invalid("The call ended without a message.", fix="Send one, even if it is empty.")


def _forget_the_way(end: AbortError) -> None:
    """Drop the frames that an abort came through.

    gRPC keeps the abort beside the call, and each of its frames knows the call. Round this circle hang 60 objects a
    call, which only the garbage collector finds: of some thousand calls that are refused at once, it stopped everybody
    for 50 ms, and for 700 in the end. Who calls this lets go of the call before raising it again.
    """
    end.__context__ = None
    end.__traceback__ = None


async def _refused(services: GatewayServices, route: str, context: Context, failure: Failure) -> NoReturn:
    services.observe("grpc", route, failure.kind.value, 0.0)
    await abort(context, request_id_of(None), failure)
