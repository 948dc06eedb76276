"""The store's memory of which files belong to which model: one small JSON file each, written by rename."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.manifest import ModelFile


@dataclass(frozen=True, slots=True)
class Record:
    """A model in the store; its files carry no sources."""

    name: str
    version: str
    files: tuple[ModelFile, ...]


class RecordFolder:
    """All records of a store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def write(self, record: Record) -> None:
        """Keep `record`, replacing an older one of that name."""
        self._folder.mkdir(parents=True, exist_ok=True)
        files = [{"name": file.name, "size": file.size, "sha256": file.sha256} for file in record.files]
        text = json.dumps({"name": record.name, "version": record.version, "files": files}, indent=2)
        path = self._path(record.name)
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

    def delete(self, name: str) -> None:
        """Forget a model."""
        self._path(name).unlink(missing_ok=True)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.json"

    @staticmethod
    def _read(path: Path) -> Record:
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            files = tuple(ModelFile(file["name"], file["size"], file["sha256"]) for file in data["files"])
            return Record(data["name"], data["version"], files)
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{path} is not a model record: {type(error).__name__}: {error}.",
                fix=f"Delete {path}; the model's files are found again by its next pull.",
            ) from error
