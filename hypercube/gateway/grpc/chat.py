"""hypercube.v1.Chat."""

from collections.abc import AsyncIterator
from functools import partial
from typing import Final

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.gateway.grpc.rpc import Methods, Streaming, Unary
from hypercube.gateway.handlers import chat as handler
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Mapped
from hypercube.wire import convert
from hypercube.wire.v1 import chat_pb2


async def complete(
    services: GatewayServices, request: chat_pb2.ChatRequest, call: Call
) -> chat_pb2.ChatReply:
    """A whole answer."""
    answer = await handler.complete(services, convert.chat_request_from_proto(request), call)
    return chat_pb2.ChatReply(
        id=answer.id,
        model=answer.model,
        content=answer.text,
        finish_reason=answer.finish_reason.value,
        usage=convert.usage_to_proto(answer.usage),
    )


async def stream(
    services: GatewayServices, request: chat_pb2.ChatRequest, call: Call
) -> AsyncIterator[Message]:
    """An answer piece by piece."""
    answer = await handler.stream(services, convert.chat_request_from_proto(request), call)
    return Mapped(answer.events, partial(convert.event_to_proto, id=answer.id, model=answer.model))


METHODS: Final[Methods] = {
    "Complete": Unary(chat_pb2.ChatRequest, complete, lambda services: services.limits.chat_s),
    "Stream": Streaming(chat_pb2.ChatRequest, stream, lambda services: services.limits.chat_s),
}
