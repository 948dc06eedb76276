"""Servers as a user starts them: `hypercube serve` in a process of its own, on free ports."""

import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

ROOT = Path(__file__).resolve().parents[2]
_BANNER = re.compile(r"HTTP\s+https?://127\.0\.0\.1:(\d+).*?gRPC\s+127\.0\.0\.1:(\d+)", re.DOTALL)


@dataclass
class Server:
    """A running server and what it printed."""

    process: subprocess.Popen[str]
    http_port: int = 0
    grpc_port: int = 0
    lines: list[str] = field(default_factory=list)
    heard: threading.Condition = field(default_factory=threading.Condition)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.http_port}"

    @property
    def target(self) -> str:
        return f"127.0.0.1:{self.grpc_port}"

    def listen(self) -> None:
        """Collect stderr; runs in a thread until the process ends."""
        assert self.process.stderr is not None
        for line in self.process.stderr:
            with self.heard:
                self.lines.append(line)
                self.heard.notify_all()
        with self.heard:
            self.heard.notify_all()

    def wait_for(self, found: Callable[[str], Any], timeout_s: float) -> Any:
        """The first truthy `found(everything printed)`; fails with the output when it never comes."""
        until = time.monotonic() + timeout_s
        with self.heard:
            while not (result := found("".join(self.lines))):
                left = until - time.monotonic()
                if left <= 0 or self.process.poll() is not None:
                    raise AssertionError("the server never said it:\n" + "".join(self.lines))
                self.heard.wait(min(left, 0.5))
        return result

    def wait_ready(self, timeout_s: float) -> None:
        """Return when `/readyz` says yes."""
        until = time.monotonic() + timeout_s
        while (answer := httpx.get(self.url + "/readyz", timeout=10)).status_code != 200:
            assert time.monotonic() < until, (answer.text, "".join(self.lines))
            assert self.process.poll() is None, "".join(self.lines)
            with self.heard:
                self.heard.wait(0.2)


@contextmanager
def serving(*arguments: str, **environment: str) -> Iterator[Server]:
    """`hypercube serve` with these arguments, ended by SIGINT if the test has not done so."""
    process = subprocess.Popen(
        [sys.executable, "-m", "hypercube", "serve", "--http-port", "0", "--grpc-port", "0", *arguments],
        cwd=ROOT,
        env=os.environ | environment,
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    server = Server(process)
    listener = threading.Thread(target=server.listen, daemon=True)
    listener.start()
    try:
        ports = server.wait_for(_BANNER.search, 60)
        server.http_port, server.grpc_port = int(ports[1]), int(ports[2])
        yield server
    finally:
        if process.poll() is None:
            process.send_signal(signal.SIGINT)
            try:
                process.wait(15)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        listener.join(5)
        if process.stderr is not None:
            process.stderr.close()


@pytest.fixture(scope="session")
def fake_server() -> Iterator[Server]:
    """Serves the rule-based model: everything but the weights is as in production."""
    with serving("--model", "fake") as server:
        server.wait_ready(30)
        yield server


@pytest.fixture(scope="session")
def real_server() -> Iterator[Server]:
    """Serves the default model; the first run on a machine downloads it."""
    with serving() as server:
        server.wait_ready(900)
        yield server


@pytest.fixture(scope="session")
def serve() -> Callable[..., Any]:
    """A context manager for tests that need a server of their own."""
    return serving


@pytest.fixture
def loop_threads() -> Iterator[None]:
    """Threads of PyTorch in this process as they were."""
    import torch

    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
