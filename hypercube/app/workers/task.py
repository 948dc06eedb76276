"""What a process is started for, and how it hears of it."""

import pickle
import socket
import struct
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hypercube.settings import Settings

_LENGTH: Final = struct.Struct("!I")


class Role(StrEnum):
    """What a process is."""

    ENGINE = "engine"
    FRONT = "front-end"


@dataclass(frozen=True, slots=True)
class Task:
    """What one process is to do.

    Attributes:
        role: which part of the server it is.
        settings: the whole tree, as the supervisor read it.
        folder: where the processes meet.
        worker: of a front-end, its number from 0.
        listeners: descriptors of the listening sockets for HTTP, one a front-end.
        http_port: that it listens on.
        grpc_port: to listen on.
    """

    role: Role
    settings: Settings
    folder: Path
    worker: int = 0
    listeners: tuple[int, ...] = ()
    http_port: int = 0
    grpc_port: int = 0

    @property
    def engine_path(self) -> Path:
        """Where the engine process listens."""
        return self.folder / "engine"


def write_task(connection: socket.socket, task: Task) -> None:
    """Send it down a fresh connection."""
    body: dict[str, Any] = {name: getattr(task, name) for name in Task.__slots__}
    # The class of settings that came from a file is made on the spot and has no address to pickle.
    body["settings"] = task.settings.model_dump()
    raw = pickle.dumps(body)
    connection.sendall(_LENGTH.pack(len(raw)) + raw)


def read_task(connection: socket.socket) -> Task:
    """Receive it; whoever holds the other end started this process, so what comes is trusted."""
    (size,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    body = pickle.loads(_exactly(connection, size))  # noqa: S301 - see above
    body["settings"] = Settings(**body["settings"])
    return Task(**body)


def _exactly(connection: socket.socket, size: int) -> bytes:
    parts: list[bytes] = []
    while size > 0:
        if not (part := connection.recv(size)):
            raise EOFError("the supervisor is gone")
        parts.append(part)
        size -= len(part)
    return b"".join(parts)
