"""The batcher's account of itself: numbers for `/metrics`, sentences for people."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from hypercube.batching.backlog import Backlog
from hypercube.batching.lane import Lane
from hypercube.batching.policy import NEVER, Close, CloseReason, Forecast, Limits, QueueView, Wait, decide

_BECAUSE = {
    CloseReason.IDLE: "waiting would buy nothing",
    CloseReason.SIZE: "it is full",
    CloseReason.COST: "its cost is at the limit",
    CloseReason.WINDOW: "its first item has waited the whole window",
    CloseReason.DEADLINE: "an item must start now to be done in time",
    CloseReason.SHUTDOWN: "no more items will come",
}


@dataclass(frozen=True, slots=True)
class BatcherSnapshot:
    """What the batcher did and does, for `/metrics` and for people.

    Attributes:
        queued_items: waiting now.
        queued_cost: cost waiting now.
        running_items: computing now, or handed over to be computed next.
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


@dataclass(slots=True)
class Counts:
    """What has happened so far; names as in `BatcherSnapshot` and `Explanation`."""

    closed: Counter[CloseReason] = field(default_factory=Counter)
    sizes: Counter[int] = field(default_factory=Counter)
    dropped: Counter[str] = field(default_factory=Counter)
    halved: int = 0
    overran: int = 0

    def shrank(self, items: int, ran: int) -> None:
        """A batch was closed with `items`, and only `ran` were alive when its work began."""
        self.sizes[items] -= 1
        if ran:
            self.sizes[ran] += 1

    def snapshot(self, backlog: Backlog[Any, Any], running_items: int) -> BatcherSnapshot:
        """These counts, beside what is there now."""
        return BatcherSnapshot(
            queued_items=backlog.items,
            queued_cost=backlog.cost,
            running_items=running_items,
            closed={reason.value: count for reason, count in sorted(self.closed.items())},
            sizes={size: count for size, count in sorted(self.sizes.items()) if count},
            dropped=dict(sorted(self.dropped.items())),
            halved=self.halved,
            service_s={str(key): lane.observed.service_s for key, lane in backlog.lanes.items()},
        )


@dataclass(frozen=True, slots=True)
class LaneAccount:
    """One key: what waits, what is expected, what the policy would do now and why; times in seconds.

    Attributes:
        key: as text.
        items: waiting now.
        cost: of what waits.
        oldest_wait_s: of the item that has waited longest.
        soonest_deadline_s: until the earliest deadline, or None.
        forecast: what the policy expects of the key.
        decision: the close reason, `wait`, or `empty`.
        why: the decision in words.
    """

    key: str
    items: int
    cost: float
    oldest_wait_s: float
    soonest_deadline_s: float | None
    forecast: Forecast
    decision: str
    why: str

    @classmethod
    def of(
        cls, lane: Lane[Any, Any], now: float, limits: Limits, *, shutting_down: bool, free_at: float
    ) -> "LaneAccount":
        """The account of a lane in front of a device that has room at `free_at` (see `policy.decide`)."""
        forecast = lane.observed.forecast()
        if not lane.items:
            return cls(str(lane.key), 0, 0.0, 0.0, None, forecast, "empty", "nothing waits")
        view = lane.view()
        decision, why = "wait", ""
        match decide(now, view, forecast, limits, shutting_down=shutting_down, free_at=free_at):
            case Close(reason):
                decision, why = reason.value, _BECAUSE[reason]
            case Wait(until):
                why = _waits_for(now, until, view, forecast, limits, free_at)
        return cls(
            key=str(lane.key),
            items=view.items,
            cost=view.cost,
            oldest_wait_s=now - view.first_at,
            soonest_deadline_s=None if view.earliest_deadline == NEVER else view.earliest_deadline - now,
            forecast=forecast,
            decision=decision,
            why=why,
        )


def _waits_for(
    now: float, until: float, view: QueueView, forecast: Forecast, limits: Limits, free_at: float
) -> str:
    if until == NEVER:
        return "the device has a batch, and nobody knows yet when it will be done"
    at_most = f"at most {(until - now) * 1e3:.1f} ms more"
    if now < free_at - limits.handover_s:
        return f"the device is busy: {at_most}"
    return f"{view.items} of about {forecast.crowd} are here and the others may still come: {at_most}"


@dataclass(frozen=True, slots=True)
class Explanation:
    """Everything about a batcher at one moment; `str()` gives one line a key.

    Attributes:
        name: of the batcher.
        limits: its bounds.
        batches_in_flight: computing or handed over.
        slots: how many may be.
        free_in_s: until the device is expected to take a batch; 0 now, infinite if nobody knows.
        lanes: one account a key.
        tenants: items waiting, by tenant.
        overran: waiters released because their work, begun in time, was not done in time.
        counters: the same as `Batcher.snapshot`.
    """

    name: str
    limits: Limits
    batches_in_flight: int
    slots: int
    free_in_s: float
    lanes: tuple[LaneAccount, ...]
    tenants: dict[str, int]
    overran: int
    counters: BatcherSnapshot

    def __str__(self) -> str:
        """A readable account."""
        counters = self.counters
        when = "nobody knows when" if self.free_in_s == NEVER else f"in {self.free_in_s * 1e3:.1f} ms"
        device = "free" if self.free_in_s == 0 else f"takes a batch {when}"
        lines = [
            f"{self.name}: {counters.queued_items} waiting (cost {counters.queued_cost:g}), "
            f"{counters.running_items} with the device in {self.batches_in_flight} of {self.slots} batches; "
            f"device {device}",
            f"  at most {self.limits.max_items} items or {self.limits.window_s * 1e3:g} ms a batch; "
            f"queue of {self.limits.max_queued_items} items, cost {self.limits.max_queued_cost:g}",
        ]
        for lane in self.lanes:
            expected = "no batch yet"
            if lane.forecast.service_s:
                expected = (
                    f"a batch takes {lane.forecast.service_s * 1e3:.2f} ms, crowd {lane.forecast.crowd}"
                )
            if lane.items:
                waits = f"{lane.items} items, cost {lane.cost:g}, oldest {lane.oldest_wait_s * 1e3:.1f} ms"
                lines.append(f"  key {lane.key}: {waits}; {expected}; {lane.decision}: {lane.why}")
            else:
                lines.append(f"  key {lane.key}: nothing waits; {expected}")
        if len(self.tenants) > 1 or "" not in self.tenants:
            lines += [f"  tenant {name or '(none)'}: {items} waiting" for name, items in self.tenants.items()]
        for title, counted in (
            ("closed", counters.closed),
            ("batch sizes", counters.sizes),
            ("never ran", counters.dropped),
        ):
            lines.append(f"  {title}: " + (", ".join(f"{k} {v}" for k, v in counted.items()) or "none"))
        lines.append(f"  halved: {counters.halved}; released while computing: {self.overran}")
        return "\n".join(lines)
