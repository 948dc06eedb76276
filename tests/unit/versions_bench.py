"""A cluster that follows a registry of scripted versions of one model, in virtual time."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import EngineState, ServedVersion
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.inference.routing import Routing
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
SEEN_S = 0.6
"""Longer than a server needs to see a move: two polls."""


def manifest(version: str, name: str = "tiny") -> ModelManifest:
    return ModelManifest(name, version, "", "MIT", "scripted", "none", 10, 77)


@dataclass
class Script:
    """How the engines of one version behave."""

    load_s: float = 2.0
    token_s: float = 0.5
    load_errors: int = 0
    bytes: int = 1
    error: HyperCubeError | None = None
    fails_after: int = 0
    first_token: bool = True


class ScriptedEngine(GeneratesOnly):
    """Three pieces an answer, each the version that made it; more than one answer at a time."""

    context_length = 10
    slots = 1000

    def __init__(self, bench: "Bench", which: ModelManifest) -> None:
        self.script = bench.scripts.setdefault(which.version, Script())
        self.version, self.bench = which.version, bench
        self.description = f"scripted {which.reference}"
        self.loaded, self.active = False, 0
        self.death: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        on_status("reading weights")
        await asyncio.sleep(self.script.load_s)
        if self.script.load_errors:
            self.script.load_errors -= 1
            raise engine_failed("its process ended with status 1")
        self.loaded = True
        self.bench.events.append(f"+{self.version}")

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        if request.max_tokens == 1:  # the first token after loading
            if not self.script.first_token:
                raise engine_failed("its logits are no numbers")
            yield GenerationEvent(finish_reason=FinishReason.LENGTH, usage=Usage(1, 1))
            return
        self.active += 1
        self.bench.asked[self.version] += 1
        self.bench.last_asked[self.version] = asyncio.get_running_loop().time()
        try:
            for piece in range(3):
                if self.script.error is not None and piece == self.script.fails_after:
                    raise HyperCubeError.of(self.script.error.failure())
                await asyncio.sleep(self.script.token_s)
                assert self.loaded, "computed on after it was unloaded"
                yield GenerationEvent(f"{self.version} ")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 3))
        finally:
            self.active -= 1

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        if self.loaded:
            self.loaded = False
            self.bench.events.append(f"-{self.version}")


@dataclass
class Answer:
    """What a caller got: the version of each piece, and the one told beside it."""

    pieces: list[str] = field(default_factory=list)
    served_by: str = ""

    @property
    def version(self) -> str:
        """The one version that made the whole answer."""
        assert len(self.pieces) == 3
        (version,) = set(self.pieces)
        assert self.served_by == f"tiny@{version}"
        return version


class Bench:
    """A cluster that follows a registry of scripted versions of one model."""

    def __init__(
        self,
        folder: Path,
        *versions: str,
        lazy: bool = False,
        production: str = "",
        means: str = "tiny",
        **options: Any,
    ) -> None:
        loop = asyncio.get_running_loop()
        store = ModelStore(folder)
        for version in versions:
            store.publish(manifest(version), {})
        self.scripts: dict[str, Script] = {}
        self.events: list[str] = []
        self.lines: list[str] = []
        self.asked: Counter[str] = Counter()
        self.last_asked: dict[str, float] = {}
        self.operator = ModelRegistry(ModelStore(folder), poll_s=0)
        if production:
            self.operator.set_alias("tiny", "production", production)
        registry = ModelRegistry(store, clock=loop.time)
        self.cluster = Hypercluster(
            [registry.resolve(means)],
            store,
            make=self._make,
            clock=loop.time,
            lazy=["tiny"] if lazy else [],
            estimate=lambda which: self.scripts.setdefault(which.version, Script()).bytes,
            measure=lambda engine: engine.script.bytes if isinstance(engine, ScriptedEngine) else None,
            routing=Routing(registry, means={"tiny": means}),
            on_line=self.lines.append,
            max_queued=1000,
            **options,
        )
        self.cluster.start()

    def _make(self, which: ModelManifest) -> Engine:
        return ScriptedEngine(self, which)

    async def answer(self, model: str = "tiny", **call: Any) -> Answer:
        """Ask, and read the answer."""
        said, beside = Answer(), Call(**call)
        request = GenerationRequest((ChatMessage("user", "hello"),), model=model)
        async for event in self.cluster.generate(request, beside):
            said.pieces += event.text.split()
        said.served_by = beside.served_by
        return said

    def ask(self, model: str = "tiny", **call: Any) -> "asyncio.Task[Answer]":
        return asyncio.create_task(self.answer(model, **call))

    async def version(self, model: str = "tiny", **call: Any) -> str:
        """Which version answers."""
        return (await self.answer(model, **call)).version

    def shown(self) -> dict[str, ServedVersion]:
        (model,) = self.cluster.models()
        return {each.version: each for each in model.versions}

    def note(self) -> str:
        return self.cluster.models()[0].routing_note

    async def until_ready(self, *versions: str) -> None:
        for version in versions:
            while version not in self.shown():  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.05)
            assert (await self.cluster.settled(f"tiny@{version}")).state is EngineState.READY

    async def stream_of_requests(self, seconds: float, every_s: float = 0.05) -> list["asyncio.Task[Answer]"]:
        """Ask again and again, each time as somebody else."""
        asked = []
        for number in range(round(seconds / every_s)):
            asked.append(self.ask(request_id=f"request-{number}"))
            await asyncio.sleep(every_s)
        return asked


async def refused(work: Coroutine[Any, Any, object]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value
