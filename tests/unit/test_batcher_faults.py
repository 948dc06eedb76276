"""What can go wrong around a batch, one by one: every waiter hears of it, and the batcher lives on."""

import asyncio
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import Executor, Future, ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from hypercube.batching import Batcher, Limits, Priority, in_thread
from hypercube.batching.executor import InExecutor
from hypercube.core.cube import Timing
from hypercube.core.errors import ErrorKind, HyperCubeError

NUMBERS = range(5)


def batcher(run: Any, **limits: Any) -> Batcher[Any, Any]:
    return Batcher(run, limits=Limits(**limits), clock=asyncio.get_running_loop().time)


async def outcomes(b: Batcher[Any, Any], **more: Any) -> list[Any]:
    return await asyncio.gather(*(b.submit("k", n, **more) for n in NUMBERS), return_exceptions=True)


def kinds(answers: Sequence[Any]) -> list[Any]:
    return [answer.kind if isinstance(answer, HyperCubeError) else answer for answer in answers]


# -- what `run` may do


@pytest.mark.parametrize(
    ("wrong", "words"),
    [
        (lambda p: None, "NoneType"),
        (lambda p: set(p), "set"),
        (lambda p: dict.fromkeys(p), "dict"),
        (lambda p: "abcde", "str"),
        (lambda p: (n for n in p), "generator"),
        (lambda p: list(p)[1:], "4 results for 5 items"),
        (lambda p: [*p, 0], "6 results for 5 items"),
        (lambda p: [], "0 results for 5 items"),
    ],
    ids=["none", "set", "dict", "str", "generator", "fewer", "more", "empty"],
)
@pytest.mark.parametrize("awaited", [False, True], ids=["synchronous", "awaited"])
def test_an_answer_that_is_no_list_of_results_fails_everyone(
    run_virtual: Any, wrong: Callable[[Any], Any], words: str, awaited: bool
) -> None:
    async def later(key: Hashable, payloads: Sequence[int]) -> Any:
        return wrong(payloads)

    async def main() -> None:
        b = batcher(later if awaited else lambda key, payloads: wrong(payloads))
        answers = await outcomes(b)
        assert kinds(answers) == [ErrorKind.ENGINE_FAILED] * 5
        assert words in str(answers[0])
        await b.close()

    run_virtual(main)


def test_an_array_is_a_list_of_results(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(lambda key, payloads: np.array(payloads) * 2)
        assert await outcomes(b) == [0, 2, 4, 6, 8]

    run_virtual(main)


@pytest.mark.parametrize("awaited", [False, True], ids=["synchronous", "awaited"])
def test_work_that_is_cancelled_is_a_failure_to_its_waiters(run_virtual: Any, awaited: bool) -> None:
    """Once, for the whole batch: whoever cancels work does not want it run again in halves."""
    runs = []

    def cancelled(key: Hashable, payloads: Sequence[int]) -> list[int]:
        runs.append(payloads)
        if len(runs) == 1:
            raise asyncio.CancelledError
        return list(payloads)

    async def later(key: Hashable, payloads: Sequence[int]) -> list[int]:
        return cancelled(key, payloads)

    async def main() -> None:
        b = batcher(later if awaited else cancelled)
        assert kinds(await outcomes(b)) == [ErrorKind.ENGINE_FAILED] * 5
        assert await outcomes(b) == list(NUMBERS)
        assert len(runs) == 2

    run_virtual(main)


def test_work_cancelled_while_it_is_run_in_halves(run_virtual: Any) -> None:
    runs = []

    async def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
        runs.append(payloads)
        await asyncio.sleep(0.001)
        if len(runs) == 1:
            raise ZeroDivisionError
        if len(runs) == 2:
            return list(payloads)
        if len(runs) == 3:
            raise asyncio.CancelledError
        return list(payloads)

    async def main() -> None:
        b = batcher(work)
        assert kinds(await outcomes(b)) == [0, 1, *[ErrorKind.ENGINE_FAILED] * 3]
        assert await outcomes(b) == list(NUMBERS)
        assert b.snapshot().running_items == 0

    run_virtual(main)


def test_an_interrupt_in_a_synchronous_run_ends_the_loop_and_loses_nobody() -> None:
    async def main() -> None:
        raised = iter([KeyboardInterrupt])

        def run(key: Hashable, payloads: Sequence[int]) -> list[int]:
            for error in raised:
                raise error
            return list(payloads)

        answers.append(asyncio.ensure_future(outcomes(Batcher(run))))
        await answers[0]

    answers: list[asyncio.Future[list[Any]]] = []
    loop = asyncio.new_event_loop()
    try:
        task = loop.create_task(main())
        with pytest.raises(KeyboardInterrupt):
            loop.run_until_complete(task)
        loop.run_until_complete(task)
    finally:
        loop.close()
    assert kinds(answers[0].result()) == [ErrorKind.ENGINE_FAILED] * 5


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, StopIteration, asyncio.CancelledError])
async def test_whatever_is_raised_in_a_worker_thread_reaches_everyone(error: type[BaseException]) -> None:
    raised = iter([error("in the worker")] * 9)

    def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
        for instance in raised:
            raise instance
        return list(payloads)

    with ThreadPoolExecutor(1) as executor:
        b: Batcher[int, int] = Batcher(in_thread(executor, work))
        assert kinds(await outcomes(b)) == [ErrorKind.ENGINE_FAILED] * 5
        list(raised)
        assert await outcomes(b) == list(NUMBERS)
        await b.close()


def _die(key: Hashable, payloads: Sequence[int]) -> list[int]:
    os._exit(1)


async def test_a_worker_process_that_dies_takes_its_batch_and_nobody_hangs() -> None:
    with ProcessPoolExecutor(1) as executor:
        b: Batcher[int, int] = Batcher(in_thread(executor, _die))
        for _ in range(2):
            answers = await outcomes(b)
            assert kinds(answers) == [ErrorKind.ENGINE_FAILED] * 5
            assert "BrokenProcessPool" in str(answers[0])
        assert b.snapshot().halved == 0, "there is no worker to run the halves"
        await b.close()


async def test_an_executor_that_is_shut_down_is_unavailable() -> None:
    executor = ThreadPoolExecutor(1)
    b: Batcher[int, int] = Batcher(in_thread(executor, lambda key, payloads: payloads))
    assert await outcomes(b) == list(NUMBERS)
    executor.shutdown()
    assert kinds(await outcomes(b)) == [ErrorKind.UNAVAILABLE] * 5
    assert b.snapshot().halved == 0
    await b.close()


async def test_batches_in_the_queue_of_an_executor_that_is_shut_down_are_answered() -> None:
    executor = ThreadPoolExecutor(1)
    started, release = threading.Event(), threading.Event()

    def block() -> None:
        started.set()
        release.wait(30)

    blocked = executor.submit(block)
    b: Batcher[int, int] = Batcher(in_thread(executor, lambda key, payloads: payloads))
    waiting = asyncio.ensure_future(outcomes(b))
    await asyncio.to_thread(started.wait, 30)
    await _turns()
    assert b.explain().batches_in_flight == 1
    executor.shutdown(wait=False, cancel_futures=True)
    assert kinds(await waiting) == [ErrorKind.ENGINE_FAILED] * 5
    release.set()
    await asyncio.wrap_future(blocked)


# -- deadlines while the work is under way


@pytest.mark.parametrize("overrun_s", [0.0, 0.25])
def test_work_that_never_returns_holds_no_caller_beyond_its_deadline(
    run_virtual: Any, overrun_s: float
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        hang: asyncio.Future[list[int]] = loop.create_future()
        b = batcher(lambda key, payloads: hang, overrun_s=overrun_s)
        began = loop.time()
        stuck = asyncio.ensure_future(b.submit("k", 1, deadline=began + 0.1))
        patient = asyncio.ensure_future(b.submit("k", 2))
        await asyncio.sleep(0.05)
        behind = asyncio.ensure_future(b.submit("k", 3, deadline=began + 0.08))
        with pytest.raises(HyperCubeError, match="before the work could start") as queued:
            await behind
        assert queued.value.kind is ErrorKind.DEADLINE_EXCEEDED
        assert loop.time() - began == pytest.approx(0.08, abs=0.005)
        with pytest.raises(HyperCubeError, match="while the work was under way") as late:
            await stuck
        assert late.value.kind is ErrorKind.DEADLINE_EXCEEDED
        assert loop.time() - began == pytest.approx(0.1 + overrun_s, abs=0.005)
        assert b.explain().overran == 1
        hang.set_result([-1, -2])
        assert await patient == -2, "the result of the neighbour that could wait"
        await b.close()
        assert b.snapshot().dropped == {"expired": 1}

    run_virtual(main)


def test_an_item_that_expires_between_two_halves_is_not_run_again(run_virtual: Any) -> None:
    runs: list[list[int]] = []

    async def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
        runs.append(list(payloads))
        await asyncio.sleep(0.01)
        if 0 in payloads:
            raise ZeroDivisionError
        return list(payloads)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        b = batcher(work)
        answers = await asyncio.gather(
            b.submit("k", 0),
            b.submit("k", 1),
            b.submit("k", 2),
            b.submit("k", 3, deadline=loop.time() + 0.015),
            return_exceptions=True,
        )
        assert kinds(answers) == [ErrorKind.ENGINE_FAILED, 1, 2, ErrorKind.DEADLINE_EXCEEDED]
        assert runs == [[0, 1, 2, 3], [0, 1], [0], [1], [2]]

    run_virtual(main)


# -- the batch that lies ready


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


async def _turns(count: int = 5) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


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
        await _turns()
        device.run_next()
        assert await first == 0
        assert b.snapshot().service_s == {"k": pytest.approx(0.010)}

        running = asyncio.ensure_future(b.submit("k", 1))
        await _turns()
        assert len(device.queue) == 1
        timing = Timing()
        ready = [asyncio.ensure_future(b.submit("k", n, timing=timing)) for n in (2, 3)]
        expiring = asyncio.ensure_future(b.submit("k", 4, deadline=loop.time() + 0.02))
        await _turns()
        await asyncio.sleep(0.007)
        assert len(device.queue) == 1, "until then it can still grow"
        await asyncio.sleep(0.002)
        assert len(device.queue) == 2, "handed over shortly before the device is expected to be free"
        behind = [asyncio.ensure_future(b.submit("k", n)) for n in (5, 6, 7, 8)]
        await _turns()
        assert len(device.queue) == 2, "one batch lies ready, never two"
        assert b.snapshot().queued_items == 4

        ready[1].cancel()
        with pytest.raises(HyperCubeError, match="before the work could start"):
            await expiring
        device.run_next()
        assert await running == -1
        await _turns()
        device.run_next()
        assert await ready[0] == -2
        assert timing.batch_size == 1
        await _turns()
        while device.queue:
            device.run_next()
            await _turns()
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
        await _turns()
        for task in gone:
            task.cancel()
        await _turns()
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


def test_a_process_pool_has_no_batch_lying_ready() -> None:
    with ProcessPoolExecutor(1) as executor:
        run: InExecutor[int, int] = in_thread(executor, _die)
        assert run.hand_over is None


# -- what does not add up


def test_what_was_cancelled_while_the_device_hangs_is_not_kept(run_virtual: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        hang: asyncio.Future[list[int]] = loop.create_future()
        b = batcher(lambda key, payloads: [-n for n in payloads] if hang.done() else hang)
        running = asyncio.ensure_future(b.submit("k", 0))
        await _turns()
        held = [asyncio.ensure_future(b.submit("k", n, tenant=str(n))) for n in (1, 2)]
        for n in range(3000):
            task = asyncio.ensure_future(
                b.submit("k", n, deadline=loop.time() + 1e6, tenant=str(n % 5), priority=Priority(n % 4))
            )
            await asyncio.sleep(0)
            task.cancel()
        await _turns()
        lane = b._backlog.lanes["k"]
        levels = sum(len(queue) for flow in lane._flows.values() for queue in flow.levels.values())
        assert max(len(lane._arrivals), len(lane._deadlines), len(lane._order), levels) < 100
        hang.set_result([0])
        assert await running == 0
        assert await asyncio.gather(*held) == [-1, -2]

    run_virtual(main)


def test_keys_and_tenants_that_left_are_forgotten(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(lambda key, payloads: list(payloads))
        for n in range(5000):
            await b.submit(n, n, tenant=str(n))
        assert len(b._backlog.lanes) <= 1024
        assert len(b._backlog.turns._tenants) <= 1024

    run_virtual(main)


@pytest.mark.parametrize("cost", [-1.0, float("inf"), float("nan")])
async def test_a_cost_that_is_no_cost_is_refused(cost: float) -> None:
    b: Batcher[int, int] = Batcher(lambda key, payloads: payloads)
    with pytest.raises(ValueError, match="cost"):
        await b.submit("k", 1, cost=cost)
    assert b.snapshot().queued_items == 0


async def test_a_priority_that_is_no_level_is_refused() -> None:
    b: Batcher[int, int] = Batcher(lambda key, payloads: payloads)
    with pytest.raises(ValueError, match="priority=4"):
        await b.submit("k", 1, priority=4)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "bad",
    [
        {"ageing_s": 0.0},
        {"prefetch": 2},
        {"max_tenant_share": 0.0},
        {"overrun_s": -1.0},
        {"handover_s": -1.0},
    ],
    ids=lambda bad: next(iter(bad)),
)
def test_limits_refuse_more_nonsense(bad: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(bad))):
        Limits(**bad)


# -- the account


def test_the_account_names_what_waits_and_why(run_virtual: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()

        async def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
            await asyncio.sleep(0.02)
            if 13 in payloads:
                raise ZeroDivisionError
            return list(payloads)

        b = batcher(work, max_items=8)
        assert b.explain().lanes == ()
        await asyncio.gather(*(b.submit("charts", n) for n in range(8)))
        await asyncio.gather(*(b.submit("charts", n) for n in (12, 13)), return_exceptions=True)
        account = b.explain()
        assert account.counters == b.snapshot()
        assert account.counters.halved == 1
        assert account.lanes[0].decision == "empty"

        waiting = [asyncio.ensure_future(b.submit("charts", n, tenant="modest", cost=3)) for n in (1, 2)]
        await _turns()
        (lane,) = b.explain().lanes
        assert (lane.items, lane.cost, lane.decision) == (2, 6.0, "wait")
        assert lane.forecast.crowd == 8
        assert "2 of about 8" in lane.why
        assert b.explain().tenants == {"modest": 2}
        await asyncio.sleep(0.004)
        assert b.explain().lanes[0].oldest_wait_s == pytest.approx(0.004)
        await asyncio.gather(*waiting)

        running = asyncio.ensure_future(b.submit("charts", 1))
        await asyncio.sleep(0.015)
        others = [asyncio.ensure_future(b.submit("embeddings", n)) for n in range(8)]
        late = asyncio.ensure_future(b.submit("charts", 9, deadline=loop.time() + 0.5))
        await _turns()
        account = b.explain()
        text = str(account)
        assert account.batches_in_flight == 1
        assert {lane.key: lane.items for lane in account.lanes} == {"charts": 1, "embeddings": 8}
        assert account.lanes[0].soonest_deadline_s == pytest.approx(0.5)
        assert "the device has a batch" in text
        for words in (
            "9 waiting (cost 9)",
            "key charts",
            "key embeddings: 8 items, cost 8",
            "no batch yet",
            "closed: ",
            "batch sizes: ",
            "halved: 1",
        ):
            assert words in text
        await asyncio.gather(running, late, *others)

    run_virtual(main)
