"""The asyncio shell around the policy: queues, futures, one running batch.

Everything here happens on one event loop, so nothing needs a lock. `run` is given a key and the payloads of
one batch and returns one result each, either at once (a microsecond kernel) or as an awaitable (work in a
thread, a process, a device). One batch computes while the next one forms in the queue.

Promises: every accepted item gets exactly one answer; a batch that fails is halved until the item that breaks
it stands alone; cancelled and expired items never reach `run`; what does not fit is refused before it queues.
"""

import asyncio
import inspect
from collections import Counter
from collections.abc import Awaitable, Hashable, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from hypercube.batching.delivery import Run, deliver, fail, run_in_halves
from hypercube.batching.lane import Item, Lane
from hypercube.batching.policy import NEVER, Close, CloseReason, Limits, Wait, decide
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Timing
from hypercube.core.errors import ErrorKind, HyperCubeError

Payload = TypeVar("Payload")
Result = TypeVar("Result")

_MAX_KEYS: Final = 1024
"""Keys whose estimates are kept; beyond that, those with nothing outstanding are forgotten, oldest first."""


@dataclass(frozen=True, slots=True)
class BatcherSnapshot:
    """What the batcher did and does, for `/metrics` and for people.

    Attributes:
        queued_items: waiting now.
        queued_cost: cost waiting now.
        running_items: computing now.
        closed: batches by the reason they closed.
        sizes: batches by their number of items.
        dropped: items that never ran, by reason (cancelled, expired, overloaded).
        halved: times a failed batch was run again in halves.
        service_s: expected time of a batch, by key.
    """

    queued_items: int
    queued_cost: float
    running_items: int
    closed: dict[str, int]
    sizes: dict[int, int]
    dropped: dict[str, int]
    halved: int
    service_s: dict[str, float]


class Batcher(Generic[Payload, Result]):
    """Groups items by key and runs each group in one call; see the module docstring for its promises."""

    def __init__(
        self,
        run: Run[Payload, Result],
        *,
        limits: Limits | None = None,
        clock: Clock = monotonic,
        name: str = "batcher",
    ) -> None:
        self.name = name
        self.limits = limits or Limits()
        self._run = run
        self._clock = clock
        self._lanes: dict[Hashable, Lane[Payload, Result]] = {}
        self._queued_items = 0
        self._running_items = 0
        self._closing = False
        self._pump_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._task: asyncio.Task[None] | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._closed: Counter[CloseReason] = Counter()
        self._sizes: Counter[int] = Counter()
        self._dropped: Counter[str] = Counter()
        self._halved = 0

    # -- callers

    async def submit(
        self,
        key: Hashable,
        payload: Payload,
        *,
        cost: float = 1.0,
        deadline: float | None = None,
        timing: Timing | None = None,
    ) -> Result:
        """Queue one item and wait for its result.

        Args:
            key: items with equal keys may share a batch.
            payload: what `run` is given.
            cost: its share of `Limits.max_cost` (rows, tokens).
            deadline: `Clock` seconds after which it must not start.
            timing: filled in with queue and compute time and the batch size.

        Raises:
            HyperCubeError: OVERLOADED when the queue is full (with `retry_after_s`), UNAVAILABLE after
                `close`, DEADLINE_EXCEEDED, ENGINE_FAILED when `run` breaks its contract, or its own error.
        """
        now = self._clock()
        self._admit(cost, deadline, now)
        loop = asyncio.get_running_loop()
        item: Item[Payload, Result] = Item(
            payload, cost, NEVER if deadline is None else deadline, now, loop.create_future(), timing
        )
        lane = self._lane(key)
        lane.push(item)
        self._queued_items += 1
        self._idle.clear()
        # One look per turn of the loop: whatever is submitted in this turn joins the same batch.
        if not self._pump_scheduled:
            self._pump_scheduled = True
            loop.call_soon(self._pump)
        try:
            return await item.future
        except asyncio.CancelledError:
            if lane.remove(item):
                self._drop(lane, "cancelled")
                self._settle()
            raise

    async def close(self) -> None:
        """Refuse new items, run what is queued, return when everyone has an answer."""
        self._closing = True
        self._pump()
        await self._idle.wait()

    def retry_after_s(self) -> float:
        """When a refused caller should come back: the time the queue takes at the rate seen, 0.05 to 30 s."""
        slowest = max((lane.observed.service_s for lane in self._lanes.values()), default=0.0)
        return max(0.05, min(30.0, slowest * (self._queued_items / self.limits.max_items + 1)))

    def snapshot(self) -> BatcherSnapshot:
        """Counters and queue lengths now."""
        return BatcherSnapshot(
            queued_items=self._queued_items,
            queued_cost=self._queued_cost(),
            running_items=self._running_items,
            closed={reason.value: count for reason, count in sorted(self._closed.items())},
            sizes=dict(sorted(self._sizes.items())),
            dropped=dict(sorted(self._dropped.items())),
            halved=self._halved,
            service_s={str(key): lane.observed.service_s for key, lane in self._lanes.items()},
        )

    # -- admission

    def _admit(self, cost: float, deadline: float | None, now: float) -> None:
        if self._closing:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE, f"The {self.name} is shutting down.", retry_after_s=1.0
            )
        if deadline is not None and now >= deadline:
            self._dropped["expired"] += 1
            raise _too_late(deadline, now)
        full = self._queued_items >= self.limits.max_queued_items
        # An item dearer than the whole budget still runs, alone, when nothing else waits.
        dear = self._queued_items > 0 and self._queued_cost() + cost > self.limits.max_queued_cost
        if full or dear:
            self._dropped["overloaded"] += 1
            raise HyperCubeError(
                ErrorKind.OVERLOADED,
                f"The queue of the {self.name} is full: {self._queued_items} requests "
                f"(cost {self._queued_cost():g}) are waiting.",
                fix="Send it again after the time in Retry-After.",
                retry_after_s=self.retry_after_s(),
            )

    def _queued_cost(self) -> float:
        return sum(lane.cost for lane in self._lanes.values())

    def _lane(self, key: Hashable) -> Lane[Payload, Result]:
        lane = self._lanes.get(key)
        if lane is None:
            if len(self._lanes) >= _MAX_KEYS:
                quiet = [name for name, lane in self._lanes.items() if lane.observed.outstanding == 0]
                for name in quiet[: len(quiet) // 2 + 1]:
                    del self._lanes[name]
            lane = self._lanes[key] = Lane()
        return lane

    def _drop(self, lane: Lane[Payload, Result], reason: str) -> None:
        self._dropped[reason] += 1
        self._queued_items -= 1
        lane.observed.left()

    # -- forming batches

    def _pump(self) -> None:
        """Expire what is late, launch what should go, set the timer for the rest."""
        self._pump_scheduled = False
        loop = asyncio.get_running_loop()
        wake_at = NEVER
        while True:
            now = self._clock()
            self._expire(now)
            wake_at = min((lane.soonest for lane in self._lanes.values()), default=NEVER)
            if self._task is not None:
                break
            ready: list[tuple[float, Hashable, Lane[Payload, Result], CloseReason]] = []
            for key, lane in self._lanes.items():
                if not lane.queue:
                    continue
                match decide(
                    now, lane.view(), lane.observed.forecast(), self.limits, shutting_down=self._closing
                ):
                    case Wait(until):
                        wake_at = min(wake_at, until)
                    case Close(reason):
                        ready.append((lane.queue[0].enqueued_at, key, lane, reason))
            if not ready:
                break
            # Of the batches that may go, the one whose first item has waited longest.
            _, key, lane, reason = min(ready, key=lambda candidate: candidate[0])
            self._launch(loop, key, lane, reason)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            None if wake_at == NEVER else loop.call_later(max(0.0, wake_at - self._clock()), self._pump)
        )
        self._settle()

    def _expire(self, now: float) -> None:
        for lane in self._lanes.values():
            for item in lane.take_expired(now):
                self._drop(lane, "expired")
                if not item.future.done():
                    item.future.set_exception(_too_late(item.deadline, now))

    def _launch(
        self,
        loop: asyncio.AbstractEventLoop,
        key: Hashable,
        lane: Lane[Payload, Result],
        reason: CloseReason,
    ) -> None:
        batch: list[Item[Payload, Result]] = []
        for item in lane.take(self.limits):
            if item.future.done():
                self._drop(lane, "cancelled")
            else:
                self._queued_items -= 1
                batch.append(item)
        if not batch:
            return
        began = self._clock()
        self._closed[reason] += 1
        self._sizes[len(batch)] += 1
        self._running_items = len(batch)
        for item in batch:
            if item.timing is not None:
                item.timing.queue_s += began - item.enqueued_at
                item.timing.batch_size = len(batch)
        failed: Exception | None = None
        answer: Awaitable[Sequence[Result]] | Sequence[Result] = ()
        try:
            answer = self._run(key, [item.payload for item in batch])
        except Exception as error:  # noqa: BLE001 - every waiter must hear of it
            failed = error
        if failed is None and not inspect.isawaitable(answer):
            deliver(self.name, batch, answer)
            self._finish(lane, batch, began)
        else:
            self._task = loop.create_task(self._finish_later(key, lane, batch, began, answer, failed))

    # -- answers

    async def _finish_later(
        self,
        key: Hashable,
        lane: Lane[Payload, Result],
        batch: "list[Item[Payload, Result]]",
        began: float,
        answer: Awaitable[Sequence[Result]] | Sequence[Result],
        failed: Exception | None,
    ) -> None:
        try:
            if failed is None:
                try:
                    deliver(self.name, batch, await answer if inspect.isawaitable(answer) else answer)
                except Exception as error:  # noqa: BLE001 - every waiter must hear of it
                    failed = error
            if failed is not None and len(batch) > 1:
                self._halved += await run_in_halves(self.name, self._run, key, batch)
            elif failed is not None:
                fail(self.name, batch, failed)
        except asyncio.CancelledError as cancelled:
            fail(self.name, batch, cancelled)
            raise
        finally:
            self._task = None
            self._finish(lane, batch, began)
            self._pump()

    def _finish(
        self, lane: Lane[Payload, Result], batch: "list[Item[Payload, Result]]", began: float
    ) -> None:
        duration = self._clock() - began
        for item in batch:
            if item.timing is not None:
                item.timing.compute_s += duration
        lane.observed.left(len(batch))
        lane.observed.batch_done(duration)
        self._running_items = 0

    def _settle(self) -> None:
        if self._task is None and self._queued_items == 0:
            self._idle.set()


def _too_late(deadline: float, now: float) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.DEADLINE_EXCEEDED,
        f"The deadline passed {max(0.0, now - deadline) * 1e3:.0f} ms ago, before the work could start.",
        fix="Allow more time, or send it when the server is less busy.",
    )
