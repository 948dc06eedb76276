"""Everything that waits: one lane a key, the bounds on all of them together, and whose turn it is."""

from collections.abc import Hashable, Iterator
from typing import Final, Generic, TypeVar

from hypercube.batching import refusals
from hypercube.batching.fairness import Turns
from hypercube.batching.item import Item, Tenant
from hypercube.batching.lane import Lane
from hypercube.batching.policy import NEVER, Close, CloseReason, Limits, Wait, decide

Payload = TypeVar("Payload")
Result = TypeVar("Result")

_MAX_KEYS: Final = 1024
"""Keys whose estimates are kept; beyond that, those with nothing outstanding are forgotten, oldest first."""


class Backlog(Generic[Payload, Result]):
    """The queue of a batcher.

    Attributes:
        items: waiting now, over all keys.
        cost: of what waits now.
        lanes: every key known, waiting or not.
        waiting: the lanes that hold something.
    """

    def __init__(self, name: str, limits: Limits) -> None:
        self.items = 0
        self.cost = 0.0
        self.lanes: dict[Hashable, Lane[Payload, Result]] = {}
        self.waiting: dict[Hashable, Lane[Payload, Result]] = {}
        self.turns = Turns()
        self._name = name
        self._limits = limits

    def check(self, tenant: Tenant, cost: float) -> None:
        """Whether there is room for one more item; raises OVERLOADED if not."""
        limits = self._limits
        # An item dearer than the whole budget still runs, alone, when nothing else waits.
        if self.items >= limits.max_queued_items or (
            self.items and self.cost + cost > limits.max_queued_cost
        ):
            raise refusals.queue_full(
                self._name,
                self.items,
                self.cost,
                self.retry_after_s(),
                for_any=self.items >= limits.max_queued_items,
            )
        if (wait_s := self.wait_s()) > limits.max_wait_s:
            raise refusals.wait_too_long(
                self._name, self.items, wait_s, limits.max_wait_s, self.retry_after_s()
            )
        share = limits.max_tenant_share
        if share < 1 and (
            tenant.items >= max(1.0, share * limits.max_queued_items)
            or (tenant.items and tenant.cost + cost > share * limits.max_queued_cost)
        ):
            raise refusals.share_used_up(
                self._name, tenant.name, tenant.items, tenant.cost, share, self.retry_after_s()
            )

    def push(self, key: Hashable, item: Item[Payload, Result]) -> Lane[Payload, Result]:
        """Append an item that was checked; returns the lane it waits in."""
        lane = self.lanes.get(key)
        if lane is None:
            lane = self._new_lane(key)
        self.turns.join(lane, item.tenant)
        if not lane.items:
            self.waiting[key] = lane
        lane.push(item)
        self.items += 1
        self.cost += item.cost
        return lane

    def remove(self, lane: Lane[Payload, Result], item: Item[Payload, Result]) -> bool:
        """Remove one item; False when it no longer waits."""
        if not lane.remove(item):
            return False
        self._gone(lane, 1, item.cost)
        return True

    def take(self, lane: Lane[Payload, Result], now: float) -> "list[Item[Payload, Result]]":
        """Remove the next batch's worth from a lane and charge everyone for it."""
        taken = lane.take(self._limits)
        self.turns.served(lane, taken, now, self._limits.ageing_s)
        self._gone(lane, len(taken.items), taken.cost)
        return taken.items

    def take_expired(
        self, now: float
    ) -> "Iterator[tuple[Lane[Payload, Result], list[Item[Payload, Result]]]]":
        """Remove every item whose deadline has passed, lane by lane."""
        for lane in [lane for lane in self.waiting.values() if lane.soonest() <= now]:
            late = lane.take_expired(now)
            self._gone(lane, len(late), sum(item.cost for item in late))
            yield lane, late

    def choose(
        self, now: float, *, shutting_down: bool, free_at: float
    ) -> tuple[Lane[Payload, Result], CloseReason] | Wait:
        """The lane whose batch goes now and why, or until when none does; arguments as of `policy.decide`."""
        wake_at = NEVER
        ready: dict[Lane[Payload, Result], CloseReason] = {}
        for lane in self.waiting.values():
            forecast = lane.observed.forecast()
            match decide(
                now, lane.view(), forecast, self._limits, shutting_down=shutting_down, free_at=free_at
            ):
                case Wait(until):
                    wake_at = min(wake_at, until)
                case Close(reason):
                    ready[lane] = reason
        if not ready:
            return Wait(wake_at)
        lane = self.turns.first(list(ready))
        return lane, ready[lane]

    def soonest(self) -> float:
        """The earliest deadline that waits, or `NEVER`."""
        return min((lane.soonest() for lane in self.waiting.values()), default=NEVER)

    def wait_s(self) -> float:
        """How long the full batches that wait already will compute, at the rate seen."""
        ahead = max(self.items // self._limits.max_items, int(self.cost / self._limits.max_cost))
        return ahead * self._slowest_s() if ahead else 0.0

    def _slowest_s(self) -> float:
        return max((lane.observed.service_s for lane in self.waiting.values()), default=0.0)

    def retry_after_s(self) -> float:
        """When a refused caller should come back: the time the queue takes at the rate seen, 0.05 to 30 s."""
        slowest = max((lane.observed.service_s for lane in self.lanes.values()), default=0.0)
        return max(0.05, min(30.0, slowest * (self.items / self._limits.max_items + 1)))

    def _gone(self, lane: Lane[Payload, Result], items: int, cost: float) -> None:
        self.items -= items
        # Set at zero rather than subtracted: float costs must not drift away from an empty queue.
        self.cost = self.cost - cost if self.items else 0.0
        if not lane.items:
            self.waiting.pop(lane.key, None)

    def _new_lane(self, key: Hashable) -> Lane[Payload, Result]:
        if len(self.lanes) >= _MAX_KEYS:
            quiet = [name for name, lane in self.lanes.items() if lane.observed.outstanding == 0]
            for name in quiet[: len(quiet) // 2 + 1]:
                del self.lanes[name]
        lane: Lane[Payload, Result] = Lane(key)
        self.lanes[key] = lane
        return lane
