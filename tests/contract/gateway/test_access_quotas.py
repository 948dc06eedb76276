"""Quotas of requests and of tokens, in this process and in real servers of Redis' protocol."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import httpx
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.principal import Rate
from hypercube.gateway.access import keys
from hypercube.gateway.access.authenticator import Access, Credential, WhenAway
from hypercube.gateway.access.buckets import FallbackBuckets, LocalBuckets, RedisBuckets
from hypercube.gateway.access.guarded_cubes import GuardedCubes
from hypercube.gateway.access.keys import ApiKey
from hypercube.gateway.access.redis_keys import RedisKeys
from hypercube.gateway.access.redis_link import RedisAwayError, RedisLink
from hypercube.gateway.access.stores import KeyStore, SqliteKeys
from hypercube.wire.v1 import saju_pb2, saju_pb2_grpc
from tests.contract.gateway import redis_servers
from tests.contract.gateway.redis_servers import REDIS, VALKEY, Server

DAY = 86_400.0
TEN = Rate(10, DAY)
BIRTH = {"birth": "1990-05-03T07:20"}
NOWHERE = "in this process"


@pytest.fixture
def shared(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Server]:
    """A running server of the kind that the test is for."""
    server = redis_servers.made(request.param, tmp_path)
    if server is None:
        pytest.skip("redis-server is not installed here (Debian: apt install redis-server)")
    server.start()
    yield server
    server.stop()


both_kinds = pytest.mark.parametrize("shared", [VALKEY, REDIS], indirect=True)


@dataclass
class Gate:
    """A gateway with quotas; `clock` is the test's, except where Redis counts."""

    house: Any
    access: Access
    store: KeyStore
    link: RedisLink | None
    times: dict[str, float]

    async def key(self, name: str = "ops", **more: Any) -> tuple[ApiKey, str]:
        key, text = keys.made(name, now=1.0, pepper=b"", **more)
        await self.store.add(key)
        return key, text

    def client(self) -> httpx.AsyncClient:
        transport = httpx.ASGITransport(self.house.app())
        return httpx.AsyncClient(transport=transport, base_url="http://gateway")


MakeGate = Callable[..., Gate]


@pytest.fixture
async def gate(house: Any, tmp_path: Path) -> AsyncIterator[MakeGate]:
    """Makes gateways, in one process each with its own view of what they share."""
    made: list[Gate] = []

    def make(server: Server | None = None, when_away: WhenAway = "open") -> Gate:
        times = {"clock": 50.0}
        link = None if server is None else RedisLink(server.url, lambda: times["clock"], timeout_s=30)
        store: KeyStore = SqliteKeys(tmp_path / "keys.sqlite3") if link is None else RedisKeys(link)
        local = LocalBuckets(lambda: times["clock"])
        buckets: Any = local
        if link is not None:
            buckets = RedisBuckets(link)
            buckets = FallbackBuckets(buckets, local) if when_away == "open" else buckets
        access = Access(
            keys=store,
            buckets=buckets,
            when_away=when_away,
            clock=lambda: times["clock"],
            close=None if link is None else link.close,
        )
        services = replace(house.services, access=access, cubes=GuardedCubes(house.services.cubes, access))
        made.append(Gate(replace(house, services=services), access, store, link, times))
        return made[-1]

    yield make
    for each in made:
        await each.access.close()


async def statuses(gate: Gate, text: str, count: int) -> list[int]:
    async with gate.client() as client:
        answers = await asyncio.gather(
            *(client.post("/v1/saju/charts", json=BIRTH, headers={"x-api-key": text}) for _ in range(count))
        )
    for answer in answers:
        if answer.status_code == 429:
            assert 0 < int(answer.headers["retry-after"]) <= DAY / 10
            assert answer.json()["error"]["type"] == "rate_limit_error"
            assert answer.headers["x-ratelimit-remaining-requests"] == "0"
    return [answer.status_code for answer in answers]


async def test_of_a_hundred_at_once_ten_get_in(gate: MakeGate) -> None:
    here = gate()
    _, text = await here.key(requests=TEN)
    found = await statuses(here, text, 100)
    assert (found.count(200), found.count(429)) == (10, 90)
    here.times["clock"] += DAY / 10
    assert (await statuses(here, text, 5)).count(200) == 1
    _, other = await here.key(requests=TEN)
    assert await statuses(here, other, 3) == [200] * 3  # nobody pays for another


@both_kinds
async def test_of_a_hundred_at_two_servers_ten_get_in(gate: MakeGate, shared: Server) -> None:
    one, two = gate(shared), gate(shared)
    _, text = await one.key(requests=TEN)
    found = await asyncio.gather(statuses(one, text, 50), statuses(two, text, 50))
    assert sum(each.count(200) for each in found) == 10
    assert sum(each.count(429) for each in found) == 90


async def test_grpc_counts_in_the_same_bucket_and_says_the_same(gate: MakeGate, grpc_listen: Any) -> None:
    here = gate()
    _, text = await here.key(requests=TEN)
    assert await statuses(here, text, 4) == [200] * 4
    async with grpc_listen(here.house) as channel:

        async def ask() -> tuple[grpc.StatusCode, dict[str, Any]]:
            call = saju_pb2_grpc.SajuStub(channel).Chart(
                saju_pb2.Birth(birth="1990-05-03T07:20"), metadata=(("x-api-key", text),)
            )
            code = await call.code()
            return code, dict(await call.trailing_metadata())

        found = await asyncio.gather(*(ask() for _ in range(50)))
    codes = [code for code, _ in found]
    assert codes.count(grpc.StatusCode.OK) == 6
    assert codes.count(grpc.StatusCode.RESOURCE_EXHAUSTED) == 44
    left = {
        trailer["x-ratelimit-remaining-requests"] for code, trailer in found if code is grpc.StatusCode.OK
    }
    assert left == {str(number) for number in range(6)}


def chat(content: str, **more: Any) -> dict[str, Any]:
    return {"model": "small", "messages": [{"role": "user", "content": content}], **more}


@pytest.mark.parametrize("shared", [VALKEY], indirect=True)
@pytest.mark.parametrize("where", [NOWHERE, VALKEY])
async def test_tokens_are_reserved_at_once_and_settled_with_what_was_used(
    gate: MakeGate, shared: Server, where: str
) -> None:
    here = gate(None if where == NOWHERE else shared)
    # "!hang" is estimated at 2 + 4 tokens; with 4 for the answer each request reserves 10, so 10 fit at a time.
    _, text = await here.key(tokens=Rate(100, DAY * 1000))
    engine, headers = here.house.engine, {"x-api-key": text}
    async with here.client() as client:
        asked = [
            asyncio.ensure_future(
                client.post("/v1/chat/completions", json=chat("!hang", max_tokens=4), headers=headers)
            )
            for _ in range(100)
        ]
        done: set[Any] = set()
        while len(done) < 90:  # those that were refused; the others hang until they are released
            await asyncio.wait(set(asked) - done, return_when=asyncio.FIRST_COMPLETED)
            done = {task for task in asked if task.done()}
        assert {task.result().status_code for task in done} == {429}
        engine.release.set()
        answers = [await task for task in asked if task not in done]
        assert [answer.status_code for answer in answers] == [200] * 10
        await here.access.settled()
        # Each used one token of prompt and one of answer: 20 of the 100 are gone.
        answer = await client.post("/v1/chat/completions", json=chat("a b c", max_tokens=2), headers=headers)
        assert answer.headers["x-ratelimit-limit-tokens"] == "100"
        assert answer.headers["x-ratelimit-remaining-tokens"] == str(80 - (2 + 4 + 2))


async def left(gate: Gate, key: ApiKey) -> int:
    """What is left of a key's tokens."""
    await gate.access.settled()
    assert key.tokens is not None
    return (await gate.access.buckets.take(f"key:{key.id}:tokens", key.tokens, 0)).remaining()


@pytest.mark.parametrize("shared", [VALKEY], indirect=True)
@pytest.mark.parametrize("where", [NOWHERE, VALKEY])
async def test_a_failure_costs_nothing_and_leaving_costs_what_was_sent(
    gate: MakeGate, shared: Server, where: str, exchange: Any
) -> None:
    here = gate(None if where == NOWHERE else shared)
    key, text = await here.key(tokens=Rate(1000, DAY * 1000))
    headers = {"x-api-key": text}
    async with here.client() as client:
        for content in ("!break x", "!cut x", "!bug x", "word " * 80):
            answer = await client.post("/v1/chat/completions", json=chat(content), headers=headers)
            assert answer.status_code in (400, 500, 502)
            assert await left(here, key) == 1000
        answer = await client.post("/v1/chat/completions", json=chat("x", model="none"), headers=headers)
        assert answer.status_code == 404
        assert await left(here, key) == 1000
        for wrong in (-1000, 0):
            body = {"messages": [{"role": "user", "content": "x"}], "max_tokens": wrong}
            answer = await client.post("/v1/cubes/chat:process", json=body, headers=headers)
            assert await left(here, key) <= 1000
    talk = exchange(
        here.house.app(),
        "/v1/chat/completions",
        json.dumps(chat("!wait b", stream=True)).encode(),
        x_api_key=text,
    )
    assert (await talk.head())[0] == 200
    await talk.chunk()
    assert b"!wait" in await talk.chunk()
    before = await left(here, key)
    talk.disconnect()
    await talk.task
    # The prompt (2 + 4, estimated) and the one piece that was sent.
    after = await left(here, key)
    assert after > before
    assert 1000 - after <= 7 + 3


async def test_what_can_never_fit_is_no_matter_of_waiting(gate: MakeGate) -> None:
    here = gate()
    _, text = await here.key(tokens=Rate(50, DAY))
    async with here.client() as client:
        answer = await client.post(
            "/v1/chat/completions", json=chat("hello", max_tokens=60), headers={"x-api-key": text}
        )
        assert (answer.status_code, answer.json()["error"]["param"]) == (400, "max_tokens")
        assert "retry-after" not in answer.headers
        # Without a bound the answer gets what is left.
        answer = await client.post("/v1/chat/completions", json=chat("a b"), headers={"x-api-key": text})
        assert (answer.status_code, answer.headers["x-ratelimit-remaining-tokens"]) == (200, "0")
        embedded = await client.post(
            "/v1/embeddings", json={"model": "small", "input": "x" * 400}, headers={"x-api-key": text}
        )
        assert embedded.status_code == 400


async def test_embeddings_are_settled_too(gate: MakeGate) -> None:
    here = gate()
    key, text = await here.key(tokens=Rate(1000, DAY * 1000))
    async with here.client() as client:
        answer = await client.post(
            "/v1/embeddings", json={"model": "small", "input": ["one two", "셋"]}, headers={"x-api-key": text}
        )
    assert await left(here, key) == 1000 - answer.json()["usage"]["prompt_tokens"]


@both_kinds
async def test_redis_dies_and_comes_back_open(gate: MakeGate, shared: Server) -> None:
    here = gate(shared, "open")
    _, text = await here.key(requests=TEN)
    _, stranger = await here.key("never seen")
    assert await statuses(here, text, 8) == [200] * 8
    shared.stop()
    here.times["clock"] += 10  # the key must be looked up again
    # This process counts for itself from now on: a bucket of ten, whatever Redis had counted.
    found = await statuses(here, text, 30)
    assert (found.count(200), found.count(429)) == (10, 20)
    assert await statuses(here, stranger, 1) == [503]  # nobody new gets in unseen
    here.times["clock"] += 400
    assert await statuses(here, text, 1) == [503]  # and nobody for ever
    shared.start()
    here.times["clock"] += 2
    assert await statuses(here, text, 1) == [401]  # this server kept nothing: the key is gone with it
    _, text = await here.key(requests=TEN)
    found = await statuses(here, text, 30)
    assert (found.count(200), found.count(429)) == (10, 20)


@both_kinds
async def test_redis_dies_and_comes_back_closed(gate: MakeGate, shared: Server) -> None:
    here = gate(shared, "closed")
    key, text = await here.key(requests=TEN)
    assert await statuses(here, text, 2) == [200] * 2
    shared.stop()
    assert await statuses(here, text, 20) == [503] * 20
    here.times["clock"] += 10
    assert await statuses(here, text, 20) == [503] * 20
    shared.start()
    here.times["clock"] += 2
    await here.store.add(key)
    assert (await statuses(here, text, 30)).count(200) == 10


@both_kinds
async def test_keys_in_redis_are_shared_and_changed_in_one_step(gate: MakeGate, shared: Server) -> None:
    one, two = gate(shared), gate(shared)
    key, text = await one.key()
    assert [each.id for each in await two.store.all()] == [key.id]
    assert (await two.access.identify(Credential(text))).name == "ops"

    def longer(found: ApiKey) -> ApiKey:
        return replace(found, name=found.name + "+")

    await asyncio.gather(*(each.store.change(key.id, longer) for each in (one, two) for _ in range(5)))
    found = await one.store.get(key.id)
    assert found is not None
    assert found.name == "ops" + "+" * 10
    assert await one.store.change("a" * 12, longer) is None
    await two.store.change(key.id, lambda known: replace(known, revoked=1.0))
    one.times["clock"] += 2
    with pytest.raises(HyperCubeError, match="revoked"):
        await one.access.identify(Credential(text))


async def test_a_redis_that_is_away_is_left_alone_for_a_moment_and_its_password_stays_inside() -> None:
    now = 0.0
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]  # where nobody listens
    link = RedisLink(f"redis://user:hunter2@127.0.0.1:{port}/3", lambda: now)
    assert link.where == f"redis://127.0.0.1:{port}/3"
    asked = 0

    async def ping(redis: Any) -> Any:
        nonlocal asked
        asked += 1
        return await redis.ping()

    for _ in range(5):
        with pytest.raises(RedisAwayError) as away:
            await link.run(ping)
    assert asked == 2  # the second time in case the connection was an old one
    assert away.value.kind is ErrorKind.UNAVAILABLE
    assert "hunter2" not in f"{away.value} {away.value.failure()} {away.value.__cause__}"
    now += 1.5
    with pytest.raises(RedisAwayError):
        await link.run(ping)
    assert asked == 4
    await link.close()
    with pytest.raises(HyperCubeError, match="no Redis URL") as wrong:
        RedisLink("http://user:hunter2@host")
    assert "hunter2" not in str(wrong.value)
