"""Requests of one moment begin together, and nobody waits longer than the window or for a model that works."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from hypercube.inference.transformers.gathering import QUIET_S, WINDOW_S, Gathering

Run = Callable[[Callable[[], Coroutine[Any, Any, Any]]], Any]


def begun(run_virtual: Run, arrivals: list[float], busy: Callable[[], bool] = lambda: False) -> list[float]:
    """When each request was submitted, in seconds after the first came."""

    async def main() -> list[float]:
        loop = asyncio.get_running_loop()
        start = loop.time()
        at: dict[int, float] = {}
        gathering = Gathering(busy)
        for number, arrival in enumerate(arrivals):
            await asyncio.sleep(start + arrival - loop.time())
            gathering.add(lambda number=number: at.__setitem__(number, loop.time() - start))  # type: ignore[misc]
        await asyncio.sleep(1)
        return [round(at[number], 6) for number in range(len(arrivals))]

    found: list[float] = run_virtual(main)
    return found


def test_a_lone_request_waits_a_moment(run_virtual: Run) -> None:
    assert begun(run_virtual, [0.0]) == [QUIET_S]


def test_a_burst_begins_together(run_virtual: Run) -> None:
    assert begun(run_virtual, [0.0, 0.001, 0.002]) == [0.002 + QUIET_S] * 3


def test_nobody_waits_longer_than_the_window(run_virtual: Run) -> None:
    arrivals = [number * 0.001 for number in range(20)]
    times = begun(run_virtual, arrivals)
    assert max(time - arrival for time, arrival in zip(times, arrivals, strict=True)) <= WINDOW_S
    assert times[0] == WINDOW_S


def test_a_pause_ends_the_wait(run_virtual: Run) -> None:
    assert begun(run_virtual, [0.0, 0.005]) == pytest.approx([QUIET_S, 0.005 + QUIET_S])


def test_a_model_that_works_takes_them_at_once(run_virtual: Run) -> None:
    assert begun(run_virtual, [0.0, 0.001], lambda: True) == [0.0, 0.001]


def test_whoever_asks_alone_waits_once(run_virtual: Run) -> None:
    assert begun(run_virtual, [0.0, 0.1, 0.2]) == pytest.approx([QUIET_S, 0.1, 0.2])


def test_a_burst_after_lone_requests_is_gathered_from_its_second_on(run_virtual: Run) -> None:
    times = begun(run_virtual, [0.0, 0.1, 0.101, 0.102])
    assert times == pytest.approx([QUIET_S, 0.1, 0.102 + QUIET_S, 0.102 + QUIET_S])


def test_the_burst_after_a_burst_is_gathered_whole(run_virtual: Run) -> None:
    # The burst in between finds the model idle but for its first request, and works from then on.
    working = iter([False, False, True, True, False, False])
    times = begun(run_virtual, [0.0, 0.1, 0.101, 0.102, 0.2, 0.201], lambda: next(working))
    assert times == pytest.approx([QUIET_S, 0.1, 0.101, 0.102, 0.201 + QUIET_S, 0.201 + QUIET_S])
