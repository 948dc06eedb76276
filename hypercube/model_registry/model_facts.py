"""What files say about the model they hold: the manifest that nobody has to write."""

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.served_models import Capability
from hypercube.model_registry.gguf_file import read_gguf
from hypercube.model_registry.shape import ModelShape, read_shape

UNKNOWN_CONTEXT: Final = 2048
"""Tokens where the files do not say: what the smallest models of the last years were trained for."""
_SAFETENSORS_ENGINES: Final = ("transformers", "vllm")


@dataclass(frozen=True, slots=True)
class Facts:
    """The fields of a manifest that follow from the files; see `ModelManifest`."""

    format: str
    engines: tuple[str, ...]
    description: str = ""
    licence: str = "NOASSERTION"
    context_length: int = UNKNOWN_CONTEXT
    dtype: str = ""
    capabilities: tuple[Capability, ...] = (Capability.GENERATE,)
    shape: ModelShape | None = None
    base_hint: str = ""
    """Of an adapter: the model that its files name as its base."""


def name_from(text: str) -> str:
    """A model name made of a file's, folder's or repository's."""
    name = re.sub(r"[^a-z0-9._-]+", "-", text.lower()).strip("-._")[:96]
    if not name:
        raise invalid(
            f"No model name can be made of {text!r}.", param="name", value=text, fix="Give one: --name"
        )
    return name


def of_gguf(path: Path) -> Facts:
    """What a GGUF file says.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when it is not one, or does not describe its model.
    """
    header = read_gguf(path, lists=False)
    length = header.of_model("context_length")
    encoder = header.of_model("pooling_type") is not None
    return Facts(
        "gguf",
        ("llama.cpp",),
        description=str(header.metadata.get("general.name") or ""),
        licence=str(header.metadata.get("general.license") or "NOASSERTION"),
        context_length=length if isinstance(length, int) and length > 0 else UNKNOWN_CONTEXT,
        capabilities=(Capability.EMBED,) if encoder else (Capability.GENERATE,),
        shape=_shape(path),
    )


def of_config(config: Mapping[str, Any], names: set[str]) -> Facts:
    """What `config.json` and the names beside it say about a safetensors model."""
    text = {**config, **config.get("text_config", {})}
    length = text.get("max_position_embeddings")
    architectures = [str(name) for name in config.get("architectures") or ()]
    generates = any(name.endswith(("ForCausalLM", "ForConditionalGeneration")) for name in architectures)
    return Facts(
        "safetensors",
        _SAFETENSORS_ENGINES,
        description=", ".join(architectures),
        context_length=length if isinstance(length, int) and length > 0 else UNKNOWN_CONTEXT,
        dtype=str(text.get("dtype") or text.get("torch_dtype") or ""),
        capabilities=(Capability.GENERATE,)
        if generates and "modules.json" not in names
        else (Capability.EMBED, Capability.SCORE),
    )


def of_adapter(config: Mapping[str, Any]) -> Facts:
    """What `adapter_config.json` says."""
    rank, base = config.get("r"), str(config.get("base_model_name_or_path") or "")
    return Facts(
        "lora",
        _SAFETENSORS_ENGINES,
        description=f"LoRA of rank {rank}" + (f" for {base}" if base else ""),
        base_hint=base,
    )


def of_folder(folder: Path, names: set[str]) -> Facts:
    """What the files `names` of a folder say.

    Raises:
        HyperCubeError: INVALID_ARGUMENT when no engine here can run them.
    """
    ggufs = sorted(name for name in names if name.endswith(".gguf"))
    if ggufs:
        return of_gguf(folder / ggufs[0])
    if "adapter_config.json" in names:
        return of_adapter(json_file(folder / "adapter_config.json"))
    if "config.json" in names and any(name.endswith(".safetensors") for name in names):
        facts = of_config(json_file(folder / "config.json"), names)
        shape = _shape(folder)
        return (
            facts
            if shape is None
            else Facts(**{f: getattr(facts, f) for f in Facts.__slots__} | {"shape": shape})
        )
    raise no_model(folder.name, names)


def no_model(where: str, names: set[str]) -> HyperCubeError:
    """INVALID_ARGUMENT: these files are no model."""
    some = ", ".join(sorted(names)[:8]) or "nothing"
    return invalid(
        f"{where} holds no model that can be served: {some}.",
        param="folder",
        value=where,
        fix="Expected: a .gguf file; or config.json with .safetensors files; or adapter_config.json with them.",
    )


def json_file(path: Path) -> dict[str, Any]:
    """A JSON object in a file.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the file.
    """
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict):
            raise TypeError("not an object")
    except (OSError, ValueError, TypeError) as error:
        raise invalid(f"{path.name} cannot be read: {error}.", param="file", value=path.name) from error
    return data


def _shape(path: Path) -> ModelShape | None:
    try:
        return read_shape(path)
    except HyperCubeError:
        # The engine may know better; only planning ahead is not possible.
        return None
