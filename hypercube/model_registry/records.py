"""The store's memory of which files belong to which model: one small JSON file each, written by rename.

A version that was made here (`Derivation`) has a record of its own beside its source's, with its provenance.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelFile


@dataclass(frozen=True, slots=True)
class Record:
    """A model in the store; its files carry no sources."""

    name: str
    version: str
    files: tuple[ModelFile, ...]
    provenance: Mapping[str, str] | None = None
    """Of a version made here: what it was made from, and by what."""


class RecordFolder:
    """All records of a store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: Record) -> None:
        """Keep `record`, replacing an older one of that name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in record.files]
        data: dict[str, Any] = {"name": record.name, "version": record.version, "files": files}
        if record.provenance is not None:
            data["provenance"] = dict(record.provenance)
        text = json.dumps(data, indent=2)
        path = self._path(record)
        # Two processes may write the same record: each renames a file of its own.
        draft = path.with_suffix(f".{os.getpid()}.tmp")
        draft.write_text(text + "\n", encoding="utf-8")
        draft.replace(path)

    def all(self) -> list[Record]:
        """Every record, by name.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming a file that is not a record.
        """
        if not self._folder.is_dir():
            return []
        return [self._read(path) for path in sorted(self._folder.glob("*.json"))]

    def derived(self, name: str, version: str) -> Record | None:
        """The record of a version made here, if there is one."""
        path = self._folder / f"{name}@{version}.json"
        return self._read(path) if path.is_file() else None

    def delete(self, record: Record) -> None:
        """Forget a model's version."""
        self._path(record).unlink(missing_ok=True)

    def _path(self, record: Record) -> Path:
        made_here = record.provenance is not None
        return self._folder / (f"{record.name}@{record.version}.json" if made_here else f"{record.name}.json")

    @staticmethod
    def _read(path: Path) -> Record:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            files = tuple(ModelFile(file["name"], file["size"], file["sha256"]) for file in data["files"])
            return Record(data["name"], data["version"], files, data.get("provenance"))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{path} is not a model record: {type(error).__name__}: {error}.",
                fix=f"Delete {path}; the model's files are found again by its next pull.",
            ) from error
