"""One accepted request, on whose behalf it waits, and what a batch takes of them."""

import asyncio
from collections import deque
from dataclasses import dataclass
from typing import Generic, TypeVar

from hypercube.batching.policy import Limits
from hypercube.core.cube import Timing

Payload = TypeVar("Payload")
Result = TypeVar("Result")


@dataclass(slots=True, eq=False)
class Tenant:
    """On whose behalf items wait; `items` and `cost` are what it holds of the queue, over all keys."""

    name: str
    virtual: float = 0.0
    """Virtual time at which its next item starts; see `fairness`."""
    items: int = 0
    cost: float = 0.0

    def left(self, items: int, cost: float) -> None:
        """It holds so much less of the queue; nothing at all is exactly nothing, whatever the floats say."""
        self.items -= items
        self.cost = self.cost - cost if self.items else 0.0


@dataclass(slots=True, eq=False)
class Item(Generic[Payload, Result]):
    """One accepted request, waiting for its future; times are `Clock` seconds."""

    payload: Payload
    cost: float
    deadline: float
    enqueued_at: float
    future: "asyncio.Future[Result]"
    timing: Timing | None
    tenant: Tenant
    level: int
    rank: float
    number: int
    """Its place in the order of arrival."""
    waiting: bool = True
    begun: bool = False
    """Its work has begun: it can no longer be taken out of its batch."""


class Taken(Generic[Payload, Result]):
    """What one batch takes out of a lane.

    Attributes:
        items: in the order in which they were taken.
        cost: of all of them.
        virtual: the latest virtual time at which one of them started (see `fairness`).
        levels: by level, the cost taken and the arrival of the first item taken.
    """

    __slots__ = ("cost", "items", "levels", "virtual")

    def __init__(self) -> None:
        self.items: list[Item[Payload, Result]] = []
        self.cost = 0.0
        self.virtual = 0.0
        self.levels: dict[int, tuple[float, float]] = {}

    def fill(self, queue: "deque[Item[Payload, Result]]", tenant: Tenant, limits: Limits, most: int) -> bool:
        """Take from the front of one queue, to `most` items in all; True when the next item costs too much."""
        items, cost, virtual, start = self.items, self.cost, tenant.virtual, 0.0
        before, first, full = len(items), queue[0], False
        while queue and len(items) < most:
            item = queue[0]
            if item.waiting:
                if items and cost + item.cost > limits.max_cost:
                    full = True
                    break
                item.waiting = False
                items.append(item)
                cost += item.cost
                start = virtual
                # Free items would never end a turn.
                virtual += item.cost or 1.0
            queue.popleft()
        if len(items) == before:
            return full
        spent = cost - self.cost
        tenant.left(len(items) - before, spent)
        tenant.virtual = virtual
        self.cost = cost
        self.virtual = max(self.virtual, start)
        of_level, since = self.levels.get(first.level, (0.0, first.enqueued_at))
        self.levels[first.level] = (of_level + spent, since)
        return full
