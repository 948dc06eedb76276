"""A cluster over scripted engines of models that are loaded on demand, in virtual time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Embedded, Engine, GeneratesOnly, engine_failed
from hypercube.inference.fake import vector
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]


def manifest(name: str = "a", version: str = "1.0.0") -> ModelManifest:
    return ModelManifest(name, version, "", "MIT", "scripted", "none", 10, 77)


@dataclass
class Script:
    """How the engines of one version behave."""

    load_s: float = 2.0
    token_s: float = 1.0
    slots: int = 2
    bytes: int | None = None
    load_errors: int = 0
    error: HyperCubeError | None = None
    capabilities: frozenset[Capability] = frozenset({Capability.GENERATE})


class ScriptedEngine(GeneratesOnly):
    """Three pieces an answer, each the version that made it."""

    context_length = 10

    def __init__(self, bench: "Bench", which: ModelManifest) -> None:
        self.script = bench.scripts.get(which.reference, Script())
        self.which, self.bench = which, bench
        self.capabilities = self.script.capabilities
        self.slots = self.script.slots
        self.description = f"scripted {which.reference}"
        self.loaded, self.active = False, 0
        self.death: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        on_status("reading weights")
        self.bench.loading += 1
        self.bench.most_loading = max(self.bench.most_loading, self.bench.loading)
        try:
            await asyncio.sleep(self.script.load_s)
        finally:
            self.bench.loading -= 1
        if self.script.load_errors:
            self.script.load_errors -= 1
            raise HyperCubeError.of(
                (self.script.error or engine_failed("its process ended with status 1")).failure()
            )
        self.loaded = True
        self.bench.events.append(f"+{self.which.reference}")

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        if request.max_tokens == 1:  # the first token after loading
            yield GenerationEvent(finish_reason=FinishReason.LENGTH, usage=Usage(1, 1))
            return
        self.active += 1
        try:
            for _ in range(3):
                await asyncio.wait({self.death}, timeout=self.script.token_s)
                if self.death.done():
                    raise self.death.result()
                yield GenerationEvent(f"{self.which.version} ")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 3))
        finally:
            self.active -= 1

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        assert self.loaded
        return [Embedded(vector(text), 1) for text in texts]

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        if self.loaded:
            self.loaded = False
            self.bench.events.append(f"-{self.which.reference}")
        if self.active and not self.death.done():
            self.death.set_result(engine_failed("it was unloaded"))


class Bench:
    """A cluster over scripted engines, in the order of `models`."""

    def __init__(
        self, *models: ModelManifest, scripts: dict[str, Script] | None = None, **options: Any
    ) -> None:
        self.scripts = scripts or {}
        self.engines: list[ScriptedEngine] = []
        self.events: list[str] = []
        self.statuses: list[tuple[str, EngineStatus]] = []
        self.lines: list[str] = []
        self.loading = self.most_loading = 0
        self.cluster = Hypercluster(
            models or [manifest()],
            ModelStore(Path("/nowhere")),
            make=self._make,
            clock=asyncio.get_running_loop().time,
            lazy=options.pop("lazy", [model.name for model in models] or ["a"]),
            measure=lambda engine: engine.script.bytes if isinstance(engine, ScriptedEngine) else None,
            on_status=lambda name, status: self.statuses.append((name, status)),
            on_line=self.lines.append,
            **options,
        )
        self.cluster.start()

    def _make(self, which: ModelManifest) -> Engine:
        self.engines.append(ScriptedEngine(self, which))
        return self.engines[-1]

    def state(self, model: str = "a") -> EngineState:
        return self.cluster.status(model).state

    def working(self, name: str = "a") -> ScriptedEngine:
        (engine,) = (each for each in self.engines if each.loaded and each.which.name == name)
        return engine

    def ask(self, model: str = "a", deadline_s: float | None = None) -> "asyncio.Task[str]":
        return asyncio.create_task(self.answer(model, deadline_s))

    async def answer(self, model: str = "a", deadline_s: float | None = None) -> str:
        deadline = None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s
        request = GenerationRequest((ChatMessage("user", "hello"),), model=model)
        events = self.cluster.generate(request, Call(deadline=deadline))
        return "".join([event.text async for event in events]).strip()


OF_A = "1.0.0 1.0.0 1.0.0"


async def refused(work: Coroutine[Any, Any, object] | asyncio.Task[Any]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
