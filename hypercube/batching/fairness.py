"""Whose turn it is: start-time fair queueing by cost, between tenants and between keys.

Everyone who waits has a virtual time, which grows by the cost of what it is given; the least goes next. Who had
nothing waiting joins at the virtual time of whatever was served last, so idling saves nothing up, and a single
request is ahead of every backlog. (P. Goyal, H. M. Vin, H. Cheng, "Start-time fair queueing", SIGCOMM 1996.)

Between tenants only cost counts: nobody takes another's share by calling everything urgent. Between keys, cost
that is more urgent counts less (`_PRICE`), so that an urgent key gets more of the device, never all of it.
"""

from collections.abc import Sequence
from typing import Any, Final

from hypercube.batching.item import Taken, Tenant
from hypercube.batching.lane import Lane

_PRICE: Final = (0.125, 0.25, 0.5, 1.0)
"""What a unit of cost counts between keys, by effective level, urgent to low."""
_MAX_TENANTS: Final = 1024
"""Tenants remembered; beyond that, those with nothing waiting are forgotten."""


class Turns:
    """The virtual times of tenants and keys."""

    def __init__(self) -> None:
        self._tenants: dict[str, Tenant] = {}
        self._prune_at = _MAX_TENANTS
        self._tenant_time = 0.0
        self._key_time = 0.0
        self._last_cost = 0.0

    def tenant(self, name: str) -> Tenant:
        """The tenant of that name: what it holds of the queue, and its virtual time."""
        tenant = self._tenants.get(name)
        if tenant is None:
            if len(self._tenants) >= self._prune_at:
                self._tenants = self.holding()
                self._prune_at = max(_MAX_TENANTS, 2 * len(self._tenants))
            tenant = self._tenants[name] = Tenant(name)
        return tenant

    def holding(self) -> dict[str, Tenant]:
        """The tenants that have something waiting, by name."""
        return {name: tenant for name, tenant in self._tenants.items() if tenant.items}

    def join(self, lane: Lane[Any, Any], tenant: Tenant) -> None:
        """Call before an item of `tenant` is pushed to `lane`: the idle join at the present virtual time."""
        if tenant.items == 0 and tenant.virtual < self._tenant_time:
            tenant.virtual = self._tenant_time
        if lane.items == 0 and lane.virtual < self._key_time:
            lane.virtual = self._key_time

    def first(self, ready: Sequence[Lane[Any, Any]]) -> Lane[Any, Any]:
        """Of the lanes whose batch may go, the one that goes.

        Lanes whose foremost tenants differ by less than a batch are equals: they take turns by key. Without that
        margin, two tenants a fraction of an item apart could keep a third key waiting for ever.
        """
        if len(ready) == 1:
            return ready[0]
        heads = [(lane, *lane.foremost()) for lane in ready]
        reach = min(virtual for _, virtual, _ in heads) + self._last_cost
        within = [(lane, rank) for lane, virtual, rank in heads if virtual <= reach]
        return min(within, key=lambda head: (head[0].virtual, head[1]))[0]

    def served(self, lane: Lane[Any, Any], taken: Taken[Any, Any], now: float, ageing_s: float) -> None:
        """Account for a batch that `lane.take` removed; tenants were charged item by item there."""
        self._tenant_time = max(self._tenant_time, taken.virtual)
        self._key_time = max(self._key_time, lane.virtual)
        for level, (cost, since) in taken.levels.items():
            lane.virtual += (cost or 1.0) * _PRICE[max(0, level - int((now - since) / ageing_s))]
        self._last_cost = taken.cost
