"""What processes that share their answers agree on: in one's memory, through a front-end's link, in Redis.

Two `IdempotentAnswers` over one ledger are two processes as far as keys go.
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.app.workers.engine_door import EngineDoor
from hypercube.app.workers.engine_link import EngineLink
from hypercube.app.workers.shared_answers import LinkedLedger, ledger_operations
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency import IdempotentAnswers
from hypercube.gateway.idempotency.answers import WhenAway
from hypercube.gateway.idempotency.ledger import ClaimState, Ledger, LocalLedger
from hypercube.gateway.idempotency.redis_ledger import RedisLedger
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import FAKE_MODEL, lookup
from hypercube.model_registry.store import ModelStore
from tests.contract.gateway import redis_servers
from tests.contract.gateway.redis_servers import REDIS, VALKEY, Server

WAIT = 20.0
LOCAL, LINKED = "local", "linked"
KEY = "k"
LEASE_S = 0.4
"""Short, for those who wait for one to pass."""


async def until(found: Callable[[], Awaitable[Any]]) -> Any:
    """The first truthy answer."""
    async with asyncio.timeout(WAIT):
        while not (answer := await found()):  # noqa: ASYNC110 - what is looked for may be in Redis
            await asyncio.sleep(0.005)
    return answer


@dataclass
class Work:
    """Something to compute, when the test lets it."""

    name: str
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    ended: asyncio.Event = field(default_factory=asyncio.Event)
    times: int = 0
    failure: Exception | None = None

    async def __call__(self) -> bytes:
        self.times += 1
        self.begun.set()
        try:
            await self.gate.wait()
        finally:
            self.ended.set()
        if self.failure is not None:
            raise self.failure
        return f"{self.name} {self.times}".encode()


def call(key: str = KEY, deadline: float | None = None) -> Call:
    return Call(idempotency_key=key, deadline=deadline, served_by="")


@dataclass
class Shop:
    """A kind of ledger, and what makes processes that use it."""

    kind: str
    folder: Path
    stack: contextlib.AsyncExitStack
    server: Server | None = None
    local: LocalLedger | None = None

    def ledger(self, **bounds: Any) -> Ledger:
        """A process's own view of what is shared; bounds are those of the first."""
        if self.server is not None:
            link = RedisLink(self.server.url, timeout_s=30)
            self.stack.push_async_callback(link.close)
            return RedisLedger(link, **bounds)
        if self.local is None:
            self.local = LocalLedger(**bounds)
        return self.local

    async def started(self, **bounds: Any) -> Ledger:
        """The same, when it can be asked."""
        if self.kind != LINKED:
            return self.ledger(**bounds)
        path = self.folder / "engine"
        if not path.exists():
            store = ModelStore(self.folder / "store")
            cluster = Hypercluster([lookup(FAKE_MODEL)], store, make=lambda _: FakeEngine())
            self.stack.push_async_callback(cluster.close)
            door = EngineDoor(cluster, ledger_operations(self.ledger(**bounds)))
            await door.open(path)
            self.stack.push_async_callback(door.close)
        link = EngineLink(path)
        link.start()
        self.stack.push_async_callback(link.close)
        await link.known()
        return LinkedLedger(link, lease_s=bounds.get("lease_s", 5.0))

    async def process(
        self, *, when_away: WhenAway = "open", kept_s: float = 600.0, **bounds: Any
    ) -> IdempotentAnswers:
        ledger = await self.started(kept_s=kept_s, **bounds)
        made = IdempotentAnswers(kept_s=kept_s, ledger=ledger, when_away=when_away)
        self.stack.push_async_callback(made.close)
        return made


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


def ask(
    process: IdempotentAnswers, work: Work, asked: bytes = b"q", its: Call | None = None
) -> "asyncio.Task[bytes]":
    return asyncio.ensure_future(process.once("route", asked, its or call(), work))


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


async def waited_for(shop: Shop) -> None:
    """Return when the ledger knows that another process waits for the work of the key `k`."""
    if shop.server is not None:
        link = RedisLink(shop.server.url, timeout_s=30)
        shop.stack.push_async_callback(link.close)

        async def marked() -> bool:
            (key,) = await link.run(lambda redis: redis.keys("hypercube:answer:*"))
            return await link.run(lambda redis: redis.hget(key, "awaited")) is not None

        await until(marked)
        return
    assert shop.local is not None
    entries = shop.local._entries

    async def noted() -> bool:
        (entry,) = entries.values()
        return entry.awaited_until > 0

    await until(noted)


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


# -- without Redis


@pytest.fixture
async def valkey(tmp_path: Path) -> AsyncIterator[Shop]:
    async with contextlib.AsyncExitStack() as stack:
        server = redis_servers.made(VALKEY, tmp_path)
        assert server is not None
        server.start()
        stack.callback(server.stop)
        yield Shop(VALKEY, tmp_path, stack, server)


async def test_redis_dies_in_the_middle_open(valkey: Shop) -> None:
    one, two = await valkey.process(), await valkey.process()
    here, there = Work("here"), Work("there")
    there.gate.set()
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    second = ask(two, there)
    await waited_for(valkey)
    assert valkey.server is not None
    valkey.server.stop()
    assert await asyncio.wait_for(second, WAIT) == b"there 1", "each process for itself"
    here.gate.set()
    assert await asyncio.wait_for(first, WAIT) == b"here 1"
    assert await ask(one, here) == b"here 1"
    assert await ask(two, there) == b"there 1"
    with pytest.raises(HyperCubeError, match="Another request"):
        await ask(two, there, b"another")
    assert (here.times, there.times) == (1, 1)
    assert await ask(one, there, its=call("new")) == b"there 2"


async def test_redis_dies_in_the_middle_closed(valkey: Shop) -> None:
    one, two = await valkey.process(when_away="closed"), await valkey.process(when_away="closed")
    here, there = Work("here"), Work("there")
    there.gate.set()
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    second = ask(two, there)
    await waited_for(valkey)
    assert valkey.server is not None
    valkey.server.stop()
    with pytest.raises(HyperCubeError) as refused:
        await asyncio.wait_for(second, WAIT)
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert refused.value.retry_after_s
    here.gate.set()
    assert await asyncio.wait_for(first, WAIT) == b"here 1", "what was begun is finished"
    assert await ask(one, here) == b"here 1", "and known where it was made"
    with pytest.raises(HyperCubeError) as refused:
        await ask(one, here, its=call("new"))
    assert refused.value.kind is ErrorKind.UNAVAILABLE
    assert (here.times, there.times) == (1, 0)


async def test_redis_comes_back_empty_and_the_work_under_way_takes_its_key_again(valkey: Shop) -> None:
    one, two = await valkey.process(lease_s=LEASE_S), await valkey.process(lease_s=LEASE_S)
    here, there = Work("here"), Work("there")
    there.gate.set()
    first = ask(one, here)
    await asyncio.wait_for(here.begun.wait(), WAIT)
    server = valkey.server
    assert server is not None
    server.stop()
    server.start()
    link = RedisLink(server.url, timeout_s=30)
    valkey.stack.push_async_callback(link.close)

    async def taken() -> bool:
        return bool(await link.run(lambda redis: redis.keys("hypercube:answer:*")))

    await until(taken)
    second = ask(two, there)
    await waited_for(valkey)
    here.gate.set()
    assert await asyncio.wait_for(asyncio.gather(first, second), WAIT) == [b"here 1"] * 2
    assert there.times == 0


async def test_the_engine_process_is_away_and_each_front_end_is_for_itself(tmp_path: Path) -> None:
    link = EngineLink(tmp_path / "nobody")
    link.start()
    alone = IdempotentAnswers(ledger=LinkedLedger(link))
    work = Work("here")
    work.gate.set()
    assert [await ask(alone, work) for _ in range(2)] == [b"here 1"] * 2
    await alone.close()
    await link.close()
