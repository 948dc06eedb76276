"""One loaded copy of a model: an engine object with the version it runs, used by requests, then given back."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import Final

from hypercube.batching.policy import NEVER
from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.adapters import CopyAdapters
from hypercube.inference.encoding import Encoding
from hypercube.inference.engine import Engine
from hypercube.inference.residency import Reservation
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelManifest

_PROBE_AFTER_LOAD_S: Final = 60.0
_PROBE: Final = GenerationRequest(
    (ChatMessage("user", "1"),), max_tokens=1, sampling=Sampling(temperature=0.0)
)


class Incarnation:
    """Loaded once, used by any number of requests, unloaded once.

    Attributes:
        manifest: the version that it runs.
        engine: who computes.
        encoding: the batchers of its embeddings and scores.
        adapters: the LoRA adapters that its engine has.
        reservation: the memory held for it; None until it is held.
        lease: keeps its files in the store; None for a model without files.
        measured_bytes: what its processes took after loading; None while that is not known.
        uses: requests that compute on it now.
        beat_at: when it last showed progress, on the clock.
    """

    def __init__(
        self,
        manifest: ModelManifest,
        engine: Engine,
        clock: Clock,
        working: Callable[[Engine], Engine],
        max_wait_s: float = NEVER,
    ) -> None:
        """`working` returns the engine, or raises UNAVAILABLE when it does not work now; `max_wait_s` as `Encoding`."""
        self.manifest = manifest
        self.engine = engine
        self.encoding = Encoding(manifest.name, lambda: working(engine), clock, max_wait_s)
        self.adapters = CopyAdapters(engine)
        self.reservation: Reservation | None = None
        self.lease: Lease | None = None
        self.measured_bytes: int | None = None
        self.uses = 0
        self.beat_at = float("-inf")
        self._clock = clock
        self._beat: asyncio.Event | None = None
        """Made by who waits for it: pieces of answers come far more often."""
        self._unused = asyncio.Event()
        self._unused.set()

    async def load(self, path: Path | None, say: Callable[[str], None]) -> None:
        """Load the engine and see a first token (a vector, a score) come out of it.

        Raises:
            HyperCubeError: as `Engine.load`; ENGINE_FAILED when nothing comes.
        """
        say("loading")
        await self.engine.load(path, say)
        say("making a first token")
        try:
            async with asyncio.timeout(_PROBE_AFTER_LOAD_S):
                await self.one_token()
        except TimeoutError:
            raise HyperCubeError(
                ErrorKind.ENGINE_FAILED,
                f"The engine made no token within {_PROBE_AFTER_LOAD_S:.0f} s of loading.",
            ) from None

    async def one_token(self) -> None:
        """Work for real: a token, or the vector or the score of a word where the model generates nothing."""
        if Capability.GENERATE not in self.engine.capabilities:
            if Capability.EMBED in self.engine.capabilities:
                await self.engine.embed(("1",))
            else:
                await self.engine.score((("1", "1"),))
            self.progress()
            return
        async with aclosing(self.engine.generate(_PROBE, Call())) as events:
            async for event in events:
                self.progress()
                if event.finish_reason is not None:
                    return
        raise HyperCubeError(ErrorKind.ENGINE_FAILED, "The engine ended an answer without saying why.")

    def progress(self) -> None:
        """Something came out of the engine."""
        self.beat_at = self._clock()
        if self._beat is not None:
            self._beat.set()
            self._beat = None

    async def next_beat(self) -> None:
        """Wait until something comes out of the engine."""
        if self._beat is None:
            self._beat = asyncio.Event()
        await self._beat.wait()

    @contextmanager
    def used(self) -> Iterator[None]:
        """A request computes on it within this block."""
        self.uses += 1
        self._unused.clear()
        try:
            yield
        finally:
            self.uses -= 1
            if self.uses == 0:
                self._unused.set()

    async def unused(self) -> None:
        """Wait until nobody computes on it."""
        await self._unused.wait()

    async def end(self) -> None:
        """Give everything back; what still waits in its batchers hears so at once. Safe to call twice."""
        try:
            await self.engine.unload()
        finally:
            await self.encoding.close()
