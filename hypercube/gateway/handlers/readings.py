"""Readings: whole, sentence by sentence, or in a form of the caller's."""

from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from typing import TypeVar

from hypercube.core.cube import Call
from hypercube.core.errors import invalid
from hypercube.core.reading import FormedReading, Reading, ReadingEvent, ReadingRequest
from hypercube.core.whole import Whole
from hypercube.gateway.deadlines import in_time
from hypercube.gateway.services import READING, GatewayServices
from hypercube.gateway.streams import Bounded, Mapped, started
from hypercube.saju.reading.form import Form

T = TypeVar("T")


async def reading(services: GatewayServices, request: ReadingRequest, call: Call) -> Reading:
    """The reading of one birth; cancelling this task cancels a model's work on it.

    Raises:
        HyperCubeError: what is wrong with the birth, naming the field as it stands in the request.
    """
    whole = replace(request, stream=False) if request.stream else request
    answer: Reading = await in_time(services.cubes.process(READING, whole, call), call, services.clock)
    return answer


async def stream(
    services: GatewayServices, request: ReadingRequest, call: Call, written: Callable[[ReadingEvent], T]
) -> AsyncIterator[T]:
    """The same in pieces, each as `written` writes it; what is wrong is raised here, before the first of them.

    Close it when done. What is there at once (a model's sentences are not) is written at once.
    """
    streamed = request if request.stream else replace(request, stream=True)
    pieces = await in_time(services.cubes.process(READING, streamed, call), call, services.clock)
    told = pieces.turned(written) if isinstance(pieces, Whole) else Mapped(pieces, written)
    return await started(Bounded(told, call, services.clock))


async def formed(
    services: GatewayServices,
    request: ReadingRequest,
    schema: object,
    call: Call,
    *,
    where: str,
    sections: str = "sections",
) -> FormedReading:
    """The reading of one birth in a JSON schema, which is a Python value here.

    Args:
        services: who does the work.
        request: what is asked for; without sections, since the schema says which are written.
        schema: of the answer.
        call: who asks.
        where: the name of the schema in the request.
        sections: the name of the sections there.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a schema that readings cannot fill, and for sections beside it; as
            `reading`.
    """
    form = Form(schema, where)
    if request.sections:
        beside = where.partition(".")[0]
        raise invalid(
            f"Both {sections} and {beside} say what is to be written.",
            param=sections,
            value=", ".join(request.sections),
            fix=f"Leave {sections} out: those are written that the schema needs.",
        )
    written = await reading(services, replace(request, sections=form.sections), call)
    filled = form.fill(written)
    return FormedReading(
        filled.values,
        filled.sources,
        written.written_by,
        written.corpus_version,
        written.checked,
        written.as_of,
        written.prompt,
    )
