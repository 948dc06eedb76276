"""Token buckets in this process: the arithmetic, on a clock of the test's."""

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from hypercube.core.principal import Rate
from hypercube.gateway.access.buckets import LocalBuckets


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


async def test_a_hundred_at_once_get_exactly_ten() -> None:
    buckets = LocalBuckets(Clock())
    levels = await asyncio.gather(*(buckets.take("a", Rate(10, 60.0), 1) for _ in range(100)))
    assert sum(level.taken is not None for level in levels) == 10
    assert levels[-1].wait_s(Rate(10, 60.0), 1) == 6.0


async def test_it_fills_at_an_even_pace_and_not_over_the_brim() -> None:
    clock, rate = Clock(), Rate(10, 60.0)
    buckets = LocalBuckets(clock)
    await buckets.take("a", rate, 10)
    clock.now += 5.9
    assert (await buckets.take("a", rate, 1)).taken is None
    clock.now += 0.2
    assert (await buckets.take("a", rate, 1)).taken == 1
    clock.now += 1e9
    assert (await buckets.take("a", rate, 0)).left == 10
    clock.now -= 1e8  # a clock that is set back gives and takes nothing
    assert (await buckets.take("a", rate, 0)).left == 10


async def test_less_is_taken_only_where_that_is_enough() -> None:
    buckets, rate = LocalBuckets(Clock()), Rate(10, 60.0)
    await buckets.take("a", rate, 4)
    assert (await buckets.take("a", rate, 50, 7)).taken is None
    assert (await buckets.take("a", rate, 50, 6)).taken == 6
    assert (await buckets.take("a", rate, 50, 0)).taken == 0


async def test_who_used_more_than_reserved_waits_longer() -> None:
    clock, rate = Clock(), Rate(10, 10.0)
    buckets = LocalBuckets(clock)
    await buckets.take("a", rate, 10)
    await buckets.settle("a", rate, 20)
    clock.now += 20.5
    assert (await buckets.take("a", rate, 1)).taken is None
    clock.now += 0.5
    assert (await buckets.take("a", rate, 1)).taken == 1
    await buckets.settle("a", rate, -100)
    assert (await buckets.take("a", rate, 0)).left == 10


async def test_ten_thousand_names_and_more_are_not_kept_when_they_say_nothing() -> None:
    clock, rate = Clock(), Rate(10, 10.0)
    buckets = LocalBuckets(clock)
    for number in range(10_000):
        await buckets.take(str(number), rate, 1)
    await buckets.take("0", rate, 9)
    clock.now += 2
    await buckets.take("one more", rate, 1)
    assert len(buckets._buckets) == 2
    assert (await buckets.take("0", rate, 3)).taken is None  # what was not full is still known


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 30), st.integers(0, 12), st.booleans()), max_size=60))
def test_never_more_than_a_full_bucket_and_what_flowed_in(steps: list[tuple[float, int, bool]]) -> None:
    clock, rate = Clock(), Rate(10, 60.0)
    buckets = LocalBuckets(clock)
    taken, passed = 0, 0.0
    for wait_s, amount, partly in steps:
        clock.now += wait_s
        passed += wait_s
        taken += buckets.step("a", rate, amount, 1 if partly else amount).taken or 0
        assert taken <= 10 + passed / 6 + 1e-6
