"""Methods whose answers are kept for idempotency keys, and streams, which are not kept."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.gateway.grpc.methods import Serializable
from hypercube.gateway.idempotency.keys import checked
from hypercube.gateway.services import GatewayServices

Q = TypeVar("Q", bound=Message)


@dataclass(frozen=True, slots=True)
class Written:
    """A message that is bytes already."""

    data: bytes

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes."""
        return self.data


def keyed(
    route: str, answer: Callable[[GatewayServices, Q, Call], Awaitable[Serializable]]
) -> Callable[[GatewayServices, Q, Call], Awaitable[Serializable]]:
    """`answer`, but computed once for all requests of one key."""

    async def once(services: GatewayServices, request: Q, call: Call) -> Serializable:
        async def work() -> bytes:
            return (await answer(services, request, call)).SerializeToString()

        if call.idempotency_key is None:
            return await answer(services, request, call)
        asked = request.SerializeToString(deterministic=True)
        return Written(await services.idempotent.once(route, asked, call, work))

    return once


def never_kept(
    open_stream: Callable[[GatewayServices, Q, Call], Awaitable[AsyncIterator[Message]]],
) -> Callable[[GatewayServices, Q, Call], Awaitable[AsyncIterator[Message]]]:
    """`open_stream`, computed each time, as a stream over HTTP is: a key changes nothing, but has to be one."""

    async def anew(services: GatewayServices, request: Q, call: Call) -> AsyncIterator[Message]:
        if call.idempotency_key is not None:
            checked(call.idempotency_key)
        return await open_stream(services, request, call)

    return anew
