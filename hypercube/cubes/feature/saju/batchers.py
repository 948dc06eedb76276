"""The two batchers of the saju cube, and what they run.

births    requests of few births: all births of a batch are prepared, computed and assembled as one array,
which shares the cost of every array call (150 us for one birth alone, 35 us each for 64)
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
from hypercube.kernels.backends import AUTO
from hypercube.saju import RowGroup, assemble, pillars, prepare
from hypercube.saju.alone import chart_alone

PillarTable = NDArray[np.uint8]
"""uint8[N, 4]: sexagenary indices of year, month, day and hour."""
Births = tuple[BirthInput, ...]
Results = tuple[ChartResult, ...]

INCLUDING_COST: Final = 16
"""What a birth with an `include` costs, in births without."""
BATCH_COST: Final = 256
"""Of one batch of births: it is computed on the event loop, some 10 ms at most."""
_FEW: Final = 8
"""Births up to which plain integers are faster than arrays."""


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
    alone = _FEW if backend == AUTO else 0

    def run(_: Hashable, requests: Sequence[Births]) -> list[Results]:
        """One pass for the births of all requests, whose results are then told apart again."""
        together = [birth for births in requests for birth in births]
        if len(together) <= alone and (few := _one_by_one(together)):
            return _told_apart(few, requests)
        prepared = prepare(together)
        tables = [kernel(group.day_boundary.value, (group,))[0] for group in prepared.groups]
        return _told_apart(assemble(prepared, tables), requests)

    return run


def _one_by_one(births: Sequence[BirthInput]) -> list[ChartResult] | None:
    """Charts of a few everyday births; None if one of them is not."""
    results = []
    for birth in births:
        chart = chart_alone(birth)
        if chart is None:
            return None
        results.append(ChartResult(chart))
    return results


def _told_apart(results: Sequence[ChartResult], requests: Sequence[Births]) -> list[Results]:
    if len(results) == len(requests):  # one birth each
        return [(result,) for result in results]
    left = iter(results)
    return [tuple(next(left) for _ in births) for births in requests]


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

    async def close(self) -> None:
        """Finish what was accepted."""
        await self.births.close()
        await self.rows.close()
