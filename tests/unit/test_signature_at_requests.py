"""The signature of a manifest holds at every request to its model, and at those of that version alone."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, EmbeddingRequest, FinishReason, GenerationRequest, ScoreRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.signature import Limits, Signature
from hypercube.model_registry.store import ModelStore

ALL = (Capability.GENERATE, Capability.EMBED, Capability.SCORE)


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Hypercluster]:
    tight = Signature((), (), Limits(batch=2, input_tokens=8, output_tokens=3))
    cluster = Hypercluster(
        [
            ModelManifest(
                "tight", "1.0.0", "", "MIT", "fake", "none", 4096, 0, capabilities=ALL, signature=tight
            ),
            ModelManifest("free", "1.0.0", "", "MIT", "fake", "none", 4096, 0, capabilities=ALL),
        ],
        ModelStore(tmp_path),
    )
    cluster.start()
    await cluster.settled("tight")
    await cluster.settled("free")
    yield cluster
    assert cluster.in_flight == 0
    await cluster.close()


async def last(cluster: Hypercluster, request: GenerationRequest) -> tuple[FinishReason | None, int]:
    """How an answer ended, and its tokens."""
    events = [event async for event in cluster.generate(request, Call())]
    usage = events[-1].usage
    assert usage is not None
    return events[-1].finish_reason, usage.completion_tokens


def ask(model: str, words: int = 2, max_tokens: int | None = None) -> GenerationRequest:
    return GenerationRequest((ChatMessage("user", "word " * words),), model=model, max_tokens=max_tokens)


async def test_an_answer_is_no_longer_than_the_signature_allows(cluster: Hypercluster) -> None:
    assert await last(cluster, ask("tight")) == (FinishReason.LENGTH, 3)
    assert (await last(cluster, ask("free")))[1] > 3
    assert await last(cluster, ask("tight", max_tokens=2)) == (FinishReason.LENGTH, 2)
    with pytest.raises(
        HyperCubeError, match="max_tokens has 4 tokens; this model's manifest allows 3"
    ) as caught:
        await last(cluster, ask("tight", max_tokens=4))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "max_tokens")
    assert await last(cluster, ask("free", max_tokens=4)) == (FinishReason.LENGTH, 4)


async def test_a_prompt_is_counted_before_anything_is_computed(cluster: Hypercluster) -> None:
    with pytest.raises(HyperCubeError, match="this model's manifest allows 8") as caught:
        await last(cluster, ask("tight", words=20))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "prompt")
    await last(cluster, ask("free", words=20))
    with pytest.raises(HyperCubeError, match="prompt has 9 tokens"):
        await last(cluster, GenerationRequest((), model="tight", prompt="word " * 8))
    assert (await last(cluster, GenerationRequest((), model="tight", prompt="a b c")))[1] == 3


async def test_a_request_has_no_more_texts_than_the_signature_allows(cluster: Hypercluster) -> None:
    texts = ("목", "화", "토")
    for work in (
        cluster.embed(EmbeddingRequest(texts, "tight"), Call()),
        cluster.score(ScoreRequest("금", texts, "tight"), Call()),
    ):
        with pytest.raises(HyperCubeError, match="has 3 texts; this model's manifest allows 2") as caught:
            await work
        assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert len((await cluster.embed(EmbeddingRequest(texts[:2], "tight"), Call())).vectors) == 2
    assert len((await cluster.embed(EmbeddingRequest(texts, "free"), Call())).vectors) == 3
