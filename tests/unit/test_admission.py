"""Admission: bounded, fair, on time, and never leaking a place."""

import asyncio
import random
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.admission import Admission
from hypercube.inference.restart import RestartBudget

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def admission(slots: int = 1, max_queued: int = 2) -> Admission:
    return Admission(slots, max_queued, asyncio.get_running_loop().time)


async def turns() -> None:
    """Let everything that can run, run."""
    for _ in range(10):
        await asyncio.sleep(0)


def test_the_queue_is_bounded_and_overload_is_told_at_once(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission(slots=2, max_queued=3)
        waiting = [asyncio.create_task(door.acquire(Call())) for _ in range(5)]
        await turns()
        assert (door.running, door.waiting, door.in_flight) == (2, 3, 5)
        with pytest.raises(HyperCubeError) as caught:
            await door.acquire(Call())
        assert caught.value.kind is ErrorKind.OVERLOADED
        # Four turns' worth of callers before it on two slots: two turns of the first guess.
        assert caught.value.retry_after_s == 2 * door.average_s
        assert caught.value.details["max_queued"] == 3
        for _ in range(5):
            door.release()
            await turns()
        await asyncio.gather(*waiting)
        assert door.in_flight == 0

    run_virtual(main)


def test_first_come_first_served_and_the_wait_is_timed(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission(max_queued=10)
        order: list[int] = []
        calls = [Call() for _ in range(4)]

        async def work(number: int) -> None:
            await door.acquire(calls[number])
            order.append(number)
            await asyncio.sleep(1.0)
            door.release(1.0)

        await asyncio.gather(*(work(number) for number in range(4)))
        assert order == [0, 1, 2, 3]
        assert [call.timing.queue_s for call in calls] == pytest.approx([0, 1, 2, 3])
        assert door.in_flight == 0

    run_virtual(main)


def test_retry_after_follows_the_observed_durations(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission()
        for _ in range(50):
            await door.acquire(Call())
            door.release(8.0)
        assert door.retry_after_s() == pytest.approx(8.0, rel=0.01)

    run_virtual(main)


def test_a_deadline_is_honoured_in_the_queue_within_5_ms(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        door = admission()
        await door.acquire(Call())
        began = loop.time()
        with pytest.raises(HyperCubeError) as caught:
            await door.acquire(Call(deadline=began + 0.25))
        assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
        assert 0.25 <= loop.time() - began < 0.255
        assert door.waiting == 0
        door.release()
        assert door.in_flight == 0

    run_virtual(main)


def test_an_expired_call_takes_no_place(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission()
        with pytest.raises(HyperCubeError) as caught:
            await door.acquire(Call(deadline=asyncio.get_running_loop().time() - 1))
        assert caught.value.kind is ErrorKind.DEADLINE_EXCEEDED
        assert door.in_flight == 0

    run_virtual(main)


def test_a_permit_that_meets_a_cancellation_goes_to_the_next(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission()
        await door.acquire(Call())
        first = asyncio.create_task(door.acquire(Call()))
        second = asyncio.create_task(door.acquire(Call()))
        await turns()
        door.release()  # the permit is on its way to `first` ...
        first.cancel()  # ... which leaves in the same moment
        await turns()
        assert first.cancelled()
        assert second.done()
        assert door.running == 1
        door.release()
        assert door.in_flight == 0

    run_virtual(main)


def test_everybody_in_the_queue_can_be_sent_away(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        door = admission()
        await door.acquire(Call())
        waiting = [asyncio.create_task(door.acquire(Call())) for _ in range(2)]
        await turns()
        door.fail_waiting(HyperCubeError(ErrorKind.UNAVAILABLE, "going down"))
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert [getattr(answer, "kind", None) for answer in answers] == [ErrorKind.UNAVAILABLE] * 2
        door.release()
        assert door.in_flight == 0

    run_virtual(main)


@pytest.mark.parametrize("seed", range(20))
def test_no_place_leaks_whatever_happens(run_virtual: RunVirtual, seed: int) -> None:
    async def main() -> None:
        draw = random.Random(seed)
        loop = asyncio.get_running_loop()
        door = admission(slots=draw.randint(1, 4), max_queued=draw.randint(0, 8))
        highest = 0

        async def work() -> None:
            nonlocal highest
            deadline = loop.time() + draw.uniform(0, 3) if draw.random() < 0.5 else None
            await door.acquire(Call(deadline=deadline))
            try:
                highest = max(highest, door.running)
                await asyncio.sleep(draw.choice((0, draw.uniform(0, 2))))
            finally:
                door.release()

        tasks = []
        for _ in range(200):
            tasks.append(asyncio.create_task(work()))
            if draw.random() < 0.5:
                await asyncio.sleep(draw.choice((0, draw.uniform(0, 0.5))))
            if draw.random() < 0.4:
                draw.choice(tasks).cancel()
            if draw.random() < 0.02:
                door.fail_waiting(HyperCubeError(ErrorKind.UNAVAILABLE, "gone"))
        answers = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(
            answer is None or isinstance(answer, HyperCubeError | asyncio.CancelledError)
            for answer in answers
        )
        assert any(answer is None for answer in answers)
        assert highest <= door.slots
        assert door.in_flight == 0

    run_virtual(main)


def test_the_restart_budget_is_a_sliding_window() -> None:
    now = [0.0]
    budget = RestartBudget(limit=3, window_s=60.0, clock=lambda: now[0])
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]
    budget.succeeded()
    now[0] = 59.9
    assert not budget.spend()
    now[0] = 60.0
    assert [budget.spend() for _ in range(4)] == [True, True, True, False]


def test_restarts_that_lead_nowhere_end_however_long_each_takes() -> None:
    now = [0.0]
    budget = RestartBudget(limit=3, window_s=60.0, clock=lambda: now[0])
    outcomes = []
    for _ in range(4):
        now[0] += 1000.0
        outcomes.append(budget.spend())
    assert outcomes == [True, True, True, False]
    budget.succeeded()
    assert budget.spend()
