"""A birth to a reading: the chart comes from the saju cube, the text from the corpus, checked before it leaves."""

import asyncio
from typing import Any, ClassVar, Final, Protocol

from hypercube.core.chart import BirthInput, ChartsRequest, ChartsResponse, Include, Sex
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Dependency, Health, HealthStatus
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.reading import Reading, ReadingRequest
from hypercube.saju import chart
from hypercube.saju.interpretation import interpret

_SAJU: Final = "saju"
_KNOWN: Final = BirthInput(
    "1990-05-03T07:20", Sex.FEMALE, "Seoul", include=tuple(Include), as_of="2026-11-27"
)


class Cubes(Protocol):
    """What this cube needs of the registry: another cube's answer."""

    async def process(self, name: str, request: Any, call: Call) -> Any:
        """Call a cube by name."""
        ...


class ReadingCube(Cube):
    """`ReadingRequest` in, `Reading` out."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="reading",
        version="1.0.0",
        color=Color.BLUE,
        summary="Readings (해석) written by rule from a chart, every sentence cited and checked against it",
        request_model=ReadingRequest,
        response_model=Reading,
        dependencies=(Dependency(_SAJU, ">=1.0,<2"),),
        capabilities=("reading", "reading.ko", "reading.en"),
    )

    def __init__(self, cubes: Cubes) -> None:
        super().__init__()
        self._cubes = cubes

    async def on_start(self) -> None:
        """Compile what the first reading would otherwise wait for."""
        await asyncio.to_thread(lambda: interpret(chart(_KNOWN, backend="reference")))

    async def process(self, request: ReadingRequest, call: Call) -> Reading:
        """The reading of one birth.

        Raises:
            HyperCubeError: what is wrong with the birth, naming the field; what the saju cube raises.
        """
        asked = ChartsRequest((request.to_birth(),))
        answer: ChartsResponse = await self._cubes.process(_SAJU, asked, call)
        (result,) = answer.results
        if result.error is not None:
            raise HyperCubeError.of(result.error)
        if result.chart is None:
            raise HyperCubeError(
                ErrorKind.ENGINE_FAILED, "The saju cube answered neither a chart nor an error."
            )
        return interpret(result.chart, request.to_options())

    async def on_health_check(self) -> HealthStatus:
        """A known chart read and checked: nothing in it may contradict the chart."""
        reading = await self.process(
            ReadingRequest(_KNOWN.birth, _KNOWN.sex, _KNOWN.place, as_of=_KNOWN.as_of), Call("health")
        )
        if reading.checked.contradictions:
            return HealthStatus(
                Health.UNHEALTHY, f"{reading.checked.contradictions} contradictions in a known chart"
            )
        return HealthStatus(Health.HEALTHY)
