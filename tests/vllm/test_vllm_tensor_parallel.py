"""A model cut in two, on two CPU processes: the same answers as whole."""

import importlib.util
from pathlib import Path

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.inference.engine import EngineOptions
from hypercube.inference.vllm import VllmEngine

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.slow,
    pytest.mark.skipif(importlib.util.find_spec("vllm") is None, reason="needs vLLM: make test-vllm"),
]
QUESTIONS = ("day master", "yang wood and yin fire", "갑목 일간")


def workers(host: int) -> int:
    children = psutil.Process(host).children(recursive=True)
    return sum(" ".join(process.cmdline()).startswith("VLLM::Worker") for process in children)


async def answers(model: Path, tensor_parallel: int) -> list[str]:
    engine = VllmEngine(
        EngineOptions(
            context_length=256, slots=4, device="cpu", precision="fp32", tensor_parallel=tensor_parallel
        )
    )
    await engine.load(model, lambda _: None)
    try:
        assert engine.pid is not None
        assert workers(engine.pid) == tensor_parallel
        found = []
        for text in QUESTIONS:
            request = GenerationRequest(
                (ChatMessage("user", text),), max_tokens=12, sampling=Sampling(temperature=0.0)
            )
            found.append("".join([event.text async for event in engine.generate(request, Call())]))
        return found
    finally:
        await engine.unload()


async def test_two_processes_answer_as_one_does(model: Path) -> None:
    cut = await answers(model, 2)
    assert all(cut)
    assert cut == await answers(model, 1)
