"""The hypercluster: every model served here, behind one contract (`core.engine.EngineClient`)."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import aclosing
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import EngineState, EngineStatus, GenerationEvent, GenerationRequest, ServedModel
from hypercube.core.errors import HyperCubeError
from hypercube.inference.engine import EngineOptions
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
        self.default_model = manifests[0].name if manifests else ""

    def start(self) -> None:
        """Begin to fetch and load every model in the background; returns at once. Needs a running loop."""
        for served in self._served.values():
            served.start()

    async def close(self) -> None:
        """Stop loading, end every engine and its process. Drain before, if answers are to be finished."""
        await asyncio.gather(*(served.close() for served in self._served.values()))

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
        return sum(served.admission.in_flight for served in self._served.values())

    @property
    def ready(self) -> bool:
        """Whether every model is ready."""
        return all(served.status.state is EngineState.READY for served in self._served.values())

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the continuation of a chat; see `EngineClient.generate`. An invalid request is INVALID_ARGUMENT."""
        served = self._find(request.model)
        check_request(request)
        async with aclosing(served.generate(request, call)) as events:
            async for event in events:
                yield event

    async def probe(self, model: str, timeout_s: float) -> None:
        """Generate one token for real within `timeout_s`; raises what `generate` raises if that fails."""
        await self._find(model).probe(timeout_s)

    def _find(self, model: str) -> ServedEngine:
        served = self._served.get(model or self.default_model)
        if served is None:
            raise self._unknown(model)
        return served

    def _unknown(self, model: str) -> HyperCubeError:
        return not_found(model, tuple(self._served), where="served here")


def _ignore_status(_: str, __: EngineStatus) -> None:
    """Nobody listens."""


def _ignore_line(_: str) -> None:
    """Nobody listens."""
