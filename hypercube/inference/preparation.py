"""What comes before a load: a model's files are fetched, converted where its engine needs that, and checked."""

import asyncio
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

from hypercube.core.served_models import EngineState
from hypercube.model_registry.convert import convert
from hypercube.model_registry.leases import Lease
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore
from hypercube.model_registry.transfer import Progress

_CONVERSION_S = 60.0
"""Told to whoever asks while a model is converted."""


class Say(Protocol):
    """Tells how far a load is; `left_s` is a guess of what is left before the load itself."""

    def __call__(
        self, state: EngineState, reason: str, *, progress: float | None = None, left_s: float = 0.0
    ) -> None:
        """Say it now."""
        ...


class Preparation:
    """The files of one model, for one load; blocking work runs in threads that end soon after a cancellation."""

    def __init__(
        self, manifest: ModelManifest, store: ModelStore, say: Say, on_line: Callable[[str], None]
    ) -> None:
        self.manifest = manifest
        """With the files that were made for it, once they were."""
        self._store = store
        self._say = say
        self._on_line = on_line
        self._cancel = threading.Event()
        self._downloading = False

    async def fetch(self) -> None:
        """Bring the files here, and make what is made here.

        Raises:
            HyperCubeError: as `ModelStore.fetch` and `convert`.
        """
        if self.manifest.derivation is not None:
            await self._make_version(self.manifest.derivation.source)
        if self.manifest.files and not self._store.has(self.manifest):
            await self._download(self.manifest)

    async def check(self) -> Path | None:
        """Where the model lies, its bytes checked just now: a file (GGUF), or a folder; None without files.

        Raises:
            HyperCubeError: as `ModelStore.verify`.
        """
        if not self.manifest.files:
            return None
        self._say(EngineState.LOADING, "checking the model file")
        await self.in_thread(lambda: self._store.verify(self.manifest, self._cancel))
        if self.manifest.format == "gguf":
            return self._store.path_of(self.manifest.files[0])
        return self._store.folder_of(self.manifest)

    async def lease(self) -> Lease | None:
        """Keep the files in the store; None where there are none. Raises as `ModelStore.lease`."""
        if not self.manifest.files:
            return None
        return await asyncio.to_thread(self._store.lease, self.manifest)

    async def _make_version(self, source: ModelManifest) -> None:
        """Fetch what this version is made from, and make it, unless it is here already."""
        made = self._store.made(self.manifest)
        if made is None:
            if not self._store.has(source):
                await self._download(source)
            self._say(EngineState.LOADING, f"converting for {self.manifest.engine}", left_s=_CONVERSION_S)
            await self.in_thread(lambda: convert(self._store, self.manifest, cancel=self._cancel))
            made = self._store.made(self.manifest)
        if made is not None:
            self.manifest = made

    async def _download(self, manifest: ModelManifest) -> None:
        loop = asyncio.get_running_loop()
        self._downloading = True
        self._say(EngineState.DOWNLOADING, "starting the download", progress=0.0)

        def on_progress(progress: Progress) -> None:
            loop.call_soon_threadsafe(self._show_download, progress)

        def on_line(line: str) -> None:
            loop.call_soon_threadsafe(self._on_line, line)

        try:
            await self.in_thread(lambda: self._store.fetch(manifest, on_progress, on_line, self._cancel))
        finally:
            self._downloading = False

    def _show_download(self, progress: Progress) -> None:
        if not self._downloading:
            return  # a last report that was overtaken
        rate = progress.bytes_per_second
        left = (progress.bytes_total - progress.bytes_done) / rate if rate > 0 else 60.0
        self._say(
            EngineState.DOWNLOADING,
            f"downloading {progress.fraction:.0%} of {progress.bytes_total / 1e9:.2f} GB"
            f" at {rate / 1e6:.0f} MB/s from {progress.source}",
            progress=round(progress.fraction, 4),
            left_s=min(600.0, left),
        )

    async def in_thread(self, work: Callable[[], object]) -> None:
        """Run blocking work in a thread that ends, when this task is cancelled, within a moment."""
        job = asyncio.ensure_future(asyncio.to_thread(work))
        try:
            await asyncio.shield(job)
        except asyncio.CancelledError:
            self._cancel.set()
            # Partial files are closed, pip is gone and the lock is free before anybody hears of the end.
            await asyncio.gather(job, return_exceptions=True)
            raise
