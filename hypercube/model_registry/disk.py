"""Folders, sizes and free space: what the store asks of the file system."""

import contextlib
import errno
import os
import secrets
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError

_FULL: Final = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def default_root() -> Path:
    """The user's cache folder for models, after the platform's custom."""
    if sys.platform == "win32":
        base = Path(os.environ.get("LOCALAPPDATA") or Path.home() / "AppData" / "Local")
    elif sys.platform == "darwin":
        base = Path.home() / "Library" / "Caches"
    else:
        base = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return base / "hypercube" / "models"


def free_bytes(path: Path) -> int:
    """Free disk where `path` is, or will be."""
    while not path.exists():
        path = path.parent
    return shutil.disk_usage(path).free


def size_of(path: Path) -> int:
    """Bytes in a file; 0 where there is none."""
    try:
        return path.stat().st_size
    except FileNotFoundError:
        return 0


def sync_folder(folder: Path) -> None:
    """Make a rename survive a power cut, where folders can be synced at all."""
    if os.name != "posix":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_whole(path: Path, data: bytes) -> None:
    """Have `path` hold `data`: all of it or, whatever happens on the way, what was there before."""
    path.parent.mkdir(parents=True, exist_ok=True)
    # Two processes may write the same file: each renames a draft of its own.
    draft = path.with_name(f"{path.name}.{os.getpid()}-{secrets.token_hex(4)}.tmp")
    try:
        with draft.open("wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        draft.replace(path)
    except BaseException:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


@contextlib.contextmanager
def disk_errors(root: Path) -> Iterator[None]:
    """What the file system refuses inside is FAILED_PRECONDITION, and names the store `root`."""
    try:
        yield
    except OSError as error:
        full = error.errno in _FULL
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model store {root} {'is full' if full else 'cannot be used'}: {error}.",
            fix=f"{'Free some disk' if full else 'Make the folder writable'}, or set HYPERCUBE_MODEL_DIR.",
        ) from error
