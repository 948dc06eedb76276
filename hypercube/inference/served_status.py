"""Where a served model stands, and what whoever asks meanwhile is told."""

import asyncio
from collections.abc import Callable
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.restart import RestartBudget
from hypercube.model_registry.manifest import ModelManifest

StatusListener = Callable[[str, EngineStatus], None]

LOAD_GUESS_S: Final = 5.0
"""How long a load takes before one was seen."""
_SETTLED: Final = frozenset({EngineState.READY, EngineState.STOPPED, EngineState.IDLE, EngineState.UNLOADED})


class ServedStatus:
    """The status of one model, with its news.

    Attributes:
        manifest: the version that is served, loaded or not.
        shown_as: what users write to get it, where that is not the model's name: one version beside another.
        status: what is shown of it.
        on_demand: whether requests wait while it is loaded, and begin the load.
        pinned: whether it stays in memory whatever others need.
        last_used: when a request last began or ended, on the clock.
        load_s: how long the last load took, its wait for a turn and for memory included.
        measured_bytes: what its processes took after the last load; None while that is not known.
    """

    def __init__(self, manifest: ModelManifest, clock: Clock, on_status: StatusListener) -> None:
        self.manifest = manifest
        self.shown_as = ""
        self.status = EngineStatus(EngineState.PENDING, "not started yet")
        self.on_demand = False
        self.pinned = False
        self.last_used = clock()
        self.load_s = LOAD_GUESS_S
        self.measured_bytes: int | None = None
        self._clock = clock
        self._on_status = on_status
        self._changed = asyncio.Event()
        self._retry_after_s: float | None = LOAD_GUESS_S

    @property
    def name(self) -> str:
        """As users write it."""
        return self.shown_as or self.manifest.name

    def touch(self) -> None:
        """A request began or ended just now."""
        self.last_used = self._clock()

    def unavailable(self) -> HyperCubeError:
        """UNAVAILABLE with the sentence of the status."""
        retry = self._retry_after_s
        return HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"The model {self.name!r} is not ready: {self.status.reason}.",
            fix=f"Try again in {retry:.0f} s."
            if retry is not None
            else "It needs the operator: see /readyz.",
            details={"state": self.status.state.value},
            retry_after_s=retry,
        )

    @property
    def gone_for_good(self) -> bool:
        """Whether it failed and nothing more is going to happen by itself."""
        return self.status.state is EngineState.FAILED and self._retry_after_s is None

    async def settled(self) -> EngineStatus:
        """Wait until nothing more is going to happen by itself: ready, failed for good, not loaded, or stopped."""
        while True:
            if self.status.state in _SETTLED or self.gone_for_good:
                return self.status
            await self._changed.wait()

    async def next_status(self) -> None:
        """Wait until the status changes."""
        await self._changed.wait()

    def set(
        self,
        state: EngineState,
        reason: str,
        *,
        progress: float | None = None,
        retry_after_s: float | None = None,
    ) -> None:
        """Show this from now on; `retry_after_s` is told to whoever is refused (None: nothing comes by itself)."""
        status = EngineStatus(state, reason, progress)
        self._retry_after_s = retry_after_s
        if status == self.status:
            return
        self.status = status
        self._changed.set()
        self._changed = asyncio.Event()
        self.tell()

    def tell(self) -> None:
        """Whoever listens hears where it stands."""
        self._on_status(self.name, self.status)

    def say(
        self, state: EngineState, reason: str, *, progress: float | None = None, left_s: float = 0.0
    ) -> None:
        """How far a load is; see `preparation.Say`."""
        retry_after_s = max(1.0, left_s + self.load_s)
        self.set(state, reason, progress=progress, retry_after_s=min(600.0, retry_after_s))


def why_down(
    failure: HyperCubeError, budget: RestartBudget, pause_s: float | None, *, on_demand: bool
) -> str:
    """The sentence of a model that failed: what broke, and what happens next (`pause_s`: the next try; None: none)."""
    reason = failure.message.rstrip(".")
    if failure.kind is ErrorKind.ENGINE_FAILED:
        if pause_s is not None:
            return f"{reason}; restart {budget.spent} of {budget.limit} in {budget.window_s:.0f} s"
        return f"{reason}; given up after {budget.limit} restarts, it has to be loaded again by hand"
    if pause_s is not None and on_demand:
        return f"{reason}; tried again by a request that comes after {pause_s:.0f} s"
    if pause_s is not None:
        return f"{reason}; trying again in {pause_s:.0f} s"
    return f"{reason}. {failure.fix.rstrip('.')}" if failure.fix else reason
