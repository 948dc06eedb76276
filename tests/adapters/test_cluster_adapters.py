"""Adapters of a served model, over a scripted engine: found, loaded, kept over a restart, replaced, evicted, leased."""

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    EmbeddingRequest,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    TokenizeRequest,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState
from hypercube.inference.adapters import paired_digest
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import GeneratesOnly, engine_failed
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

MODEL = ModelManifest("tiny", "1.0.0", "", "MIT", "scripted", "none", 10, 77)


@dataclass
class Adapting(GeneratesOnly):
    """An engine that has up to `limit` adapters, and says which one it answers with; `hold` stops it in between."""

    capabilities: frozenset[Capability] = frozenset({Capability.GENERATE, Capability.ADAPTERS})
    limit: int = 2
    context_length: int = 10
    slots: int = 4
    description: str = "scripted"
    events: list[str] = field(default_factory=list)
    adapters: set[str] = field(default_factory=set)
    hold: asyncio.Event = field(default_factory=asyncio.Event)
    death: "asyncio.Future[HyperCubeError]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        self.events.append("load")

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert not request.adapter or request.adapter in self.adapters, f"{request.adapter} was never loaded"
        self.events.append(f"answer {request.adapter}")
        yield GenerationEvent(request.adapter or "alone")
        if request.messages[0].content == "wait":
            await self.hold.wait()
            assert request.adapter in self.adapters, "it was taken away under an answer"
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 1))

    async def load_adapter(self, name: str, folder: Path) -> None:
        assert folder.joinpath("adapter_config.json").is_file()
        if len(self.adapters) >= self.limit:
            raise HyperCubeError(ErrorKind.FAILED_PRECONDITION, "too many adapters")
        self.adapters.add(name)
        self.events.append(f"+{name}")

    async def unload_adapter(self, name: str) -> None:
        self.adapters.remove(name)
        self.events.append(f"-{name}")

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        self.events.append("unload")


def publish(store: ModelStore, name: str, version: str, base: str = "tiny") -> ModelManifest:
    files, drafts = [], {}
    for file in ("adapter_config.json", "notes.txt"):
        data = f"{name} {version} {file}".encode()
        drafts[file] = store.root / f"draft-{name}-{version}-{file}"
        drafts[file].parent.mkdir(parents=True, exist_ok=True)
        drafts[file].write_bytes(data)
        files.append(ModelFile(file, len(data), hashlib.sha256(data).hexdigest()))
    manifest = ModelManifest(
        name, version, "", "CC0-1.0", "transformers", "lora", 0, 5, tuple(files), base=base
    )
    store.publish(manifest, drafts)
    return manifest


@pytest.fixture
def store(tmp_path: Path) -> ModelStore:
    store = ModelStore(tmp_path / "models")
    for name in ("style", "tone", "mood"):
        publish(store, name, "1.0.0")
    publish(store, "stranger", "1.0.0", base="other")
    return store


@asynccontextmanager
async def serving(
    store: ModelStore, *engines: Adapting, manifest: ModelManifest = MODEL
) -> AsyncIterator[Hypercluster]:
    made = iter(engines)
    lines: list[str] = []
    cluster = Hypercluster([manifest], store, make=lambda _: next(made), on_line=lines.append)
    # What is published meanwhile is seen at once.
    cluster._served[manifest.name].loader.registry = ModelRegistry(store, poll_s=0.0)
    cluster.start()
    await cluster.settled()
    cluster.lines = lines  # type: ignore[attr-defined]
    try:
        yield cluster
    finally:
        await cluster.close()


def asks(model: str, text: str = "hi", adapter: str = "") -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", text),), model=model, adapter=adapter)


async def said(cluster: Hypercluster, request: GenerationRequest) -> str:
    async with aclosing(cluster.generate(request, Call())) as events:
        return "".join([event.text async for event in events])


async def refusal(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def test_the_first_request_for_an_adapter_loads_it(store: ModelStore) -> None:
    engine = Adapting()
    async with serving(store, engine) as cluster:
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
        assert await said(cluster, asks("tiny", adapter="style@1.0.0")) == "style@1.0.0"
        assert await said(cluster, asks(":style")) == "style@1.0.0"
        assert await said(cluster, asks("tiny")) == "alone"
        assert engine.events.count("+style@1.0.0") == 1
        (served,) = cluster.models()
        (adapter,) = served.adapters
        assert (adapter.reference, adapter.loaded, adapter.kept) == ("style@1.0.0", True, False)
        manifest = ModelRegistry(store).resolve("style")
        assert adapter.digest == paired_digest(MODEL, manifest)


async def test_what_cannot_be_is_refused_with_what_could(store: ModelStore) -> None:
    async with serving(store, Adapting()) as cluster:
        unknown = await refusal(said(cluster, asks("tiny:stile")))
        assert (unknown.kind, unknown.param) == (ErrorKind.MODEL_NOT_FOUND, "model")
        assert "'style'" in str(unknown)
        assert unknown.details["choices"] == ["mood", "style", "tone"]
        foreign = await refusal(said(cluster, asks("tiny:stranger")))
        assert foreign.kind is ErrorKind.MODEL_NOT_FOUND
        assert "'other'" in foreign.message
        two = await refusal(said(cluster, asks("tiny:style", adapter="tone")))
        assert (two.kind, two.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
        vectors = await refusal(cluster.embed(EmbeddingRequest(("a",), "tiny:style"), Call()))
        assert vectors.kind is ErrorKind.INVALID_ARGUMENT
        tokens = await refusal(cluster.tokenize(TokenizeRequest("a", model="tiny:style"), Call()))
        assert tokens.kind is ErrorKind.INVALID_ARGUMENT
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
    without = Adapting(capabilities=frozenset({Capability.GENERATE}))
    async with serving(store, without) as cluster:
        for work in (said(cluster, asks("tiny:style")), cluster.load_adapter("tiny", "style")):
            error = await refusal(work)
            assert (error.kind, error.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
            assert "transformers, vllm" in str(error)


async def test_adapters_survive_a_restart_and_are_there_before_the_model_is_ready(store: ModelStore) -> None:
    first, second = Adapting(), Adapting()
    async with serving(store, first, second) as cluster:
        await cluster.load_adapter("tiny", "voice", "tone@1.0.0")
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
        first.death.set_result(engine_failed("its process was ended by SIGKILL"))
        while second.events[:1] != ["load"] or cluster.status("tiny").state is not EngineState.READY:
            await cluster._served["tiny"].next_status()
        # What was loaded by command is back before anybody may ask; the other one comes with its next request.
        assert second.events == ["load", "answer ", "+tone@1.0.0"]
        assert await said(cluster, asks("tiny:voice")) == "tone@1.0.0"
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"


async def test_an_answer_under_way_keeps_the_adapter_that_is_replaced(store: ModelStore) -> None:
    publish(store, "style", "1.1.0")
    engine = Adapting(limit=3)
    async with serving(store, engine) as cluster:
        await cluster.load_adapter("tiny", "voice", "style@1.0.0")
        async with aclosing(cluster.generate(asks("tiny:voice", "wait"), Call())) as answer:
            assert (await anext(answer)).text == "style@1.0.0"
            now = await cluster.load_adapter("tiny", "voice", "style@1.1.0")
            assert now.reference == "style@1.1.0"
            assert await said(cluster, asks("tiny:voice")) == "style@1.1.0"
            assert "-style@1.0.0" not in engine.events
            engine.hold.set()
            assert (await anext(answer)).finish_reason is FinishReason.STOP
        assert engine.events[-1] == "-style@1.0.0"
        assert engine.adapters == {"style@1.1.0"}


async def test_an_adapter_that_is_unloaded_stays_until_its_answers_end(store: ModelStore) -> None:
    engine = Adapting()
    async with serving(store, engine) as cluster:
        await cluster.load_adapter("tiny", "style")
        async with aclosing(cluster.generate(asks("tiny:style", "wait"), Call())) as answer:
            await anext(answer)
            await cluster.unload_adapter("tiny", "style")
            assert cluster.models()[0].adapters == ()
            assert engine.adapters == {"style@1.0.0"}
        assert engine.adapters == set()
        gone = await refusal(cluster.unload_adapter("tiny", "style"))
        assert gone.kind is ErrorKind.NOT_FOUND
        # It is still in the registry, so a request brings it back.
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
        await cluster.unload_adapter("tiny", "style")
        assert engine.adapters == set()


async def test_a_moved_alias_means_the_new_version_from_the_next_request_on(store: ModelStore) -> None:
    publish(store, "style", "1.1.0")
    registry = ModelRegistry(store)
    async with serving(store, Adapting()) as cluster:
        registry.set_alias("style", "production", "1.0.0")
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
        registry.set_alias("style", "production", "1.1.0")
        assert await said(cluster, asks("tiny:style")) == "style@1.1.0"
        registry.rollback("style")
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"


async def test_the_one_used_longest_ago_makes_room_and_never_one_in_use_or_kept(store: ModelStore) -> None:
    engine = Adapting(limit=2)
    async with serving(store, engine) as cluster:
        for name in ("style", "tone", "style", "mood"):
            assert await said(cluster, asks(f"tiny:{name}")) == f"{name}@1.0.0"
        assert engine.adapters == {"style@1.0.0", "mood@1.0.0"}
        await cluster.load_adapter("tiny", "style")
        async with aclosing(cluster.generate(asks("tiny:mood", "wait"), Call())) as answer:
            await anext(answer)
            full = await refusal(said(cluster, asks("tiny:tone")))
            assert (full.kind, full.message) == (ErrorKind.FAILED_PRECONDITION, "too many adapters")
            assert engine.adapters == {"style@1.0.0", "mood@1.0.0"}
        assert await said(cluster, asks("tiny:tone")) == "tone@1.0.0"
        assert engine.adapters == {"style@1.0.0", "tone@1.0.0"}


async def test_its_files_stay_as_long_as_an_engine_has_it_and_a_damaged_one_is_refused(
    store: ModelStore,
) -> None:
    async with serving(store, Adapting()) as cluster:
        assert await said(cluster, asks("tiny:style")) == "style@1.0.0"
        used = await refusal(asyncio.to_thread(store.remove, "style"))
        assert used.kind is ErrorKind.FAILED_PRECONDITION
        await cluster.unload_adapter("tiny", "style")
        assert store.remove("style") > 0
        notes = ModelRegistry(store).resolve("tone").files[1]
        store.path_of(notes).write_bytes(b"x" * notes.size)
        damaged = await refusal(said(cluster, asks("tiny:tone")))
        assert damaged.kind is ErrorKind.FAILED_PRECONDITION
        assert "notes.txt" in damaged.message
        assert await said(cluster, asks("tiny:mood")) == "mood@1.0.0"
        assert not [lease for lease in store.leases() if lease.name == "tone"]
    assert store.leases() == ()


async def test_a_models_own_adapters_are_loaded_with_it_and_one_that_is_not_to_be_had_is_told_of(
    store: ModelStore,
) -> None:
    engine = Adapting()
    manifest = replace(MODEL, adapters=("style@1.0.0", "lost@1.0.0"))
    async with serving(store, engine, manifest=manifest) as cluster:
        assert engine.events == ["load", "answer ", "+style@1.0.0"]
        assert [adapter.name for adapter in cluster.models()[0].adapters] == ["style"]
        assert any("'lost'" in line for line in cluster.lines)  # type: ignore[attr-defined]


async def test_a_thousand_changes_in_any_order_never_take_an_adapter_from_an_answer(
    store: ModelStore,
) -> None:
    """Random loads, unloads and requests on few places; the engine itself checks that each answer has its adapter."""
    rng = random.Random(7)
    engine = Adapting(limit=2, slots=3)
    engine.hold.set()
    refused = 0
    async with serving(store, engine) as cluster:

        async def step() -> None:
            nonlocal refused
            name = rng.choice(("style", "tone", "mood"))
            act = rng.choice(("ask", "ask", "ask", "load", "unload"))
            try:
                if act == "ask":
                    assert await said(cluster, asks(f"tiny:{name}", "wait")) == f"{name}@1.0.0"
                elif act == "load":
                    await cluster.load_adapter("tiny", name)
                else:
                    await cluster.unload_adapter("tiny", name)
            except HyperCubeError as error:
                if error.kind not in {ErrorKind.FAILED_PRECONDITION, ErrorKind.NOT_FOUND}:
                    raise
                refused += 1

        for _ in range(100):
            await asyncio.gather(*(step() for _ in range(10)))
        assert await said(cluster, asks("tiny")) == "alone"
        assert len(engine.adapters) <= 2
        assert engine.events.count("answer style@1.0.0") > 20
        assert 0 < refused < 800
    assert store.leases() == ()
