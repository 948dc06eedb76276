"""The two batchers of the saju cube, and what they run.

alone     a request of one everyday birth is charted at once, by plain integers: 15 us, where its turn in a batch
and its share of the array calls would cost it 60
births    requests of few births: all births of a batch are prepared, computed and assembled as one array,
which shares the cost of every array call (300 us for one birth alone, 35 us each for 64)
rows      requests of many births: each is prepared and assembled in a thread of its own, and only its rows
for the kernel meet those of others
"""

from collections.abc import Callable, Hashable, Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from hypercube.batching import Batcher, Limits
from hypercube.core.chart import BirthInput, ChartResult
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.everyday import EverydayChart, OneBirth
from hypercube.kernels.backends import AUTO
from hypercube.saju import RowGroup, assemble, pillars, prepare
from hypercube.saju.alone import chart_alone, everyday_chart

PillarTable = NDArray[np.uint8]
"""uint8[N, 4]: sexagenary indices of year, month, day and hour."""
Births = tuple[BirthInput, ...]
Results = tuple[ChartResult, ...]

INCLUDING_COST: Final = 16
"""What a birth with an `include` costs, in births without."""
BATCH_COST: Final = 256
"""Of one batch of births: it is computed on the event loop, some 10 ms at most."""


def cost(births: Sequence[BirthInput]) -> int:
    """What a request costs, in births that ask for no `include`."""
    return sum(INCLUDING_COST if birth.include else 1 for birth in births)


def pillar_kernel(backend: str) -> Callable[[Hashable, Sequence[RowGroup]], list[PillarTable]]:
    """The run of `rows` on one backend: microseconds, so it needs no thread."""

    def run(key: Hashable, groups: Sequence[RowGroup]) -> list[PillarTable]:
        """One kernel call for the rows of all groups; `key` is the day boundary that they share."""
        table = pillars(
            np.concatenate([group.utc_seconds for group in groups]),
            np.concatenate([group.offset_seconds for group in groups]),
            day_boundary=str(key),
            backend=backend,
        )
        ends = np.cumsum([group.utc_seconds.size for group in groups])
        return np.split(table, ends[:-1].tolist())

    return run


def chart_kernel(backend: str) -> Callable[[Hashable, Sequence[Births]], list[Results]]:
    """The run of `births` on one backend."""
    kernel = pillar_kernel(backend)

    def run(_: Hashable, requests: Sequence[Births]) -> list[Results]:
        """One pass for the births of all requests, whose results are then told apart again."""
        prepared = prepare([birth for births in requests for birth in births])
        tables = [kernel(group.day_boundary.value, (group,))[0] for group in prepared.groups]
        results = iter(assemble(prepared, tables))
        return [tuple(next(results) for _ in births) for births in requests]

    return run


class SajuBatchers:
    """Both batchers on one backend, under the same bounds on items."""

    def __init__(self, backend: str, *, limits: Limits | None = None, clock: Clock = monotonic) -> None:
        """`limits` are those of `rows`; a batch of `births` is bounded by `BATCH_COST` besides."""
        bounds = limits or Limits()
        few = Limits(
            max_items=bounds.max_items,
            max_cost=BATCH_COST,
            window_s=bounds.window_s,
            max_queued_items=bounds.max_queued_items,
            max_queued_cost=bounds.max_queued_items * INCLUDING_COST,
            max_wait_s=bounds.max_wait_s,
        )
        self.births: Batcher[Births, Results] = Batcher(
            chart_kernel(backend), limits=few, clock=clock, name="chart batcher"
        )
        self.rows: Batcher[RowGroup, PillarTable] = Batcher(
            pillar_kernel(backend), limits=bounds, clock=clock, name="pillar batcher"
        )
        # A backend that was asked for by name does all the work itself.
        self._at_once = backend == AUTO
        self._clock = clock

    def at_once(self, birth: BirthInput, call: Call) -> ChartResult | None:
        """The result of one everyday birth; None for one that belongs into a batch."""
        if not self._at_once:
            return None
        began = self._clock()
        chart = chart_alone(birth)
        if chart is None:
            return None
        call.timing.compute_s += self._clock() - began
        call.timing.batch_size = 1
        return ChartResult(chart)

    def everyday(self, birth: OneBirth) -> EverydayChart | None:
        """The same of one whose options are known, without looking at the clock."""
        return everyday_chart(birth) if self._at_once else None

    async def close(self) -> None:
        """Finish what was accepted."""
        await self.births.close()
        await self.rows.close()
