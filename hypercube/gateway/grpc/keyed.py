"""Methods whose answers are kept for idempotency keys."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.gateway.grpc.methods import Serializable
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
