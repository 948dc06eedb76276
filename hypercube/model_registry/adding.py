"""Bring your own model: a folder, a GGUF file or a hub repository becomes a version with a manifest."""

import fnmatch
import hashlib
import os
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypercube.core.clock import monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, shown
from hypercube.model_registry.disk import disk_errors
from hypercube.model_registry.manifest import MODEL_NAME, ModelFile, ModelManifest
from hypercube.model_registry.model_facts import Facts, of_folder, of_gguf
from hypercube.model_registry.partial import CHUNK, TransferCancelledError
from hypercube.model_registry.refusal import check_content, check_name
from hypercube.model_registry.sources import LocalFile
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Meter, OnProgress
from hypercube.model_registry.versions import SemVer

FIRST_VERSION: Final = "1.0.0"
_MOST_FILES: Final = 1000


@dataclass(frozen=True, slots=True)
class Wish:
    """What the user says about the model that is brought; the rest follows from its files.

    Attributes:
        name: of the model.
        version: semantic.
        licence: in place of what the files say.
        engine: in place of the usual one of the format.
        base: of an adapter: the model it adapts.
        exclude: patterns of files that are left out.
        include: patterns of the only files that are taken; empty = all.
    """

    name: str
    version: str = FIRST_VERSION
    licence: str | None = None
    engine: str | None = None
    base: str | None = None
    exclude: tuple[str, ...] = ()
    include: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not MODEL_NAME.fullmatch(self.name):
            raise invalid(
                f"{shown(self.name)!r} cannot be a model's name.",
                param="name",
                value=self.name,
                fix="Use small letters, digits, '.', '_' and '-'; a letter or digit first.",
            )
        try:
            SemVer.parse(self.version)
        except ValueError as error:
            raise invalid(f"{error}.", param="version", value=self.version) from None

    def excludes(self, name: str) -> bool:
        """Whether the file `name` is left out; a pattern without '/' means names in every folder."""
        return _matches(name, self.exclude)

    def includes(self, name: str) -> bool:
        """Whether the file `name` is among those that are taken."""
        return not self.include or _matches(name, self.include)

    def manifest(self, files: Sequence[ModelFile], facts: Facts) -> ModelManifest:
        """The manifest of `files`.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for an adapter without `base`, or a `base` without an adapter.
        """
        if (facts.format == "lora") != (self.base is not None):
            hint = f" (its files say: {facts.base_hint})" if facts.base_hint else ""
            raise invalid(
                f"{self.name!r} is an adapter: say of which model{hint}."
                if self.base is None
                else f"{self.name!r} is no adapter, but a model of its own.",
                param="base",
                value=self.base,
                fix="Give --base with the model's name here." if self.base is None else "Leave --base out.",
            )
        engines = facts.engines
        if self.engine is not None:
            engines = (self.engine, *(engine for engine in facts.engines if engine != self.engine))
        return ModelManifest(
            name=self.name,
            version=self.version,
            description=facts.description,
            licence=self.licence or facts.licence,
            engine=engines[0],
            format=facts.format,
            context_length=facts.context_length,
            created=0,
            # The first file of a GGUF model is the one that is opened.
            files=tuple(sorted(files, key=lambda file: (not file.name.endswith(".gguf"), file.name))),
            capabilities=facts.capabilities,
            shape=facts.shape,
            engines=engines,
            dtype=facts.dtype,
            base=self.base,
        )


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    last = name.rsplit("/", 1)[-1]
    return any(fnmatch.fnmatchcase(name, p) or fnmatch.fnmatchcase(last, p) for p in patterns)


def add_gguf(
    store: ModelStore,
    path: Path,
    wish: Wish,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> ModelManifest:
    """Copy a GGUF file into `store`, read once, and publish it.

    Raises:
        HyperCubeError: INVALID_ARGUMENT or FAILED_PRECONDITION naming the file and why; CANCELLED.
    """
    if not path.is_file():
        raise invalid(f"There is no file {shown(str(path))!r}.", param="gguf", value=str(path))
    name = path.name if path.name.endswith(".gguf") else f"{path.name}.gguf"
    check_name(name, param="gguf")
    return _bring(store, {name: path}, wish, of_gguf(path), on_progress, cancel)


def add_folder(
    store: ModelStore,
    folder: Path,
    wish: Wish,
    on_progress: OnProgress | None = None,
    cancel: threading.Event | None = None,
) -> ModelManifest:
    """Copy the files of a folder into `store`, read once, and publish them; hidden files are left out.

    Raises:
        HyperCubeError: INVALID_ARGUMENT or FAILED_PRECONDITION naming the file and why; CANCELLED.
    """
    if not folder.is_dir():
        raise invalid(f"There is no folder {shown(str(folder))!r}.", param="folder", value=str(folder))
    paths = _files(folder, wish)
    for name, path in paths.items():
        check_content(path, name)
    facts = of_folder(folder, set(paths))
    if facts.format != "gguf":
        return _bring(store, paths, wish, facts, on_progress, cancel)
    if sum(name.endswith(".gguf") for name in paths) > 1:
        raise invalid(
            f"{folder.name} holds several GGUF files, and a model has one: "
            f"{', '.join(sorted(name for name in paths if name.endswith('.gguf')))}.",
            param="folder",
            value=str(folder),
            fix="Choose one: --include FILE.gguf",
        )
    return _bring(store, paths, wish, facts, on_progress, cancel)


def _files(folder: Path, wish: Wish) -> dict[str, Path]:
    """Name -> path of every file to bring."""
    root = folder.resolve()
    found: dict[str, Path] = {}
    for place, folders, names in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for entry in (*folders, *sorted(names)):
            path = Path(place, entry)
            name = path.relative_to(folder).as_posix()
            if entry.startswith(".") or wish.excludes(name):
                continue
            if path.is_symlink() and not path.resolve().is_relative_to(root):
                raise invalid(
                    f"{name} is a link that leads out of {folder}: to {path.resolve()}.",
                    param="folder",
                    value=name,
                    fix=f"Copy the folder with its links followed (cp -rL), or leave it out: --exclude {name}",
                )
            if path.is_dir() or not wish.includes(name):
                continue
            if not path.is_file():
                raise invalid(f"{name} in {folder} is no regular file.", param="folder", value=name)
            check_name(name, param="folder")
            found[name] = path
            if len(found) > _MOST_FILES:
                raise invalid(
                    f"{folder} holds more than {_MOST_FILES} files.", param="folder", value=str(folder)
                )
    return {name: path for name, path in found.items() if path.stat().st_size > 0}


def _bring(
    store: ModelStore,
    paths: dict[str, Path],
    wish: Wish,
    facts: Facts,
    on_progress: OnProgress | None,
    cancel: threading.Event | None,
) -> ModelManifest:
    # What is wrong with the wish is said before anything is copied.
    wish.manifest((), facts)
    total = sum(path.stat().st_size for path in paths.values())
    store.reserve(total, wish.name)
    meter = Meter(total, on_progress, monotonic)
    meter.begin("this machine")
    with disk_errors(store.root):
        work = store.layout.work_folder("add")
        try:
            files = []
            for number, (name, path) in enumerate(paths.items()):
                size, sha256 = _copy(path, work / str(number), meter, cancel)
                meter.base += size
                files.append(ModelFile(name, size, sha256, (LocalFile(path.absolute()),)))
            manifest = wish.manifest(files, facts)
            store.publish(manifest, {name: work / str(number) for number, name in enumerate(paths)})
        except TransferCancelledError:
            raise HyperCubeError(ErrorKind.CANCELLED, f"Adding {wish.name!r} was interrupted.") from None
        finally:
            shutil.rmtree(work, ignore_errors=True)
    return manifest


def _copy(source: Path, target: Path, meter: Meter, cancel: threading.Event | None) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    with source.open("rb") as reader, target.open("wb") as writer:
        while chunk := reader.read(CHUNK):
            if cancel is not None and cancel.is_set():
                raise TransferCancelledError
            digest.update(chunk)
            writer.write(chunk)
            size += len(chunk)
            meter.at(size)
        writer.flush()
    return size, digest.hexdigest()
