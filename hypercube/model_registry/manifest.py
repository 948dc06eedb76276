"""What a model is on paper: its files with their digests, and the sources that can deliver them, in order."""

import re
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Final

_NAME: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,95}")
_SHA256: Final = re.compile(r"[0-9a-f]{64}")


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
        member: path of the slice inside the wheel, with `{i}` as in `template`.
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


Source = HubFile | PackageParts


@dataclass(frozen=True, slots=True)
class ModelFile:
    """A file of a model: its name, size in bytes, SHA-256, and the sources to try in order."""

    name: str
    size: int
    sha256: str
    sources: tuple[Source, ...] = ()

    def __post_init__(self) -> None:
        if PurePosixPath(self.name).name != self.name or self.name in {"", ".", ".."}:
            raise ValueError(f"model file name {self.name!r} must be a bare file name")
        if self.size <= 0:
            raise ValueError(f"size of {self.name!r} must be positive, not {self.size}")
        if not _SHA256.fullmatch(self.sha256):
            raise ValueError(f"sha256 of {self.name!r} must be 64 lower-case hex digits, not {self.sha256!r}")
        for source in self.sources:
            if isinstance(source, PackageParts) and sum(part.size for part in source.parts) != self.size:
                raise ValueError(f"parts of {self.name!r} do not add up to its {self.size} bytes")


@dataclass(frozen=True, slots=True)
class ModelManifest:
    """A version of a model.

    Attributes:
        name: as users write it in `model`.
        version: of this manifest's files.
        description: one line.
        licence: SPDX identifier.
        engine: which engine runs it: `llama.cpp` or `fake`.
        format: of the files: `gguf`, or `none` where there are none.
        context_length: tokens the model was trained for; an engine may serve fewer.
        created: POSIX seconds of publication.
        files: everything the engine needs; the first is the one it opens.
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

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise ValueError(f"model name {self.name!r} must match {_NAME.pattern}")

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(file.size for file in self.files)
