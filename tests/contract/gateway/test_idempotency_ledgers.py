"""What processes that share their answers agree on: in one's memory, through a front-end's link, in Redis.

Two `IdempotentAnswers` over one ledger are two processes as far as keys go.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency.ledger import ClaimState
from tests.contract.gateway import redis_servers
from tests.contract.gateway.ledger_shop import (
    LEASE_S,
    LINKED,
    LOCAL,
    WAIT,
    Shop,
    Work,
    ask,
    call,
    until,
    waited_for,
)
from tests.contract.gateway.redis_servers import REDIS, VALKEY


@pytest.fixture(params=[LOCAL, LINKED, VALKEY, REDIS])
async def shop(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Shop]:
    async with contextlib.AsyncExitStack() as stack:
        made = Shop(request.param, tmp_path, stack)
        if request.param in (VALKEY, REDIS):
            made.server = redis_servers.made(request.param, tmp_path)
            if made.server is None:
                pytest.skip("redis-server is not installed here (Debian: apt install redis-server)")
            made.server.start()
            stack.callback(made.server.stop)
        yield made


# -- the ledger by itself


async def test_of_many_who_claim_at_once_one_gets_it(shop: Shop) -> None:
    ledgers = [await shop.started() for _ in range(4)]
    claims = await asyncio.gather(
        *(ledger.claim("n", b"q", f"{at}-{i}", "") for i in range(25) for at, ledger in enumerate(ledgers))
    )
    states = [each.state for each in claims]
    assert (states.count(ClaimState.MINE), states.count(ClaimState.RUNNING)) == (1, 99)
    (holder,) = {each.holder for each in claims if each.state is ClaimState.RUNNING}
    again = await ledgers[0].claim("n", b"q", holder, "")
    assert again.state is ClaimState.MINE, "a claim that is sent twice is one"
    assert (await ledgers[1].claim("n", b"other", "x", "")).state is ClaimState.ANOTHER
    assert (await ledgers[1].claim("m", b"other", "x", "")).state is ClaimState.MINE


async def test_an_answer_is_the_same_bytes_in_every_process(shop: Shop) -> None:
    one, two = await shop.started(), await shop.started()
    data = bytes(range(256)) * 40
    await one.claim("n", b"\x00q\xff", "one", "")
    await one.answered("n", b"\x00q\xff", "one", data, "small@1.0.0")
    await one.answered("n", b"\x00q\xff", "one", data, "small@1.0.0")
    found = await two.claim("n", b"\x00q\xff", "two", "")
    assert (found.state, found.data, found.served_by) == (ClaimState.ANSWERED, data, "small@1.0.0")
    assert (await two.claim("n", b"other", "two", "")).state is ClaimState.ANOTHER
    await two.answered("n", b"\x00q\xff", "two", b"late", "")
    assert (await two.claim("n", b"\x00q\xff", "two", "")).data == data, (
        "who does not hold it changes nothing"
    )
    assert await two.abandon("n", "one"), "it is no work under way"
    assert (await two.claim("n", b"\x00q\xff", "three", "")).data == data


async def test_a_lease_passes_unless_it_is_renewed(shop: Shop) -> None:
    ledger = await shop.started(lease_s=LEASE_S)
    began = asyncio.get_running_loop().time()
    await ledger.claim("n", b"q", "one", "")
    while asyncio.get_running_loop().time() < began + 2 * LEASE_S:
        await ledger.renew("n", b"q", "one")
        assert (await ledger.claim("n", b"q", "two", "one")).state is ClaimState.RUNNING

    async def taken() -> bool:
        return (await ledger.claim("n", b"q", "two", "one")).state is ClaimState.MINE

    await until(taken)
    await ledger.renew("n", b"q", "one")
    await ledger.answered("n", b"q", "one", b"late", "")
    await ledger.failed("n", b"q", "one", b"late")
    found = await ledger.claim("n", b"q", "three", "")
    assert (found.state, found.holder) == (ClaimState.RUNNING, "two"), "who lost it has no say"


async def test_a_failure_is_told_to_those_who_wait_and_to_nobody_else(shop: Shop) -> None:
    ledger = await shop.started()
    await ledger.claim("n", b"q", "one", "")
    assert (await ledger.claim("n", b"q", "two", "")).holder == "one"
    await ledger.failed("n", b"q", "one", b"why")
    for _ in range(2):
        told = await ledger.claim("n", b"q", "two", "one")
        assert (told.state, told.data) == (ClaimState.FAILED, b"why")
    assert (await ledger.claim("n", b"other", "three", "")).state is ClaimState.MINE, "the key is free"
    assert (await ledger.claim("n", b"q", "two", "one")).state is ClaimState.ANOTHER


async def test_what_is_awaited_is_not_abandoned(shop: Shop) -> None:
    ledger = await shop.started()
    await ledger.claim("n", b"q", "one", "")
    await ledger.claim("n", b"q", "two", "")
    assert not await ledger.abandon("n", "one")
    assert await ledger.abandon("n", "two"), "who holds nothing holds on to nothing"
    assert (await ledger.claim("n", b"q", "two", "one")).state is ClaimState.RUNNING
    assert await ledger.abandon("n", "one", though_awaited=True)
    assert (await ledger.claim("n", b"q", "two", "one")).state is ClaimState.MINE
    assert await ledger.abandon("n", "two")
    assert (await ledger.claim("n", b"q", "three", "")).state is ClaimState.MINE


async def test_what_is_kept_is_bounded(shop: Shop) -> None:
    ledger = await shop.started(max_answers=3, max_bytes=8000)

    async def computed(name: str, data: bytes = b"x") -> bool:
        mine = (await ledger.claim(name, b"q", name, "")).state is ClaimState.MINE
        if mine:
            await ledger.answered(name, b"q", name, data, "")
        return mine

    assert [await computed(name) for name in "abca"] == [True, True, True, False]
    assert [await computed(name) for name in "dba"] == [True, False, True], "the oldest made room"
    assert [await computed("e", b"x" * 5000) for _ in range(2)] == [True, False]
    assert [await computed(name) for name in "ad"] == [False, True], "the others made room in bytes"
    assert [await computed("f", b"x" * 7000) for _ in range(2)] == [True, True], "too long to be kept"
    for turn in range(20):
        assert await computed(f"turn {turn}", b"x" * 1000)
    assert [await computed(f"turn {turn}") for turn in (19, 18, 17, 16)] == [False, False, False, True]


async def test_what_is_kept_goes_with_its_time(shop: Shop) -> None:
    ledger = await shop.started(kept_s=LEASE_S)
    await ledger.claim("n", b"q", "one", "")
    await ledger.answered("n", b"q", "one", b"x", "")
    assert (await ledger.claim("n", b"q", "two", "")).state is ClaimState.ANSWERED

    async def forgotten() -> bool:
        return (await ledger.claim("n", b"q", "two", "")).state is ClaimState.MINE

    await until(forgotten)
    if shop.server is not None:
        link = RedisLink(shop.server.url, timeout_s=30)
        shop.stack.push_async_callback(link.close)
        await ledger.abandon("n", "two")

        async def names() -> list[Any]:
            return await link.run(lambda redis: redis.keys("*"))

        async def empty() -> bool:
            return not await names()

        await until(empty)


async def test_with_nothing_kept_those_who_wait_are_told_all_the_same(shop: Shop) -> None:
    ledger = await shop.started(kept_s=0)
    await ledger.claim("n", b"q", "one", "")
    await ledger.claim("n", b"q", "two", "")
    await ledger.answered("n", b"q", "one", b"x", "v")
    told = await ledger.claim("n", b"q", "two", "one")
    assert (told.state, told.data, told.served_by) == (ClaimState.ANSWERED, b"x", "v")
    assert (await ledger.claim("n", b"q", "three", "")).state is ClaimState.MINE


# -- processes that share it


async def test_a_request_joins_the_one_that_runs_in_another_process(shop: Shop) -> None:
    one, two = await shop.process(), await shop.process()
    here, there, calls = Work("here"), Work("there"), [call() for _ in range(4)]
    there.gate.set()
    calls[0].served_by = "small@1.0.0"
    first = ask(one, here, its=calls[0])
    await asyncio.wait_for(here.begun.wait(), WAIT)
    joined = [ask(two, there, its=each) for each in calls[1:3]]
    with pytest.raises(HyperCubeError) as refused:
        await ask(two, there, b"another", call())
    assert (refused.value.kind, refused.value.param) == (ErrorKind.FAILED_PRECONDITION, "idempotency-key")
    here.gate.set()
    assert await asyncio.wait_for(asyncio.gather(first, *joined), WAIT) == [b"here 1"] * 3
    assert await ask(two, there, its=calls[3]) == b"here 1"
    assert [each.replayed for each in calls] == [False, True, True, True]
    assert {each.served_by for each in calls} == {"small@1.0.0"}
    with pytest.raises(HyperCubeError) as refused:
        await ask(two, there, b"another", call())
    assert refused.value.kind is ErrorKind.FAILED_PRECONDITION
    assert (here.times, there.times) == (1, 0)
    assert (len(one), len(two)) == (1, 0)


async def test_a_failure_is_told_in_every_process_and_not_kept(shop: Shop) -> None:
    one, two = await shop.process(), await shop.process()
    failure = HyperCubeError(
        ErrorKind.OVERLOADED, "full", param="p", value=3, fix="Wait.", details={"a": [1]}, retry_after_s=2.5
    )
    here, there = Work("here", failure=failure), Work("there")
    there.gate.set()
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    second = ask(two, there)
    await waited_for(shop)
    here.gate.set()
    told = await asyncio.wait_for(asyncio.gather(first, second, return_exceptions=True), WAIT)
    for each in told:
        assert isinstance(each, HyperCubeError)
        assert each.failure() == failure.failure()
    assert await ask(two, there) == b"there 1"


@pytest.mark.parametrize("defect", [HyperCubeError(ErrorKind.DEADLINE_EXCEEDED, "late"), ValueError("bug")])
async def test_what_is_the_firsts_own_failure_has_the_others_compute(shop: Shop, defect: Exception) -> None:
    one, two = await shop.process(), await shop.process()
    here, there = Work("here", failure=defect), Work("there")
    there.gate.set()
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    mine = call()
    second = ask(two, there, its=mine)
    await waited_for(shop)
    here.gate.set()
    with pytest.raises(type(defect)):
        await first
    assert await asyncio.wait_for(second, WAIT) == b"there 1"
    assert not mine.replayed


async def test_work_goes_on_for_those_who_wait_elsewhere_and_ends_with_the_last(shop: Shop) -> None:
    one, two = await shop.process(), await shop.process()
    here, there = Work("here"), Work("there")
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    second = ask(two, there)
    await waited_for(shop)
    first.cancel()
    await asyncio.wait((first,))
    assert first.cancelled()
    assert not here.ended.is_set()
    back = ask(one, Work("back"))
    await asyncio.sleep(0)
    here.gate.set()
    assert await asyncio.wait_for(asyncio.gather(second, back), WAIT) == [b"here 1"] * 2

    here = Work("here")
    first = ask(one, here, its=call("l"))
    await asyncio.wait_for(here.begun.wait(), WAIT)
    second = ask(two, there, its=call("l"))
    first.cancel()
    await asyncio.wait((first,))
    second.cancel()
    await asyncio.wait((second,))
    await asyncio.wait_for(here.ended.wait(), WAIT)
    there.gate.set()
    assert await asyncio.wait_for(ask(two, there, its=call("l")), WAIT) == b"there 1"


async def test_a_process_that_dies_leaves_no_key_locked(shop: Shop) -> None:
    one, two = await shop.process(lease_s=LEASE_S), await shop.process(lease_s=LEASE_S)
    here, there = Work("here"), Work("there")
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    there.gate.set()
    second = ask(two, there)
    loop = asyncio.get_running_loop()
    began = loop.time()
    while loop.time() < began + 3 * LEASE_S:  # noqa: ASYNC110 - a lease is a time
        await asyncio.sleep(0.01)
    assert not second.done(), "it is renewed as long as its holder lives"
    # It dies: nothing of it says another word.
    for task in asyncio.all_tasks():
        if getattr(task.get_coro(), "__name__", "") == "_renew":
            task.cancel()
    assert await asyncio.wait_for(second, WAIT) == b"there 1"
    here.gate.set()
    assert await first == b"here 1"
    assert await ask(await shop.process(), Work("third")) == b"there 1", "who lost its lease changes nothing"
