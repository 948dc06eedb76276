"""`hypercube serve` in a process of its own, as a user starts it, for loads from outside.

    python -m benchmarks.overload_servers 5 serve --model fake ...

is the same command with 5 ms before each token of the fake model: an engine that is slower than its door.
"""

import asyncio
import contextlib
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from threading import Thread
from typing import Final

import httpx
import psutil

_BANNER: Final = re.compile(r"HTTP\s+http://127\.0\.0\.1:(\d+).*?gRPC\s+127\.0\.0\.1:(\d+)", re.DOTALL)
_READY_S: Final = 120.0


@dataclass(frozen=True)
class Serving:
    """A server that listens."""

    pid: int
    http: int
    grpc: int

    def cpu_s(self) -> float:
        """Processor time of the server so far, of all its threads."""
        times = psutil.Process(self.pid).cpu_times()
        return float(times.user + times.system)

    def in_flight(self) -> int:
        """What the server says is inside."""
        page = httpx.get(f"http://127.0.0.1:{self.http}/metrics", timeout=60).text
        line = next(each for each in page.splitlines() if each.startswith("hypercube_requests_in_flight "))
        return int(float(line.split()[1]))

    def wait_ready(self) -> None:
        """Until every part of it works."""
        until = time.monotonic() + _READY_S
        while httpx.get(f"http://127.0.0.1:{self.http}/readyz", timeout=60).status_code != 200:
            if time.monotonic() > until:
                raise SystemExit("The server was never ready.")
            time.sleep(0.2)


@contextlib.contextmanager
def serving(*arguments: str, token_ms: float = 0.0, core: int | None = None) -> Iterator[Serving]:
    """A ready server with these arguments on free ports, all of its threads on `core` if one is given."""
    command = [sys.executable, "-m", "hypercube", "serve"]
    if token_ms:
        command = [sys.executable, "-m", "benchmarks.overload_servers", str(token_ms), "serve"]
    before = os.sched_getaffinity(0)
    if core is not None:
        os.sched_setaffinity(0, {core})  # a child has its parent's
    try:
        process = subprocess.Popen(
            [*command, "--http-port", "0", "--grpc-port", "0", *arguments], stderr=subprocess.PIPE, text=True
        )
    finally:
        os.sched_setaffinity(0, before)
    assert process.stderr is not None
    try:
        said = ""
        while (found := _BANNER.search(said)) is None or "Ctrl-C" not in said:
            if not (line := process.stderr.readline()):
                raise SystemExit(f"The server did not start:\n{said}")
            said += line
        Thread(target=process.stderr.read, daemon=True).start()  # a full pipe would stop the server
        server = Serving(process.pid, int(found[1]), int(found[2]))
        server.wait_ready()
        yield server
    finally:
        process.terminate()
        process.wait(60)


def _slower_than_its_door() -> None:
    from hypercube.cli import main
    from hypercube.inference import factory
    from hypercube.inference.fake import FakeEngine

    delay_s = float(sys.argv.pop(1)) / 1e3
    setattr(factory, "FakeEngine", partial(FakeEngine, token_delay_s=delay_s, sleep=asyncio.sleep))  # noqa: B010
    main()


if __name__ == "__main__":
    _slower_than_its_door()
