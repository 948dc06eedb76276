"""The measures of a model that decide where it fits: from the catalogue, `config.json`, or a GGUF header."""

import json
import math
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.gguf_file import GgufFile, read_gguf

_HEADER_LIMIT: Final = 100 << 20
"""Bytes of the largest header that the safetensors library accepts."""


@dataclass(frozen=True, slots=True)
class ModelShape:
    """A transformer's measures.

    Attributes:
        parameters: how many weights there are, embeddings and output layer included.
        hidden_size: width of the residual stream.
        layers: how many blocks.
        heads: attention heads of a layer.
        kv_heads: heads of a layer that have keys and values of their own.
        head_dim: width of a head.
        vocabulary: rows of the embedding.
    """

    parameters: int
    hidden_size: int
    layers: int
    heads: int
    kv_heads: int
    head_dim: int
    vocabulary: int

    def __post_init__(self) -> None:
        for name in self.__slots__:
            if getattr(self, name) < 1:
                raise ValueError(f"{name} of a model must be positive, not {getattr(self, name)}")

    @property
    def embedding(self) -> int:
        """Weights of the embedding."""
        return self.vocabulary * self.hidden_size

    def cache_values(self, tokens: int) -> int:
        """Keys and values of so many tokens in every layer; an upper bound where layers have a sliding window."""
        return 2 * self.layers * self.kv_heads * self.head_dim * tokens


def read_shape(path: Path) -> ModelShape:
    """The shape of a GGUF file, or of a folder with `config.json` and safetensors files.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when it does not say.
    """
    try:
        return _of_folder(path) if path.is_dir() else _of_gguf(read_gguf(path, lists=False))
    except (KeyError, TypeError, ValueError, OSError, struct.error) as error:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"{path.name} does not describe its model: {type(error).__name__}: {error}.",
            value=path.name,
            fix="Use a complete GGUF file, or a folder with config.json and safetensors files.",
        ) from error


def _of_gguf(header: GgufFile) -> ModelShape:
    def value(key: str) -> int:
        found = header.of_model(key)
        if found is None:
            raise KeyError(f"{header.architecture}.{key}")
        return int(found)

    hidden, heads = value("embedding_length"), value("attention.head_count")
    return ModelShape(
        parameters=sum(tensor.values for tensor in header.tensors.values()),
        hidden_size=hidden,
        layers=value("block_count"),
        heads=heads,
        kv_heads=int(header.of_model("attention.head_count_kv") or heads),
        head_dim=int(header.of_model("attention.key_length") or hidden // heads),
        vocabulary=header.tensors["token_embd.weight"].shape[0],
    )


def _of_folder(folder: Path) -> ModelShape:
    config: Mapping[str, Any] = json.loads((folder / "config.json").read_text(encoding="utf-8"))
    # A model of text and images describes its text half separately.
    config = {**config, **config.get("text_config", {})}
    hidden, heads = int(config["hidden_size"]), int(config["num_attention_heads"])
    return ModelShape(
        parameters=sum(_values_in(path) for path in sorted(folder.glob("*.safetensors"))),
        hidden_size=hidden,
        layers=int(config["num_hidden_layers"]),
        heads=heads,
        kv_heads=int(config.get("num_key_value_heads") or heads),
        head_dim=int(config.get("head_dim") or hidden // heads),
        vocabulary=int(config["vocab_size"]),
    )


def _values_in(path: Path) -> int:
    """Numbers in a safetensors file, by its header."""
    with path.open("rb") as file:
        (length,) = struct.unpack("<Q", file.read(8))
        if length > _HEADER_LIMIT:
            raise ValueError(f"{path.name} declares a header of {length} bytes")
        header = json.loads(file.read(length))
    return sum(math.prod(t["shape"]) for name, t in header.items() if name != "__metadata__")
