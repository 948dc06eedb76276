"""The manifests of a store: which versions are here whole, and which can be fetched; one JSON file each.

A version that was made here (`Derivation`) carries its provenance. Files of earlier releases, `models/{name}.json`
with no more than names and digests, are read as well.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.disk import write_whole
from hypercube.model_registry.manifest import Derivation, ModelFile, ModelManifest

Skipped = Callable[[str, HyperCubeError], None]
"""Hears the model's name and what is wrong with a file."""


@dataclass(frozen=True, slots=True)
class Record:
    """A manifest in the store.

    Attributes:
        manifest: what it is; without its derivation.
        published: every file was here, verified, when this was written.
        provenance: of a version made here: what it was made from, and by what.
        path: where it is written.
    """

    manifest: ModelManifest
    published: bool
    provenance: Mapping[str, str] | None = None
    path: Path = Path()

    @property
    def name(self) -> str:
        """Of the model."""
        return self.manifest.name

    @property
    def version(self) -> str:
        """Of the model."""
        return self.manifest.version

    @property
    def files(self) -> tuple[ModelFile, ...]:
        """Of the version."""
        return self.manifest.files


class RecordFolder:
    """All records of a store."""

    def __init__(self, root: Path) -> None:
        self._published = root / "models"
        self._known = root / "known"

    def announce(self, manifest: ModelManifest) -> None:
        """Keep `manifest` as one that can be fetched, or is being fetched."""
        write_whole(self._known / f"{manifest.reference}.json", _text(manifest, None))

    def publish(self, manifest: ModelManifest, provenance: Mapping[str, str] | None = None) -> None:
        """Keep `manifest` as one whose files are all here; the last step of every way into the store."""
        write_whole(self._published / f"{manifest.reference}.json", _text(manifest, provenance))
        (self._known / f"{manifest.reference}.json").unlink(missing_ok=True)
        old = self._published / f"{manifest.name}.json"
        if old.is_file() and self._read(old, published=True).version == manifest.version:
            old.unlink(missing_ok=True)

    def all(self, skipped: Skipped | None = None) -> list[Record]:
        """Every record, by name and version; of a version that is in both folders, the published one.

        A file that is not a record (damaged, or of a later release that shares the store) is told to `skipped`.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming such a file, where nobody is told.
        """
        found: dict[str, Record] = {}
        for record in self._scan(skipped):
            found.setdefault(record.manifest.reference, record)
        return [found[reference] for reference in sorted(found)]

    def find(self, name: str, version: str) -> Record | None:
        """The record of one version, if there is one."""
        for folder, published in ((self._published, True), (self._known, False)):
            path = folder / f"{name}@{version}.json"
            if path.is_file():
                return self._read(path, published=published)
        old = self._published / f"{name}.json"
        if old.is_file() and (record := self._read(old, published=True)).version == version:
            return record
        return None

    def delete(self, record: Record) -> None:
        """Forget a version."""
        reference = record.manifest.reference
        for path in (record.path, self._published / f"{reference}.json", self._known / f"{reference}.json"):
            path.unlink(missing_ok=True)

    def _scan(self, skipped: Skipped | None) -> Iterator[Record]:
        for folder, published in ((self._published, True), (self._known, False)):
            # The names with a version first: they say more than those of earlier releases.
            for path in sorted(folder.glob("*.json"), key=lambda path: "@" not in path.name):
                try:
                    yield self._read(path, published=published)
                except HyperCubeError as error:
                    if skipped is None:
                        raise
                    skipped(path.stem.partition("@")[0], error)

    @staticmethod
    def _read(path: Path, *, published: bool) -> Record:
        # Not above: the cluster is imported where pydantic is not installed.
        from hypercube.model_registry.manifest_file import manifest_of

        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            provenance = data.pop("provenance", None)
            manifest = manifest_of(data, path.name) if "format" in data else _of_earlier_release(data)
            return Record(manifest, published, provenance, path)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, HyperCubeError) as error:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{path} is not a model record: {type(error).__name__}: {error}.",
                fix=f"Delete {path}; the model's files are found again by its next pull.",
            ) from error


def _text(manifest: ModelManifest, provenance: Mapping[str, str] | None) -> bytes:
    from hypercube.model_registry.manifest_document import document

    data: dict[str, Any] = document(manifest)
    if provenance is not None:
        data["provenance"] = dict(provenance)
    return json.dumps(data, indent=2, ensure_ascii=False).encode() + b"\n"


def _of_earlier_release(data: Mapping[str, Any]) -> ModelManifest:
    files = tuple(ModelFile(file["name"], file["size"], file["sha256"]) for file in data["files"])
    gguf = files[0].name.endswith(".gguf")
    return ModelManifest(
        name=data["name"],
        version=data["version"],
        description="",
        licence="NOASSERTION",
        engine="llama.cpp" if gguf else "transformers",
        format="gguf" if gguf else "safetensors",
        context_length=0,
        created=0,
        files=files,
    )


def provenance(derivation: Derivation) -> dict[str, str]:
    """A derivation as its record keeps it."""
    source = derivation.source
    return {
        "source": source.name,
        "source_version": source.version,
        "source_sha256": source.files[0].sha256,
        "dtype": derivation.dtype,
        "converter": derivation.converter,
    }
