"""What happens to a served model by itself: loaded while it is wanted, watched, restarted, taken out of memory."""

import asyncio
import contextlib
import sys
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.adapters import ModelAdapters
from hypercube.inference.engine import CanBeAway, Engine
from hypercube.inference.factory import EngineFactory
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.loader import Loader
from hypercube.inference.restart import RestartBudget
from hypercube.inference.served_leaving import ServedLeaving
from hypercube.inference.served_status import StatusListener, why_down
from hypercube.model_registry.manifest import ModelManifest

FETCH_AGAIN_S: Final = 15.0
"""Pause before what could not be had (a download, room in memory) is tried again; doubled each time."""
FETCH_AGAIN_MAX_S: Final = 300.0
ON_DEMAND: Final = "not loaded; the first request loads it"


class ServedLife(ServedLeaving):
    """A model and the copy of it that works now, and what happens to it by itself.

    Attributes:
        operation: held while the model is loaded, unloaded or replaced by command.
        adapters: its LoRA adapters, which outlive its engines.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        loader: Loader,
        make: EngineFactory,
        *,
        max_queued: int,
        clock: Clock,
        on_status: StatusListener,
        lazy: bool = False,
    ) -> None:
        super().__init__(manifest, loader, max_queued=max_queued, clock=clock, on_status=on_status)
        self.lazy = self.on_demand = lazy
        self.make = make
        self.operation = asyncio.Lock()
        self.adapters = ModelAdapters(manifest.name, loader)
        self._engine: Engine = make(manifest)
        self._engine_is_new = True
        self._budget = RestartBudget(clock=clock)
        self._task: asyncio.Task[None] | None = None
        self._retiring: set[asyncio.Task[None]] = set()
        self._failed_fetches = 0

    @property
    def engine(self) -> Engine:
        """The engine that works, or worked last, or is going to."""
        return self.current.engine if self.current is not None else self._engine

    # -- life

    def start(self) -> None:
        """Begin its life in the background; a model that is not lazy is fetched and loaded."""
        if self._task is None:
            self._wanted = not self.lazy
            if self.lazy:
                self.set(EngineState.IDLE, ON_DEMAND, retry_after_s=self.load_s)
            self._task = asyncio.get_running_loop().create_task(self._live(), name=f"serve {self.name}")

    def want(self) -> None:
        """Have it loaded, in the background, if it is not."""
        if self.current is None and self._loading is None and not self.standing_by and self._task is not None:
            self.set(EngineState.PENDING, "about to be loaded", retry_after_s=self.load_s)
        self._wanted = True
        self._wake.set()

    async def _live(self) -> None:
        while True:
            self._wake.clear()
            if self.current is None and (self.standing_by or not self._wanted):
                await self._wake.wait()
                continue
            try:
                if self.current is None:
                    await self._load()
                    continue
                failure = await self._watch(self.current)
            except HyperCubeError as error:
                failure = error
            except Exception as error:  # noqa: BLE001 - a defect here must show in the status, not in silence
                failure = HyperCubeError(ErrorKind.INTERNAL, f"{type(error).__name__}: {error}")
            if failure is not None:
                await self._go_down(failure)
            elif self._leaving is not None and self.current is not None:
                await self._go(self._leaving, self.current)

    async def _load(self) -> None:
        began = self._clock()
        self._loading = task = asyncio.create_task(self._new_copy())
        try:
            await asyncio.wait({task})
        except asyncio.CancelledError:
            task.cancel()
            (copy,) = await asyncio.gather(task, return_exceptions=True)
            if isinstance(copy, Incarnation):
                await self.loader.end(copy)
            raise
        finally:
            self._loading = None
        if task.cancelled() or not self._wanted:
            if not task.cancelled() and task.exception() is None:
                await self.loader.end(task.result())
            self._rest()
            return
        self.install(task.result())
        self._budget.succeeded()
        self._failed_fetches = 0
        self.load_s = max(1.0, self._clock() - began)

    async def _new_copy(self) -> Incarnation:
        preparation = await self.loader.fetch(self.manifest, self.say)
        self.manifest = preparation.manifest
        if not self._engine_is_new:
            self._engine = self.make(self.manifest)
        self._engine_is_new = False
        return await self.loader.load(
            self,
            preparation,
            self._engine,
            self.say,
            self.working,
            self.measured_bytes,
            self.adapters.furnish,
        )

    def install(self, copy: Incarnation) -> None:
        """New requests, and those that wait, go to `copy` from now on; what another copy has begun, it finishes."""
        old, self.current, self._died = self.current, copy, None
        self.manifest, self._engine = copy.manifest, copy.engine
        self._engine_is_new = False
        self.measured_bytes = copy.measured_bytes
        self._wanted = True
        self.touch()
        self.set(EngineState.READY, copy.engine.description)
        self.admission.open(copy.engine.slots)
        self.entrance.open(sys.maxsize)
        if isinstance(copy.engine, CanBeAway):
            copy.engine.watch(lambda reason: self._away(copy, reason))
        if old is not None:
            task = asyncio.create_task(self._retire(old))
            self._retiring.add(task)
            task.add_done_callback(self._retiring.discard)
        self._wake.set()
        # From now on it can make room for others.
        self.loader.residency.changed()

    async def _retire(self, copy: Incarnation) -> None:
        if copy.reservation is not None:
            self.loader.residency.retire(copy.reservation)
        try:
            await copy.unused()
        finally:
            await self.loader.end(copy)

    def _away(self, copy: Incarnation, reason: str | None) -> None:
        """What the engine speaks to went away for `reason`, or (None) is back."""
        if copy is not self.current or self.status.state not in {EngineState.READY, EngineState.FAILED}:
            return  # being stopped, or loaded anew
        if reason is None:
            self.set(EngineState.READY, copy.engine.description)
            return
        retry_after_s = copy.engine.retry_after_s if isinstance(copy.engine, CanBeAway) else None
        self.set(EngineState.FAILED, reason.rstrip("."), retry_after_s=retry_after_s)

    async def _watch(self, copy: Incarnation) -> HyperCubeError | None:
        """How `copy` died; None when it is to leave, or another took its place."""
        self._died = died = asyncio.create_task(copy.engine.died())
        told = asyncio.ensure_future(self._wake.wait())
        try:
            while self.current is copy and self._leaving is None and not died.done():
                await asyncio.wait({died, told}, return_when=asyncio.FIRST_COMPLETED)
                if told.done() and not died.done() and self.current is copy and self._leaving is None:
                    self._wake.clear()
                    told = asyncio.ensure_future(self._wake.wait())
            going = self._leaving is not None or self.current is not copy
            return None if going else died.result()
        finally:
            if self.current is not copy or self._leaving is not None:
                self._died = None
            died.cancel()
            told.cancel()
            await asyncio.gather(died, told, return_exceptions=True)

    async def _go_down(self, failure: HyperCubeError) -> None:
        """Tell everybody, give everything back, and wait as long as it takes until the next try."""
        # An engine that broke and a network that failed are worth another try; a damaged file or a missing package
        # stays what it is.
        again = failure.kind is ErrorKind.ENGINE_FAILED and self._budget.spend()
        pause_s: float | None = 0.0 if again else None
        if failure.kind in {ErrorKind.UNAVAILABLE, ErrorKind.OVERLOADED}:
            pause_s = min(FETCH_AGAIN_MAX_S, FETCH_AGAIN_S * 2**self._failed_fetches)
            self._failed_fetches += 1
        reason = why_down(failure, self._budget, pause_s, on_demand=self.on_demand)
        copy, self.current = self.current, None
        leaving, self._leaving = self._leaving, None
        self.set(EngineState.FAILED, reason, retry_after_s=None if pause_s is None else pause_s + self.load_s)
        error = failure if failure.kind is ErrorKind.OVERLOADED else self.unavailable()
        self._shut(error)
        if copy is not None:
            await self.loader.end(copy)
        if leaving is not None:
            leaving.gone.set()
        if not again:
            self._wanted = False
        if pause_s:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._wake.wait()
            if self.status.state is not EngineState.FAILED:
                return  # somebody decided meanwhile
            if self.on_demand:
                self.set(EngineState.IDLE, f"{ON_DEMAND}; before, it failed: {failure.message.rstrip('.')}")
            else:
                self._wanted = True
