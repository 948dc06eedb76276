"""Kinds of ledger of idempotent answers, processes that share one, and work that the test lets go on."""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypercube.app.workers.engine_door import EngineDoor
from hypercube.app.workers.engine_link import EngineLink
from hypercube.app.workers.shared_answers import LinkedLedger, ledger_operations
from hypercube.core.cube import Call
from hypercube.gateway.access.redis_link import RedisLink
from hypercube.gateway.idempotency import IdempotentAnswers
from hypercube.gateway.idempotency.answers import WhenAway
from hypercube.gateway.idempotency.ledger import Ledger, LocalLedger
from hypercube.gateway.idempotency.redis_ledger import RedisLedger
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import FAKE_MODEL, lookup
from hypercube.model_registry.store import ModelStore
from tests.contract.gateway.redis_servers import Server

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


def ask(
    process: IdempotentAnswers, work: Work, asked: bytes = b"q", its: Call | None = None
) -> "asyncio.Task[bytes]":
    return asyncio.ensure_future(process.once("route", asked, its or call(), work))


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
