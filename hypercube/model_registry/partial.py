"""A file on its way: a prefix on disk that can be continued at any byte, hashed while it grows."""

import hashlib
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final, Self

CHUNK: Final = 1 << 20
"""Bytes read from disk at a time; between two chunks a cancellation is noticed."""


class TransferCancelledError(Exception):
    """The caller does not want the bytes any more; what arrived stays on disk."""


def sha256_of(path: Path, cancel: threading.Event | None = None) -> str:
    """Hex SHA-256 of a file, read in a stream.

    Raises:
        TransferCancelledError: `cancel` was set on the way.
    """
    with path.open("rb") as file:
        return _hash_prefix(file, path.stat().st_size, cancel).hexdigest()


def _hash_prefix(file: BinaryIO, length: int, cancel: threading.Event | None) -> "hashlib._Hash":
    digest = hashlib.sha256()
    file.seek(0)
    left = length
    while left > 0:
        if cancel is not None and cancel.is_set():
            raise TransferCancelledError
        chunk = file.read(min(CHUNK, left))
        if not chunk:
            break
        digest.update(chunk)
        left -= len(chunk)
    return digest


@dataclass(frozen=True, slots=True)
class Mark:
    """A place to go back to."""

    position: int
    digest: "hashlib._Hash"


class Partial:
    """The growing prefix of one file.

    Writes are unbuffered: whatever ends the process, every byte counted in `position` is in the file.
    """

    def __init__(self, path: Path, limit: int, cancel: threading.Event) -> None:
        """Open or create `path`; a file longer than `limit` bytes cannot be a prefix and is emptied."""
        path.touch()
        self.path = path
        self._file = path.open("r+b", buffering=0)
        try:
            length = path.stat().st_size
            if length > limit:
                self._file.truncate(0)
                length = 0
            self._digest = _hash_prefix(self._file, length, cancel)
        except BaseException:
            self._file.close()
            raise
        self.position = length
        """Bytes that are safely in the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def write(self, data: bytes) -> None:
        """Append `data`."""
        view = memoryview(data)
        while view:
            written = self._file.write(view)
            self._digest.update(view[:written])
            self.position += written
            view = view[written:]

    def mark(self) -> Mark:
        """Here, to return to."""
        return Mark(self.position, self._digest.copy())

    def rollback(self, mark: Mark) -> None:
        """Forget everything after `mark`."""
        self._file.truncate(mark.position)
        self._file.seek(mark.position)
        self.position, self._digest = mark.position, mark.digest.copy()

    def cut(self, position: int, cancel: threading.Event) -> None:
        """Forget everything from `position` on."""
        if position == self.position:
            return
        # A marker hashed from the start: a digest cannot be wound back.
        digest = _hash_prefix(self._file, position, cancel)
        self.rollback(Mark(position, digest))

    def sync(self) -> None:
        """Have the bytes on the disk itself."""
        os.fsync(self._file.fileno())

    def hexdigest(self) -> str:
        """SHA-256 of the prefix."""
        return self._digest.hexdigest()
