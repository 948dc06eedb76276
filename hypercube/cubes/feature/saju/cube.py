"""Births to charts: resolve the clock, let the batcher run the kernel, put the answer together."""

import asyncio
from typing import ClassVar, Final

from hypercube.core.chart import (
    MAX_BIRTHS,
    MAX_INCLUDING,
    BirthInput,
    ChartsRequest,
    ChartsResponse,
    Include,
    Sex,
)
from hypercube.core.cube import Call, Color, Cube, CubeMetadata, Health, HealthStatus
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.everyday import EverydayChart, OneBirth
from hypercube.cubes.feature.saju.batchers import Births, Results, SajuBatchers, cost
from hypercube.saju import assemble, charts, prepare

_IN_A_THREAD: Final = 256
"""Births from which the Python around the kernel leaves the event loop, so that others are not kept waiting."""
_INCLUDING_IN_A_THREAD: Final = 16
"""The same for births with an `include`, which cost some ten times as much."""


def _read_tables() -> None:
    (result,) = charts(
        [BirthInput("2000-01-01T12:00", Sex.MALE, "강남구", include=tuple(Include), as_of="2000-01-01")],
        backend="reference",
    )
    if result.error is not None:
        raise HyperCubeError.of(result.error)


class SajuCube(Cube):
    """`ChartsRequest` in, `ChartsResponse` out: each birth has its own chart or its own error.

    At once it answers a `OneBirth` with its `EverydayChart`, if it is an everyday birth.
    """

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        name="saju",
        version="1.0.0",
        color=Color.BLUE,
        summary="Four-pillar charts (사주 원국) and their facts, exact to the second of the ephemeris",
        request_model=ChartsRequest,
        response_model=ChartsResponse,
        capabilities=("chart", "chart.batch", "facts", "luck", "periods"),
    )

    def __init__(self, batchers: SajuBatchers) -> None:
        super().__init__()
        self._batchers = batchers

    async def on_start(self) -> None:
        """Read the tables that the first place and the first facts would otherwise wait a third of a second for."""
        await asyncio.to_thread(_read_tables)

    def at_once(self, request: OneBirth, call: Call) -> EverydayChart | None:
        """The chart of an everyday birth; None for one that belongs into a batch."""
        call.timing.batch_size = 1
        return self._batchers.everyday(request)

    async def process(self, request: ChartsRequest, call: Call) -> ChartsResponse:
        """Charts for 1 to 10,000 births, of which 2,000 may have an `include`.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for an empty or oversized batch, and what the batcher raises.
        """
        births = request.births
        if len(births) == 1 and (result := self._batchers.at_once(births[0], call)) is not None:
            return ChartsResponse((result,))
        if not 1 <= len(births) <= MAX_BIRTHS:
            raise invalid(
                f"births has {len(births)} entries.",
                param="births",
                value=len(births),
                fix=f"Send 1 to {MAX_BIRTHS:,} births in one request.",
            )
        including = sum(bool(birth.include) for birth in births)
        if including > MAX_INCLUDING:
            raise invalid(
                f"births holds {including:,} births with `include`; at most {MAX_INCLUDING:,} fit in one request.",
                param="births",
                value=including,
                fix=f"Send {MAX_INCLUDING:,} of them in one request, or leave `include` out.",
                limit=MAX_INCLUDING,
            )
        if len(births) > _IN_A_THREAD or including > _INCLUDING_IN_A_THREAD:
            return ChartsResponse(await self._many(births, call))
        results = await self._batchers.births.submit(
            "charts",
            births,
            cost=float(cost(births)),
            deadline=call.deadline,
            timing=call.timing,
            priority=call.priority,
            tenant=call.tenant,
        )
        return ChartsResponse(results)

    async def _many(self, births: Births, call: Call) -> Results:
        prepared = await asyncio.to_thread(prepare, births)
        tables = await asyncio.gather(
            *(
                self._batchers.rows.submit(
                    group.day_boundary.value,
                    group,
                    cost=float(group.utc_seconds.size),
                    deadline=call.deadline,
                    timing=call.timing,
                    priority=call.priority,
                    tenant=call.tenant,
                )
                for group in prepared.groups
            )
        )
        return tuple(await asyncio.to_thread(assemble, prepared, tables))

    async def on_health_check(self) -> HealthStatus:
        """A chart that everybody knows: 2000-01-01 12:00 in Seoul is 己卯 丙子 戊午 戊午."""
        # Two births, so that it is the batcher and the kernel that are looked at.
        births = (BirthInput("2000-01-01T12:00"), BirthInput("2000-01-01"))
        answer = await self.process(ChartsRequest(births), Call("health"))
        chart = answer.results[0].chart
        found = None if chart is None else chart.pillars.indices()
        if found == (15, 12, 54, 54):
            return HealthStatus(Health.HEALTHY)
        return HealthStatus(Health.UNHEALTHY, f"2000-01-01T12:00 Asia/Seoul gave {found}")
