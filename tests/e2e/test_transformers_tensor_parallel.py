"""Tensor parallel 2 on two CPU processes: the same answers as one, and no rank can be lost without notice."""

import asyncio
import importlib.util
import os
import re
import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers.engine import PACKAGES, TransformersEngine

pytestmark = pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES),
    reason="needs the extra `transformers`",
)
OPTIONS = EngineOptions(
    context_length=128, slots=4, threads=1, precision="fp32", device="cpu", tensor_parallel=2
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two layers of random weights with two key-value heads, and a letter-level tokenizer."""
    import string

    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    folder = tmp_path_factory.mktemp("tiny")
    letters = {letter: number for number, letter in enumerate(["?", *string.printable])}
    words = Tokenizer(models.WordLevel(letters, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    words.decoder = decoders.Fuse()
    PreTrainedTokenizerFast(tokenizer_object=words, unk_token="?").save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(letters),
        hidden_size=64,
        intermediate_size=128,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        eos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return folder


@asynccontextmanager
async def loaded(model: Path, options: EngineOptions = OPTIONS) -> AsyncIterator[TransformersEngine]:
    engine = TransformersEngine(options)
    await engine.load(model, lambda _: None)
    try:
        yield engine
    finally:
        await engine.unload()


async def answers(engine: TransformersEngine) -> list[str]:
    async def one(text: str, schema: str | None = None, **sampling: float) -> str:
        request = GenerationRequest(
            (ChatMessage("user", text),),
            max_tokens=16,
            json_schema=schema,
            sampling=Sampling(**sampling),  # type: ignore[arg-type]
        )
        return "".join([event.text async for event in engine.generate(request, Call())])

    greedy = [one(f"question {number}", temperature=0.0) for number in range(4)]
    drawn = [one("question", temperature=1.0, seed=number) for number in range(2)]
    # Longer than what is asked for: this model has no token to end with.
    held = '{"type": "string", "pattern": "^[aeiou]{40}$"}'
    kept = one("question", held, temperature=1.0, seed=3)
    found = await asyncio.gather(*greedy, *drawn, kept)
    assert re.fullmatch('"[aeiou]{15}', found[-1]), found[-1]
    return found


def other_rank(engine: TransformersEngine) -> int:
    (child,) = psutil.Process(engine.pid).children()
    return int(child.pid)


async def gone(pid: int) -> None:
    """A rank is not ours to wait for: whoever adopted it takes a moment to bury it."""
    async with asyncio.timeout(5):
        while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)


async def test_two_processes_answer_as_one_does_and_a_stopped_rank_is_noticed(model: Path) -> None:
    async with loaded(model, replace(OPTIONS, tensor_parallel=1)) as engine:
        alone = await answers(engine)
    assert len(set(alone)) >= 4
    async with loaded(model) as engine:
        assert "2 CPU processes (tensor parallel)" in engine.description
        assert await answers(engine) == alone
        rank = other_rank(engine)
        os.kill(rank, signal.SIGSTOP)
        began = time.monotonic()
        with pytest.raises(HyperCubeError) as caught:
            await answers(engine)
        assert time.monotonic() - began < 5.0
        assert caught.value.kind is ErrorKind.ENGINE_FAILED
        assert "no progress" in caught.value.message
    await gone(rank)


async def test_a_killed_rank_breaks_the_engine_and_says_so(model: Path) -> None:
    async with loaded(model) as engine:
        os.kill(other_rank(engine), signal.SIGKILL)
        async with asyncio.timeout(5):
            error = await engine.died()
        assert "rank 1 of 2 was ended by SIGKILL" in error.message or "Connection" in error.message


async def test_a_rank_that_ends_while_loading_ends_the_load(model: Path) -> None:
    engine = TransformersEngine(OPTIONS)
    loading = asyncio.ensure_future(engine.load(model, lambda _: None))
    async with asyncio.timeout(60):
        while engine.pid is None or not psutil.Process(engine.pid).children():  # noqa: ASYNC110 - another process
            await asyncio.sleep(0.01)
    os.kill(other_rank(engine), signal.SIGKILL)
    async with asyncio.timeout(10):
        with pytest.raises(HyperCubeError, match="rank 1 of 2 was ended by SIGKILL"):
            await loading
    assert engine.pid is None


async def test_heads_that_do_not_divide_are_refused_with_the_figures(model: Path) -> None:
    with pytest.raises(HyperCubeError) as caught:
        await TransformersEngine(replace(OPTIONS, tensor_parallel=3)).load(model, lambda _: None)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "4 attention heads and 2 key-value heads" in caught.value.message
    assert "1 or 2" in str(caught.value)
