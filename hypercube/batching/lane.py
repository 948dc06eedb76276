"""One key's queue: tenants in fair turns, each tenant's items by priority and age; what was learned of the key.

Within a tenant an item's rank is its arrival plus its level times `Limits.ageing_s`, least first: waiting for
`ageing_s` is worth a level, and a LOW item is overtaken only by what arrives within three times that after it.
A rank never changes, so nothing is ever re-sorted. With one tenant and one level this is first in, first out.

Removed items stay in the deques and heaps, marked, until they come to the front or outnumber the living: every
operation is O(log tenants + log deadlines) an item, amortised.
"""

import heapq
from collections import deque
from collections.abc import Hashable
from typing import Any, Generic, TypeVar

from hypercube.batching.forecast import Observations
from hypercube.batching.item import Item, Taken, Tenant
from hypercube.batching.policy import NEVER, Limits, QueueView

Payload = TypeVar("Payload")
Result = TypeVar("Result")


class _Flow:
    """What one tenant has waiting in one lane, by level."""

    __slots__ = ("entry", "items", "levels", "tenant")

    def __init__(self, tenant: Tenant) -> None:
        self.tenant = tenant
        self.items = 0
        self.levels: dict[int, deque[Item[Any, Any]]] = {}
        self.entry: tuple[float, float, int, _Flow] | None = None
        """Its valid entry in the lane's heap of flows; never above its present key."""

    def head(self) -> Item[Any, Any]:
        """The item with the least rank; the flow must hold one."""
        best: Item[Any, Any] | None = None
        for queue in self.levels.values():
            while queue and not queue[0].waiting:
                queue.popleft()
            if queue and (best is None or queue[0].rank < best.rank):
                best = queue[0]
        if best is None:
            raise LookupError(f"no item of tenant {self.tenant.name!r} waits")
        return best


class Lane(Generic[Payload, Result]):
    """The queue of one key; knows its cost, its oldest item and its soonest deadline."""

    __slots__ = (
        "_arrivals",
        "_deadlines",
        "_flows",
        "_order",
        "cost",
        "items",
        "key",
        "last_at",
        "observed",
        "virtual",
    )

    def __init__(self, key: Hashable) -> None:
        self.key = key
        self.items = 0
        self.cost = 0.0
        self.last_at = 0.0
        self.virtual = 0.0
        """Virtual time at which its next batch starts; see `fairness`."""
        self.observed = Observations()
        self._arrivals: deque[Item[Payload, Result]] = deque()
        self._deadlines: list[tuple[float, int, Item[Payload, Result]]] = []
        self._flows: dict[Tenant, _Flow] = {}
        self._order: list[tuple[float, float, int, _Flow]] = []

    def view(self) -> QueueView:
        """What the policy sees; the lane must not be empty."""
        return QueueView(self.items, self.cost, self.oldest_at(), self.last_at, self.soonest())

    def oldest_at(self) -> float:
        """When the item that waits longest arrived; the lane must not be empty."""
        arrivals = self._arrivals
        while not arrivals[0].waiting:
            arrivals.popleft()
        return arrivals[0].enqueued_at

    def soonest(self) -> float:
        """The earliest deadline that waits, or `NEVER`."""
        deadlines = self._deadlines
        while deadlines and not deadlines[0][2].waiting:
            heapq.heappop(deadlines)
        return deadlines[0][0] if deadlines else NEVER

    def foremost(self) -> tuple[float, float]:
        """The virtual time and the rank of the item that comes first; the lane must not be empty."""
        flow = self._first()
        return flow.tenant.virtual, flow.head().rank

    def push(self, item: Item[Payload, Result]) -> None:
        """Append an accepted item; its tenant has joined (`fairness.Turns.join`)."""
        self._arrivals.append(item)
        self.items += 1
        self.cost += item.cost
        self.last_at = item.enqueued_at
        tenant = item.tenant
        tenant.items += 1
        tenant.cost += item.cost
        if item.deadline != NEVER:
            heapq.heappush(self._deadlines, (item.deadline, item.number, item))
        flow = self._flows.get(tenant)
        if flow is None:
            flow = self._flows[tenant] = _Flow(tenant)
        queue = flow.levels.get(item.level)
        if queue is None:
            queue = flow.levels[item.level] = deque()
        queue.append(item)
        flow.items += 1
        entry = flow.entry
        if entry is None or item.rank < entry[1]:
            self._enter(flow, item)
        self.observed.arrived()

    def take(self, limits: Limits) -> "Taken[Payload, Result]":
        """Remove the next batch's worth of items in their order, within item and cost limits; charge tenants."""
        taken: Taken[Payload, Result] = Taken()
        while self.items and len(taken.items) < limits.max_items:
            flow = self._first()
            # A flow that is alone, with one level, gives all it can; otherwise every item is a turn of its own.
            alone = len(self._order) == 1 and len(flow.levels) == 1
            before = len(taken.items)
            full = taken.fill(
                flow.levels[flow.head().level], flow.tenant, limits, limits.max_items if alone else before + 1
            )
            count = len(taken.items) - before
            self.items -= count
            self._emptied(flow, count)
            if full:
                break
        self.cost -= taken.cost
        self._tidy()
        return taken

    def take_expired(self, now: float) -> "list[Item[Payload, Result]]":
        """Remove every item whose deadline has passed."""
        late: list[Item[Payload, Result]] = []
        while self.soonest() <= now:
            item = heapq.heappop(self._deadlines)[2]
            self._left(self._flows[item.tenant], item)
            late.append(item)
        if late:
            self._tidy()
        return late

    def remove(self, item: Item[Payload, Result]) -> bool:
        """Remove one item; False when a batch has it already, or it expired."""
        if not item.waiting:
            return False
        self._left(self._flows[item.tenant], item)
        self._tidy()
        return True

    def _enter(self, flow: _Flow, head: Item[Any, Any]) -> None:
        flow.entry = (flow.tenant.virtual, head.rank, head.number, flow)
        heapq.heappush(self._order, flow.entry)

    def _first(self) -> _Flow:
        """The flow whose turn it is: least virtual time, then least rank; the lane must not be empty."""
        order = self._order
        while True:
            entry = order[0]
            flow = entry[3]
            if flow.entry is not entry:
                heapq.heappop(order)
                continue
            head = flow.head()
            # Served elsewhere or taken from since: only ever later than its entry says.
            if flow.tenant.virtual > entry[0] or head.rank > entry[1]:
                flow.entry = (flow.tenant.virtual, head.rank, head.number, flow)
                heapq.heapreplace(order, flow.entry)
                continue
            return flow

    def _left(self, flow: _Flow, item: Item[Payload, Result]) -> None:
        item.waiting = False
        self.items -= 1
        self.cost -= item.cost
        item.tenant.left(1, item.cost)
        self._emptied(flow, 1)

    def _emptied(self, flow: _Flow, items: int) -> None:
        flow.items -= items
        if not flow.items:
            flow.entry = None
            for queue in flow.levels.values():
                queue.clear()
            if len(flow.levels) > 1:
                flow.levels.clear()
            if len(self._flows) > 1:
                del self._flows[flow.tenant]

    def _tidy(self) -> None:
        """Forget removed items when they outnumber the others; an empty lane holds nothing at all."""
        if not self.items:
            # Float costs must not drift away from an empty queue's zero.
            self.cost = 0.0
            self._arrivals.clear()
            self._deadlines.clear()
            self._order.clear()
            return
        most = 2 * self.items + 64
        if len(self._arrivals) > most:
            self._arrivals = deque(item for item in self._arrivals if item.waiting)
            for flow in self._flows.values():
                for level, queue in flow.levels.items():
                    flow.levels[level] = deque(item for item in queue if item.waiting)
        if len(self._deadlines) > most:
            self._deadlines = [entry for entry in self._deadlines if entry[2].waiting]
            heapq.heapify(self._deadlines)
        if len(self._order) > most:
            self._order = [entry for entry in self._order if entry[3].entry is entry]
            heapq.heapify(self._order)
