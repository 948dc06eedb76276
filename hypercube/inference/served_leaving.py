"""How a loaded copy leaves: its answers are finished, its memory goes back, and what waits goes on waiting or hears."""

import asyncio
from dataclasses import dataclass, field

from hypercube.core.clock import Clock
from hypercube.core.served_models import EngineState
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.loader import Loader
from hypercube.inference.served_gates import ServedGates
from hypercube.inference.served_status import StatusListener
from hypercube.model_registry.manifest import ModelManifest


@dataclass(slots=True)
class Leaving:
    """A copy is to finish what is under way and go; `drain_s` bounds the wait (None: as long as it takes)."""

    drain_s: float | None
    gone: asyncio.Event = field(default_factory=asyncio.Event)


class ServedLeaving(ServedGates):
    """A model whose copy can leave: to make room, by command, or for another version.

    Attributes:
        standing_by: while True the model is not loaded by itself: `replacement` is at work.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        loader: Loader,
        *,
        max_queued: int,
        clock: Clock,
        on_status: StatusListener,
    ) -> None:
        super().__init__(manifest, loader, max_queued=max_queued, clock=clock, on_status=on_status)
        self.standing_by = False
        self._wanted = False
        self._wake = asyncio.Event()
        self._loading: asyncio.Task[Incarnation] | None = None
        self._leaving: Leaving | None = None

    @property
    def evictable(self) -> bool:
        """Whether it is loaded and not leaving already.

        While another version is loaded beside it, too: that one may be in line behind whoever needs the memory.
        """
        return self.current is not None and self._leaving is None

    # -- the end of a copy

    async def _go(self, leaving: Leaving, copy: Incarnation) -> None:
        """Let `copy` finish what is under way, then give its memory back."""
        died = asyncio.ensure_future(copy.engine.died())
        try:
            async with asyncio.timeout(leaving.drain_s):
                while self.in_use and not died.done():
                    released = asyncio.ensure_future(self._release.wait())
                    await asyncio.wait({released, died}, return_when=asyncio.FIRST_COMPLETED)
                    released.cancel()
        except TimeoutError:
            self.loader.on_line(
                f"{self.name}: {self.in_use} requests were not finished in {leaving.drain_s:g} s."
            )
        finally:
            died.cancel()
            await asyncio.gather(died, return_exceptions=True)
        self._shut(None if self.on_demand else self.unavailable())
        self.current = None
        try:
            await self.loader.end(copy)
        finally:
            self._leaving = None
            leaving.gone.set()
        self._rest()

    async def _leave(self, drain_s: float | None) -> None:
        """Have the copy go, and wait until it has; one that goes already keeps its own bound."""
        if self.current is None:
            return
        if self._leaving is None:
            self._leaving = Leaving(drain_s)
            self._wake.set()
        await self._leaving.gone.wait()

    async def evict(self, why: str) -> None:
        """Finish what is under way and leave memory; requests wait, and have it loaded again."""
        if not self.evictable:
            return
        self.on_demand = True
        self._wanted = False
        self._shut()
        self.set(EngineState.IDLE, f"{why}; the next request loads it again", retry_after_s=self.load_s)
        await self._leave(None)

    # -- while another version takes its place

    async def stand_by(self) -> None:
        """Do nothing by itself until `stand_by_ended`; returns when no load is under way and nothing leaves."""
        while self._loading is not None or self._leaving is not None:
            if self._leaving is not None:
                await self._leaving.gone.wait()
            elif self._loading is not None:
                await asyncio.wait({self._loading})
                await asyncio.sleep(0)  # its own life hears of the end first
        self.standing_by = True

    def stand_by_ended(self) -> None:
        """Go on: load it, if it is wanted and not loaded."""
        self.standing_by = False
        self._wanted = self._wanted or self.admission.waiting > 0 or self.entrance.waiting > 0
        self._wake.set()
        self.loader.residency.changed()

    async def make_way(self, why: str) -> None:
        """Finish what is under way and leave memory; requests wait for what is loaded next."""
        self.on_demand, demanded = True, self.on_demand
        self._shut()
        self.set(EngineState.LOADING, why, retry_after_s=self.load_s)
        try:
            await self._leave(None)
        finally:
            self.on_demand = True if self.current is None else demanded
        self._wanted = True

    def _rest(self) -> None:
        """Nothing is loaded: say so, or go on to load it for those who wait."""
        if self.status.state is EngineState.STOPPED or self.standing_by:
            return
        if self._wanted or self.admission.waiting or self.entrance.waiting:
            self.want()
