"""A birth to a reading: the chart comes from the saju cube, the text from the corpus or a model, checked."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import aclosing
from typing import ClassVar, Final

from hypercube.core.chart import BirthInput, Chart, ChartsRequest, ChartsResponse, Include, Sex
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Dependency, Health, HealthStatus
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.core.reading import (
    Reading,
    ReadingEvent,
    ReadingLanguage,
    ReadingRequest,
    ReadingWriter,
    events,
    joined,
)
from hypercube.core.whole import Whole
from hypercube.cubes.feature.reading.model_writer import Cubes, ModelWriter, ModelWriting
from hypercube.saju import chart
from hypercube.saju.composing import MOST_ASKED, PROMOTED, prompt
from hypercube.saju.interpretation import interpret

_SAJU: Final = "saju"
_KNOWN: Final = BirthInput(
    "1990-05-03T07:20", Sex.FEMALE, "Seoul", include=tuple(Include), as_of="2026-11-27"
)
_MODEL_NAME: Final = 256
"""Characters of a model's name."""


class ReadingCube(Cube):
    """`ReadingRequest` in, `Reading` out; with `stream` the `ReadingEvent`s of it, as they come into being."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="reading",
        version="1.1.0",
        color=Color.BLUE,
        summary="Readings (해석) from a chart, by rule or by a model, every sentence cited and checked against it",
        request_model=ReadingRequest,
        response_model=Reading | ReadingEvent,
        dependencies=(Dependency(_SAJU, ">=1.0,<2"),),
        capabilities=("reading", "reading.ko", "reading.en", "reading.model"),
    )

    def __init__(
        self,
        cubes: Cubes,
        *,
        models: Cubes | None = None,
        writer: ReadingWriter = ReadingWriter.CORPUS,
        how: ModelWriting | None = None,
        clock: Clock = monotonic,
    ) -> None:
        """Put together.

        Args:
            cubes: where the saju cube is.
            models: where the chat and models cubes are, as the caller may use them; None = `cubes`.
            writer: who writes where a request leaves it open.
            how: how models write.
            clock: the one that deadlines are of.

        Raises:
            HyperCubeError: NOT_FOUND for a prompt that there is not.
        """
        super().__init__()
        self._cubes = cubes
        self._writer = writer
        how = how or ModelWriting(PROMOTED)
        for language in ReadingLanguage:
            prompt(how.prompt, language)
        self._models = ModelWriter(models or cubes, how, clock)

    async def on_start(self) -> None:
        """Compile what the first reading would otherwise wait for."""
        await asyncio.to_thread(lambda: interpret(chart(_KNOWN, backend="reference")))

    async def process(self, request: ReadingRequest, call: Call) -> Reading | AsyncIterator[ReadingEvent]:
        """The reading of one birth.

        Raises:
            HyperCubeError: what is wrong with the birth, naming the field; what the saju cube raises.
        """
        if len(request.question) > MOST_ASKED:
            raise invalid(
                f"question has {len(request.question)} characters; at most {MOST_ASKED} are read.",
                param="question",
                value=request.question,
                fix=f"Ask in {MOST_ASKED} characters or fewer.",
            )
        if len(request.model) > _MODEL_NAME:
            raise invalid(
                f"model has {len(request.model)} characters.",
                param="model",
                value=request.model,
                fix=f"Names of models have {_MODEL_NAME} characters or fewer; leave it out for the server's choice.",
            )
        found = await self._chart(request, call)
        if (request.writer or self._writer) is ReadingWriter.CORPUS:
            reading = interpret(found, request.to_options())
            return Whole(events(reading)) if request.stream else reading
        pieces = self._models.events(found, request, call)
        if request.stream:
            return pieces
        async with aclosing(pieces):
            whole = joined([each async for each in pieces])
        assert whole is not None  # the last event brings the rest
        return whole

    async def _chart(self, request: ReadingRequest, call: Call) -> Chart:
        asked = ChartsRequest((request.to_birth(),))
        answer: ChartsResponse = await self._cubes.process(_SAJU, asked, call)
        (result,) = answer.results
        if result.error is not None:
            raise HyperCubeError.of(result.error)
        if result.chart is None:
            raise HyperCubeError(
                ErrorKind.ENGINE_FAILED, "The saju cube answered neither a chart nor an error."
            )
        return result.chart

    async def on_health_check(self) -> HealthStatus:
        """A known chart read and checked: nothing in it may contradict the chart."""
        reading = interpret(
            await self._chart(
                ReadingRequest(_KNOWN.birth, _KNOWN.sex, _KNOWN.place, as_of=_KNOWN.as_of), Call("health")
            )
        )
        if reading.checked.contradictions:
            return HealthStatus(
                Health.UNHEALTHY, f"{reading.checked.contradictions} contradictions in a known chart"
            )
        return HealthStatus(Health.HEALTHY)
