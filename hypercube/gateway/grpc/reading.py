"""hypercube.v1.Reading."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Final, Literal

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.core.errors import invalid
from hypercube.core.reading import ReadingEvent
from hypercube.gateway.grpc.methods import Methods, Serializable, Streaming, Unary
from hypercube.gateway.handlers import compatibility as compatibility_handler
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Once
from hypercube.wire import convert
from hypercube.wire.v1 import reading_pb2

_SCHEMA: Final[Literal["response_schema_json"]] = "response_schema_json"
_IN_A_THREAD: Final = 256
"""Births of a list from which reading it, and writing the answer, leave the event loop."""


async def interpret(
    services: GatewayServices, request: reading_pb2.InterpretRequest, call: Call
) -> AsyncIterator[Serializable]:
    """A reading sentence by sentence, or at once in the caller's form."""
    asked = convert.reading_request_from_proto(request)
    if request.HasField(_SCHEMA):
        schema = _schema(request.response_schema_json)
        formed = await handler.formed(
            services, asked, schema, call, where=_SCHEMA, sections="options.sections"
        )
        return Once(convert.formed_reading_to_proto(formed))
    return await handler.stream(services, asked, call, _written)


class _Written:
    """The bytes of a message: a tenth of what it takes while its turn has not come."""

    __slots__ = ("_raw",)

    def __init__(self, raw: bytes) -> None:
        self._raw = raw

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """Those."""
        return self._raw


def _written(event: ReadingEvent) -> _Written:
    return _Written(convert.reading_event_to_proto(event).SerializeToString())


def _schema(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise invalid(
            f"{_SCHEMA} is no JSON.",
            param=_SCHEMA,
            value=text,
            fix='Write a JSON schema: {"type": "object", "properties": {"summary": {"type": "string"}}}.',
        ) from None


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
