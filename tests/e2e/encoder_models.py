"""Encoders for the tests of their engine: a random one, what the library computes, and how engines are opened."""

import gc
import json
import string
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import EmbeddingRequest, Embeddings
from hypercube.core.errors import HyperCubeError
from hypercube.inference.encoding import Encoding
from hypercube.inference.engine import EngineOptions
from hypercube.inference.transformers.encoder import EncoderProgram
from hypercube.inference.transformers.encoder_engine import EncoderEngine

MINILM = "all-minilm-l6-v2"
SENTENCES = (
    "The day master is yang wood.",
    "갑목 일간은 큰 나무다.",
    "wood",
    "Water feeds wood, wood feeds fire, fire makes earth, earth bears metal, and metal gathers water.",
    "A chart has four pillars: of the year, the month, the day and the hour of birth. " * 6,
)
CLOSE = 1e-5
"""Largest difference in float32 between a text alone and the same text in a batch, for vectors of length 1."""
SETTINGS = {"context_length": 4096, "threads": 1, "device": "cpu", "precision": "fp32"}
OPTIONS = EngineOptions(threads=1, precision="fp32", device="cpu")


def save(folder: Path, *, labels: int = 0) -> None:
    """A random model of two layers and 32 numbers, and a tokenizer of letters."""
    import torch
    from tokenizers import Tokenizer, models, pre_tokenizers, processors
    from transformers import BertConfig, BertForSequenceClassification, BertModel, PreTrainedTokenizerFast
    from transformers.utils import logging

    logging.disable_progress_bar()
    names = ["[PAD]", "[CLS]", "[SEP]", "?", *string.printable, *"ⓃⓂⓇ"]
    words = Tokenizer(models.WordLevel({name: number for number, name in enumerate(names)}, unk_token="?"))
    words.pre_tokenizer = pre_tokenizers.Split("", "isolated")
    words.post_processor = processors.TemplateProcessing(
        single="[CLS] $A [SEP]",
        pair="[CLS] $A [SEP] $B:1 [SEP]:1",
        special_tokens=[("[CLS]", 1), ("[SEP]", 2)],
    )
    PreTrainedTokenizerFast(
        tokenizer_object=words, pad_token="[PAD]", cls_token="[CLS]", sep_token="[SEP]", unk_token="?"
    ).save_pretrained(folder)
    torch.manual_seed(7)
    config = BertConfig(
        vocab_size=len(names),
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        max_position_embeddings=64,
        initializer_range=0.3,
        num_labels=labels or 2,
    )
    (BertForSequenceClassification(config) if labels else BertModel(config)).save_pretrained(folder)
    (folder / "modules.json").write_text(
        json.dumps(
            [
                {"idx": 0, "path": "", "type": "sentence_transformers.models.Transformer"},
                {"idx": 1, "path": "1_Pooling", "type": "sentence_transformers.models.Pooling"},
            ]
        )
    )
    (folder / "1_Pooling").mkdir()
    (folder / "1_Pooling" / "config.json").write_text(json.dumps({"pooling_mode_mean_tokens": True}))


async def opened(folder: Path, program: EncoderProgram | None = None, **settings: Any) -> EncoderProgram:
    program = program or EncoderProgram()
    await program.load({**SETTINGS, **settings, "path": str(folder)}, lambda _: None)
    return program


def plain(folder: Path, texts: Sequence[str], how: str = "mean", scale: bool = False) -> list[list[float]]:
    """Vectors by the library alone, one text at a time, without padding."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModel.from_pretrained(folder, dtype=torch.float32).eval()
    rows = []
    for text in texts:
        with torch.no_grad():
            hidden = model(**tokenizer(text, return_tensors="pt")).last_hidden_state[0]
        row = {"mean": hidden.mean(0), "cls": hidden[0], "max": hidden.max(0).values}[how]
        rows.append((row / row.norm() if scale else row).tolist())
    return rows


def furthest(found: Sequence[Sequence[float]], expected: Sequence[Sequence[float]]) -> float:
    pairs = zip(found, expected, strict=True)
    return max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))


def cosine(one: Sequence[float], other: Sequence[float]) -> float:
    def dot(a: Sequence[float], b: Sequence[float]) -> float:
        return sum(x * y for x, y in zip(a, b, strict=True))

    return float(dot(one, other) / (dot(one, one) * dot(other, other)) ** 0.5)


async def failure_of(work: Any) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


async def embed(encoding: Encoding, *texts: str) -> Embeddings:
    return await encoding.embed(EmbeddingRequest(texts), Call())


def children() -> set[int]:
    """Processes below this one; a server of another test may be among them."""
    return {process.pid for process in psutil.Process().children(recursive=True)}


async def load_and_unload(folder: Path, times: int) -> list[float]:
    """MiB of this process after each round."""
    held = []
    for _ in range(times):
        engine = EncoderEngine(OPTIONS)
        before = children()
        await engine.load(folder, lambda _: None)
        assert len(await engine.embed(["yang wood"])) == 1
        assert len(children() - before) == 1
        await engine.unload()
        assert children() == before
        gc.collect()
        held.append(psutil.Process().memory_info().rss / 2**20)
    return held
