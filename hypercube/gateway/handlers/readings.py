"""Readings: whole, or sentence by sentence."""

from collections.abc import AsyncIterator
from dataclasses import replace

from hypercube.core.cube import Call
from hypercube.core.reading import Reading, ReadingEvent, ReadingRequest
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import READING, GatewayServices
from hypercube.gateway.streams import Bounded, started


async def reading(services: GatewayServices, request: ReadingRequest, call: Call) -> Reading:
    """The reading of one birth; cancelling this task cancels a model's work on it.

    Raises:
        HyperCubeError: what is wrong with the birth, naming the field as it stands in the request.
    """
    async with within(call, services.clock):
        asked = replace(request, stream=False) if request.stream else request
        answer: Reading = await services.cubes.process(READING, asked, call)
    return answer


async def stream(
    services: GatewayServices, request: ReadingRequest, call: Call
) -> AsyncIterator[ReadingEvent]:
    """The same in pieces; what is wrong is raised here, before the first of them. Close it when done."""
    async with within(call, services.clock):
        pieces = await services.cubes.process(READING, replace(request, stream=True), call)
    return await started(Bounded(pieces, call, services.clock))
