"""Servers under test: started on a core of their own, stopped in their tracks while another one is asked."""

import contextlib
import os
import re
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx
import psutil

from hypercube.app.listening import bind_http

SERVER_CORE: Final = 0
BARE_PYTHON: Final = Path(".venv-fastapi/bin/python")
LITELLM: Final = Path(".venv-litellm/bin/litellm")
_BANNER: Final = re.compile(r"HTTP\s+http://127\.0\.0\.1:(\d+).*?gRPC\s+127\.0\.0\.1:(\d+)", re.DOTALL)
_START_S: Final = 120.0
_STOP_S: Final = 20.0
_LOOK_S: Final = 0.4
KEY: Final = f"sk-{secrets.token_hex(32)}"
"""The master key without which LiteLLM does not start."""
_LITELLM_CONFIG: Final = """\
model_list:
  - model_name: fixed
    litellm_params:
      model: openai/fixed
      api_base: http://127.0.0.1:{port}/v1
      api_key: none
"""


@dataclass
class Running:
    """A server that answers."""

    name: str
    pid: int
    port: int
    grpc_port: int = 0

    def family(self) -> list[psutil.Process]:
        """Its processes."""
        parent = psutil.Process(self.pid)
        return [parent, *parent.children(recursive=True)]

    def cpu_s(self) -> float:
        """Processor seconds so far, user's and system's."""
        return sum(each.cpu_times().user + each.cpu_times().system for each in self.family())

    def settle(self) -> None:
        """Wait until it has nothing of its own to do: kernels are compiled after a server is ready."""
        quiet, before = 0, self.cpu_s()
        for _ in range(int(_START_S / _LOOK_S)):
            time.sleep(_LOOK_S)
            now = self.cpu_s()
            quiet = quiet + 1 if now - before < 0.2 * _LOOK_S else 0
            if quiet == 3:
                return
            before = now
        raise SystemExit(f"{self.name} is still busy with itself after {_START_S:g} s")

    @contextlib.contextmanager
    def awake(self) -> Iterator[None]:
        """Let it run; outside of this it is stopped, so that what it does by itself disturbs nobody."""
        self._signal(signal.SIGCONT)
        try:
            yield
        finally:
            self._signal(signal.SIGSTOP)

    def _signal(self, which: signal.Signals) -> None:
        for each in self.family():
            each.send_signal(which)


@contextlib.contextmanager
def _process(
    command: list[str], core: int | str, variables: Mapping[str, str], log: Path
) -> Iterator[subprocess.Popen[bytes]]:
    environment = {**os.environ, "PYTHONPATH": str(Path.cwd()), **variables}
    with log.open("wb") as stream:
        process = subprocess.Popen(
            ["taskset", "-c", str(core), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        with contextlib.suppress(psutil.NoSuchProcess):
            family = [psutil.Process(process.pid), *psutil.Process(process.pid).children(recursive=True)]
            for each in family:
                each.send_signal(signal.SIGCONT)
            process.terminate()
            _, alive = psutil.wait_procs(family, timeout=_STOP_S)
            for each in alive:
                each.kill()
        process.wait()


def _until(answers: httpx.Request, process: "subprocess.Popen[bytes]", log: Path) -> None:
    began = time.monotonic()
    with httpx.Client(timeout=10, trust_env=False) as client:
        while True:
            with contextlib.suppress(httpx.HTTPError):
                if client.send(answers).status_code == 200:
                    return
            if process.poll() is not None or time.monotonic() - began > _START_S:
                raise SystemExit(f"the server did not start: {log.read_text(errors='replace')[-3000:]}")
            time.sleep(0.2)


@contextlib.contextmanager
def hypercube(
    name: str, *arguments: str, core: int | str = SERVER_CORE, **variables: str
) -> Iterator[Running]:
    """A whole server by its command line, ready; `core` may list several: "0,1"."""
    command = [sys.executable, "-m", "hypercube", "serve", "--http-port", "0", "--grpc-port", "0", *arguments]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with _process(command, core, variables, log) as process:
            began = time.monotonic()
            while (found := _BANNER.search(log.read_text(errors="replace"))) is None:
                if process.poll() is not None or time.monotonic() - began > _START_S:
                    raise SystemExit(f"the server did not start: {log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)
            port, grpc_port = int(found[1]), int(found[2])
            _until(httpx.Request("GET", f"http://127.0.0.1:{port}/readyz"), process, log)
            running = Running(name, process.pid, port, grpc_port)
            running.settle()
            yield running


def _free_port() -> int:
    with bind_http("127.0.0.1", 0) as probe:
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def bare(module: str, *arguments: str, python: Path, core: int = SERVER_CORE) -> Iterator[Running]:
    """One of the small servers beside this file; it is on its port when this returns."""
    port = _free_port()
    command = [str(python), "-m", f"benchmarks.gateway.{module}", str(port), *arguments]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        with _process(command, core, {}, log) as process:
            began = time.monotonic()
            while not _listens(port):
                if process.poll() is not None or time.monotonic() - began > _START_S:
                    raise SystemExit(f"{module} did not start: {log.read_text(errors='replace')[-3000:]}")
                time.sleep(0.1)
            yield Running(module, process.pid, port)


def _listens(port: int) -> bool:
    import socket

    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextlib.contextmanager
def litellm(command: Path, upstream_port: int, core: int = SERVER_CORE) -> Iterator[Running]:
    """The LiteLLM proxy in front of the upstream server: one worker, no database, its master key, quiet logs."""
    port = _free_port()
    with tempfile.TemporaryDirectory() as folder:
        config, log = Path(folder) / "config.yaml", Path(folder) / "log"
        config.write_text(_LITELLM_CONFIG.format(port=upstream_port))
        variables = {
            "LITELLM_MASTER_KEY": KEY,
            "LITELLM_LOG": "ERROR",
            "LITELLM_MODE": "PRODUCTION",
            "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        }
        arguments = [
            "--config",
            str(config),
            "--host",
            "127.0.0.1",
            "--port",
            str(port),
            "--num_workers",
            "1",
        ]
        with _process([str(command), *arguments], core, variables, log) as process:
            _until(httpx.Request("GET", f"http://127.0.0.1:{port}/health/liveliness"), process, log)
            running = Running("litellm", process.pid, port)
            running.settle()
            yield running


def versions(python: Path, litellm_command: Path) -> dict[str, str]:
    """What the rivals are, from their own environments."""
    wanted = {
        python: ("fastapi", "starlette", "uvicorn", "uvloop", "httptools", "pydantic", "grpcio"),
        litellm_command.parent / "python": ("litellm",),
        Path(sys.executable): ("starlette", "uvicorn", "uvloop", "httptools", "pydantic", "grpcio", "httpx"),
    }
    found: dict[str, str] = {}
    for interpreter, packages in wanted.items():
        code = f"import importlib.metadata as m; print(*(m.version(p) for p in {packages!r}))"
        if interpreter.exists():
            done = subprocess.run([interpreter, "-c", code], capture_output=True, text=True, check=False)
            ours = "hypercube's " if interpreter == Path(sys.executable) else ""
            found |= {ours + name: is_ for name, is_ in zip(packages, done.stdout.split(), strict=False)}
    return found
