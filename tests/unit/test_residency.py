"""Who leaves memory for whom, and whose turn it is to load: made-up models, random traces, virtual time."""

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.loading_queue import LoadingQueue
from hypercube.inference.residency import Reservation, Residency

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
BUDGET = 10
MIN_RESIDENCY_S = 5.0
REFUSALS = (ErrorKind.FAILED_PRECONDITION, ErrorKind.UNAVAILABLE)


@dataclass(eq=False)
class House:
    """Shares out the memory, and checks every departure against what an observer knows."""

    residency: Residency
    models: "list[Model]" = field(default_factory=list)
    news: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self) -> None:
        self.news.set()
        self.news = asyncio.Event()


@dataclass(eq=False)
class Model:
    """A model that is only its figures."""

    name: str
    house: House
    pinned: bool = False
    last_used: float = 0.0
    in_use: int = 0
    reservation: Reservation | None = None
    leaving: bool = False

    @property
    def evictable(self) -> bool:
        return self.reservation is not None and self.reservation.loaded_at is not None and not self.leaving

    async def evict(self, why: str) -> None:
        assert self.reservation is not None
        assert self.reservation.loaded_at is not None
        assert not self.pinned
        assert not self.leaving
        others = [each for each in self.house.models if each.evictable and not each.pinned]
        now = asyncio.get_running_loop().time()
        if self.in_use == 0:
            assert self.last_used == min(each.last_used for each in others if each.in_use == 0)
        else:
            assert all(each.in_use for each in others if each.name not in why)
            assert now - self.reservation.loaded_at >= MIN_RESIDENCY_S
        self.leaving = True
        while self.in_use:
            await self.house.news.wait()
        await asyncio.sleep(0.5)
        self.leave()

    def leave(self) -> None:
        assert self.reservation is not None
        self.house.residency.release(self.reservation)
        self.reservation, self.leaving = None, False
        self.house.tell()


@dataclass(frozen=True)
class Visit:
    """At `at` s a model is wanted for `use_s`; it takes `size`, and turns out to take `grows` more."""

    at: int
    model: int
    use_s: int
    size: int
    grows: int
    pin: bool


VISITS = st.builds(
    Visit,
    at=st.integers(0, 60),
    model=st.integers(0, 4),
    use_s=st.integers(0, 12),
    size=st.integers(1, BUDGET),
    grows=st.integers(-3, 3),
    pin=st.sampled_from([False] * 6 + [True]),
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(trace=st.lists(VISITS, min_size=1, max_size=25), turns=st.integers(1, 3))
def test_no_trace_takes_more_than_the_budget_or_moves_what_is_pinned(
    run_virtual: RunVirtual, trace: list[Visit], turns: int
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        house = House(Residency(BUDGET, loop.time, min_residency_s=MIN_RESIDENCY_S))
        queue = LoadingQueue(turns)
        house.models = [Model(f"m{number}", house) for number in range(5)]
        locks = {model.name: asyncio.Lock() for model in house.models}
        outcomes: list[str] = []

        def check() -> None:
            reserved = [each.reservation for each in house.models if each.reservation is not None]
            assert house.residency.held == sum(each.bytes for each in reserved)
            assert queue.loading <= turns

        async def load(model: Model, visit: Visit) -> None:
            async with queue.turn():
                check()
                model.reservation = reservation = await house.residency.reserve(model, visit.size)
                assert house.residency.held <= BUDGET
                try:
                    await asyncio.sleep(1)
                    house.residency.settle(reservation, max(1, visit.size + visit.grows))
                except HyperCubeError:
                    model.leave()
                    raise
                check()

        async def come(visit: Visit) -> None:
            await asyncio.sleep(visit.at)
            model = house.models[visit.model]
            try:
                async with locks[model.name]:
                    while model.leaving:
                        await house.news.wait()
                    if model.reservation is None:
                        await load(model, visit)
                    model.in_use += 1
                    model.pinned = model.pinned or visit.pin
                await asyncio.sleep(visit.use_s)
                model.in_use -= 1
                model.last_used = loop.time()
                if visit.pin:
                    model.pinned = False
                house.residency.changed()
                house.tell()
                outcomes.append("served")
            except HyperCubeError as error:
                outcomes.append(f"{error.kind.value}, budget {error.details['budget_bytes']}")
            check()

        async with asyncio.timeout(10_000):
            await asyncio.gather(*(come(visit) for visit in trace))
        assert len(outcomes) == len(trace)
        assert set(outcomes) <= {"served", *(f"{kind}, budget {BUDGET}" for kind in REFUSALS)}
        if not any(visit.pin for visit in trace) and all(v.size + v.grows <= BUDGET for v in trace):
            assert set(outcomes) == {"served"}
        assert (queue.loading, queue.waiting) == (0, 0)
        await asyncio.sleep(20)
        assert house.residency.held <= BUDGET
        await house.residency.close()

    run_virtual(main)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    loads=st.lists(
        st.tuples(st.integers(0, 20), st.integers(1, 5), st.none() | st.integers(0, 25)), max_size=30
    ),
    turns=st.integers(1, 3),
    places=st.integers(0, 8),
)
def test_no_trace_loses_a_turn_of_the_loading_queue(
    run_virtual: RunVirtual, loads: list[tuple[int, int, int | None]], turns: int, places: int
) -> None:
    """(when, how long, cancelled after) of each load."""

    async def main() -> None:
        queue = LoadingQueue(turns, places)
        began: list[tuple[float, int]] = []
        running = 0

        async def load(number: int, at: int, lasts: int) -> str:
            nonlocal running
            await asyncio.sleep(at)
            try:
                async with queue.turn():
                    running += 1
                    began.append((asyncio.get_running_loop().time(), at))
                    assert running <= queue.loading <= turns
                    try:
                        await asyncio.sleep(lasts)
                    finally:
                        running -= 1
                return "loaded"
            except HyperCubeError as error:
                return "refused" if queue.waiting == places else f"refused with room: {error}"

        tasks = []
        for number, (at, lasts, cancel) in enumerate(loads):
            tasks.append(asyncio.create_task(load(number, at, lasts)))
            if cancel is not None:
                asyncio.get_running_loop().call_later(cancel, tasks[-1].cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(
            outcome in ("loaded", "refused") or isinstance(outcome, asyncio.CancelledError)
            for outcome in outcomes
        )
        whole = [number for number, (_, _, cancel) in enumerate(loads) if cancel is None]
        assert all(outcomes[number] in ("loaded", "refused") for number in whole)
        order = [at for _, at in sorted(began)]
        assert order == sorted(order)
        assert (queue.loading, queue.waiting) == (0, 0)

    run_virtual(main)
