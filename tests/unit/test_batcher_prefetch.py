"""The batch that lies ready while another is computed: it can still change, and never two of it."""

import asyncio
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from hypercube.batching import Batcher, Limits, in_thread
from hypercube.batching.executor import InExecutor
from hypercube.core.cube import Timing
from hypercube.core.errors import HyperCubeError
from tests.unit.batcher_traces import batcher, turns


class _Executor(Executor):
    """Runs what it was given when told to, on the loop's thread: the order of things is the test's."""

    def __init__(self) -> None:
        self.queue: list[tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]] = []

    def submit(self, fn: Callable[..., Any], /, *arguments: Any, **_: Any) -> Future[Any]:
        future: Future[Any] = Future()
        self.queue.append((future, fn, arguments))
        return future

    def run_next(self) -> None:
        future, function, arguments = self.queue.pop(0)
        future.set_result(function(*arguments))


def test_one_batch_computes_one_lies_ready_and_the_rest_can_still_change(run_virtual: Any) -> None:
    async def main() -> None:
        loop, device = asyncio.get_running_loop(), _Executor()
        ran: list[list[int]] = []

        def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
            ran.append(list(payloads))
            loop.now += 0.010  # type: ignore[attr-defined]
            return [-n for n in payloads]

        b = batcher(in_thread(device, work), max_items=4, overrun_s=0.0, handover_s=0.002)
        first = asyncio.ensure_future(b.submit("k", 0))
        await turns()
        device.run_next()
        assert await first == 0
        assert b.snapshot().service_s == {"k": pytest.approx(0.010)}

        running = asyncio.ensure_future(b.submit("k", 1))
        await turns()
        assert len(device.queue) == 1
        timing = Timing()
        ready = [asyncio.ensure_future(b.submit("k", n, timing=timing)) for n in (2, 3)]
        expiring = asyncio.ensure_future(b.submit("k", 4, deadline=loop.time() + 0.02))
        await turns()
        await asyncio.sleep(0.007)
        assert len(device.queue) == 1, "until then it can still grow"
        await asyncio.sleep(0.002)
        assert len(device.queue) == 2, "handed over shortly before the device is expected to be free"
        behind = [asyncio.ensure_future(b.submit("k", n)) for n in (5, 6, 7, 8)]
        await turns()
        assert len(device.queue) == 2, "one batch lies ready, never two"
        assert b.snapshot().queued_items == 4

        ready[1].cancel()
        with pytest.raises(HyperCubeError, match="before the work could start"):
            await expiring
        device.run_next()
        assert await running == -1
        await turns()
        device.run_next()
        assert await ready[0] == -2
        assert timing.batch_size == 1
        await turns()
        while device.queue:
            device.run_next()
            await turns()
        assert await asyncio.gather(*behind) == [-5, -6, -7, -8]
        assert ran == [[0], [1], [2], [5, 6, 7, 8]]
        await b.close()
        snapshot = b.snapshot()
        assert snapshot.dropped == {"cancelled": 1, "expired": 1}
        assert snapshot.sizes == {1: 3, 4: 1}
        assert snapshot.running_items == 0

    run_virtual(main)


def test_who_is_left_out_when_the_work_begins_hears_at_once(run_virtual: Any) -> None:
    """The worker sees the deadline pass before the loop does; `overrun_s` is for those whose work began."""

    class Device:
        async def hand_over(self, key: Hashable, claim: Callable[[], Sequence[int]]) -> list[int]:
            asyncio.get_running_loop().now += 0.1  # type: ignore[attr-defined]
            began.append(list(claim()))
            return await hang

        def __call__(self, key: Hashable, payloads: Sequence[int]) -> list[int]:
            raise AssertionError("has hand_over")

    async def main() -> None:
        nonlocal hang
        loop = asyncio.get_running_loop()
        hang = loop.create_future()
        b = batcher(Device(), overrun_s=5.0)
        kept = asyncio.ensure_future(b.submit("k", 1, deadline=loop.time() + 1))
        with pytest.raises(HyperCubeError, match="before the work could start"):
            await b.submit("k", 2, deadline=loop.time() + 0.05)
        assert loop.time() == pytest.approx(1000.1, abs=0.005)
        assert began == [[1]]
        hang.set_result([-1])
        assert await kept == -1
        await b.close()

    began: list[list[int]] = []
    hang: asyncio.Future[list[int]] = None  # type: ignore[assignment]
    run_virtual(main)


def test_a_batch_whose_items_all_left_is_not_run(run_virtual: Any) -> None:
    async def main() -> None:
        device, ran = _Executor(), []
        b = batcher(in_thread(device, lambda key, payloads: ran.append(payloads) or list(payloads)))
        gone = [asyncio.ensure_future(b.submit("k", n)) for n in range(3)]
        await turns()
        for task in gone:
            task.cancel()
        await turns()
        device.run_next()
        await b.close()
        assert ran == []
        assert b.snapshot().sizes == {}
        assert b.snapshot().dropped == {"cancelled": 3}

    run_virtual(main)


async def test_threads_of_one_executor_never_compute_two_batches_at_once() -> None:
    together = most = 0
    lock = threading.Lock()

    def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
        nonlocal together, most
        with lock:
            together += 1
            most = max(most, together)
        np.sort(np.arange(200_000)[::-1])
        with lock:
            together -= 1
        return list(payloads)

    with ThreadPoolExecutor(4) as executor:
        b: Batcher[int, int] = Batcher(in_thread(executor, work), limits=Limits(max_items=2))
        assert await asyncio.gather(*(b.submit("k", n) for n in range(60))) == list(range(60))
        await b.close()
    assert most == 1


def _work(key: Hashable, payloads: Sequence[int]) -> list[int]:
    raise AssertionError("nothing is submitted")


def test_a_process_pool_has_no_batch_lying_ready() -> None:
    with ProcessPoolExecutor(1) as executor:
        run: InExecutor[int, int] = in_thread(executor, _work)
        assert run.hand_over is None
