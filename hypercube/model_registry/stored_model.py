"""A version as the store has it: how much of it is here."""

from dataclasses import dataclass
from pathlib import Path

from hypercube.model_registry.disk import size_of
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.records import Record


@dataclass(frozen=True, slots=True)
class StoredModel:
    """A model in the store; `bytes_present < bytes_total` means that a fetch was not finished."""

    name: str
    version: str
    bytes_present: int
    bytes_total: int
    paths: tuple[Path, ...]
    """Of the complete files."""
    made_here: bool = False
    """Converted on this machine, from another version."""

    @property
    def complete(self) -> bool:
        """Every file is there (their digests are checked at each load)."""
        return self.bytes_present == self.bytes_total


def stored(layout: Layout, record: Record) -> StoredModel:
    """How much of `record` lies in the store."""
    paths = [layout.blob(file) for file in record.files]
    present = 0
    for file, path in zip(record.files, paths, strict=True):
        part = size_of(layout.partial(file))
        present += file.size if size_of(path) == file.size else min(part, file.size - 1)
    complete = tuple(path for path in paths if path.exists())
    total = sum(file.size for file in record.files)
    return StoredModel(record.name, record.version, present, total, complete, record.provenance is not None)
