"""GGUF -> safetensors with configuration, tokenizer and chat template: one download serves every engine.

The weights are decoded to what llama.cpp computes with, so the converted model is the quantised one, not the
original: a derived version, recorded with what it was made from. Torch is not needed, and memory holds a few
million values at a time.
"""

import hashlib
import importlib.util
import json
import os
import shutil
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest
from hypercube.model_registry.gguf_architectures import Change, Target, model_config, targets
from hypercube.model_registry.gguf_file import GgufFile, read_gguf
from hypercube.model_registry.gguf_tokenizer import generation_config, tokenizer_files
from hypercube.model_registry.manifest import Derivation, ModelFile, ModelManifest
from hypercube.model_registry.partial import TransferCancelledError
from hypercube.model_registry.records import provenance
from hypercube.model_registry.safetensors_file import DTYPES, SafetensorsWriter
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Meter, OnProgress

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

CONVERTER: Final = "gguf-safetensors.1"
"""Counted up whenever the bytes that come out change."""
DTYPE: Final = "bfloat16"
READERS: Final = ("transformers", "vllm")
"""Engines that read safetensors folders."""
_VALUES_AT_ONCE: Final = 1 << 22


def converted(manifest: ModelManifest, dtype: str = DTYPE) -> ModelManifest:
    """The version for transformers and vLLM that can be made of a GGUF model; its files are known once it is made.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a dtype that is not among `safetensors_file.DTYPES`;
            FAILED_PRECONDITION when `manifest` is not a GGUF model.
    """
    if dtype not in DTYPES:
        close = nearest(dtype, DTYPES)
        raise invalid(
            f"Weights cannot be written as {dtype!r}.",
            param="dtype",
            value=dtype,
            fix=(f"Did you mean {close!r}? " if close else "") + f"Known: {', '.join(DTYPES)}.",
            choices=list(DTYPES),
        )
    if manifest.format != "gguf":
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"{manifest.name!r} is not a GGUF model but {manifest.format!r}: there is nothing to convert.",
            param="model",
            value=manifest.name,
        )
    return replace(
        manifest,
        version=f"{manifest.version}+{CONVERTER}.{dtype}",
        engine="transformers",
        format="safetensors",
        files=(),
        derivation=Derivation(manifest, dtype, CONVERTER),
    )


def for_engine(manifest: ModelManifest, engine: str, dtype: str = DTYPE) -> ModelManifest:
    """`manifest` as `engine` runs it: itself for "auto" and its own engine, else the version converted for it.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when that engine cannot run it.
    """
    if engine in {"auto", manifest.engine}:
        return manifest
    if manifest.format == "gguf" and engine in READERS:
        return replace(converted(manifest, dtype), engine=engine)
    if manifest.format == "safetensors" and engine in READERS:
        return replace(manifest, engine=engine)
    runs = (manifest.engine, *(READERS if manifest.format == "gguf" else ()))
    raise HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The engine {engine!r} does not run {manifest.name!r} ({manifest.format}).",
        param="model.engine",
        value=engine,
        fix=f"Set model.engine to auto, or to one of: {', '.join(dict.fromkeys(runs))}.",
    )


def convert(
    store: ModelStore,
    manifest: ModelManifest,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> ModelManifest:
    """Make the version that `manifest` (from `converted`) describes, unless it is there; returns it with its files.

    The source must be in the store and is verified first. Processes that ask at the same time wait for the first.

    Raises:
        HyperCubeError: FAILED_PRECONDITION when a package is missing, the source is missing or damaged, cannot be
            converted, or the disk is too full; CANCELLED.
    """
    derivation = manifest.derivation
    if derivation is None:
        raise ValueError(f"{manifest.name!r} is a published version")
    cancel = cancel or threading.Event()
    try:
        with store.layout.locked(f"{derivation.source.files[0].sha256}-{manifest.version}", cancel):
            if (made := store.made(manifest)) is not None:
                return made
            _check_packages()
            store.verify(derivation.source, cancel)
            return _make(store, manifest, derivation, on_progress, cancel)
    except TransferCancelledError:
        raise HyperCubeError(ErrorKind.CANCELLED, f"Converting {manifest.name!r} was interrupted.") from None


def _check_packages() -> None:
    missing = [name for name in ("numpy", "gguf") if importlib.util.find_spec(name) is None]
    if missing:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Converting a GGUF model needs {' and '.join(missing)}, not installed here.",
            fix='Install them: pip install "heal7-hypercube[transformers]"',
        )


def _make(
    store: ModelStore,
    manifest: ModelManifest,
    derivation: Derivation,
    on_progress: OnProgress | None,
    cancel: threading.Event,
) -> ModelManifest:
    source = store.path_of(derivation.source.files[0])
    header = read_gguf(source)
    config, plan = model_config(header, derivation.dtype), targets(header)
    small = {"config.json": _json(config), "generation_config.json": _json(generation_config(header))}
    small |= tokenizer_files(header)
    values = sum(target.source.values for target in plan)
    store.reserve(values * DTYPES[derivation.dtype][1], f"The converted {manifest.name}")
    folder = store.layout.work_folder("convert")
    try:
        weights = folder / "model.safetensors"
        shapes = {target.name: target.source.shape for target in plan}
        written = {"format": "pt", **provenance(derivation)}
        with SafetensorsWriter(weights, shapes, derivation.dtype, written) as writer:
            meter = Meter(writer.size, on_progress)
            meter.begin("conversion")
            _write_weights(source, header, plan, writer, lambda: _step(writer, meter, cancel))
            digest = writer.finish()
        files = [ModelFile("model.safetensors", writer.size, digest)]
        for name, data in small.items():
            with (folder / name).open("wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            files.append(ModelFile(name, len(data), hashlib.sha256(data).hexdigest()))
        made = replace(manifest, files=tuple(files))
        store.publish(made, {file.name: folder / file.name for file in files})
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return made


def _step(writer: SafetensorsWriter, meter: Meter, cancel: threading.Event) -> None:
    if cancel.is_set():
        raise TransferCancelledError
    meter.at(writer.position)


def _json(data: dict[str, Any]) -> bytes:
    return json.dumps(data, ensure_ascii=False, indent=2).encode() + b"\n"


def _write_weights(
    source: Path, header: GgufFile, plan: list[Target], writer: SafetensorsWriter, step: Callable[[], None]
) -> None:
    import numpy as np

    data = np.memmap(source, dtype=np.uint8, mode="r")
    for target in plan:
        for values in decoded(data, header, target):
            writer.append(values)
            step()


def decoded(data: "NDArray[np.uint8]", header: GgufFile, target: Target) -> "Iterator[NDArray[np.float32]]":
    """The values of one tensor of the converted model, float32, a few million at a time, in row order.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for a ggml type that cannot be decoded, or a file that is too short.
    """
    import numpy as np
    from gguf import GGML_QUANT_SIZES, GGMLQuantizationType
    from gguf.quants import dequantize

    tensor = target.source
    try:
        kind = GGMLQuantizationType(tensor.type)
        block, width = GGML_QUANT_SIZES[kind]
    except (ValueError, KeyError):
        raise _undecodable(target, f"the unknown ggml type {tensor.type}") from None
    columns = tensor.shape[-1]
    rows = tensor.values // columns if columns else 0
    row_bytes = columns // block * width
    if columns % block or tensor.offset + rows * row_bytes > header.size:
        raise _undecodable(
            target, f"{rows} rows of {columns} {kind.name} values, which the file does not hold"
        )
    stored = data[tensor.offset : tensor.offset + rows * row_bytes].reshape(rows, row_bytes)
    whole = target.change is Change.UNPERMUTE_HEADS
    at_once = rows if whole else max(1, _VALUES_AT_ONCE // columns)
    for first in range(0, rows, at_once):
        try:
            values = dequantize(np.ascontiguousarray(stored[first : first + at_once]), kind)
        except NotImplementedError:
            raise _undecodable(target, f"{kind.name} values") from None
        values = values.astype(np.float32, copy=False).reshape(-1, columns)
        match target.change:
            case Change.MINUS_ONE:
                values = values - np.float32(1)
            case Change.UNPERMUTE_HEADS:
                values = unpermuted(values, target.heads)
            case Change.NONE:
                pass
        yield values


def unpermuted(values: "NDArray[np.float32]", heads: int) -> "NDArray[np.float32]":
    """Rows of `heads` heads with neighbours interleaved, `(heads·d, columns)`, back to first and second halves."""
    rows, columns = values.shape
    return values.reshape(heads, rows // heads // 2, 2, columns).swapaxes(1, 2).reshape(rows, columns)


def _undecodable(target: Target, what: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The tensor {target.source.name!r} cannot be converted: it has {what}.",
        fix="llama.cpp may serve the file as it is.",
    )
