"""From a manifest to a loaded copy: files, a turn, memory, the engine, a first token; what fails is given back."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from hypercube.batching.policy import NEVER
from hypercube.core.clock import Clock
from hypercube.core.served_models import EngineState
from hypercube.inference.engine import Engine
from hypercube.inference.incarnation import Incarnation
from hypercube.inference.loading_queue import LoadingQueue
from hypercube.inference.memory_use import Estimate, Measure, measured_bytes
from hypercube.inference.preparation import Preparation, Say
from hypercube.inference.residency import Residency, Resident
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore


class Loader:
    """Loads copies of all models of a process: they share its turns and its memory.

    Attributes:
        residency: shares memory out.
        on_line: hears of notable events.
        registry: where adapters are found.
        named_adapters: of each model, the adapters loaded by command, by the name that requests use.
    """

    def __init__(
        self,
        store: ModelStore,
        loads: LoadingQueue,
        residency: Residency,
        clock: Clock,
        *,
        estimate: Estimate | None = None,
        measure: Measure = measured_bytes,
        on_line: Callable[[str], None],
        max_wait_s: float = NEVER,
    ) -> None:
        """`estimate` says what a model is going to need; without it, the size of its files.

        `max_wait_s` is how much work may wait for a copy's batches, as `Encoding` has it.
        """
        self.residency = residency
        self.on_line = on_line
        self.registry = ModelRegistry(store, clock=clock)
        self.named_adapters: dict[str, dict[str, ModelManifest]] = {}
        self._store = store
        self._loads = loads
        self._clock = clock
        self._estimate = estimate
        self._measure = measure
        self._max_wait_s = max_wait_s

    async def fetch(self, manifest: ModelManifest, say: Say) -> Preparation:
        """The files of `manifest`, here; raises as `Preparation.fetch`."""
        preparation = Preparation(manifest, self._store, say, self.on_line)
        await preparation.fetch()
        return preparation

    async def needed(self, manifest: ModelManifest) -> int:
        """Bytes that `manifest` is going to need, before it was ever loaded."""
        if self._estimate is None:
            return manifest.memory_bytes or manifest.size
        if not manifest.files:
            return self._estimate(manifest)
        return await asyncio.to_thread(self._estimate, manifest)

    async def load(
        self,
        owner: Resident,
        preparation: Preparation,
        engine: Engine,
        say: Say,
        working: Callable[[Engine], Engine],
        measured_before: int | None = None,
        furnish: Callable[[Incarnation], Awaitable[None]] | None = None,
    ) -> Incarnation:
        """A copy that made its first token; if anything fails, all that it took is given back.

        `measured_before` is what this version took when it was last loaded; `furnish` gives the copy its adapters.

        Raises:
            HyperCubeError: OVERLOADED when too many wait for their turn; as `Residency.reserve`; as
                `Preparation.check` and `Incarnation.load`.
        """
        need = measured_before if measured_before is not None else await self.needed(preparation.manifest)
        copy = Incarnation(preparation.manifest, engine, self._clock, working, self._max_wait_s)
        try:
            if self._loads.loading >= self._loads.max_loading:
                say(EngineState.LOADING, "waiting for its turn to be loaded")
            async with self._loads.turn():
                if self.residency.budget is not None and self.residency.held + need > self.residency.budget:
                    say(
                        EngineState.LOADING,
                        f"waiting for {need / 1e9:.2f} GB of memory that other models use",
                    )
                copy.reservation = await self.residency.reserve(owner, need)
                copy.lease = await preparation.lease()
                path = await preparation.check()
                await copy.load(path, lambda sentence: say(EngineState.LOADING, sentence))
                if furnish is not None:
                    await furnish(copy)
                copy.measured_bytes = self._measure(engine)
                self.residency.settle(copy.reservation, copy.measured_bytes)
        except BaseException:
            await self.end(copy)
            raise
        return copy

    async def end(self, copy: Incarnation) -> None:
        """Unload a copy and give its memory back."""
        try:
            await copy.end()
        finally:
            copy.adapters.close()
            lease, copy.lease = copy.lease, None
            if lease is not None:
                lease.release()
            if copy.reservation is not None:
                self.residency.release(copy.reservation)

    async def adapter_files(self, manifest: ModelManifest) -> tuple[Path, Lease | None]:
        """The folder of a LoRA adapter, fetched if need be, its bytes checked just now; kept there by the lease.

        Raises:
            HyperCubeError: as `Preparation.fetch`, `lease` and `check`.
        """
        preparation = await self.fetch(manifest, _quiet)
        lease = await preparation.lease()
        try:
            folder = await preparation.check()
        except BaseException:
            if lease is not None:
                lease.release()
            raise
        assert folder is not None, "an adapter has files"
        return folder, lease


def _quiet(state: EngineState, reason: str, *, progress: float | None = None, left_s: float = 0.0) -> None:
    """The status of a model is not about its adapters."""
