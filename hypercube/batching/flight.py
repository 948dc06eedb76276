"""A batch between its closing and its answers."""

from collections.abc import Awaitable, Sequence
from typing import Generic, TypeVar

from hypercube.batching import refusals
from hypercube.batching.executor import Run
from hypercube.batching.item import Item
from hypercube.batching.lane import Lane
from hypercube.batching.policy import NEVER
from hypercube.core.clock import Clock

Payload = TypeVar("Payload")
Result = TypeVar("Result")


class Flight(Generic[Payload, Result]):
    """A batch on its way through the device.

    Attributes:
        items: what the batch was closed with.
        live: those that were alive when the work began; None until then.
        began: when it was launched, and once its work has begun, when that was; `Clock` seconds.
        recovering: it failed and is being run again in halves.
        release_at: when to look for waiters to `release`, `Clock` seconds.
    """

    __slots__ = (
        "_clock",
        "began",
        "items",
        "key",
        "lane",
        "live",
        "recovering",
        "release_at",
    )

    def __init__(
        self, lane: Lane[Payload, Result], items: "list[Item[Payload, Result]]", clock: Clock
    ) -> None:
        self.lane = lane
        self.key = lane.key
        self.items = items
        self.live: list[Item[Payload, Result]] | None = None
        self.began = clock()
        self.recovering = False
        self._clock = clock
        self.release_at = min([item.deadline for item in items], default=NEVER)

    def start(self, run: Run[Payload, Result]) -> Awaitable[Sequence[Result]] | Sequence[Result]:
        """Begin the work, or queue it where the device will find it."""
        hand_over = getattr(run, "hand_over", None)
        if hand_over is not None:
            queued: Awaitable[Sequence[Result]] = hand_over(self.key, self.claim)
            return queued
        payloads = self.claim()
        return run(self.key, payloads) if payloads else []

    def claim(self) -> "list[Payload]":
        """The payloads to compute: called once, when the work begins, in whichever thread does it."""
        self.began = now = self._clock()
        # Reading `done` from a worker is safe; a waiter that leaves after this line has merely left late.
        live = [item for item in self.items if item.deadline > now and not item.future.done()]
        for item in live:
            item.begun = True
        self.live = live
        return [item.payload for item in live]

    @property
    def at_stake(self) -> "list[Item[Payload, Result]]":
        """The items that a result or a failure of the work is about."""
        return self.items if self.live is None else self.live

    def release(self, now: float, overrun_s: float) -> int:
        """Answer DEADLINE_EXCEEDED to those who waited long enough; returns how many of them had begun."""
        if self.release_at > now:
            return 0
        begun = 0
        for item in self.items:
            if item.future.done() or item.deadline + (overrun_s if item.begun else 0.0) > now:
                continue
            begun += item.begun
            refuse = refusals.overran if item.begun else refusals.too_late
            item.future.set_exception(refuse(item.deadline, now))
        self.release_at = self._next_release(overrun_s)
        return begun

    def _next_release(self, overrun_s: float) -> float:
        waits = [
            item.deadline + (overrun_s if item.begun else 0.0)
            for item in self.items
            if not item.future.done()
        ]
        return min(waits, default=NEVER)

    def land(self, now: float) -> "list[Item[Payload, Result]]":
        """The work is over: tell the timings, answer whoever was not run; returns the items that never ran."""
        live = self.at_stake
        queued_until, compute_s, size = self.began, now - self.began, len(live)
        for item in live:
            timing = item.timing
            if timing is not None:
                timing.queue_s += queued_until - item.enqueued_at
                timing.compute_s += compute_s
                timing.batch_size = size
            if not item.future.done():
                # It failed with others and expired before it could be run again.
                item.future.set_exception(refusals.overran(item.deadline, now))
        if size == len(self.items):
            return []
        left_out = [item for item in self.items if not item.begun]
        for item in left_out:
            if not item.future.done():
                item.future.set_exception(refusals.too_late(item.deadline, now))
        return left_out
