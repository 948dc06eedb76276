"""all-MiniLM-L6-v2 in the transformers engine: its vectors beside those of the library, one text at a time."""

import asyncio
import importlib.util
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openai
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest, ScoreRequest
from hypercube.core.errors import ErrorKind
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.transformers.engine import PACKAGES
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore
from tests.e2e.encoder_models import (
    CLOSE,
    MINILM,
    SENTENCES,
    children,
    cosine,
    failure_of,
    furthest,
    load_and_unload,
    opened,
    plain,
)

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES),
    reason="needs the extra `transformers`",
)


@pytest.fixture(scope="module")
def minilm() -> Path:
    """The folder of all-MiniLM-L6-v2; the first run on a machine fetches it (83 MB)."""
    store, manifest = ModelStore(), lookup(MINILM)
    if not store.has(manifest):
        store.fetch(manifest)
    return store.folder_of(manifest)


@pytest.mark.real_model
async def test_minilm_through_the_cluster(minilm: Path) -> None:
    expected = plain(minilm, SENTENCES, scale=True)
    options = EngineOptions(device="cpu", precision="fp32", threads=2)
    before = children()
    cluster = Hypercluster([lookup(MINILM)], ModelStore(), make=engine_factory(options))
    cluster.start()
    try:
        status = await asyncio.wait_for(cluster.settled(MINILM), 120)
        assert status.state is EngineState.READY, status
        assert "vectors of 384 numbers (mean, length 1), texts of 256 tokens" in status.reason
        # Twenty callers at once, so that texts of other requests are their neighbours.
        answers = await asyncio.gather(
            *(cluster.embed(EmbeddingRequest(SENTENCES), Call()) for _ in range(20))
        )
        for found in answers:
            assert furthest(found.vectors, expected) < CLOSE
        assert answers[0].prompt_tokens == sum(token_counts(minilm))
        scores = await cluster.score(ScoreRequest(SENTENCES[0], SENTENCES), Call())
        assert scores.scores[0] == pytest.approx(1.0, abs=CLOSE)
        assert scores.scores[3] == pytest.approx(cosine(expected[0], expected[3]), abs=CLOSE)
        error = await failure_of(cluster.embed(EmbeddingRequest(("fine", "word " * 300)), Call()))
        assert (error.kind, error.param, error.value) == (ErrorKind.CONTEXT_LENGTH_EXCEEDED, "input[1]", 302)
        await cluster.probe(MINILM, 30)
        assert cluster.in_flight == 0
    finally:
        await cluster.close()
    assert children() == before


def token_counts(folder: Path) -> list[int]:
    from transformers import AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    return [len(tokenizer(text)["input_ids"]) for text in SENTENCES]


@pytest.mark.real_model
def test_two_models_behind_one_server(minilm: Path, serve: Callable[..., Any]) -> None:
    expected = plain(minilm, SENTENCES, scale=True)
    arguments = ("--model", "fake", "--embedding-model", MINILM)
    with serve(*arguments, HYPERCUBE_EMBEDDING_PRECISION="fp32") as server:
        server.wait_ready(120)
        assert f"embed   {MINILM}" in "".join(server.lines)
        with openai.OpenAI(api_key="none", base_url=f"{server.url}/v1", max_retries=0) as client:
            assert {model.id for model in client.models.list()} == {"fake", MINILM, "saju"}
            answer = client.embeddings.create(model=MINILM, input=list(SENTENCES))
            assert furthest([each.embedding for each in answer.data], expected) < CLOSE
            assert answer.usage.prompt_tokens == sum(token_counts(minilm))
            chat = client.chat.completions.create(
                model="fake", messages=[{"role": "user", "content": "hello"}], max_tokens=2
            )
            assert chat.usage is not None
            assert chat.usage.completion_tokens == 2
            with pytest.raises(openai.BadRequestError, match="cannot generate text"):
                client.chat.completions.create(model=MINILM, messages=[{"role": "user", "content": "hello"}])
            with pytest.raises(openai.BadRequestError, match="have 384 numbers") as caught:
                client.embeddings.create(model=MINILM, input="wood", dimensions=128)
            assert caught.value.param == "dimensions"
            with pytest.raises(openai.BadRequestError, match="has 302 tokens") as caught:
                client.embeddings.create(model=MINILM, input=["wood", "word " * 300])
            assert (caught.value.param, caught.value.code) == ("input[1]", "context_length_exceeded")


@pytest.mark.real_model
@pytest.mark.usefixtures("loop_threads")
async def test_minilm_in_bfloat16(minilm: Path) -> None:
    expected = plain(minilm, SENTENCES, scale=True)
    program = await opened(minilm, precision="bf16", threads=2)
    found = await program.embed(SENTENCES)
    for each, row in zip(found, expected, strict=True):
        assert cosine(each.vector, row) > 0.999
        assert sum(number * number for number in each.vector) == pytest.approx(1.0, abs=CLOSE)


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.timeout(600)
async def test_five_loads_of_minilm_leave_nothing_behind(minilm: Path) -> None:
    held = await load_and_unload(minilm, 5)
    assert held[-1] - held[0] < 8, held
