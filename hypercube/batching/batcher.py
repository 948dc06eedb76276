"""The asyncio shell around the policy: futures, one batch computing, and at most one lying ready behind it.

Everything here happens on one event loop, so nothing needs a lock. `run` is given a key and the payloads of
one batch and returns one result each, either at once (a microsecond kernel) or as an awaitable (work in a
thread, a process, a device). One batch computes while the next one forms in the queue; a `run` made by
`in_thread` is given that next one shortly before the device is free (`Limits.prefetch`).

Promises: every accepted item gets exactly one answer; a batch that fails is halved until the item that breaks
it stands alone; cancelled and expired items never reach `run`; what does not fit is refused before it queues;
no tenant and no key keeps another one waiting for more than its turn.
"""

import asyncio
import inspect
import itertools
from collections.abc import Hashable
from functools import partial
from typing import Any, Final, Generic, TypeVar

from hypercube.batching import refusals
from hypercube.batching.backlog import Backlog
from hypercube.batching.delivery import deliver, fail, run_in_halves, worker_died
from hypercube.batching.executor import Run
from hypercube.batching.explain import BatcherSnapshot, Counts, Explanation, LaneAccount
from hypercube.batching.flight import Flight
from hypercube.batching.item import Item
from hypercube.batching.lane import Lane
from hypercube.batching.policy import NEVER, CloseReason, Limits, Wait
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Priority, Timing
from hypercube.core.errors import HyperCubeError

Payload = TypeVar("Payload")
Result = TypeVar("Result")

_LEVELS: Final = len(Priority)


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
        # Only a `run` with a queue of its own in front of the device can be given a batch too early.
        self._slots = 1 if getattr(run, "hand_over", None) is None else 1 + self.limits.prefetch
        self._backlog: Backlog[Payload, Result] = Backlog(name, self.limits)
        self._numbers = itertools.count()
        self._flights: list[Flight[Payload, Result]] = []
        self._recoveries: set[asyncio.Task[None]] = set()
        self._closing = False
        self._pump_scheduled = False
        self._timer: asyncio.TimerHandle | None = None
        self._idle = asyncio.Event()
        self._idle.set()
        self._counts = Counts()

    # -- callers

    async def submit(
        self,
        key: Hashable,
        payload: Payload,
        *,
        cost: float = 1.0,
        deadline: float | None = None,
        timing: Timing | None = None,
        priority: Priority = Priority.NORMAL,
        tenant: str = "",
    ) -> Result:
        """Queue one item and wait for its result.

        Args:
            key: items with equal keys may share a batch.
            payload: what `run` is given.
            cost: its share of `Limits.max_cost` (rows, tokens), in a unit that all keys share.
            deadline: `Clock` seconds after which it must not start; `Limits.overrun_s` later nobody waits for it.
            timing: filled in with queue and compute time and the batch size.
            priority: who goes first among the items of one tenant; waiting improves it (`Limits.ageing_s`).
            tenant: on whose behalf; tenants share the device by cost.

        Raises:
            HyperCubeError: OVERLOADED when the queue is full (with `retry_after_s`), UNAVAILABLE after
                `close`, DEADLINE_EXCEEDED, ENGINE_FAILED when `run` breaks its contract, or its own error.
            ValueError: `cost` is negative or not finite, `priority` is no level.
        """
        now = self._clock()
        until = NEVER if deadline is None else deadline
        level = int(priority)
        if not (0 <= cost < NEVER and 0 <= level < _LEVELS):
            raise ValueError(f"cost={cost} must be finite and not negative, priority={level} a `Priority`")
        if self._closing:
            raise refusals.shutting_down(self.name)
        if not now < until:
            self._counts.dropped["expired"] += 1
            raise refusals.too_late(until, now)
        holder = self._backlog.turns.tenant(tenant)
        try:
            self._backlog.check(holder, cost)
        except HyperCubeError:
            self._counts.dropped["overloaded"] += 1
            raise
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Result] = loop.create_future()
        rank = now + level * self.limits.ageing_s
        number = next(self._numbers)
        item = Item(payload, cost, until, now, future, timing, holder, level, rank, number)
        lane = self._backlog.push(key, item)
        self._idle.clear()
        # One look per turn of the loop: whatever is submitted in this turn joins the same batch.
        if not self._pump_scheduled:
            self._look_soon()
        try:
            return await future
        except asyncio.CancelledError:
            if self._backlog.remove(lane, item):
                self._drop(lane, "cancelled")
                self._settle()
            raise

    def require_wait_within(self, longest_s: float) -> None:
        """Refuse work of many items before the first of them: `Limits.max_wait_s` would count its own for the others.

        Raises:
            HyperCubeError: OVERLOADED with `retry_after_s` when what waits already takes longer than `longest_s`, in
                seconds, at the rate seen.
        """
        wait_s = self._backlog.wait_s()
        if wait_s > longest_s:
            self._counts.dropped["overloaded"] += 1
            raise refusals.wait_too_long(
                self.name, self._backlog.items, wait_s, longest_s, self._backlog.retry_after_s()
            )

    async def close(self) -> None:
        """Refuse new items, run what is queued, return when everyone has an answer."""
        self._closing = True
        self._pump()
        await self._idle.wait()

    def retry_after_s(self) -> float:
        """When a refused caller should come back: the time the queue takes at the rate seen, 0.05 to 30 s."""
        return self._backlog.retry_after_s()

    def snapshot(self) -> BatcherSnapshot:
        """Counters and queue lengths now."""
        return self._counts.snapshot(self._backlog, sum(len(flight.items) for flight in self._flights))

    def explain(self) -> Explanation:
        """What waits, what the policy makes of it and why, and what has happened so far; `str()` reads well."""
        now = self._clock()
        free_at = self._free_at()
        return Explanation(
            name=self.name,
            limits=self.limits,
            batches_in_flight=len(self._flights),
            slots=self._slots,
            free_in_s=max(0.0, free_at - now),
            lanes=tuple(
                LaneAccount.of(lane, now, self.limits, shutting_down=self._closing, free_at=free_at)
                for lane in self._backlog.lanes.values()
            ),
            tenants={name: tenant.items for name, tenant in self._backlog.turns.holding().items()},
            overran=self._counts.overran,
            counters=self.snapshot(),
        )

    # -- forming batches

    def _look_soon(self) -> None:
        self._pump_scheduled = True
        asyncio.get_running_loop().call_soon(self._pump)

    def _pump(self) -> None:
        """Expire what is late, launch what should go, set the timer for the rest."""
        self._pump_scheduled = False
        loop = asyncio.get_running_loop()
        wake_at = NEVER
        while True:
            now = self._clock()
            self._expire(now)
            if not self._backlog.waiting or len(self._flights) >= self._slots:
                break
            chosen = self._backlog.choose(now, shutting_down=self._closing, free_at=self._free_at())
            if isinstance(chosen, Wait):
                wake_at = chosen.until
                break
            self._launch(*chosen, now)
        wake_at = min(wake_at, self._backlog.soonest())
        for flight in self._flights:
            wake_at = min(wake_at, flight.release_at)
        if self._timer is not None:
            self._timer.cancel()
        self._timer = (
            None if wake_at == NEVER else loop.call_later(max(0.0, wake_at - self._clock()), self._pump)
        )
        self._settle()

    def _free_at(self) -> float:
        """When the device is expected to have nothing to do; `NEVER` if nobody knows or its queue is full."""
        if not self._flights:
            return -NEVER
        flight = self._flights[0]
        service_s = flight.lane.observed.service_s
        if len(self._flights) >= self._slots or flight.recovering or service_s == 0.0:
            return NEVER
        return flight.began + service_s

    def _expire(self, now: float) -> None:
        for lane, late in self._backlog.take_expired(now):
            self._drop(lane, "expired", len(late))
            for item in late:
                if not item.future.done():
                    item.future.set_exception(refusals.too_late(item.deadline, now))
        for flight in self._flights:
            self._counts.overran += flight.release(now, self.limits.overrun_s)

    def _drop(self, lane: Lane[Payload, Result], reason: str, items: int = 1) -> None:
        if not items:
            return
        self._counts.dropped[reason] += items
        lane.observed.left(items)

    def _launch(self, lane: Lane[Payload, Result], reason: CloseReason, now: float) -> None:
        taken = self._backlog.take(lane, now)
        batch = [item for item in taken if not item.future.done()]
        if len(batch) < len(taken):
            self._drop(lane, "cancelled", len(taken) - len(batch))
        if not batch:
            return
        flight = Flight(lane, batch, self._clock)
        self._counts.closed[reason] += 1
        self._counts.sizes[len(batch)] += 1
        self._flights.append(flight)
        try:
            answer = flight.start(self._run)
        except BaseException as error:
            self._failed(flight, error)
            if not isinstance(error, (Exception, asyncio.CancelledError)):
                # The interpreter is asked to end; what still waits is looked at if the loop goes on.
                self._look_soon()
                raise
            return
        if inspect.isawaitable(answer):
            asyncio.ensure_future(answer).add_done_callback(partial(self._ended, flight))
        else:
            deliver(self.name, flight.at_stake, answer)
            self._land(flight)

    # -- answers

    def _ended(self, flight: Flight[Payload, Result], work: "asyncio.Future[Any]") -> None:
        """The awaited work of a batch is over, one way or another."""
        # Work that was cancelled (an executor shut down, a loop that ends) is a failure to its waiters.
        error = asyncio.CancelledError("the work was cancelled") if work.cancelled() else work.exception()
        if error is None:
            deliver(self.name, flight.at_stake, work.result())
            self._land(flight)
        else:
            self._failed(flight, error)
        self._pump()

    def _failed(self, flight: Flight[Payload, Result], error: BaseException) -> None:
        if len(flight.at_stake) > 1 and not worker_died(error):
            flight.recovering = True
            task = asyncio.get_running_loop().create_task(self._recover(flight))
            self._recoveries.add(task)
            task.add_done_callback(self._recoveries.discard)
        else:
            fail(self.name, flight.at_stake, error)
            self._land(flight)

    async def _recover(self, flight: Flight[Payload, Result]) -> None:
        try:
            self._counts.halved += await run_in_halves(self.name, self._run, flight, self._clock)
        except BaseException as error:
            fail(self.name, flight.items, error)
            task = asyncio.current_task()
            inner = isinstance(error, asyncio.CancelledError) and task is not None and not task.cancelling()
            if not inner:
                raise
        finally:
            self._land(flight)
            self._pump()

    def _land(self, flight: Flight[Payload, Result]) -> None:
        now = self._clock()
        self._flights.remove(flight)
        lane, items = flight.lane, len(flight.items)
        never_ran = flight.land(now)
        if never_ran:
            cancelled = sum(item.future.cancelled() for item in never_ran)
            self._drop(lane, "cancelled", cancelled)
            self._drop(lane, "expired", len(never_ran) - cancelled)
            self._counts.shrank(items, items - len(never_ran))
        lane.observed.left(items - len(never_ran))
        if flight.live:
            lane.observed.batch_done(now - flight.began)

    def _settle(self) -> None:
        if not self._flights and not self._backlog.items:
            self._idle.set()
