"""One served model: what its users see, and what its operator may do with it.

What happens by itself is in `served_life`, what comes before a load in `preparation`, a loaded copy in `incarnation`,
a request's way in `answering`, the exchange of one version for another in `replacement`.
"""

import asyncio
from collections.abc import AsyncGenerator
from typing import Final

from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import (
    EmbeddingRequest,
    Embeddings,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
    Tokenized,
    TokenizeRequest,
)
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel, ServedVersion
from hypercube.inference.answering import Answering
from hypercube.inference.factory import EngineFactory
from hypercube.inference.loader import Loader
from hypercube.inference.restart import RestartBudget
from hypercube.inference.served_life import ON_DEMAND, ServedLife
from hypercube.inference.served_status import StatusListener
from hypercube.inference.signature_limits import check_batch
from hypercube.model_registry.manifest import ModelManifest

DRAIN_S: Final = 30.0
"""How long an unload by command waits for answers under way."""


class ServedEngine(ServedLife):
    """A model and the copy of it that works now; the cluster holds one of these a model."""

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
        shown_as: str = "",
    ) -> None:
        super().__init__(
            manifest, loader, make, max_queued=max_queued, clock=clock, on_status=on_status, lazy=lazy
        )
        self.shown_as = shown_as
        self._answering = Answering(self, clock)

    @property
    def in_flight(self) -> int:
        """Requests running or waiting; of embeddings, texts."""
        encoding = self.current.encoding.in_flight if self.current is not None else 0
        return self.admission.in_flight + self.entrance.waiting + encoding

    def describe(self, versions: tuple[ServedVersion, ...] = (), routing_note: str = "") -> ServedModel:
        """This model as its users see it."""
        manifest, engine = self.manifest, self.engine
        return ServedModel(
            name=manifest.name,
            engine=manifest.engine,
            context_length=engine.context_length,
            licence=manifest.licence,
            created=manifest.created,
            status=self.status,
            capabilities=tuple(sorted(engine.capabilities)),
            version=manifest.version,
            on_demand=self.on_demand,
            pinned=self.pinned,
            measured_bytes=self.measured_bytes,
            versions=versions,
            routing_note=routing_note,
            digest=manifest.digest if manifest.files else "",
            adapters=self.adapters.served(manifest, self.current, self.status.state),
        )

    # -- work

    def generate(
        self, request: GenerationRequest, call: Call, *, again: bool = True
    ) -> AsyncGenerator[GenerationEvent, None]:
        """As `Answering.generate`."""
        return self._answering.generate(request, call, again=again)

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """As `Encoding.embed`, and as `Answering.using`."""
        async with self._answering.using(call) as copy:
            check_batch(copy.manifest, len(request.texts), "input")
            return await copy.encoding.embed(request, call)

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """As `Encoding.score`, and as `Answering.using`."""
        async with self._answering.using(call) as copy:
            check_batch(copy.manifest, len(request.documents), "documents")
            return await copy.encoding.score(request, call)

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """As `Answering.tokenize`."""
        return await self._answering.tokenize(request, call)

    async def probe(self, timeout_s: float) -> None:
        """As `Answering.probe`."""
        await self._answering.probe(timeout_s)

    # -- what the operator may do

    async def load(self) -> EngineStatus:
        """Have it loaded now, whatever became of it before; returns when it is ready.

        Raises:
            HyperCubeError: UNAVAILABLE with the reason when it could not be loaded.
        """
        async with self.operation:
            if self._leaving is not None:
                await self._leaving.gone.wait()
            if self.current is None:
                # A human looked: what was tried before does not count.
                self._budget = RestartBudget(clock=self._clock)
                self._failed_fetches = 0
                self.want()
        status = await self.settled()
        if status.state is not EngineState.READY:
            raise self.unavailable()
        return status

    async def unload(self, drain_s: float = DRAIN_S) -> EngineStatus:
        """Finish what is under way, for `drain_s` at most, then give the memory back.

        A lazy model is loaded again by the next request, which waits; any other stays away until `load`. What was
        not finished in time, and what is in line for a model that stays away, gets a typed error.
        """
        async with self.operation:
            self.on_demand, self._wanted = self.lazy, False
            state, reason = EngineState.UNLOADED, "unloaded by command, until it is loaded again"
            if self.lazy:
                state, reason = EngineState.IDLE, ON_DEMAND
            self.set(state, reason, retry_after_s=self.load_s if self.lazy else None)
            if self._loading is not None:
                self._shut(self.unavailable())
                loading = self._loading
                loading.cancel()
                await asyncio.wait({loading})
            elif self.current is None:
                self._shut(self.unavailable())
                self._wake.set()
            else:
                if self.lazy:
                    self._shut()
                await self._leave(drain_s)
            return self.status

    def pin(self, pinned: bool = True) -> None:
        """Keep it in memory, once loaded, whatever other models need."""
        self.pinned = pinned
        self.loader.residency.changed()

    async def close(self) -> None:
        """Stop whatever is going on and end every copy."""
        tasks = [task for task in (self._task, *self._retiring) if task is not None]
        for task in tasks:
            task.cancel()
        self._wanted = False
        await asyncio.gather(*tasks, return_exceptions=True)
        self.set(EngineState.STOPPED, "the server is shutting down")
        self._shut(self.unavailable())
        leaving, self._leaving = self._leaving, None
        if leaving is not None:
            leaving.gone.set()
        copy, self.current = self.current, None
        if copy is not None:
            self._engine = copy.engine
            await self.loader.end(copy)
        else:
            await self._engine.unload()
