"""Which models are in memory: reservations under one budget, and who leaves when another one needs the room.

The rules, in the order in which they are asked:

- What is pinned stays. A model that could not fit even if all the others left is refused with the figures.
- Among the models that nobody uses at the moment, the one used longest ago leaves first.
- If all are in use, the one that has been in memory longest leaves, but none before `min_residency_s`: two models in
  demand take turns of at least that long, instead of doing nothing but load. Its answers under way are finished;
  whoever waits for it goes on waiting, and it is loaded again when its turn comes.
- Claims are served in the order in which they came.
"""

import asyncio
import contextlib
from dataclasses import dataclass
from typing import Final, Protocol

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError

MIN_RESIDENCY_S: Final = 5.0


class Resident(Protocol):
    """A model as the one who shares out the memory sees it."""

    @property
    def name(self) -> str:
        """As users write it."""
        ...

    @property
    def pinned(self) -> bool:
        """Whether it stays whatever others need."""
        ...

    @property
    def last_used(self) -> float:
        """When a request for it last began or ended, on the clock."""
        ...

    @property
    def in_use(self) -> int:
        """Requests under way, those in line for it not counted."""
        ...

    @property
    def evictable(self) -> bool:
        """Whether it is loaded and not leaving already."""
        ...

    async def evict(self, why: str) -> None:
        """Finish what is under way, leave, and `release`; what waits goes on waiting. `why` is for its status."""
        ...


@dataclass(eq=False, slots=True)
class Reservation:
    """Memory held for one loaded copy of a model; `loaded_at` is None until it is loaded."""

    owner: Resident
    bytes: int
    loaded_at: float | None = None
    retiring: bool = False
    """Another version took its place; it leaves as soon as its last answer is finished."""


class Residency:
    """Shares `budget` bytes (None = no limit) out among models."""

    def __init__(
        self,
        budget: int | None,
        clock: Clock,
        *,
        min_residency_s: float = MIN_RESIDENCY_S,
        min_residents: int = 1,
    ) -> None:
        """`min_residents`: models that must be in memory after an eviction, the newcomer counted."""
        self.budget = budget
        self._clock = clock
        self._min_residency_s = min_residency_s
        self._min_residents = min_residents
        self._reservations: list[Reservation] = []
        self._claims = asyncio.Lock()
        self._changed = asyncio.Event()
        self._trimming: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def held(self) -> int:
        """Bytes reserved."""
        return sum(each.bytes for each in self._reservations)

    def changed(self) -> None:
        """Something became idle, was pinned or unpinned, or left."""
        self._changed.set()
        self._changed = asyncio.Event()
        over = self.budget is not None and self.held > self.budget
        if over and self._trimming is None and not self._closed and not self._all_stay():
            # Not waited for: who has to leave may be waiting for its own load to be settled.
            self._trimming = asyncio.create_task(self._trim(self.budget or 0))
            self._trimming.add_done_callback(self._trimmed)

    def fits_beside(self, owner: Resident, need: int) -> bool:
        """Whether `need` more bytes can be had while what `owner` holds stays."""
        return self._refusal(owner, need) is None

    async def reserve(self, owner: Resident, need: int) -> Reservation:
        """Hold `need` bytes for `owner`, in the order of the claims; others leave if they must.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it does not fit the budget alone; UNAVAILABLE when what has to
                stay leaves no room; both with the figures.
        """
        async with self._claims:
            if self.budget is not None and need > self.budget:
                raise too_large(owner.name, need, self.budget)
            await self._make_room(owner, need)
            reservation = Reservation(owner, need)
            self._reservations.append(reservation)
            return reservation

    def settle(self, reservation: Reservation, measured: int | None) -> None:
        """The copy is loaded and holds `measured` bytes (None: not known).

        Where that is more than was reserved, and too much, others leave soon, by the same rules as for a claim.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it does not fit the budget alone.
        """
        if measured is not None:
            reservation.bytes = measured
            if self.budget is not None and measured > self.budget:
                raise too_large(reservation.owner.name, measured, self.budget)
        reservation.loaded_at = self._clock()
        self.changed()

    async def _trim(self, budget: int) -> None:
        async with self._claims:
            while self.held > budget and not self._all_stay():
                await self._one_leaves(None)

    def _all_stay(self) -> bool:
        return all(each.owner.pinned and not each.retiring for each in self._reservations)

    def _trimmed(self, _: "asyncio.Task[None]") -> None:
        self._trimming = None

    async def close(self) -> None:
        """Stop making room."""
        self._closed = True
        if self._trimming is not None:
            self._trimming.cancel()
            await asyncio.gather(self._trimming, return_exceptions=True)

    def release(self, reservation: Reservation) -> None:
        """The copy is gone; safe to call twice."""
        if reservation in self._reservations:
            self._reservations.remove(reservation)
            self.changed()

    def retire(self, reservation: Reservation) -> None:
        """Another version took this copy's place."""
        reservation.retiring = True
        self.changed()

    # -- making room

    async def _make_room(self, owner: Resident, need: int) -> None:
        if self.budget is None:
            return
        while self.held + need > self.budget:
            if (refusal := self._refusal(owner, need)) is not None:
                raise refusal
            await self._one_leaves(owner)

    async def _one_leaves(self, owner: Resident | None) -> None:
        """The next one leaves for `owner` (None: because there is too much), or time passes until one may."""
        changed = self._changed
        victim, wait_s = self._victim(owner)
        if victim is not None:
            await victim.evict(
                f"made room for {owner.name!r}" if owner is not None else "took more than was free"
            )
            return
        with contextlib.suppress(TimeoutError):
            # Never shorter than a clock can tell, or rounding would make this spin.
            async with asyncio.timeout(None if wait_s is None else max(wait_s, 0.001)):
                await changed.wait()

    def _victim(self, owner: Resident | None) -> tuple[Resident | None, float | None]:
        """Who leaves now; or None, and after how many seconds somebody may (None: when something changes)."""
        loaded = [
            (each.loaded_at, each.owner)
            for each in self._reservations
            if each.loaded_at is not None
            and not each.retiring
            and each.owner is not owner
            and each.owner.evictable
            and not each.owner.pinned
        ]
        idle = [resident for _, resident in loaded if resident.in_use == 0]
        if idle:
            return min(idle, key=lambda resident: resident.last_used), None
        if not loaded:
            return None, None
        since, oldest = min(loaded, key=lambda pair: pair[0])
        wait_s = since + self._min_residency_s - self._clock()
        return (oldest, None) if wait_s <= 0 else (None, wait_s)

    def _refusal(self, owner: Resident, need: int) -> HyperCubeError | None:
        """Why `need` bytes for `owner` cannot be had however long it waits."""
        if self.budget is None:
            return None
        stays = [
            each
            for each in self._reservations
            if (each.owner is owner or each.owner.pinned) and not each.retiring
        ]
        kept = sum(each.bytes for each in stays)
        if kept + need > self.budget:
            names = ", ".join(sorted({each.owner.name for each in stays}))
            return _no_room(owner.name, need, self.budget, f"{names} stay{'' if len(stays) > 1 else 's'} and "
                            f"hold{'' if len(stays) > 1 else 's'} {_gb(kept)}")  # fmt: skip
        others = sorted(
            {each.owner.name: each.bytes for each in self._reservations if each not in stays}.items(),
            key=lambda pair: pair[1],
        )
        # As many as possible stay if the largest leave.
        room, staying = self.budget - kept - need, 0
        for _, size in others:
            room -= size
            staying += room >= 0
        residents = len({each.owner.name for each in stays} | {owner.name}) + staying
        if residents < min(self._min_residents, len(stays) + len(others) + 1) and others:
            return _no_room(
                owner.name,
                need,
                self.budget,
                f"only {residents} of at least {self._min_residents} models would be left in memory",
            )
        return None


def too_large(name: str, need: int, budget: int) -> HyperCubeError:
    """FAILED_PRECONDITION: the model does not fit the budget, even alone."""
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The model {name!r} needs {_gb(need)}, and the memory budget is {_gb(budget)}.",
        param="model.memory_budget",
        value=budget,
        fix=f"Set model.memory_budget to {need} or more, or serve a smaller model, a shorter context or fewer slots.",
        details={"needed_bytes": need, "budget_bytes": budget},
    )


def _no_room(name: str, need: int, budget: int, why: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.UNAVAILABLE,
        f"There is no room for the model {name!r}: it needs {_gb(need)}, the memory budget is {_gb(budget)}, "
        f"and {why}.",
        param="model.memory_budget",
        value=budget,
        fix="Unpin or unload another model, or raise model.memory_budget.",
        details={"needed_bytes": need, "budget_bytes": budget},
    )


def _gb(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
