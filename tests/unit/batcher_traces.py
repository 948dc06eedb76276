"""Traces of callers, devices that remember what they were given, and what must hold of every trace."""

import asyncio
from collections import Counter
from collections.abc import Callable, Hashable, Sequence
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from typing import Any

from hypercube.batching import Batcher, Limits, Priority
from hypercube.core.errors import HyperCubeError

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


async def turns(count: int = 5) -> None:
    """Let whoever is ready go on, `count` times over."""
    for _ in range(count):
        await asyncio.sleep(0)
