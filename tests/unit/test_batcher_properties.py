"""Random traces in virtual time: nobody is lost, crossed, run twice, run late, or kept waiting beyond the bounds."""

import asyncio
import itertools
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.batching import Batcher, Limits, Priority, in_thread
from tests.unit.batcher_traces import EPSILON, Arrival, Plain, Queued, batcher, check, play

ARRIVALS = st.builds(
    Arrival,
    at=st.integers(0, 120),
    key=st.integers(0, 2),
    tenant=st.integers(0, 3),
    priority=st.sampled_from(Priority),
    cost=st.sampled_from([0, 1, 1, 1, 7, 60]),
    deadline=st.one_of(st.none(), st.integers(1, 60)),
    cancel=st.one_of(st.none(), st.none(), st.integers(0, 60)),
    poison=st.sampled_from([False] * 12 + [True]),
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    trace=st.lists(ARRIVALS, min_size=1, max_size=60),
    queued=st.booleans(),
    prefetch=st.integers(0, 1),
    max_items=st.sampled_from([1, 4, 128]),
    max_queued_items=st.sampled_from([10, 1000]),
    fault=st.sampled_from(["none", "none", "dies", "cancelled", "short"]),
    fault_at=st.integers(0, 8),
    fixed_ms=st.sampled_from([0.1, 4.0, 25.0]),
    close_at=st.one_of(st.none(), st.integers(0, 150)),
)
def test_no_trace_loses_crosses_or_repeats_an_item_or_keeps_it_too_long(
    run_virtual: Any,
    trace: list[Arrival],
    queued: bool,
    prefetch: int,
    max_items: int,
    max_queued_items: int,
    fault: str,
    fault_at: int,
    fixed_ms: float,
    close_at: int | None,
) -> None:
    async def main() -> None:
        poisoned = frozenset(number for number, arrival in enumerate(trace) if arrival.poison)
        device = (Queued if queued else Plain)(poisoned, fault, fault_at, fixed_ms / 1e3)
        b = batcher(
            device,
            max_items=max_items,
            max_cost=100.0,
            max_queued_items=max_queued_items,
            prefetch=prefetch,
            overrun_s=0.0,
            ageing_s=0.02,
        )
        records = await play(b, trace, close_at)
        check(records, device, b)
        if isinstance(device, Queued):
            assert device.most_handed_over <= 1 + prefetch
        await asyncio.sleep(0)
        left = asyncio.all_tasks() - {asyncio.current_task()}
        assert not left, "a task outlived the batcher"

    run_virtual(main)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 1 << 32), queued=st.booleans())
def test_a_thousand_callers_of_every_kind(run_virtual: Any, seed: int, queued: bool) -> None:
    """Traces far longer than Hypothesis would draw one by one: batches of up to 128 under all faults at once."""
    import random

    rng = random.Random(seed)

    async def main() -> None:
        trace = [
            Arrival(
                at=rng.randrange(300),
                key=rng.randrange(3),
                tenant=rng.randrange(6),
                priority=Priority(rng.randrange(4)),
                cost=rng.choice([1, 1, 1, 5]),
                deadline=rng.choice([None, None, rng.randrange(1, 200)]),
                cancel=rng.choice([None] * 8 + [rng.randrange(100)]),
                poison=rng.random() < 0.004,
            )
            for _ in range(1000)
        ]
        poisoned = frozenset(number for number, arrival in enumerate(trace) if arrival.poison)
        device = (Queued if queued else Plain)(poisoned, fixed_s=rng.choice([0.0002, 0.004, 0.02]))
        b = batcher(device, overrun_s=0.0)
        check(await play(b, trace), device, b)

    run_virtual(main)


# -- priority and ageing


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    trace=st.lists(
        st.builds(Arrival, at=st.integers(0, 200), priority=st.sampled_from(Priority)),
        min_size=2,
        max_size=80,
    ),
    max_items=st.integers(1, 6),
)
def test_an_item_is_overtaken_only_within_its_levels_of_ageing(
    run_virtual: Any, trace: list[Arrival], max_items: int
) -> None:
    """Whoever starts in an earlier batch while another waits arrived at most (levels apart) x ageing later."""
    ageing_s = 0.03

    async def main() -> None:
        device = Plain(fixed_s=0.01)
        b = batcher(device, max_items=max_items, ageing_s=ageing_s)
        records = await play(b, trace)
        began = {number: batch.began for batch in device.batches for number in batch.numbers}
        for one, other in itertools.permutations(range(len(records)), 2):
            # `other` waited already when `one` started, and started in a later batch.
            if records[other].submitted < began[one] < began[other]:
                apart = records[other].arrival.priority - records[one].arrival.priority
                assert records[one].submitted <= records[other].submitted + apart * ageing_s + EPSILON

    run_virtual(main)


@pytest.mark.parametrize("level", list(Priority), ids=lambda level: level.name.lower())
def test_an_urgent_flood_starves_nobody(run_virtual: Any, level: Priority) -> None:
    """40 urgent items always wait; a batch of 4 takes 10 ms. Bound: levels x ageing + the flood ahead + 2 batches."""
    ageing_s, batch_s, flood, max_items = 0.2, 0.01, 40, 4

    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Plain(fixed_s=batch_s, per_item_s=0.0)
        b = batcher(device, max_items=max_items, ageing_s=ageing_s)
        over = asyncio.Event()

        async def urgent(number: int) -> None:
            for turn in itertools.count():
                if over.is_set():
                    return
                await b.submit("k", number * 100_000 + turn, priority=Priority.URGENT)

        callers = [asyncio.ensure_future(urgent(number)) for number in range(1, flood + 1)]
        await asyncio.sleep(0.05)
        began = loop.time()
        assert await b.submit("k", 7, priority=level) == -7
        waited = loop.time() - began
        assert waited <= level * ageing_s + (flood / max_items + 2) * batch_s + EPSILON
        assert waited >= level * ageing_s, "a lower level waits its turn"
        over.set()
        await asyncio.gather(*callers)

    run_virtual(main)


def test_between_tenants_with_equal_shares_the_more_urgent_item_goes_first(run_virtual: Any) -> None:
    async def main() -> None:
        device = Plain(fixed_s=0.01)
        b = batcher(device, max_items=1)
        first = asyncio.ensure_future(b.submit("k", 1, tenant="c"))
        await asyncio.sleep(0.001)
        calls = [("a", 2, Priority.LOW), ("b", 3, Priority.NORMAL), ("a", 4, Priority.URGENT)]
        later = [
            asyncio.ensure_future(b.submit("k", n, tenant=tenant, priority=level))
            for tenant, n, level in calls
        ]
        await asyncio.gather(first, *later)
        assert [batch.numbers for batch in device.batches] == [[1], [4], [3], [2]]

    run_virtual(main)


def test_of_two_keys_that_wait_the_first_to_be_due_is_not_forgotten(run_virtual: Any) -> None:
    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Plain(fixed_s=0.02, per_item_s=0.0)
        b = batcher(device, max_items=8)
        for key in (0, 1):
            await asyncio.gather(*(b.submit(key, n) for n in range(1, 9)))
        device.batches.clear()
        start = loop.time()
        early = asyncio.ensure_future(b.submit(0, 1))
        await asyncio.sleep(0.008)
        late = asyncio.ensure_future(b.submit(1, 2))
        await asyncio.gather(early, late)
        assert [(batch.key, batch.began - start) for batch in device.batches] == [
            (0, pytest.approx(0.010)),
            (1, pytest.approx(0.030)),
        ]

    run_virtual(main)


def test_ten_thousand_nonces_come_back_to_their_owners_from_a_thread() -> None:
    """A real event loop and a real thread; four levels, seven keys, eleven tenants."""

    def echo(key: Hashable, nonces: Sequence[tuple[int, object]]) -> list[tuple[Hashable, int, object]]:
        return [(key, number, nonce) for number, nonce in nonces]

    async def main() -> None:
        with ThreadPoolExecutor(2) as executor:
            b: Batcher[Any, Any] = Batcher(in_thread(executor, echo), limits=Limits(max_queued_items=10_000))
            nonces = [object() for _ in range(10_000)]

            async def caller(n: int) -> None:
                key, number, nonce = await b.submit(
                    n % 7, (n, nonces[n]), priority=Priority(n % 4), tenant=str(n % 11)
                )
                assert (key, number) == (n % 7, n)
                assert nonce is nonces[n]

            await asyncio.gather(*(caller(n) for n in range(10_000)))
            await b.close()
            snapshot = b.snapshot()
            assert (snapshot.queued_items, snapshot.queued_cost, snapshot.running_items) == (0, 0.0, 0)
            assert sum(size * count for size, count in snapshot.sizes.items()) == 10_000
            assert max(snapshot.sizes) <= 128

    asyncio.run(main())
