"""gRPC's own services, health and reflection, with messages read by us.

Read by gRPC, bytes that are no message end a call with UNKNOWN and leave a traceback in the log for each.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import grpc
import grpc.aio
from google.protobuf.message import DecodeError, Message
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2
from grpc_reflection.v1alpha._async import ReflectionServicer

from hypercube.gateway.grpc.health import HealthServicer
from hypercube.gateway.grpc.opening import many_answers, one_answer
from hypercube.gateway.services import GatewayServices

HEALTH: Final = health_pb2.DESCRIPTOR.services_by_name["Health"].full_name
REFLECTION: Final = reflection.SERVICE_NAME
Context = grpc.aio.ServicerContext[Any, Any]
Handlers = dict[str, "grpc.RpcMethodHandler[bytes, bytes]"]
Q = TypeVar("Q", bound=Message)


def health_handlers(services: GatewayServices, servicer: HealthServicer) -> Handlers:
    """The methods of grpc.health.v1.Health."""
    asked = health_pb2.HealthCheckRequest
    return {
        "Check": _unary(services, "Check", asked, servicer.Check),
        "List": _unary(services, "List", health_pb2.HealthListRequest, servicer.List),
        "Watch": _watching(services, "Watch", asked, servicer.Watch),
    }


def reflection_handlers(services: GatewayServices, names: Sequence[str]) -> Handlers:
    """The method of grpc.reflection.v1alpha.ServerReflection; `names` are the services that it lists."""
    servicer = ReflectionServicer(names)

    async def answers(requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        async def read() -> AsyncIterator[reflection_pb2.ServerReflectionRequest]:
            async for raw in requests:
                yield await _read(reflection_pb2.ServerReflectionRequest, raw, context)

        async for answer in servicer.ServerReflectionInfo(read(), context):
            yield answer.SerializeToString()

    return {"ServerReflectionInfo": grpc.stream_stream_rpc_method_handler(answers)}


def _unary(
    services: GatewayServices, name: str, kind: type[Q], ask: Callable[[Q, Context], Awaitable[Message]]
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def answer(raw: bytes, context: Context) -> bytes:
        return (await ask(await _read(kind, raw, context), context)).SerializeToString()

    return one_answer(services, f"{HEALTH}/{name}", answer)


def _watching(
    services: GatewayServices, name: str, kind: type[Q], ask: Callable[[Q, Context], AsyncIterator[Message]]
) -> "grpc.RpcMethodHandler[bytes, bytes]":
    async def answers(raw: bytes, context: Context) -> AsyncIterator[bytes]:
        async for answer in ask(await _read(kind, raw, context), context):
            yield answer.SerializeToString()

    return many_answers(services, f"{HEALTH}/{name}", answers)


async def _read(kind: type[Q], raw: bytes, context: Context) -> Q:
    try:
        return kind.FromString(raw)
    except DecodeError:
        await context.abort(
            grpc.StatusCode.INVALID_ARGUMENT,
            f"These {len(raw):,} bytes are no {kind.DESCRIPTOR.full_name} message.",
        )
