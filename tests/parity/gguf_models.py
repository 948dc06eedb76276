"""Tiny models with random weights, written as GGUF the way llama.cpp's own converter lays them out."""

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import torch
import transformers

from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.store import ModelStore

HIDDEN, HEADS, KV_HEADS, LAYERS, INNER = 64, 4, 2, 7, 96
NAMES = {
    "self_attn.q_proj": "attn_q", "self_attn.k_proj": "attn_k", "self_attn.v_proj": "attn_v",
    "self_attn.o_proj": "attn_output", "self_attn.q_norm": "attn_q_norm", "self_attn.k_norm": "attn_k_norm",
    "mlp.gate_proj": "ffn_gate", "mlp.up_proj": "ffn_up", "mlp.down_proj": "ffn_down",
    "input_layernorm": "attn_norm", "post_attention_layernorm": "ffn_norm",
}  # fmt: skip
GEMMA_NAMES = NAMES | {
    "post_attention_layernorm": "post_attention_norm",
    "pre_feedforward_layernorm": "ffn_norm",
    "post_feedforward_layernorm": "post_ffw_norm",
}


def vocabulary() -> tuple[list[str], list[float], list[int]]:
    """A SentencePiece vocabulary: special tokens, all bytes, and some pieces with falling scores."""
    special = ["<pad>", "<eos>", "<bos>", "<unk>", "<|im_end|>", "  "]
    pieces = [
        "▁",
        "사",
        "주",
        "사주",
        "▁사주",
        "a",
        "b",
        "ab",
        "▁a",
        "▁ab",
        "c",
        "d",
        "cd",
        "abcd",
        "\n",
        "팔",
        "자",
    ]
    tokens = special + [f"<0x{n:02X}>" for n in range(256)] + pieces
    kinds = [3, 3, 3, 2, 3, 4] + [6] * 256 + [1] * len(pieces)
    scores = [-1000.0] * len(special) + [0.0] * 256 + [-float(n) for n in range(len(pieces))]
    return tokens, scores, kinds


def tiny(architecture: str, *, tied: bool = True) -> Any:
    """A Hugging Face model of that architecture with random weights, in float32."""
    torch.manual_seed(11)
    common = {
        "vocab_size": len(vocabulary()[0]), "hidden_size": HIDDEN, "intermediate_size": INNER,
        "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS,
        "max_position_embeddings": 128, "tie_word_embeddings": tied, "rms_norm_eps": 1e-6, "initializer_range": 0.3,
        "bos_token_id": 2, "eos_token_id": 1, "pad_token_id": 0,
    }  # fmt: skip
    config = {
        "llama": lambda: transformers.LlamaConfig(**common, rope_theta=10_000.0),
        "qwen2": lambda: transformers.Qwen2Config(**common, rope_theta=1e6),
        "qwen3": lambda: transformers.Qwen3Config(**common, head_dim=32, rope_theta=1e6),
        "gemma3": lambda: transformers.Gemma3TextConfig(
            **common, head_dim=32, query_pre_attn_scalar=32, sliding_window=8, rope_theta=1e6
        ),
    }[architecture]()
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith(("norm.weight", ".bias")):
                weight.add_(0.2 * torch.randn(weight.shape))
    return model


def permuted(weight: np.ndarray, heads: int) -> np.ndarray:
    """As llama.cpp's converter writes LLaMA's query and key rows: the halves of a head interleaved."""
    return (
        weight.reshape(heads, 2, weight.shape[0] // heads // 2, *weight.shape[1:])
        .swapaxes(1, 2)
        .reshape(weight.shape)
    )


def write_gguf(model: Any, architecture: str, path: Path, kind: str = "F32") -> None:
    """`model` as a GGUF file; matrices in the ggml type `kind`."""
    config = model.config
    writer = gguf.GGUFWriter(path, architecture)
    writer.add_context_length(config.max_position_embeddings)
    writer.add_embedding_length(HIDDEN)
    writer.add_block_count(LAYERS)
    writer.add_feed_forward_length(INNER)
    writer.add_head_count(HEADS)
    writer.add_head_count_kv(KV_HEADS)
    writer.add_layer_norm_rms_eps(1e-6)
    writer.add_rope_freq_base(10_000.0 if architecture == "llama" else 1e6)
    if architecture in {"qwen3", "gemma3"}:
        writer.add_key_length(32)
        writer.add_value_length(32)
    if architecture == "gemma3":
        writer.add_sliding_window(8)
    if architecture == "llama":
        writer.add_rope_dimension_count(HIDDEN // HEADS)
    tokens, scores, kinds = vocabulary()
    writer.add_tokenizer_model("llama")
    writer.add_tokenizer_pre("default")
    writer.add_token_list(tokens)
    writer.add_token_scores(scores)
    writer.add_token_types(kinds)
    writer.add_bos_token_id(2)
    writer.add_eos_token_id(1)
    writer.add_unk_token_id(3)
    writer.add_pad_token_id(0)
    writer.add_add_bos_token(True)
    writer.add_add_space_prefix(False)
    writer.add_chat_template("{{ messages[0].content }}")
    names = GEMMA_NAMES if architecture == "gemma3" else NAMES
    for name, tensor in model.state_dict().items():
        values = tensor.numpy()
        if name == "lm_head.weight":
            if config.tie_word_embeddings:
                continue
            target = "output.weight"
        elif name in {"model.embed_tokens.weight", "model.norm.weight"}:
            target = {"embed_tokens": "token_embd", "norm": "output_norm"}[name.split(".")[1]] + ".weight"
        else:
            _, _, layer, *part, end = name.split(".")
            target = f"blk.{layer}.{names['.'.join(part)]}.{end}"
        if architecture == "gemma3" and name.endswith("norm.weight"):
            values = values + 1
        if architecture == "llama" and ".q_proj." in name:
            values = permuted(values, HEADS)
        if architecture == "llama" and ".k_proj." in name:
            values = permuted(values, KV_HEADS)
        if values.ndim == 2 and kind != "F32":
            quantised = gguf.GGMLQuantizationType[kind]
            writer.add_tensor(target, gguf.quants.quantize(values, quantised), raw_dtype=quantised)
        else:
            writer.add_tensor(target, values)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def stored(path: Path, root: Path) -> tuple[ModelStore, ModelManifest]:
    """A store that holds the GGUF file, and its manifest."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    store = ModelStore(root)
    (root / "blobs").mkdir(parents=True, exist_ok=True)
    (root / "blobs" / digest).write_bytes(data)
    file = ModelFile("tiny.gguf", len(data), digest)
    return store, ModelManifest("tiny", "1.0.0", "", "MIT", "llama.cpp", "gguf", 128, 0, (file,))


def logits(model: Any, tokens: list[int]) -> torch.Tensor:
    with torch.no_grad():
        return model(torch.tensor([tokens])).logits[0]


TOKENS = [2, 263, 270, 265, 266, 30, 77, 262, 271, 275, 272, 5, 268, 269, 264, 262]


def maker(folder: Path) -> Callable[..., tuple[ModelStore, ModelManifest]]:
    """What writes a tiny model into `folder` as GGUF, and puts it into a store there."""

    def make(
        architecture: str = "llama", *, kind: str = "F32", tied: bool = True
    ) -> tuple[ModelStore, ModelManifest]:
        path = folder / f"{architecture}.gguf"
        write_gguf(tiny(architecture, tied=tied), architecture, path, kind)
        return stored(path, folder / "store")

    return make
