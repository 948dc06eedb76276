"""What can go wrong around a batch, one by one: every waiter hears of it, and the batcher lives on."""

import asyncio
import os
import threading
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from typing import Any

import numpy as np
import pytest

from hypercube.batching import Batcher, Limits, Priority, in_thread
from hypercube.core.errors import ErrorKind, HyperCubeError
from tests.unit.batcher_traces import batcher, turns

NUMBERS = range(5)


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
    await turns()
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


# -- what does not add up


def test_what_was_cancelled_while_the_device_hangs_is_not_kept(run_virtual: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        hang: asyncio.Future[list[int]] = loop.create_future()
        b = batcher(lambda key, payloads: [-n for n in payloads] if hang.done() else hang)
        running = asyncio.ensure_future(b.submit("k", 0))
        await turns()
        held = [asyncio.ensure_future(b.submit("k", n, tenant=str(n))) for n in (1, 2)]
        for n in range(3000):
            task = asyncio.ensure_future(
                b.submit("k", n, deadline=loop.time() + 1e6, tenant=str(n % 5), priority=Priority(n % 4))
            )
            await asyncio.sleep(0)
            task.cancel()
        await turns()
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
        await turns()
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
        await turns()
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
