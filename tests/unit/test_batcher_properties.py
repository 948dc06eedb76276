"""Random traces in virtual time: nobody is lost, crossed, run twice, run late, or kept waiting beyond the bounds."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.batching import Batcher, Limits, Priority, in_thread
from hypercube.core.errors import ErrorKind, HyperCubeError

EPSILON = 1e-6
PATIENCE_S = 0.005
"""How late an answer about a deadline may be."""


@dataclass(frozen=True)
class Arrival:
    """One caller of a trace; times in ms."""

    at: int
    key: int = 0
    tenant: int = 0
    priority: Priority = Priority.NORMAL
    cost: int = 1
    deadline: int | None = None
    cancel: int | None = None
    poison: bool = False


@dataclass
class Record:
    """What became of an arrival, in loop seconds."""

    arrival: Arrival
    submitted: float = 0.0
    cancelled: float | None = None
    ended: float = 0.0
    outcome: str = ""


@dataclass
class Batch:
    key: Hashable
    numbers: list[int]
    began: float
    ended: float = 0.0


@dataclass
class Device:
    """Work in virtual time: 4 ms + 0.1 ms an item, one batch at a time, with the faults of the trace."""

    poisoned: frozenset[int] = frozenset()
    fault: str = "none"
    fault_at: int = 1 << 30
    fixed_s: float = 0.004
    per_item_s: float = 0.0001
    batches: list[Batch] = field(default_factory=list)
    done: Counter[int] = field(default_factory=Counter)
    busy: bool = False

    async def work(self, key: Hashable, numbers: Sequence[int]) -> list[int]:
        loop = asyncio.get_running_loop()
        assert not self.busy, "one batch at a time"
        self.busy = True
        batch = Batch(key, list(numbers), loop.time())
        self.batches.append(batch)
        try:
            await asyncio.sleep(self.fixed_s + self.per_item_s * len(numbers))
            if len(self.batches) > self.fault_at:
                match self.fault:
                    case "dies":
                        raise BrokenProcessPool("the worker is gone")
                    case "cancelled":
                        raise asyncio.CancelledError
                    case "short":
                        return list(numbers)[:-1]
                    case _:
                        pass
            if self.poisoned.intersection(numbers):
                raise ZeroDivisionError("poison")
            self.done.update(numbers)
            return [-number for number in numbers]
        finally:
            self.busy = False
            batch.ended = loop.time()


class Plain(Device):
    """A coroutine function: the batcher gives it one batch at a time."""

    async def __call__(self, key: Hashable, numbers: Sequence[int]) -> list[int]:
        return await self.work(key, numbers)


class Queued(Device):
    """A device with a queue, as `in_thread` has: it takes a batch while another computes."""

    handed_over: int = 0
    most_handed_over: int = 0
    _turn: asyncio.Lock | None = None

    async def hand_over(self, key: Hashable, claim: Callable[[], Sequence[int]]) -> list[int]:
        self._turn = self._turn or asyncio.Lock()
        self.handed_over += 1
        self.most_handed_over = max(self.most_handed_over, self.handed_over)
        try:
            async with self._turn:
                numbers = claim()
                return await self.work(key, numbers) if numbers else []
        finally:
            self.handed_over -= 1

    async def __call__(self, key: Hashable, numbers: Sequence[int]) -> list[int]:
        raise AssertionError("a run with hand_over is never called with payloads")


def batcher(run: Any, **limits: Any) -> Batcher[Any, Any]:
    return Batcher(run, limits=Limits(**limits), clock=asyncio.get_running_loop().time)


async def play(b: Batcher[Any, Any], trace: Sequence[Arrival], close_at: int | None = None) -> list[Record]:
    """Live through a trace, then close; every caller's record."""
    loop = asyncio.get_running_loop()
    start = loop.time()
    records = [Record(arrival) for arrival in trace]

    async def call(number: int) -> None:
        record, arrival = records[number], records[number].arrival
        await asyncio.sleep(arrival.at / 1e3)
        record.submitted = loop.time()
        deadline = None if arrival.deadline is None else record.submitted + arrival.deadline / 1e3
        try:
            answer = await b.submit(
                arrival.key,
                number,
                cost=float(arrival.cost),
                deadline=deadline,
                priority=arrival.priority,
                tenant=str(arrival.tenant),
            )
            record.outcome = "ok" if answer == -number else "crossed"
        except HyperCubeError as error:
            record.outcome = error.kind.value
        except asyncio.CancelledError:
            record.outcome = "cancelled"
        record.ended = loop.time()

    def cancel(task: "asyncio.Task[None]", record: Record) -> None:
        if record.submitted and not task.done():
            record.cancelled = loop.time()
            task.cancel()

    tasks = [asyncio.ensure_future(call(number)) for number in range(len(trace))]
    for task, record in zip(tasks, records, strict=True):
        if record.arrival.cancel is not None:
            loop.call_at(start + (record.arrival.at + record.arrival.cancel) / 1e3, cancel, task, record)
    if close_at is not None:
        await asyncio.sleep(close_at / 1e3)
        await b.close()
    await asyncio.gather(*tasks)
    await b.close()
    return records


def check(records: Sequence[Record], device: Device, b: Batcher[Any, Any]) -> None:
    limits = b.limits
    outcomes = Counter(record.outcome for record in records)
    assert set(outcomes) <= {
        "ok", "cancelled", "engine_failed", "deadline_exceeded", "overloaded", "unavailable",
    }  # fmt: skip
    for number, record in enumerate(records):
        runs = [batch for batch in device.batches if number in batch.numbers]
        if record.outcome == "ok":
            assert device.done[number] == 1, "run to its end once, never twice"
        assert device.done[number] <= 1
        if record.outcome in ("overloaded", "unavailable"):
            assert not runs
        if record.outcome == "engine_failed" and device.fault == "none":
            assert record.arrival.poison, "a neighbour of a poisonous item failed"
        if record.arrival.poison:
            assert record.outcome != "ok"
        if record.arrival.deadline is not None and record.outcome != "cancelled":
            deadline = record.submitted + record.arrival.deadline / 1e3
            assert record.ended <= deadline + PATIENCE_S
            assert all(batch.began < deadline for batch in runs), "started after its deadline"
        if record.cancelled is not None:
            assert record.ended == record.cancelled
            assert all(batch.began <= record.cancelled for batch in runs), "started after it was cancelled"
    free_since = 0.0
    for batch in device.batches:
        assert len(set(batch.numbers)) == len(batch.numbers) <= limits.max_items
        arrivals = [records[number].arrival for number in batch.numbers]
        assert {arrival.key for arrival in arrivals} == {batch.key}
        assert len(arrivals) == 1 or sum(arrival.cost for arrival in arrivals) <= limits.max_cost
        oldest = min(records[number].submitted for number in batch.numbers)
        held_s = batch.began - max(oldest, free_since)
        assert held_s <= limits.window_s + EPSILON, "a free device, and an item kept beyond the window"
        free_since = batch.ended
    snapshot = b.snapshot()
    assert (snapshot.queued_items, snapshot.queued_cost, snapshot.running_items) == (0, 0.0, 0)
    never_ran = sum(not any(n in batch.numbers for batch in device.batches) for n in range(len(records)))
    refused = outcomes["unavailable"]
    assert sum(snapshot.dropped.values()) + refused == never_ran
    assert sum(size * count for size, count in snapshot.sizes.items()) == len(records) - never_ran
    assert all(tenant.items == 0 and tenant.cost == 0 for tenant in b._backlog.turns._tenants.values()), (
        "a tenant still holds a share"
    )
    account = b.explain()
    assert account.batches_in_flight == 0
    assert account.tenants == {}


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


# -- fairness


async def _flood(
    b: Batcher[Any, Any], key: Hashable, tenant: str, items: int, over: asyncio.Event, **more: Any
) -> None:
    """Keep `items` of a tenant in the queue of a key until `over`."""
    numbers = itertools.count(1)

    async def caller() -> None:
        while not over.is_set():
            await b.submit(key, next(numbers), tenant=tenant, **more)

    await asyncio.gather(*(caller() for _ in range(items)))


@pytest.mark.parametrize(("queued", "batches"), [(False, 2), (True, 3)], ids=["plain", "prefetching"])
@pytest.mark.parametrize(
    ("key", "tenant"),
    [("k", "modest"), ("other", "greedy"), ("other", "modest")],
    ids=["other-tenant", "other-key", "both"],
)
def test_a_flood_delays_a_single_request_by_a_batch_or_two(
    run_virtual: Any, queued: bool, batches: int, key: str, tenant: str
) -> None:
    """Bound: what the device has (one batch, two when prefetching), then the request's own batch."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        device = (Queued if queued else Plain)(fixed_s=0.01, per_item_s=0.0)
        b = batcher(device, max_items=16)
        over = asyncio.Event()
        flood = asyncio.ensure_future(_flood(b, "k", "greedy", 2000, over))
        waits = []
        for turn in range(20):
            await asyncio.sleep(0.0371)
            began = loop.time()
            await b.submit(key, 1_000_000 + turn, tenant=tenant)
            waits.append(loop.time() - began)
        assert max(waits) <= batches * 0.01 + EPSILON
        over.set()
        await flood

    run_virtual(main)


@pytest.mark.parametrize("keys", [2, 5])
def test_a_flood_over_many_keys_delays_a_single_request_by_a_round_of_keys(
    run_virtual: Any, keys: int
) -> None:
    """Bound: two batches for each of the other keys, what the device has, and its own batch."""

    async def main() -> None:
        loop, device = asyncio.get_running_loop(), Plain(fixed_s=0.01, per_item_s=0.0)
        b = batcher(device, max_items=16, max_queued_items=10_000)
        over = asyncio.Event()
        floods = [asyncio.ensure_future(_flood(b, key, "greedy", 300, over)) for key in range(keys)]
        for turn in range(20):
            await asyncio.sleep(0.0371)
            began = loop.time()
            await b.submit(turn % keys, 1_000_000 + turn, tenant="modest")
            assert loop.time() - began <= (2 * (keys - 1) + 2) * 0.01 + EPSILON
        over.set()
        await asyncio.gather(*floods)

    run_virtual(main)


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    demands=st.lists(st.tuples(st.integers(60, 300), st.integers(1, 9)), min_size=2, max_size=5),
    keys=st.integers(1, 3),
)
def test_tenants_that_want_more_than_their_share_get_equal_shares_by_cost(
    run_virtual: Any, demands: list[tuple[int, int]], keys: int
) -> None:
    """Each tenant keeps its own number of items waiting, each of its own cost, over the same keys.

    At least 20 a key, so that any tenant could fill a batch of 16 alone.
    """

    async def main() -> None:
        given_cost: Counter[int] = Counter()
        cost_of = {tenant: cost for tenant, (_, cost) in enumerate(demands)}

        async def work(key: Hashable, numbers: Sequence[int]) -> list[int]:
            await asyncio.sleep(0.01)
            for number in numbers:
                given_cost[number] += cost_of[number]
            return list(numbers)

        b = batcher(work, max_items=16, max_queued_items=1 << 20)
        over = asyncio.Event()

        async def caller(tenant: int, key: int) -> None:
            while not over.is_set():
                await b.submit(key, tenant, cost=float(cost_of[tenant]), tenant=str(tenant))

        callers = [
            asyncio.ensure_future(caller(tenant, n % keys))
            for tenant, (items, _) in enumerate(demands)
            for n in range(items)
        ]
        await asyncio.sleep(0.5)
        before = Counter(given_cost)
        await asyncio.sleep(1.5)
        shares = [given_cost[tenant] - before[tenant] for tenant in cost_of]
        over.set()
        await asyncio.gather(*callers)
        # Each key's last batch may be out of balance by its whole cost.
        slack = 2 * keys * 16 * max(cost_of.values())
        assert max(shares) - min(shares) <= slack, shares

    run_virtual(main)


def test_two_tenants_half_an_item_apart_keep_no_key_waiting(run_virtual: Any) -> None:
    """`a` is behind `b` after every batch that they share; its own key must get its turns all the same."""

    async def main() -> None:
        served: Counter[Hashable] = Counter()

        async def work(key: Hashable, numbers: Sequence[int]) -> list[int]:
            served[key] += 1
            await asyncio.sleep(0.01)
            return list(numbers)

        b = batcher(work, max_items=16)
        await asyncio.gather(b.submit("shared", 0, tenant="a"), b.submit("shared", 0, tenant="b", cost=0.5))
        over = asyncio.Event()
        floods = [
            asyncio.ensure_future(_flood(b, "shared", "a", 200, over)),
            asyncio.ensure_future(_flood(b, "shared", "b", 200, over)),
            asyncio.ensure_future(_flood(b, "alone", "a", 200, over)),
        ]
        await asyncio.sleep(1.5)
        assert served["alone"] >= 30, served
        assert served["shared"] >= 30, served
        over.set()
        await asyncio.gather(*floods)

    run_virtual(main)


@pytest.mark.parametrize("other_key", [False, True], ids=["tenants", "keys"])
def test_idling_saves_nothing_up(run_virtual: Any, other_key: bool) -> None:
    """Who comes back after a long pause has its share from then on, not what it did not use."""

    async def main() -> None:
        served: Counter[int] = Counter()

        async def work(key: Hashable, numbers: Sequence[int]) -> list[int]:
            served.update(numbers)
            await asyncio.sleep(0.01)
            return list(numbers)

        b = batcher(work, max_items=16)
        over = asyncio.Event()

        async def caller(who: int) -> None:
            key, tenant = (str(who), "") if other_key else ("k", str(who))
            while not over.is_set():
                await b.submit(key, who, tenant=tenant)

        callers = [asyncio.ensure_future(caller(who)) for who in (0, 1) for _ in range(50)]
        await asyncio.sleep(0.5)
        callers += [asyncio.ensure_future(caller(2)) for _ in range(50)]
        await asyncio.sleep(0.05)
        before = Counter(served)
        await asyncio.sleep(0.6)
        shares = [served[who] - before[who] for who in (0, 1, 2)]
        assert max(shares) - min(shares) <= 2 * 16, shares
        over.set()
        await asyncio.gather(*callers)

    run_virtual(main)


def test_an_urgent_key_gets_more_of_the_device_and_never_all_of_it(run_virtual: Any) -> None:
    async def main() -> None:
        everything: Counter[Hashable] = Counter()

        async def work(key: Hashable, numbers: Sequence[int]) -> list[int]:
            everything[key] += 1
            await asyncio.sleep(0.01)
            return list(numbers)

        b = batcher(work, max_items=16, ageing_s=60.0)
        over = asyncio.Event()
        floods = [
            asyncio.ensure_future(_flood(b, level.name, "", 200, over, priority=level)) for level in Priority
        ]
        await asyncio.sleep(6.0)
        served = Counter(everything)
        over.set()
        await asyncio.gather(*floods)
        assert served["URGENT"] == pytest.approx(2 * served["HIGH"], rel=0.1)
        assert served["HIGH"] == pytest.approx(2 * served["NORMAL"], rel=0.1)
        assert served["NORMAL"] == pytest.approx(2 * served["LOW"], rel=0.1)
        assert served["LOW"] >= 30

    run_virtual(main)


def test_one_tenant_may_hold_its_share_of_the_queue_and_no_more(run_virtual: Any) -> None:
    async def main() -> None:
        b = batcher(Plain(), max_queued_items=10, max_queued_cost=100.0, max_tenant_share=0.5)
        greedy = [asyncio.ensure_future(b.submit("k", n, tenant="greedy")) for n in range(1, 6)]
        await asyncio.sleep(0)
        with pytest.raises(HyperCubeError, match="'greedy'") as refused:
            await b.submit("k", 6, tenant="greedy")
        assert refused.value.kind is ErrorKind.OVERLOADED
        assert refused.value.retry_after_s is not None
        dear = [asyncio.ensure_future(b.submit("k", n, tenant="dear", cost=26.0)) for n in (7, 8)]
        outcomes = await asyncio.gather(*greedy, *dear, return_exceptions=True)
        assert outcomes[:6] == [-1, -2, -3, -4, -5, -7]
        assert isinstance(outcomes[6], HyperCubeError)
        assert b.snapshot().dropped == {"overloaded": 2}

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
