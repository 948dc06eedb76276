"""The hypercluster: every model served here, behind one contract (`core.engine.EngineClient`)."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Collection, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Final

from hypercube.batching.policy import NEVER
from hypercube.core.adapters import ServedAdapter, addressed
from hypercube.core.clock import Clock, monotonic
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
from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel
from hypercube.inference.adapters import paired_digest
from hypercube.inference.engine import EngineOptions, incapable
from hypercube.inference.factory import EngineFactory, engine_factory
from hypercube.inference.live_models import LiveModels
from hypercube.inference.loader import Loader
from hypercube.inference.loading_queue import MAX_LOADING, LoadingQueue
from hypercube.inference.memory_use import Estimate, Measure, measured_bytes
from hypercube.inference.replacement import Replacement, Replacing
from hypercube.inference.request_check import (
    check_request,
    check_tokenize,
    needed,
    refuse_adapter,
    with_adapter,
)
from hypercube.inference.residency import MIN_RESIDENCY_S, Residency
from hypercube.inference.routed import stream, whole
from hypercube.inference.routing import Routing
from hypercube.inference.served import DRAIN_S, ServedEngine
from hypercube.inference.served_status import StatusListener
from hypercube.inference.versions import Pick
from hypercube.model_registry.catalogue import not_found
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

LineListener = Callable[[str], None]

MAX_QUEUED: Final = 64


class Hypercluster:
    """Serves the models of `manifests`; the first is the one that an empty model name means.

    A model named in `lazy` is loaded by the first request for it, the others at the start. Every model may be evicted
    for another one's sake where there is a memory budget; it is loaded again by the next request, which waits.

    `on_status(name, status)` hears of every change of a model, `on_line(sentence)` of notable events (a download, a
    replacement); both are called on the event loop and must not block.
    """

    def __init__(
        self,
        manifests: Sequence[ModelManifest],
        store: ModelStore,
        *,
        make: EngineFactory | None = None,
        max_queued: int = MAX_QUEUED,
        max_wait_s: float = NEVER,
        lazy: Collection[str] = (),
        max_loading: int = MAX_LOADING,
        memory_budget: int | None = None,
        min_residency_s: float = MIN_RESIDENCY_S,
        min_residents: int = 1,
        estimate: Estimate | None = None,
        measure: Measure = measured_bytes,
        routing: Routing | None = None,
        clock: Clock = monotonic,
        on_status: StatusListener | None = None,
        on_line: LineListener | None = None,
    ) -> None:
        """Put the models together; `start` begins their lives.

        Args:
            manifests: what is served.
            store: where the files are.
            make: makes a model's engine.
            max_queued: requests that may wait for one model, while it is busy or loaded.
            max_wait_s: seconds of work that may wait for a model's batches before more is refused.
            lazy: names of models that are loaded on demand.
            max_loading: models loaded at a time; up to 100 more wait for their turn.
            memory_budget: bytes that all loaded models together may take; None = no limit.
            min_residency_s: how long a model in use stays loaded before it may have to leave for another one.
            min_residents: models that must be left in memory after an eviction, the newcomer counted.
            estimate: what a model is going to need; None = the size of its files.
            measure: what a loaded engine takes.
            routing: where references lead; None = every model stays what its manifest says.
            clock: seconds.
            on_status: see the class.
            on_line: see the class.
        """
        self._clock = clock
        self._residency = Residency(
            memory_budget, clock, min_residency_s=min_residency_s, min_residents=min_residents
        )
        self._loads = LoadingQueue(max_loading)
        loader = Loader(
            store,
            self._loads,
            self._residency,
            clock,
            estimate=estimate,
            measure=measure,
            on_line=on_line or _ignore_line,
            max_wait_s=max_wait_s,
        )

        def serve(manifest: ModelManifest, shown_as: str = "") -> ServedEngine:
            return ServedEngine(
                manifest,
                loader,
                make or engine_factory(EngineOptions()),
                max_queued=max_queued,
                clock=clock,
                on_status=on_status or _ignore_status,
                lazy=bool(shown_as) or manifest.name in lazy,
                shown_as=shown_as,
            )

        self._served = {manifest.name: serve(manifest) for manifest in manifests}
        self._live = LiveModels(self._served, routing, serve, clock, on_line or _ignore_line)

    @property
    def default_model(self) -> str:
        """What an empty model name means for chat: the first model that generates text."""
        return self._default(Capability.GENERATE)

    def _default(self, capability: Capability) -> str:
        able = (name for name, served in self._served.items() if capability in served.engine.capabilities)
        return next(able, next(iter(self._served), ""))

    def start(self) -> None:
        """Begin to fetch and load every model that is not lazy, in the background. Needs a running loop."""
        for served in self._served.values():
            served.start()
        self._live.start()

    async def close(self) -> None:
        """Stop loading, end every engine and its process. Drain before, if answers are to be finished."""
        await self._residency.close()
        await self._live.close()
        await asyncio.gather(*(served.close() for served in self._served.values()))

    def models(self) -> Sequence[ServedModel]:
        """Every model served here, ready or not."""
        return tuple(self._live.describe(name) for name in self._served)

    def status(self, model: str = "") -> EngineStatus:
        """Where a model stands."""
        return self._find(model).status

    async def settled(self, model: str = "") -> EngineStatus:
        """Wait until a model is ready, has failed for good, or is stopped."""
        return await self._find(model).settled()

    @property
    def in_flight(self) -> int:
        """Requests running or waiting, of all models."""
        return sum(served.in_flight for served in self._live.all())

    @property
    def ready(self) -> bool:
        """Whether a request for any model is taken in now; those that the operator unloaded do not count."""
        return all(
            model.accepting for model in self.models() if model.status.state is not EngineState.UNLOADED
        )

    @property
    def reserved_bytes(self) -> int:
        """Memory held for loaded models and those being loaded, of the budget."""
        return self._residency.held

    async def load(self, model: str) -> EngineStatus:
        """Load a model now and wait until it is ready; see `ServedEngine.load`. MODEL_NOT_FOUND."""
        return await self._find(model).load()

    async def unload(self, model: str, drain_s: float = DRAIN_S) -> EngineStatus:
        """Finish what is under way and give the memory back; see `ServedEngine.unload`. MODEL_NOT_FOUND."""
        return await self._find(model).unload(drain_s)

    def pin(self, model: str, pinned: bool = True) -> None:
        """Keep a model in memory whatever others need, or no longer. MODEL_NOT_FOUND."""
        self._find(model).pin(pinned)

    async def load_adapter(self, model: str, name: str, reference: str = "") -> ServedAdapter:
        """Have `model:name` mean an adapter of the registry from now on; see `ModelAdapters.load`. MODEL_NOT_FOUND."""
        served = self._find(model)
        loaded = await served.adapters.load(served.current, served.engine, name, reference)
        return next(
            each
            for each in served.describe().adapters
            if each.reference == loaded.reference and each.name == name
        )

    async def unload_adapter(self, model: str, name: str) -> ServedAdapter:
        """Forget an adapter; see `ModelAdapters.unload`. MODEL_NOT_FOUND, NOT_FOUND."""
        served = self._find(model)
        gone = await served.adapters.unload(served.current, name)
        return ServedAdapter(
            name, gone.reference, paired_digest(served.manifest, gone), gone.licence, gone.created
        )

    def describe(self, model: str) -> ServedModel:
        """One model (with its versions), or one version, as its users see it. MODEL_NOT_FOUND."""
        return self._live.describe(model) if model in self._served else self._find(model).describe()

    async def replace(self, model: str, manifest: ModelManifest) -> Replacement:
        """Serve another version of a model without losing a request; see `replacement`. MODEL_NOT_FOUND."""
        return await Replacing(self._find(model), self._clock).replace(manifest)

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the continuation of a chat; see `EngineClient.generate`. An invalid request is INVALID_ARGUMENT."""
        request = with_adapter(request)
        pick = self._able(request.model, Capability.GENERATE, call)
        check_request(request)
        for capability in needed(request):
            pick = self._checked(pick, capability)
        async with aclosing(stream(pick, request, call)) as events:
            async for event in events:
                yield event

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """Vectors of texts; see `EngineClient.embed`."""
        refuse_adapter(request.model)
        pick = self._able(request.model, Capability.EMBED, call)
        return await whole(pick, call, lambda served: served.embed(request, call))

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """Scores of documents against a query; see `EngineClient.score`."""
        refuse_adapter(request.model)
        pick = self._able(request.model, Capability.SCORE, call)
        return await whole(pick, call, lambda served: served.score(request, call))

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """Text to tokens or back; see `TokenizerClient.tokenize`."""
        check_tokenize(request)
        model, adapter = addressed(request.model)
        pick = self._able(model, Capability.TOKENIZE, call)
        if adapter:
            # It reads texts as its model does; that there is one is part of the question.
            pick = self._checked(pick, Capability.ADAPTERS)
            await pick.served.adapters.find(adapter)
        alone = replace(request, model=model)
        return await whole(pick, call, lambda served: served.tokenize(alone, call))

    async def probe(self, model: str, timeout_s: float) -> None:
        """Generate one token for real within `timeout_s`; raises what `generate` raises if that fails."""
        await self._find(model).probe(timeout_s)

    def _find(self, model: str) -> ServedEngine:
        """The version that a reference means: `name`, `name@version` or `name@alias`; of a split, the compared one."""
        served = self._served.get(model or self.default_model)
        return self._pick(model, None).served if served is None else served

    def _pick(self, model: str, key: str | None) -> Pick:
        pick = self._live.pick(model, key)
        if pick is None:
            raise self._unknown(model)
        return pick

    def _able(self, model: str, capability: Capability, call: Call) -> Pick:
        """Who answers, of the model asked for or the first that can when none is; INVALID_ARGUMENT naming who could."""
        return self._checked(self._pick(model or self._default(capability), call.sticky_key), capability)

    def _checked(self, pick: Pick, capability: Capability) -> Pick:
        if capability not in pick.served.engine.capabilities and pick.spare is not None:
            pick = pick.instead()
        served = pick.served
        if capability not in served.engine.capabilities:
            able = [name for name, each in self._served.items() if capability in each.engine.capabilities]
            raise incapable(f"The model {served.name!r} ({served.manifest.engine})", capability, able)
        return pick

    def _unknown(self, model: str) -> HyperCubeError:
        return not_found(model, tuple(self._served), where="served here")


def _ignore_status(_: str, __: EngineStatus) -> None:
    """Nobody listens."""


def _ignore_line(_: str) -> None:
    """Nobody listens."""
