"""The shell: nobody is lost, crossed, duplicated or kept waiting. Time is virtual throughout."""

import asyncio
import random
from collections.abc import Hashable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.core.cube import Timing
from hypercube.core.errors import ErrorKind, HyperCubeError
from tests.unit.batcher_traces import batcher


class Device:
    """Work that takes `fixed_s + per_item_s * n` virtual seconds and remembers its batches."""

    def __init__(self, fixed_s: float = 0.004, per_item_s: float = 0.00002) -> None:
        self.fixed_s, self.per_item_s = fixed_s, per_item_s
        self.batches: list[list[Any]] = []
        self.running = 0

    async def __call__(self, key: Hashable, payloads: Sequence[Any]) -> list[Any]:
        self.running += 1
        assert self.running == 1, "one batch at a time"
        self.batches.append(list(payloads))
        await asyncio.sleep(self.fixed_s + self.per_item_s * len(payloads))
        self.running -= 1
        return [(key, payload) for payload in payloads]


def test_a_lone_request_waits_for_nobody(run_virtual: Any) -> None:
    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Device()
        b = batcher(device)
        for n in range(5):
            began = loop.time()
            assert await b.submit("k", n) == ("k", n)
            assert loop.time() - began == pytest.approx(0.00402)
        assert b.snapshot().closed == {"idle": 5}

    run_virtual(main)


def test_one_turn_of_the_loop_is_one_full_batch(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device()
        b = batcher(device)
        answers = await asyncio.gather(*(b.submit("k", n) for n in range(128)))
        assert answers == [("k", n) for n in range(128)]
        assert [len(batch) for batch in device.batches] == [128]
        assert b.snapshot().closed == {"size": 1}

    run_virtual(main)


def test_clients_in_a_loop_fill_batches(run_virtual: Any) -> None:
    """128 callers that come back 0 to 2 ms after their answer: the batches become full and stay full."""

    async def main() -> None:
        device, rng = Device(), random.Random(7)
        b = batcher(device)

        async def client(n: int) -> None:
            for turn in range(20):
                assert await b.submit("k", (n, turn)) == ("k", (n, turn))
                await asyncio.sleep(rng.uniform(0, 0.002))

        await asyncio.gather(*(client(n) for n in range(128)))
        sizes = [len(batch) for batch in device.batches]
        assert sizes.count(128) >= 17, sizes
        assert sum(sizes) == 128 * 20

    run_virtual(main)


def test_a_crowd_that_left_is_not_waited_for_long(run_virtual: Any) -> None:
    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Device()
        b = batcher(device)
        await asyncio.gather(*(b.submit("k", n) for n in range(128)))
        waits = []
        for n in range(4):
            began = loop.time()
            await b.submit("k", n)
            waits.append(loop.time() - began - 0.00402)
        assert max(waits[:2]) <= 0.010 + 1e-9
        assert max(waits[2:]) == pytest.approx(0.0, abs=1e-9)

    run_virtual(main)


def test_the_window_counts_from_the_first_item(run_virtual: Any) -> None:
    """A trickle that never pauses long enough still leaves 10 ms after its first item."""

    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Device(fixed_s=0.02)
        b = batcher(device)
        await asyncio.gather(*(b.submit("k", n) for n in range(64)))
        began = loop.time()
        tasks = []
        for n in range(30):
            tasks.append(asyncio.ensure_future(b.submit("k", n)))
            await asyncio.sleep(0.001)
            if len(device.batches) == 2:
                break
        assert loop.time() - began == pytest.approx(0.010, abs=0.0011)
        assert b.snapshot().closed["window"] == 1
        await asyncio.gather(*tasks)

    run_virtual(main)


def test_a_synchronous_kernel_never_waits(run_virtual: Any) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        b = batcher(lambda key, payloads: [payload * 2 for payload in payloads])
        began = loop.time()
        assert await asyncio.gather(*(b.submit("k", n) for n in range(300))) == [2 * n for n in range(300)]
        assert loop.time() == began
        assert b.snapshot().sizes == {44: 1, 128: 2}

    run_virtual(main)


def test_cost_closes_a_batch_and_a_giant_runs_alone(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device()
        b = batcher(device, max_cost=100.0)
        await asyncio.gather(*(b.submit("k", cost, cost=cost) for cost in (60.0, 30.0, 60.0, 500.0, 10.0)))
        assert device.batches == [[60.0, 30.0], [60.0], [500.0], [10.0]]

    run_virtual(main)


def test_keys_never_share_a_batch(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device()
        b = batcher(device)
        answers = await asyncio.gather(*(b.submit(n % 3, n) for n in range(30)))
        assert answers == [(n % 3, n) for n in range(30)]
        assert all(len({n % 3 for n in batch}) == 1 for batch in device.batches)

    run_virtual(main)


def test_a_full_queue_refuses_at_once_and_says_when_to_return(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device(fixed_s=0.5)
        b = batcher(device, max_queued_items=4, max_items=2)
        held = [asyncio.ensure_future(b.submit("k", n)) for n in range(4)]
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        with pytest.raises(HyperCubeError) as refused:
            await asyncio.gather(*(b.submit("k", n) for n in range(10, 15)))
        assert refused.value.kind is ErrorKind.OVERLOADED
        assert refused.value.retry_after_s is not None
        assert refused.value.retry_after_s >= 0.05
        assert len(await asyncio.gather(*held)) == 4
        await b.close()
        assert b.snapshot().queued_items == 0

    run_virtual(main)


def test_under_overload_what_is_accepted_is_served_in_time(run_virtual: Any) -> None:
    """Three times what the device can do: the bound on waiting refuses the rest, at once."""

    async def main() -> None:
        device = Device(fixed_s=0.1, per_item_s=0.0)
        queue = batcher(device, max_wait_s=0.05, max_items=8)
        loop = asyncio.get_running_loop()
        took: list[float] = []
        refused: list[HyperCubeError] = []

        async def one() -> None:
            began = loop.time()
            try:
                await queue.submit("k", began)
            except HyperCubeError as error:
                assert loop.time() == began
                refused.append(error)
            else:
                took.append(loop.time() - began)

        async with asyncio.TaskGroup() as group:
            for _ in range(600):  # 240 a second, of which the device takes 80
                group.create_task(one())
                await asyncio.sleep(1 / 240)
        assert len(took) + len(refused) == 600
        # Until a first batch was seen, nothing is known of how long the queue takes.
        assert max(took[40:]) <= 0.2 + 1e-6, "the batch that computes, and the one that waits"
        assert len(took) > 0.9 * 80 * 600 / 240
        assert {error.kind for error in refused} == {ErrorKind.OVERLOADED}
        assert "50 ms are taken on" in refused[0].message
        assert refused[0].retry_after_s

    run_virtual(main)


def test_an_expired_item_never_runs_and_hears_of_it_on_time(run_virtual: Any) -> None:
    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Device(fixed_s=0.1)
        b = batcher(device)
        first = asyncio.ensure_future(b.submit("k", "long"))
        await asyncio.sleep(0.01)
        with pytest.raises(HyperCubeError) as late:
            await b.submit("k", "late", deadline=loop.time() + 0.02)
        assert late.value.kind is ErrorKind.DEADLINE_EXCEEDED
        assert loop.time() == pytest.approx(1000.03, abs=0.005)
        await first
        with pytest.raises(HyperCubeError):
            await b.submit("k", "past", deadline=loop.time() - 1)
        assert device.batches == [["long"]]
        assert b.snapshot().dropped == {"expired": 2}

    run_virtual(main)


def test_a_cancelled_item_never_runs(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device(fixed_s=0.1)
        b = batcher(device)
        first = asyncio.ensure_future(b.submit("k", 1))
        await asyncio.sleep(0.01)
        doomed = asyncio.ensure_future(b.submit("k", 2))
        kept = asyncio.ensure_future(b.submit("k", 3))
        await asyncio.sleep(0.01)
        doomed.cancel()
        assert await asyncio.gather(first, kept) == [("k", 1), ("k", 3)]
        assert device.batches == [[1], [3]]
        assert b.snapshot().dropped == {"cancelled": 1}

    run_virtual(main)


@pytest.mark.parametrize("synchronous", [False, True], ids=["awaited", "synchronous"])
def test_a_poisonous_item_fails_alone(run_virtual: Any, synchronous: bool) -> None:
    def check(payloads: Sequence[int]) -> list[int]:
        if 13 in payloads:
            raise ZeroDivisionError("thirteen")
        return list(payloads)

    async def awaited(key: Hashable, payloads: Sequence[int]) -> list[int]:
        await asyncio.sleep(0.001)
        return check(payloads)

    async def main() -> None:
        b = batcher((lambda key, payloads: check(payloads)) if synchronous else awaited)
        answers = await asyncio.gather(*(b.submit("k", n) for n in range(64)), return_exceptions=True)
        failed = [n for n, answer in enumerate(answers) if isinstance(answer, BaseException)]
        assert failed == [13]
        error = answers[13]
        assert isinstance(error, HyperCubeError)
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert "thirteen" in str(error)
        assert [answer for answer in answers if answer is not error] == [n for n in range(64) if n != 13]
        assert b.snapshot().halved == 6
        assert await b.submit("k", 1) == 1, "the batcher lives on"

    run_virtual(main)


def test_a_wrong_number_of_results_reaches_every_waiter(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(lambda key, payloads: list(payloads)[:-1])
        answers = await asyncio.gather(*(b.submit("k", n) for n in range(3)), return_exceptions=True)
        assert all(isinstance(a, HyperCubeError) and a.kind is ErrorKind.ENGINE_FAILED for a in answers)
        assert "2 results for 3 items" in str(answers[0])

    run_virtual(main)


def test_close_finishes_what_was_accepted_and_refuses_the_rest(run_virtual: Any) -> None:
    async def main() -> None:
        device = Device(fixed_s=0.05)
        b = batcher(device, max_items=4)
        tasks = [asyncio.ensure_future(b.submit("k", n)) for n in range(10)]
        await asyncio.sleep(0)
        await b.close()
        assert [task.result() for task in tasks] == [("k", n) for n in range(10)]
        with pytest.raises(HyperCubeError) as refused:
            await b.submit("k", 99)
        assert refused.value.kind is ErrorKind.UNAVAILABLE

    run_virtual(main)


def test_timing_tells_queue_and_compute_apart(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(Device(fixed_s=0.1, per_item_s=0.0))
        first, second = Timing(), Timing()
        one = asyncio.ensure_future(b.submit("k", 1, timing=first))
        await asyncio.sleep(0.04)
        await asyncio.gather(one, b.submit("k", 2, timing=second))
        assert (first.queue_s, first.compute_s) == (pytest.approx(0), pytest.approx(0.1))
        assert (second.queue_s, second.compute_s) == (pytest.approx(0.06), pytest.approx(0.1))
        assert second.batch_size == 1

    run_virtual(main)


def test_ten_thousand_nonces_come_back_to_their_owners(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(Device(), max_queued_items=10_000)
        answers = await asyncio.gather(*(b.submit(n % 7, n) for n in range(10_000)))
        assert answers == [(n % 7, n) for n in range(10_000)]
        snapshot = b.snapshot()
        assert (snapshot.queued_items, snapshot.queued_cost, snapshot.running_items) == (0, 0.0, 0)

    run_virtual(main)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32 - 1))
def test_every_item_gets_exactly_one_answer_whatever_happens(run_virtual: Any, seed: int) -> None:
    """Random arrivals, keys, costs, deadlines, cancels and failures, then shutdown."""
    rng = random.Random(seed)

    async def main() -> None:
        loop = asyncio.get_running_loop()
        ran: list[int] = []
        spans: list[tuple[float, list[int]]] = []

        async def work(key: Hashable, payloads: Sequence[int]) -> list[int]:
            spans.append((loop.time(), list(payloads)))
            assert len(payloads) <= 128
            await asyncio.sleep(rng.uniform(0, 0.02))
            if any(n % 97 == 13 for n in payloads):
                raise RuntimeError("poison")
            ran.extend(payloads)
            return [-n for n in payloads]

        b = batcher(work, max_queued_items=200)
        arrived: dict[int, float] = {}

        async def caller(n: int) -> str:
            await asyncio.sleep(rng.uniform(0, 0.3))
            arrived[n] = loop.time()
            deadline = loop.time() + rng.uniform(0.001, 0.2) if rng.random() < 0.3 else None
            try:
                answer = await b.submit(rng.randrange(3), n, cost=rng.uniform(1, 50), deadline=deadline)
            except HyperCubeError as error:
                return error.kind.value
            assert answer == -n, "somebody else's answer"
            return "ok"

        tasks = [asyncio.ensure_future(caller(n)) for n in range(400)]
        for task in rng.sample(tasks, 40):
            loop.call_later(rng.uniform(0, 0.4), task.cancel)
        outcomes = await asyncio.gather(*tasks, return_exceptions=True)
        await b.close()
        known = {"ok", "engine_failed", "deadline_exceeded", "overloaded"}
        assert all(isinstance(o, asyncio.CancelledError) or o in known for o in outcomes)
        for n, outcome in enumerate(outcomes):
            if outcome == "engine_failed":
                assert n % 97 == 13
            if outcome in ("deadline_exceeded", "overloaded"):
                assert n not in ran
            if outcome == "ok":
                assert ran.count(n) == 1
        snapshot = b.snapshot()
        assert (snapshot.queued_items, snapshot.queued_cost, snapshot.running_items) == (0, 0.0, 0)

    run_virtual(main)
