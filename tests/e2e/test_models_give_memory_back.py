"""A model that is loaded and unloaded again and again leaves nothing behind: no memory here, no process, no file.

The baseline is taken after the first two rounds, when everything that is imported once has been. Measured: the
parent stays within 2 MB of it over 50 rounds of transformers and 100 of llama.cpp; `MARGIN` is what is insisted on.
"""

import asyncio
import gc
import hashlib
import importlib.util
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.transformers.engine import PACKAGES
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.store import ModelStore

MARGIN = 8 << 20
WIDTH, INNER, LAYERS = 64, 96, 2


def stored(store: ModelStore, files: dict[str, bytes], engine: str, form: str) -> ModelManifest:
    """A model of the store with these files."""
    found = []
    for name, data in files.items():
        found.append(ModelFile(name, len(data), hashlib.sha256(data).hexdigest()))
        path = store.path_of(found[-1])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data)
    return ModelManifest("tiny", "1.0.0", "", "MIT", engine, form, 256, 0, tuple(found))


def tiny_gguf(path: Path) -> bytes:
    """A llama of two layers with random weights and a byte vocabulary."""
    draw = np.random.default_rng(0)
    writer = gguf.GGUFWriter(path, "llama")
    writer.add_context_length(256)
    writer.add_embedding_length(WIDTH)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(4)
    writer.add_head_count_kv(2)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_dimension_count(WIDTH // 4)
    tokens = ["<unk>", "<bos>", "<eos>", *(f"<0x{n:02X}>" for n in range(256)), "▁"]
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores([0.0] * len(tokens))
    writer.add_token_types([2, 3, 3, *[6] * 256, 1])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_unk_token_id(0)
    writer.add_chat_template("{{ messages[0].content }}")

    def matrix(name: str, rows: int, columns: int) -> None:
        writer.add_tensor(f"{name}.weight", draw.normal(0, 0.1, (rows, columns)).astype(np.float32))

    def norm(name: str) -> None:
        writer.add_tensor(f"{name}.weight", np.ones(WIDTH, np.float32))

    matrix("token_embd", len(tokens), WIDTH)
    norm("output_norm")
    matrix("output", len(tokens), WIDTH)
    for layer in range(LAYERS):
        at = f"blk.{layer}"
        norm(f"{at}.attn_norm")
        norm(f"{at}.ffn_norm")
        for part, rows, columns in (
            ("attn_q", WIDTH, WIDTH),
            ("attn_k", WIDTH // 2, WIDTH),
            ("attn_v", WIDTH // 2, WIDTH),
            ("attn_output", WIDTH, WIDTH),
            ("ffn_gate", INNER, WIDTH),
            ("ffn_up", INNER, WIDTH),
            ("ffn_down", WIDTH, INNER),
        ):
            matrix(f"{at}.{part}", rows, columns)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path.read_bytes()


def tiny_transformer(folder: Path) -> dict[str, bytes]:
    """Two layers of random weights, and a byte-level tokenizer."""
    import torch
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM
    from transformers.utils import logging

    logging.disable_progress_bar()
    words = Tokenizer(models.BPE())
    words.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    words.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=300,
        special_tokens=["<|end|>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    words.train_from_iterator(["갑목 일간은 큰 나무다"], trainer)
    tokenizer = PreTrainedTokenizerFast(tokenizer_object=words, eos_token="<|end|>")
    tokenizer.chat_template = "{{ messages[0].content }}"
    tokenizer.save_pretrained(folder)
    torch.manual_seed(0)
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=WIDTH,
        intermediate_size=INNER,
        num_hidden_layers=LAYERS,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        eos_token_id=0,
    )
    Qwen2ForCausalLM(config).save_pretrained(folder)
    return {path.name: path.read_bytes() for path in sorted(folder.iterdir()) if path.is_file()}


def held() -> int:
    """Bytes of this process that are in memory and its own."""
    gc.collect()
    return int(psutil.Process().memory_full_info().uss)


def children() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


async def rounds(
    store: ModelStore,
    manifest: ModelManifest,
    count: int,
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    request = GenerationRequest(
        (ChatMessage("user", "나무"),), max_tokens=4, sampling=Sampling(temperature=0.0)
    )
    cluster = Hypercluster(
        [manifest],
        store,
        make=engine_factory(EngineOptions(context_length=256, slots=1, threads=1)),
        lazy=["tiny"],
        memory_budget=4 << 30,
    )
    cluster.start()
    before, memory, files, answers = children(), [], [], set()
    try:
        for number in range(count):
            if number % 2:
                await cluster.load("tiny")
            answers.add("".join([event.text async for event in cluster.generate(request, Call())]))
            assert len(children() - before) >= 1
            status = await cluster.unload("tiny")
            assert status.state is EngineState.IDLE
            assert children() == before
            assert cluster.reserved_bytes == 0
            memory.append(held())
            files.append(await asyncio.to_thread(open_files))
    finally:
        await cluster.close()
    assert len(answers) == 1
    assert not store.leases()
    growth = memory[-1] - memory[1]
    record_testsuite_property("growth_bytes", growth)
    assert growth < MARGIN, [round(each / 1e6, 1) for each in memory]
    assert files[-1] <= files[1], files


@pytest.mark.skipif(importlib.util.find_spec("xllamacpp") is None, reason="needs xllamacpp")
@pytest.mark.parametrize("count", [5, pytest.param(100, marks=[pytest.mark.slow, pytest.mark.timeout(900)])])
async def test_llama_cpp_leaves_nothing_behind(
    tmp_path: Path, count: int, record_testsuite_property: Callable[[str, object], None]
) -> None:
    store = ModelStore(tmp_path / "store")
    data = tiny_gguf(tmp_path / "tiny.gguf")
    await rounds(
        store, stored(store, {"tiny.gguf": data}, "llama.cpp", "gguf"), count, record_testsuite_property
    )


@pytest.mark.skipif(
    any(importlib.util.find_spec(name) is None for name in PACKAGES), reason="needs the extra `transformers`"
)
@pytest.mark.parametrize("count", [5, pytest.param(50, marks=[pytest.mark.slow, pytest.mark.timeout(1800)])])
async def test_transformers_leaves_nothing_behind(
    tmp_path: Path, count: int, record_testsuite_property: Callable[[str, object], None]
) -> None:
    store, folder = ModelStore(tmp_path / "store"), tmp_path / "made"
    folder.mkdir()
    files = tiny_transformer(folder)
    await rounds(store, stored(store, files, "transformers", "safetensors"), count, record_testsuite_property)
