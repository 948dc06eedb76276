"""Keys and tenants share one device, in virtual time: a flood delays others by a bound, and equal shares are equal."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.batching import Batcher, Priority
from hypercube.core.errors import ErrorKind, HyperCubeError
from tests.unit.batcher_traces import EPSILON, Plain, Queued, batcher

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
