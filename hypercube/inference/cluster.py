"""The hypercluster: every model served here, behind one contract (`core.engine.EngineClient`)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import (
    Capability,
    EmbeddingRequest,
    Embeddings,
    EngineState,
    EngineStatus,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
    ServedModel,
)
from hypercube.core.errors import HyperCubeError
from hypercube.inference.encoding import Encoding
from hypercube.inference.engine import EngineOptions, incapable
from hypercube.inference.factory import EngineFactory, engine_factory
from hypercube.inference.request_check import check_request
from hypercube.inference.served import LineListener, ServedEngine, StatusListener
from hypercube.model_registry.catalogue import not_found
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

MAX_QUEUED: Final = 64


class Hypercluster:
    """Serves the models of `manifests`; the first is the one that an empty model name means.

    `on_status(name, status)` hears of every change of a model, `on_line(sentence)` of notable events of a
    download; both are called on the event loop and must not block.
    """

    def __init__(
        self,
        manifests: Sequence[ModelManifest],
        store: ModelStore,
        *,
        make: EngineFactory | None = None,
        max_queued: int = MAX_QUEUED,
        clock: Clock = monotonic,
        on_status: StatusListener | None = None,
        on_line: LineListener | None = None,
    ) -> None:
        self._served = {
            manifest.name: ServedEngine(
                manifest,
                store,
                make or engine_factory(EngineOptions()),
                max_queued=max_queued,
                clock=clock,
                on_status=on_status or _ignore_status,
                on_line=on_line or _ignore_line,
            )
            for manifest in manifests
        }
        self._encoding = {
            name: Encoding(name, served.running, clock) for name, served in self._served.items()
        }

    @property
    def default_model(self) -> str:
        """What an empty model name means for chat: the first model that generates text."""
        return self._default(Capability.GENERATE)

    def _default(self, capability: Capability) -> str:
        able = (name for name, served in self._served.items() if capability in served.engine.capabilities)
        return next(able, next(iter(self._served), ""))

    def start(self) -> None:
        """Begin to fetch and load every model in the background; returns at once. Needs a running loop."""
        for served in self._served.values():
            served.start()

    async def close(self) -> None:
        """Stop loading, end every engine and its process. Drain before, if answers are to be finished."""
        await asyncio.gather(*(served.close() for served in self._served.values()))
        # With the engines gone, whatever still waits hears so at once.
        await asyncio.gather(*(encoding.close() for encoding in self._encoding.values()))

    def models(self) -> Sequence[ServedModel]:
        """Every model served here, ready or not."""
        return tuple(served.describe() for served in self._served.values())

    def status(self, model: str = "") -> EngineStatus:
        """Where a model stands."""
        return self._find(model).status

    async def settled(self, model: str = "") -> EngineStatus:
        """Wait until a model is ready, has failed for good, or is stopped."""
        return await self._find(model).settled()

    @property
    def in_flight(self) -> int:
        """Requests running or waiting, of all models."""
        generating = sum(served.admission.in_flight for served in self._served.values())
        return generating + sum(encoding.in_flight for encoding in self._encoding.values())

    @property
    def ready(self) -> bool:
        """Whether every model is ready."""
        return all(served.status.state is EngineState.READY for served in self._served.values())

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the continuation of a chat; see `EngineClient.generate`. An invalid request is INVALID_ARGUMENT."""
        served = self._able(request.model, Capability.GENERATE)
        check_request(request)
        if request.json_schema is not None:
            self._able(request.model, Capability.JSON_SCHEMA)
        if request.adapter:
            self._able(request.model, Capability.ADAPTERS)
        async with aclosing(served.generate(request, call)) as events:
            async for event in events:
                yield event

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """Vectors of texts; see `EngineClient.embed`."""
        return await self._encoding[self._able(request.model, Capability.EMBED).name].embed(request, call)

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """Scores of documents against a query; see `EngineClient.score`."""
        return await self._encoding[self._able(request.model, Capability.SCORE).name].score(request, call)

    async def probe(self, model: str, timeout_s: float) -> None:
        """Generate one token for real within `timeout_s`; raises what `generate` raises if that fails."""
        await self._find(model).probe(timeout_s)

    def _find(self, model: str) -> ServedEngine:
        served = self._served.get(model or self.default_model)
        if served is None:
            raise self._unknown(model)
        return served

    def _able(self, model: str, capability: Capability) -> ServedEngine:
        """The model asked for, or the first that can when none is; INVALID_ARGUMENT naming who could."""
        served = self._find(model or self._default(capability))
        if capability not in served.engine.capabilities:
            able = [name for name, each in self._served.items() if capability in each.engine.capabilities]
            raise incapable(f"The model {served.name!r} ({served.manifest.engine})", capability, able)
        return served

    def _unknown(self, model: str) -> HyperCubeError:
        return not_found(model, tuple(self._served), where="served here")


def _ignore_status(_: str, __: EngineStatus) -> None:
    """Nobody listens."""


def _ignore_line(_: str) -> None:
    """Nobody listens."""
