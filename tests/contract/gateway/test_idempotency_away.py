"""Idempotency keys while those who remember them are away: Redis dies, comes back empty; the engine process is away."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hypercube.app.workers.engine_link import EngineLink
from hypercube.app.workers.shared_answers import LinkedLedger
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency import IdempotentAnswers
from tests.contract.gateway import redis_servers
from tests.contract.gateway.ledger_shop import LEASE_S, WAIT, Shop, Work, ask, call, until, waited_for
from tests.contract.gateway.redis_servers import VALKEY


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
