"""hypercube.v1.Reading."""

import asyncio
from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.gateway.grpc.methods import Methods, Streaming, Unary
from hypercube.gateway.handlers import compatibility as compatibility_handler
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Mapped
from hypercube.wire import convert
from hypercube.wire.v1 import reading_pb2

_IN_A_THREAD: Final = 256
"""Births of a list from which reading it, and writing the answer, leave the event loop."""


async def interpret(
    services: GatewayServices, request: reading_pb2.InterpretRequest, call: Call
) -> AsyncIterator[Message]:
    """A reading sentence by sentence."""
    pieces = await handler.stream(services, convert.reading_request_from_proto(request), call)
    return Mapped(pieces, convert.reading_event_to_proto)


async def compatibility(
    services: GatewayServices, request: reading_pb2.CompatibilityRequest, call: Call
) -> Message:
    """Two people, or one and a list."""
    compatibility_handler.check_count(len(request.others), services.limits.max_births)
    large = len(request.others) > _IN_A_THREAD
    read = convert.compatibility_request_from_proto
    asked, unread = await asyncio.to_thread(read, request) if large else read(request)
    answer = await compatibility_handler.compatibility(services, asked, unread, call)
    write = convert.compatibility_to_proto
    return await asyncio.to_thread(write, answer) if large else write(answer)


METHODS: Final[Methods] = {
    "Interpret": Streaming(reading_pb2.InterpretRequest, interpret, lambda services: services.limits.chat_s),
    "Compatibility": Unary(
        reading_pb2.CompatibilityRequest, compatibility, lambda services: services.limits.batch_s
    ),
}
