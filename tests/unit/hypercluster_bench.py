"""A cluster over scripted engines, and everything it said; in virtual time."""

import asyncio
import hashlib
import itertools
import threading
from collections.abc import AsyncGenerator, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.verification import Verification

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
DATA = b"weights"
MODEL = ModelManifest(
    "tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 10, 77,
    (ModelFile("tiny.gguf", len(DATA), hashlib.sha256(DATA).hexdigest()),),
)  # fmt: skip


@dataclass
class ScriptedEngine(GeneratesOnly):
    """An engine whose loads, tokens and death the test decides."""

    load_error: HyperCubeError | None = None
    load_s: float = 0.0
    tokens: int = 3
    token_s: float = 0.0
    context_length: int = 10
    slots: int = 2
    description: str = "scripted"
    active: int = 0
    most_active: int = 0
    started: list[str] = field(default_factory=list)
    unloads: int = 0
    path: Path | None = None
    death: "asyncio.Future[HyperCubeError]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        self.path = path
        on_status("reading weights")
        await asyncio.sleep(self.load_s)
        if self.load_error is not None:
            raise self.load_error

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        self.active += 1
        self.most_active = max(self.active, self.most_active)
        self.started.append(request.messages[0].content)
        try:
            yield GenerationEvent()  # the prompt is being read
            for _ in range(self.tokens):
                token = asyncio.ensure_future(asyncio.sleep(self.token_s))
                await asyncio.wait({token, self.death}, return_when=asyncio.FIRST_COMPLETED)
                token.cancel()
                if self.death.done():
                    raise self.death.result()
                yield GenerationEvent("x")
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, self.tokens))
        finally:
            self.active -= 1

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    def die(self, how: str = "its process was ended by SIGKILL") -> None:
        self.death.set_result(engine_failed(how))

    async def unload(self) -> None:
        self.unloads += 1


class MemoryStore(ModelStore):
    """A store without a disk."""

    def __init__(self) -> None:
        super().__init__(Path("/nowhere"))

    def has(self, manifest: ModelManifest) -> bool:
        return True

    def verify(self, manifest: ModelManifest, cancel: threading.Event | None = None) -> Verification:
        return Verification(0, 0, 0.0)

    def lease(self, manifest: ModelManifest, purpose: str = "serving") -> Lease:
        return Lease(manifest.name, manifest.version, purpose, 0, 0, "", (), "", Path("/nowhere/lease"))


def weightless(engine: str = "scripted") -> ModelManifest:
    """A model without files: nothing of it touches a thread or a disk."""
    return ModelManifest("tiny", "1.0.0", "", "MIT", engine, "none", 10, 77)


class Bench:
    """A cluster over scripted engines, and everything it said."""

    def __init__(self, *engines: Engine, manifests: Sequence[ModelManifest] = (), **options: Any) -> None:
        self.statuses: list[EngineStatus] = []
        self.made = iter(engines)
        self.cluster = Hypercluster(
            manifests or [weightless()],
            options.pop("store", None) or MemoryStore(),
            make=lambda _: next(self.made),
            clock=asyncio.get_running_loop().time,
            on_status=lambda _, status: self.statuses.append(status),
            **options,
        )
        self.cluster.start()

    def states(self) -> list[EngineState]:
        return [state for state, _ in itertools.groupby(status.state for status in self.statuses)]


def chat(content: str = "hello", model: str = "") -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", content),), model=model)


async def answer(
    cluster: Hypercluster, request: GenerationRequest | None = None, call: Call | None = None
) -> str:
    return "".join([event.text async for event in cluster.generate(request or chat(), call or Call())])


async def refused(work: Coroutine[Any, Any, object] | asyncio.Task[str]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)
