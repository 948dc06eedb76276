"""What a model is on paper: its files with their digests, and the sources that can deliver them, in order."""

import hashlib
import re
from dataclasses import dataclass
from typing import Final

from hypercube.core.served_models import Capability
from hypercube.model_registry.shape import ModelShape
from hypercube.model_registry.signature import Signature
from hypercube.model_registry.sources import PackageParts, Source

MODEL_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
FILE_NAME: Final = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+){0,3}")
"""A relative path of a few plain names: what is safe to create below a folder on any system."""


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its name, size in bytes, SHA-256, and the sources to try in order.

    The name is the file's path in the model's folder, mostly a bare name ("1_Pooling/config.json" is not).
    """

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if not FILE_NAME.fullmatch(self.name):
            raise ValueError(f"model file name {self.name!r} must be plain names joined by '/'")
        if self.size <= 0:
            raise ValueError(f"size of {self.name!r} must be positive, not {self.size}")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 of {self.name!r} must be 64 lower-case hex digits, not {self.sha256!r}")
        for source in self.sources:
            if isinstance(source, PackageParts) and sum(part.size for part in source.parts) != self.size:
                raise ValueError(f"parts of {self.name!r} do not add up to its {self.size} bytes")


@dataclass(frozen=True, slots=True)
class Derivation:
    """How a version is made out of another one on this machine.

    Attributes:
        source: the version it is made from, with its digests.
        dtype: of the weights it holds.
        converter: name and version of the code that makes it; other code makes another version.
    """

    source: "ModelManifest"
    dtype: str
    converter: str


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """A version of a model.

    Attributes:
        name: as users write it in `model`.
        version: of this manifest's files.
        description: one line.
        licence: SPDX identifier, or the name of a licence that has none.
        engine: which engine runs it: `llama.cpp`, `transformers`, `torch` or `fake`.
        format: of the files: `gguf`, `safetensors` (with configuration and tokenizer), `npz` (NumPy arrays of a network
            that is written here, with its vocabulary), `none` without files.
        context_length: tokens the model was trained for; an engine may serve fewer.
        created: POSIX seconds of publication.
        files: everything the engine needs; of a `gguf` model, the first is the one it opens.
        capabilities: what the model is for.
        shape: the model's measures, where they are known before its files are here.
        derivation: how it is made, if it is not published but made here; its files are known once it is.
        engines: every engine that may run it, the preferred first; empty = only `engine`.
        dtype: of the weights; empty = as the files say.
        max_tensor_parallel: the most devices that may share a layer; None = what its heads allow.
        chat_template: a Jinja template in place of the files' own.
        signature: what it takes and gives.
        adapters: references (`name@version`) of the LoRA adapters that are loaded with it.
        base: of an adapter, the name of the model it adapts.
        memory_bytes: device memory that it needs, as its author estimated; `memory.estimate` where this is None.
    """

    name: str
    version: str
    description: str
    licence: str
    engine: str
    format: str
    context_length: int
    created: int
    files: tuple[ModelFile, ...] = ()
    capabilities: tuple[Capability, ...] = (Capability.GENERATE,)
    shape: ModelShape | None = None
    derivation: Derivation | None = None
    engines: tuple[str, ...] = ()
    dtype: str = ""
    max_tensor_parallel: int | None = None
    chat_template: str | None = None
    signature: Signature | None = None
    adapters: tuple[str, ...] = ()
    base: str | None = None
    memory_bytes: int | None = None

    def __post_init__(self) -> None:
        if not MODEL_NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r} must match {MODEL_NAME.pattern}")

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)

    @property
    def reference(self) -> str:
        """`name@version`, which means this version for ever."""
        return f"{self.name}@{self.version}"

    @property
    def digest(self) -> str:
        """The content digest: one SHA-256 over the names, sizes and digests of all files, in the order of names.

        Two versions with the same digest compute the same; it belongs into every cache key.
        """
        digest = hashlib.sha256()
        for file in sorted(self.files, key=lambda file: file.name):
            digest.update(f"{file.name}\n{file.size}\n{file.sha256}\n".encode())
        return digest.hexdigest()
