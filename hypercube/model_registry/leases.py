"""Who is using which version: a small file each, which outlives its process only as a stale one.

A process is known by its id and the moment it began, so that an id that was given out again protects nothing.
"""

import json
import os
import secrets
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from hypercube.model_registry.disk import write_whole
from hypercube.model_registry.manifest import ModelManifest


def started_at(pid: int) -> int | None:
    """When the process began, in milliseconds since 1970 as psutil tells; None if there is no such process."""
    import psutil

    try:
        process = psutil.Process(pid)
        if process.status() == psutil.STATUS_ZOMBIE:
            return None
        return round(process.create_time() * 1000)
    except psutil.NoSuchProcess:
        return None
    except psutil.AccessDenied:
        # It lives; when it began is not for us to know.
        return 0


def own_mark() -> str:
    """This process as a part of a file name."""
    return f"{os.getpid()}-{started_at(os.getpid()) or 0}"


_CLOCK_STEP_MS: Final = 2000
"""psutil reckons the beginning from the time of boot, which moves when the clock is set."""


def alive(pid: int, started_ms: int | None) -> bool:
    """Whether the process that began then (None: whenever) still runs."""
    now = started_at(pid)
    if now is None or started_ms is None:
        return now is not None
    return 0 in (now, started_ms) or abs(now - started_ms) <= _CLOCK_STEP_MS


@dataclass(frozen=True, slots=True)
class Lease:
    """A version in use.

    Attributes:
        name: of the model.
        version: of it.
        purpose: what for, in words.
        pid: of the process that uses it.
        started_ms: when that process began.
        host: where it runs.
        files: digests of the version's files.
        view: name of its folder of links.
        path: of the lease's file.
    """

    name: str
    version: str
    purpose: str
    pid: int
    started_ms: int
    host: str
    files: tuple[str, ...]
    view: str
    path: Path

    @property
    def reference(self) -> str:
        """`name@version`."""
        return f"{self.name}@{self.version}"

    @property
    def stale(self) -> bool:
        """Its process is gone; of another host's processes nothing can be known, and theirs never are."""
        return self.host == socket.gethostname() and not alive(self.pid, self.started_ms)

    def release(self) -> None:
        """The version is not in use any more."""
        self.path.unlink(missing_ok=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()


_WRITTEN: Final = ("name", "version", "purpose", "pid", "started_ms", "host", "files", "view")


class LeaseFolder:
    """All leases of a store."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def take(self, manifest: ModelManifest, view: str, purpose: str) -> Lease:
        """A lease for this process; whoever takes it holds the store's lock."""
        pid = os.getpid()
        lease = Lease(
            manifest.name,
            manifest.version,
            purpose,
            pid,
            started_at(pid) or 0,
            socket.gethostname(),
            tuple(file.sha256 for file in manifest.files),
            view,
            self._folder / f"{pid}-{secrets.token_hex(6)}.json",
        )
        data = {field: getattr(lease, field) for field in _WRITTEN}
        write_whole(lease.path, json.dumps(data).encode())
        return lease

    def all(self) -> list[Lease]:
        """Every lease, stale ones too."""
        leases = []
        for path in sorted(self._folder.glob("*.json")):
            try:
                data = json.loads(path.read_text(encoding="utf-8"))
                data["files"] = tuple(data["files"])
                leases.append(Lease(path=path, **{field: data[field] for field in _WRITTEN}))
            except FileNotFoundError:
                continue  # released between the listing and now
            except (OSError, ValueError, KeyError, TypeError):
                # It was put there whole by a rename: not one of ours.
                continue
        return leases

    def active(self) -> list[Lease]:
        """The leases of processes that run."""
        return [lease for lease in self.all() if not lease.stale]
