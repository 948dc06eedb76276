"""hypercube.v1.Reading."""

from collections.abc import AsyncIterator
from typing import Final

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.gateway.grpc.methods import Methods, Streaming
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Mapped
from hypercube.wire import convert
from hypercube.wire.v1 import reading_pb2


async def interpret(
    services: GatewayServices, request: reading_pb2.InterpretRequest, call: Call
) -> AsyncIterator[Message]:
    """A reading sentence by sentence."""
    pieces = await handler.stream(services, convert.reading_request_from_proto(request), call)
    return Mapped(pieces, convert.reading_event_to_proto)


METHODS: Final[Methods] = {
    "Interpret": Streaming(reading_pb2.InterpretRequest, interpret, lambda services: services.limits.chart_s),
}
