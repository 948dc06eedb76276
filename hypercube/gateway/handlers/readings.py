"""Readings: whole, or sentence by sentence."""

from collections.abc import AsyncIterator

from hypercube.core.cube import Call
from hypercube.core.reading import Reading, ReadingEvent, ReadingRequest, events
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import READING, GatewayServices


async def reading(services: GatewayServices, request: ReadingRequest, call: Call) -> Reading:
    """The reading of one birth.

    Raises:
        HyperCubeError: what is wrong with the birth, naming the field as it stands in the request.
    """
    async with within(call, services.clock):
        answer: Reading = await services.cubes.process(READING, request, call)
    return answer


class ReadingStream(AsyncIterator[ReadingEvent]):
    """The sentences of a reading, then the rest of it."""

    def __init__(self, whole: Reading) -> None:
        self._events = iter(events(whole))

    async def __anext__(self) -> ReadingEvent:
        try:
            return next(self._events)
        except StopIteration:
            raise StopAsyncIteration from None


async def stream(services: GatewayServices, request: ReadingRequest, call: Call) -> ReadingStream:
    """The same in pieces; what is wrong is raised here, before the first of them."""
    return ReadingStream(await reading(services, request, call))
