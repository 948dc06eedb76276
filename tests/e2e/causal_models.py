"""A small language model with random weights, one that fails on a mark, and how both are asked."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationEvent, GenerationRequest, Sampling
from hypercube.core.errors import HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers.engine import TransformersEngine
from tests.random_causal import save_random_causal

CONTEXT = 256
TEMPLATE = (
    "{% if messages[0].role == 'assistant' %}{{ raise_exception('the first turn is the user\\'s') }}{% endif %}"
    "{% for t in tools or [] %}{{ t.function.name }} {% endfor %}"
    "{% for m in messages %}<|start|>{{ m.role }}\n{{ m.content }}<|end|>\n{% endfor %}<|start|>assistant\n"
)
FAULTY = """
import functools
import threading
import torch
from hypercube.inference.transformers.program import CausalProgram

class Faulty(CausalProgram):
    def _open(self, settings, say, loop):
        facts = super()._open(settings, say, loop)
        whole = self._model.forward
        marks = {self._tokenizer.convert_tokens_to_ids(c): c for c in "ⓇⓂⓃⒽ"}
        @functools.wraps(whole)
        def forward(*args, **kwargs):
            inputs = kwargs["input_ids"][0].tolist()
            found = {marks[token] for token in inputs if token in marks}
            if "Ⓡ" in found:
                raise ValueError("a kernel is missing")
            if "Ⓜ" in found:
                torch.empty(10**15)
            if "Ⓗ" in found:
                threading.Event().wait()
            if "Ⓝ" in found:
                # From now on those who carry the mark have NaN logits.
                self.at = inputs.index(self._tokenizer.convert_tokens_to_ids("Ⓝ"))
            output = whole(*args, **kwargs)
            if "Ⓝ" in found:
                row = int((kwargs["logits_to_keep"] < self.at).sum())
                output.logits[0, row] = float("nan")
            return output
        self._model.forward = forward
        return facts
"""


def save(folder: Path) -> None:
    """Two layers of random weights, and a byte-level tokenizer; beside them the program that fails on a mark."""
    sentences = ["the day master is yang wood", "갑목 일간은 큰 나무다"]
    save_random_causal(folder, TEMPLATE, sentences, context=CONTEXT, marks="ⓇⓂⓃⒽ")
    folder.joinpath("faulty.py").write_text(FAULTY)


OPTIONS = EngineOptions(context_length=1024, slots=8, threads=1, precision="fp32", device="cpu")


@asynccontextmanager
async def faulty_engine(model: Path) -> AsyncIterator[TransformersEngine]:
    engine = TransformersEngine(OPTIONS)
    engine._program = "faulty:Faulty"
    engine._environment["PYTHONPATH"] = str(model)
    await engine.load(model, lambda _: None)
    try:
        yield engine
    finally:
        await engine.unload()


def chat(text: str, max_tokens: int | None = 16, **sampling: Any) -> GenerationRequest:
    sampling = {"temperature": 0.0, **sampling}
    return GenerationRequest(
        (ChatMessage("user", text),), max_tokens=max_tokens, sampling=Sampling(**sampling)
    )


async def events_of(engine: TransformersEngine, request: GenerationRequest) -> list[GenerationEvent]:
    return [event async for event in engine.generate(request, Call())]


async def answer(engine: TransformersEngine, request: GenerationRequest) -> str:
    return "".join(event.text for event in await events_of(engine, request))


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value
