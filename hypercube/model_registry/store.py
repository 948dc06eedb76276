"""Where models lie on disk: each file once, under its digest, complete and verified or not there at all.

`layout` says what lies where. A version is here when its manifest is; the manifest is written last.
"""

import contextlib
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.collection import Garbage
from hypercube.model_registry.disk import default_root, disk_errors, free_bytes, size_of, sync_folder
from hypercube.model_registry.fetching import Fetcher
from hypercube.model_registry.hub import DEFAULT_HUB
from hypercube.model_registry.layout import Layout
from hypercube.model_registry.leases import Lease, LeaseFolder
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.memory import Measurements
from hypercube.model_registry.partial import TransferCancelledError
from hypercube.model_registry.records import Record, RecordFolder, Skipped, provenance
from hypercube.model_registry.refusal import check_content, check_name
from hypercube.model_registry.removal import Remover
from hypercube.model_registry.stored_model import StoredModel, stored
from hypercube.model_registry.transfer import Meter, OnLine, OnProgress, silent
from hypercube.model_registry.verification import Verification, missing, verify_files
from hypercube.model_registry.views import link_view

SILENCE_S: Final = 5.0
"""Seconds without a byte after which a source is skipped."""


class ModelStore:
    """The models of one user on one machine; every method blocks, so servers call it in a thread.

    Attributes:
        root: of everything.
        layout: what lies where below it.
        hub_url: of the model hub.
        silence_s: seconds without a byte after which a source is skipped.
        measurements: memory that versions were seen to need.
    """

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
        self.layout = Layout(self.root)
        self.measurements = Measurements(self.root / "measured")
        self.hub_url = hub_url
        self.silence_s = silence_s
        self._clock = clock
        self._records = RecordFolder(self.root)
        self._leases = LeaseFolder(self.root / "leases")
        self._fetcher = Fetcher(self.layout, hub_url, silence_s, disk_free)
        self._remover = Remover(self.layout, self._records, self._leases, self._fetcher)

    # -- what is there

    def path_of(self, file: ModelFile) -> Path:
        """Where the complete file lies, or would."""
        return self.layout.blob(file)

    def has(self, manifest: ModelManifest) -> bool:
        """Whether every file is there in full length (`verify` checks the bytes)."""
        return all(size_of(self.path_of(file)) == file.size for file in manifest.files)

    def records(self, skipped: Skipped | None = None) -> list[Record]:
        """The manifests that this store holds, of versions that are here and of those that can be fetched.

        A file that is not a record is told to `skipped`.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming such a file, where nobody is told.
        """
        return self._records.all(skipped)

    def list(self) -> tuple[StoredModel, ...]:
        """Every model that was fetched, or begun."""
        return tuple(stored(self.layout, record) for record in self._records.all())

    def folder_of(self, manifest: ModelManifest) -> Path:
        """A folder with every file of `manifest` under its own name, as links to the stored bytes.

        The links are made anew when the bytes were; `verify` is what checks the bytes.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when a file is missing or the store cannot be written.
        """
        self._check_here(manifest)
        with self._disk():
            targets = {file.name: self.path_of(file) for file in manifest.files}
            return link_view(self.layout.view(manifest), targets)

    def _check_here(self, manifest: ModelManifest) -> None:
        for file in manifest.files:
            if size_of(self.path_of(file)) != file.size:
                raise missing(self.layout, file, manifest)

    # -- getting

    def announce(self, manifest: ModelManifest) -> None:
        """Keep a manifest whose files are to be fetched; a version that is here stays what it is.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when that version is here with other files; INVALID_ARGUMENT for a
                file that is refused.
        """
        for file in manifest.files:
            check_name(file.name)
        with self._disk(), self.layout.changing():
            if not self._is_published(manifest):
                self._records.announce(manifest)

    def _is_published(self, manifest: ModelManifest) -> bool:
        """Whether this very version is here.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when another one is, under the same name and version.
        """
        record = self._records.find(manifest.name, manifest.version)
        if record is None or not record.published or not self.has(record.manifest):
            return False
        if record.manifest.digest == manifest.digest:
            # A record of an earlier release says too little.
            return bool(record.manifest.context_length) or not manifest.context_length
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"{manifest.reference} is here already with other files (digest {record.manifest.digest[:12]}, "
            f"not {manifest.digest[:12]}), and a version never changes.",
            param="version",
            value=manifest.version,
            fix=f"Give the new files a new version, or: hypercube models rm {manifest.reference}",
        )

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
                when the disk is too full, the store cannot be written, or the version is here with other files;
                INVALID_ARGUMENT for a pickle; CANCELLED when `cancel` was set.
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
        meter = Meter(manifest.size, on_progress, self._clock)
        try:
            with self._disk():
                # First of all: what is known is not garbage, however little of it is here.
                self.announce(manifest)
                for file in manifest.files:
                    self._fetcher.fetch(file, meter, on_line or silent, cancel)
                    meter.base += file.size
                with self.layout.changing(cancel):
                    self._check_here(manifest)
                    if not self._is_published(manifest):
                        self._records.publish(manifest)
                self._fetcher.drop_wheels(manifest.files)
        except TransferCancelledError:
            raise HyperCubeError(
                ErrorKind.CANCELLED,
                f"The download of {manifest.name!r} was interrupted.",
                fix="Start it again: it continues where it stopped.",
            ) from None
        return self.path_of(manifest.files[0])

    def reserve(self, needed: int, what: str) -> None:
        """Refuse to begin what the disk cannot hold; see `Fetcher.reserve`."""
        self._fetcher.reserve(needed, what)

    def _disk(self) -> contextlib.AbstractContextManager[None]:
        return disk_errors(self.root)

    # -- trusting

    def verify(self, manifest: ModelManifest, cancel: threading.Event | None = None) -> Verification:
        """Hash every file again, each byte read once; call it before each load. Returns what it cost.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming the file, with both digests, or saying that it is missing;
                CANCELLED when `cancel` was set.
        """
        with self._disk():
            return verify_files(self.layout, manifest, self._clock, cancel)

    def lease(self, manifest: ModelManifest, purpose: str = "serving") -> Lease:
        """Keep `manifest` from being removed until the lease is released, or this process has ended.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when a file is not here (any more).
        """
        with self._disk(), self.layout.changing():
            self._check_here(manifest)
            return self._leases.take(manifest, self.layout.view(manifest).name, purpose)

    def leases(self) -> tuple[Lease, ...]:
        """Of processes that run."""
        return tuple(self._leases.active())

    # -- versions made, or brought, here

    def made(self, manifest: ModelManifest) -> ModelManifest | None:
        """`manifest`, which says how it is made, with the files that were made for it; None if they were not."""
        derivation = manifest.derivation
        if derivation is None:
            return None
        record = self._records.find(manifest.name, manifest.version)
        if record is None or record.provenance != provenance(derivation):
            return None
        whole = replace(manifest, files=record.files)
        return whole if self.has(whole) else None

    def publish(self, manifest: ModelManifest, drafts: Mapping[str, Path]) -> None:
        """Take finished files (name -> path, on the store's file system) in as those of `manifest`.

        Its digests must be those of the drafts. The manifest comes last: a crash on the way leaves no version.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when the store cannot be written, or has that version with other
                files; INVALID_ARGUMENT for a pickle.
        """
        with self._disk():
            for file in manifest.files:
                check_name(file.name)
                check_content(drafts[file.name], file.name)
                with drafts[file.name].open("rb") as draft:
                    os.fsync(draft.fileno())
            with self.layout.changing():
                if manifest.derivation is None and self._is_published(manifest):
                    return
                for file in manifest.files:
                    target = self.path_of(file)
                    target.parent.mkdir(parents=True, exist_ok=True)
                    drafts[file.name].replace(target)
                if manifest.files:
                    sync_folder(self.root / "blobs")
                how = provenance(manifest.derivation) if manifest.derivation is not None else None
                self._records.publish(manifest, how)

    def describe(self, manifest: ModelManifest) -> None:
        """Say more (or something else) about a version that is here; its files stay what they are.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when it is not here, or has other files.
        """
        with self._disk(), self.layout.changing():
            self._check_here(manifest)
            self._is_published(manifest)
            self._records.publish(manifest)

    def remove(self, name: str, version: str | None = None) -> int:
        """Delete a model (with what was made from it), or one version; files that another one needs stay.

        Returns the bytes freed.

        Raises:
            HyperCubeError: MODEL_NOT_FOUND with the names in the store; FAILED_PRECONDITION when it is in use.
        """
        with self._disk():
            return self._remover.remove(name, version)

    def collect(self, *, keep: int | None = None, dry_run: bool = False) -> tuple[Garbage, ...]:
        """Delete what no version, alias, rollback or running process needs; returns what went, or (dry) would go.

        With `keep`, versions that are not in use and not among the newest `keep` of their model go too.

        Raises:
            HyperCubeError: FAILED_PRECONDITION when the store cannot be read or written.
        """
        with self._disk():
            return self._remover.collect(keep=keep, dry_run=dry_run)
