"""One key's queue: items in order of arrival, their cost, their soonest deadline, what was learned."""

import asyncio
from collections import deque
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from hypercube.batching.forecast import Observations
from hypercube.batching.policy import NEVER, Limits, QueueView
from hypercube.core.cube import Timing

Payload = TypeVar("Payload")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Item(Generic[Payload, Result]):
    """One accepted request, waiting for its future; times are `Clock` seconds."""

    payload: Payload
    cost: float
    deadline: float
    enqueued_at: float
    future: "asyncio.Future[Result]"
    timing: Timing | None


@dataclass(slots=True)
class Lane(Generic[Payload, Result]):
    """A first-in first-out queue that knows its total cost and its soonest deadline."""

    queue: "deque[Item[Payload, Result]]" = field(default_factory=deque)
    cost: float = 0.0
    soonest: float = NEVER
    observed: Observations = field(default_factory=Observations)

    def view(self) -> QueueView:
        """What the policy sees; the queue must not be empty."""
        return QueueView(
            len(self.queue), self.cost, self.queue[0].enqueued_at, self.queue[-1].enqueued_at, self.soonest
        )

    def push(self, item: Item[Payload, Result]) -> None:
        """Append an accepted item."""
        self.queue.append(item)
        self.cost += item.cost
        self.soonest = min(self.soonest, item.deadline)
        self.observed.arrived()

    def take(self, limits: Limits) -> "list[Item[Payload, Result]]":
        """Remove the next batch's worth of items from the front, within item and cost limits."""
        taken: list[Item[Payload, Result]] = []
        cost = 0.0
        while self.queue and len(taken) < limits.max_items:
            item = self.queue[0]
            if taken and cost + item.cost > limits.max_cost:
                break
            taken.append(self.queue.popleft())
            cost += item.cost
        self._recount()
        return taken

    def take_expired(self, now: float) -> "list[Item[Payload, Result]]":
        """Remove every item whose deadline has passed."""
        if self.soonest > now:
            return []
        late = [item for item in self.queue if item.deadline <= now]
        self.queue = deque(item for item in self.queue if item.deadline > now)
        self._recount()
        return late

    def remove(self, item: Item[Payload, Result]) -> bool:
        """Remove one item; False when a batch has it already."""
        try:
            self.queue.remove(item)
        except ValueError:
            return False
        self._recount()
        return True

    def _recount(self) -> None:
        # Summed afresh rather than subtracted: float costs must not drift away from an empty queue's zero.
        self.cost = sum(item.cost for item in self.queue)
        self.soonest = min((item.deadline for item in self.queue), default=NEVER)
