"""What the tensors of a GGUF file are called and how they lie in the Hugging Face layout, per architecture."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.gguf_file import GgufFile, GgufTensor


class Change(Enum):
    """What is done to a tensor beside decoding it."""

    NONE = auto()
    MINUS_ONE = auto()
    """GGUF holds Gemma's norm weights as the factor itself, Hugging Face as what is added to one."""
    UNPERMUTE_HEADS = auto()
    """GGUF has the rows of LLaMA's query and key heads interleaved (rotation of neighbours); Hugging Face rotates
    the first half of a head with the second."""


@dataclass(frozen=True, slots=True)
class Target:
    """A tensor of the converted model: its name there, and the GGUF tensor it comes from."""

    name: str
    source: GgufTensor
    change: Change
    heads: int = 0
    """Of UNPERMUTE_HEADS: how many the rows are of."""


_TOP: Final = {
    "token_embd": "model.embed_tokens",
    "output_norm": "model.norm",
    "output": "lm_head",
}
_LAYER: Final = {
    "attn_norm": "input_layernorm",
    "attn_q": "self_attn.q_proj",
    "attn_k": "self_attn.k_proj",
    "attn_v": "self_attn.v_proj",
    "attn_output": "self_attn.o_proj",
    "attn_q_norm": "self_attn.q_norm",
    "attn_k_norm": "self_attn.k_norm",
    "ffn_gate": "mlp.gate_proj",
    "ffn_up": "mlp.up_proj",
    "ffn_down": "mlp.down_proj",
    "ffn_norm": "post_attention_layernorm",
}
_GEMMA3_LAYER: Final = _LAYER | {
    "post_attention_norm": "post_attention_layernorm",
    "ffn_norm": "pre_feedforward_layernorm",
    "post_ffw_norm": "post_feedforward_layernorm",
}


@dataclass(frozen=True, slots=True)
class Architecture:
    """How one `general.architecture` looks in the Hugging Face layout."""

    model_type: str
    class_name: str
    layer: Mapping[str, str]
    gemma_norms: bool = False
    permuted_heads: bool = False


ARCHITECTURES: Final = MappingProxyType(
    {
        "gemma3": Architecture("gemma3_text", "Gemma3ForCausalLM", _GEMMA3_LAYER, gemma_norms=True),
        "llama": Architecture("llama", "LlamaForCausalLM", _LAYER, permuted_heads=True),
        "qwen2": Architecture("qwen2", "Qwen2ForCausalLM", _LAYER),
        "qwen3": Architecture("qwen3", "Qwen3ForCausalLM", _LAYER),
    }
)
_TENSOR: Final = re.compile(r"(?:blk\.(\d+)\.)?([a-z_0-9]+)\.(weight|bias)")
_GEMMA3_LOCAL_THETA: Final = 10_000.0
"""Rotary base of Gemma 3's sliding layers; GGUF does not carry it (Gemma 3 report, section 2)."""
_GEMMA3_PATTERN: Final = 6
"""Every sixth layer attends to everything, the others to the sliding window (same source)."""
_GEMMA3_27B_LAYERS: Final = 62
"""The one size whose attention is scaled by hidden size / heads instead of the head's width (same source)."""


def architecture_of(header: GgufFile) -> Architecture:
    """The description of `header`'s architecture.

    Raises:
        HyperCubeError: FAILED_PRECONDITION listing those that can be converted.
    """
    found = ARCHITECTURES.get(header.architecture)
    if found is None:
        raise _refused(
            f"GGUF files of the architecture {header.architecture!r} cannot be converted",
            f"Convertible: {', '.join(ARCHITECTURES)}. llama.cpp serves the file as it is.",
        )
    return found


def targets(header: GgufFile) -> list[Target]:
    """Every tensor of the converted model, in the file's order.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a tensor that this version does not know: leaving it out would
            make another model.
    """
    architecture = architecture_of(header)
    found = []
    for tensor in header.tensors.values():
        match = _TENSOR.fullmatch(tensor.name)
        layer, part, kind = match.groups() if match else (None, "", "")
        name = (_TOP if layer is None else architecture.layer).get(part)
        if name is None:
            raise _refused(
                f"The tensor {tensor.name!r} of a {header.architecture} model is not known here",
                "llama.cpp serves the file as it is.",
            )
        prefix = "" if layer is None else f"model.layers.{layer}."
        change, heads = _change(architecture, part, header)
        found.append(Target(f"{prefix}{name}.{kind}", tensor, change, heads))
    return found


def _change(architecture: Architecture, part: str, header: GgufFile) -> tuple[Change, int]:
    if architecture.gemma_norms and part.endswith("_norm"):
        return Change.MINUS_ONE, 0
    if architecture.permuted_heads and part in {"attn_q", "attn_k"}:
        heads = required(header, "attention.head_count")
        return Change.UNPERMUTE_HEADS, heads if part == "attn_q" else _kv_heads(header)
    return Change.NONE, 0


def required(header: GgufFile, key: str) -> Any:
    """A value without which there is no model.

    Raises:
        HyperCubeError: FAILED_PRECONDITION naming the key.
    """
    value = header.of_model(key)
    if value is None:
        raise _refused(
            f"The GGUF file says nothing about {header.architecture}.{key}", "Use a complete file."
        )
    return value


def _kv_heads(header: GgufFile) -> int:
    return int(header.of_model("attention.head_count_kv") or required(header, "attention.head_count"))


def _refused(what: str, fix: str) -> HyperCubeError:
    return HyperCubeError(ErrorKind.FAILED_PRECONDITION, f"{what}.", fix=fix)


def model_config(header: GgufFile, dtype: str) -> dict[str, Any]:
    """`config.json` of the converted model.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when the file needs what this version does not convert.
    """
    architecture = architecture_of(header)
    scaling = header.of_model("rope.scaling.type")
    if scaling not in {None, "none"}:
        raise _refused(
            f"Rotary scaling {scaling!r} of a GGUF file cannot be converted",
            "llama.cpp serves the file as it is.",
        )
    heads, width = required(header, "attention.head_count"), required(header, "embedding_length")
    head_dim = header.of_model("attention.key_length") or width // heads
    layers = required(header, "block_count")
    theta = float(header.of_model("rope.freq_base") or 10_000.0)
    config: dict[str, Any] = {
        "architectures": [architecture.class_name],
        "model_type": architecture.model_type,
        "dtype": dtype,
        # Whose key names these are. Without it transformers 5 takes a large vocabulary for an old, faulty one.
        "transformers_version": "5.0.0",
        "vocab_size": header.tensors["token_embd.weight"].shape[0],
        "hidden_size": width,
        "intermediate_size": required(header, "feed_forward_length"),
        "num_hidden_layers": layers,
        "num_attention_heads": heads,
        "num_key_value_heads": _kv_heads(header),
        "head_dim": head_dim,
        "max_position_embeddings": required(header, "context_length"),
        "rms_norm_eps": _epsilon(required(header, "attention.layer_norm_rms_epsilon")),
        "tie_word_embeddings": "output.weight" not in header.tensors,
        "rope_theta": theta,
        "use_cache": True,
    }
    if architecture.model_type == "gemma3_text":
        config |= {
            "hidden_activation": "gelu_pytorch_tanh",
            "query_pre_attn_scalar": width // heads if layers == _GEMMA3_27B_LAYERS else head_dim,
            "sliding_window": required(header, "attention.sliding_window"),
            "sliding_window_pattern": _GEMMA3_PATTERN,
            "rope_local_base_freq": _GEMMA3_LOCAL_THETA,
        }
    else:
        config["hidden_act"] = "silu"
    if architecture.model_type == "llama":
        config["attention_bias"] = "blk.0.attn_q.bias" in header.tensors
    for name, key in (("bos", "bos"), ("eos", "eos"), ("pad", "padding")):
        config[f"{name}_token_id"] = header.metadata.get(f"tokenizer.ggml.{key}_token_id")
    return config


def _epsilon(value: float) -> float:
    """The decimal that was meant by a float32 (9.999999974752427e-07 is 1e-06)."""
    return float(f"{value:.7g}")
