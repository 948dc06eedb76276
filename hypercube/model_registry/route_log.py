"""The log of moves on disk: one line each, appended and synced under the store's lock, read by every process."""

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.disk import sync_folder
from hypercube.model_registry.routes import Move, Routes, Target, fold

POLL_S: Final = 0.25
"""How old a look at the disk may be; a move is seen everywhere within this time."""


def utc_now() -> datetime:
    """The time that a move is recorded with."""
    return datetime.now(UTC)


@dataclass(slots=True)
class _Seen:
    looked_at: float
    size: int
    inode: int
    routes: Routes


class RouteLog:
    """The logs of a store's models."""

    def __init__(
        self,
        folder: Path,
        *,
        clock: Clock,
        now: Callable[[], datetime] = utc_now,
        poll_s: float = POLL_S,
    ) -> None:
        self._folder = folder
        self._clock = clock
        self._now = now
        self._poll_s = poll_s
        self._seen: dict[str, _Seen] = {}

    def names(self) -> list[str]:
        """Models that have a log."""
        return sorted(path.stem for path in self._folder.glob("*.jsonl"))

    def routes(self, name: str) -> Routes:
        """Where the references to `name` lead, as of at most `poll_s` ago."""
        at = self._clock()
        seen = self._seen.get(name)
        if seen is not None and at - seen.looked_at < self._poll_s:
            return seen.routes
        try:
            status = self._path(name).stat()
            size, inode = status.st_size, status.st_ino
        except FileNotFoundError:
            size, inode = 0, 0
        # The log only grows: its length says whether there is anything new.
        if seen is None or (seen.size, seen.inode) != (size, inode):
            seen = _Seen(at, size, inode, fold(self.moves(name)))
        seen.looked_at = at
        self._seen[name] = seen
        return seen.routes

    def moves(self, name: str) -> list[Move]:
        """Every move of `name`, the oldest first.

        Raises:
            HyperCubeError: FAILED_PRECONDITION naming the file and the line that is not a move.
        """
        path = self._path(name)
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            return []
        # A line without its end was being written when the power went: it never happened.
        lines = data.split(b"\n")[:-1]
        return [_move(line, path, number) for number, line in enumerate(lines, start=1)]

    def append(
        self,
        name: str,
        subject: str,
        action: str,
        after: Target,
        who: str,
        *,
        why: str = "",
        bounds: CanaryBounds | None = None,
    ) -> Move:
        """Record a move; whoever calls holds the store's lock."""
        path = self._path(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        before = fold(self.moves(name)).now(subject)
        time = self._now().isoformat(timespec="milliseconds")
        move = Move(time, who, subject, action, before, after, why, bounds)
        line = json.dumps(move.plain(), ensure_ascii=False).encode() + b"\n"
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            data = path.read_bytes()
            end = data.rfind(b"\n") + 1
            if end != len(data):
                os.ftruncate(descriptor, end)
            os.lseek(descriptor, end, os.SEEK_SET)
            view = memoryview(line)
            while view:
                view = view[os.write(descriptor, view) :]
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
        sync_folder(path.parent)
        self._seen.pop(name, None)
        return move

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.jsonl"


def _move(line: bytes, path: Path, number: int) -> Move:
    try:
        data: dict[str, Any] = json.loads(line)
        subject, action = data["subject"], data["action"]
        bounds = CanaryBounds.of(data["bounds"]) if "bounds" in data else None
        why = data.get("why", "")
        return Move(data["time"], data["who"], subject, action, data["from"], data["to"], why, bounds)
    except (ValueError, KeyError, TypeError, HyperCubeError) as error:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Line {number} of {path} is not a move of an alias: {type(error).__name__}: {error}.",
            fix="Take that line out of the file; the other lines stay as they are.",
        ) from error
