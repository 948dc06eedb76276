"""When a batch closes: a pure function of (now, queue, forecast, device), without a clock, a loop or a device.

A batch closes when it is full (items or cost), 10 ms after its *first* item, when its earliest deadline
leaves just enough time to compute, at shutdown, or as soon as waiting buys nothing. It buys something while

* a batch costs enough that sharing it matters (`Forecast.service_s` at least `Limits.worth_waiting_s`),
* fewer items wait than were lately outstanding at once (`Forecast.crowd`), and
* they still trickle in (`Limits.patience` of a batch's time has not passed since the last one).

So a lone caller never waits, a microsecond kernel never waits, and 128 callers in step fill batches of 128.

While the device computes, the same rules are applied `Limits.handover_s` before it is expected to be free: the
batch then lies ready in the device's queue, and until then it can still grow and change.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

NEVER: Final = float("inf")


class CloseReason(StrEnum):
    """Why a batch closed; counted and shown by `Batcher.snapshot`."""

    IDLE = "idle"
    """The device is free and waiting buys nothing."""
    SIZE = "size"
    """It holds `Limits.max_items`."""
    COST = "cost"
    """One more item would exceed `Limits.max_cost`."""
    WINDOW = "window"
    """`Limits.window_s` passed since its first item."""
    DEADLINE = "deadline"
    """An item must start now to be done in time."""
    SHUTDOWN = "shutdown"
    """No more items will come."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one batcher.

    Attributes:
        max_items: items in one batch.
        max_cost: cost (rows, tokens) in one batch; an item above it runs alone.
        window_s: longest wait of a batch's first item for company, in seconds.
        max_queued_items: items waiting, over all keys; more are refused at once.
        max_queued_cost: cost waiting, over all keys.
        max_wait_s: an item that would stand behind more work than this, at the rate seen, is refused at once
            instead: under overload, what is accepted is still served in time.
        worth_waiting_s: a batch faster than this is never waited for.
        patience: share of a batch's time that may pass without an arrival before waiting ends.
        ageing_s: seconds of waiting that are worth one level of priority.
        max_tenant_share: share of the queue's items and cost that one tenant may hold.
        prefetch: batches handed over to the device's own queue while it computes another, 0 or 1; only a `run`
            with `hand_over` (`in_thread`) has such a queue.
        handover_s: how long before the device is expected to be free the next batch is handed over.
        overrun_s: how long after its deadline the waiter of an item that started in time still waits for its
            result; then it hears DEADLINE_EXCEEDED and the result is dropped.
    """

    max_items: int = 128
    max_cost: float = 1 << 20
    window_s: float = 0.010
    max_queued_items: int = 4096
    max_queued_cost: float = 1 << 23
    max_wait_s: float = NEVER
    worth_waiting_s: float = 0.0005
    patience: float = 0.5
    ageing_s: float = 0.5
    max_tenant_share: float = 1.0
    prefetch: int = 1
    handover_s: float = 0.002
    overrun_s: float = 5.0

    def __post_init__(self) -> None:
        for name in ("max_items", "max_cost", "max_queued_items", "max_queued_cost"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} must be at least 1")
        if not 0 <= self.window_s < 60:
            raise ValueError(f"window_s={self.window_s} must be 0 to 60 seconds")
        if not self.max_wait_s > 0:
            raise ValueError(f"max_wait_s={self.max_wait_s} must be over 0")
        if not 0 < self.ageing_s <= 3600:
            raise ValueError(f"ageing_s={self.ageing_s} must be above 0, at most 3600 seconds")
        if not 0 < self.max_tenant_share <= 1:
            raise ValueError(f"max_tenant_share={self.max_tenant_share} must be above 0, at most 1")
        if self.prefetch not in (0, 1):
            raise ValueError(f"prefetch={self.prefetch} must be 0 or 1")
        for name in ("handover_s", "overrun_s"):
            if not 0 <= getattr(self, name) <= 3600:
                raise ValueError(f"{name}={getattr(self, name)} must be 0 to 3600 seconds")


@dataclass(frozen=True, slots=True)
class QueueView:
    """What the policy sees of one key's queue; times are `Clock` seconds, costs are in the key's unit."""

    items: int
    cost: float
    first_at: float
    last_at: float
    earliest_deadline: float = NEVER


@dataclass(frozen=True, slots=True)
class Forecast:
    """What was learned from the last batches of one key.

    Attributes:
        service_s: time a batch takes; 0 while nothing is known.
        crowd: most items outstanding at once (queued or computing) over the last two batches.
    """

    service_s: float = 0.0
    crowd: int = 0


@dataclass(frozen=True, slots=True)
class Close:
    """Launch a batch now."""

    reason: CloseReason


@dataclass(frozen=True, slots=True)
class Wait:
    """Look again at `until` (`Clock` seconds), or when something arrives."""

    until: float


def decide(
    now: float,
    queue: QueueView,
    forecast: Forecast,
    limits: Limits,
    *,
    shutting_down: bool = False,
    free_at: float = -NEVER,
) -> Close | Wait:
    """Close or wait, for a non-empty queue in front of a device with room for a batch.

    Args:
        now: `Clock` seconds.
        queue: the queue of one key, `items >= 1`.
        forecast: what is known of this key.
        limits: the bounds.
        shutting_down: no further item will come.
        free_at: when the device is expected to be free, `Clock` seconds: the past if it is free, `NEVER` if
            nobody knows.
    """
    hand_over_at = free_at - limits.handover_s
    if now < hand_over_at:
        return Wait(hand_over_at)
    if shutting_down:
        return Close(CloseReason.SHUTDOWN)
    if queue.items >= limits.max_items:
        return Close(CloseReason.SIZE)
    if queue.cost >= limits.max_cost:
        return Close(CloseReason.COST)
    latest_start = queue.earliest_deadline - forecast.service_s
    if now >= latest_start:
        return Close(CloseReason.DEADLINE)
    window_end = queue.first_at + limits.window_s
    if now >= window_end:
        return Close(CloseReason.WINDOW)
    if forecast.service_s < limits.worth_waiting_s or queue.items >= forecast.crowd:
        return Close(CloseReason.IDLE)
    quiet_at = queue.last_at + limits.patience * forecast.service_s
    if now >= quiet_at:
        return Close(CloseReason.IDLE)
    return Wait(min(window_end, quiet_at, latest_start))
