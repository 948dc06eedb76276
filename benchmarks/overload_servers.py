"""`hypercube serve` in a process of its own, as a user starts it, for loads from outside."""

import contextlib
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

_BANNER: Final = re.compile(r"HTTP\s+http://127\.0\.0\.1:(\d+).*?gRPC\s+127\.0\.0\.1:(\d+)", re.DOTALL)


@dataclass(frozen=True)
class Serving:
    """A server that listens."""

    pid: int
    http: int
    grpc: int


@contextlib.contextmanager
def serving(*arguments: str) -> Iterator[Serving]:
    """A server with these arguments on free ports."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypercube", "serve", "--http-port", "0", "--grpc-port", "0", *arguments],
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        said = ""
        while (found := _BANNER.search(said)) is None or "Ctrl-C" not in said:
            if not (line := process.stderr.readline()):
                raise SystemExit(f"The server did not start:\n{said}")
            said += line
        yield Serving(process.pid, int(found[1]), int(found[2]))
    finally:
        process.terminate()
        process.communicate(timeout=60)
