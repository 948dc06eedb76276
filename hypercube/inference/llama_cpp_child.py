"""The child process that holds a GGUF model: how it starts, what it wrote last, the work it does, and its end."""

import asyncio
import contextlib
import importlib.util
import json
import shutil
import signal
import sys
import tempfile
from collections import deque
from collections.abc import Callable, Coroutine, Mapping
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import engine_failed

_WORKER: Final = Path(__file__).with_name("llama_cpp_worker.py")
_LONGEST_SOCKET_PATH: Final = 100
"""Bytes that fit a socket address on every UNIX."""
_KEPT_LINES: Final = 20
_EXIT_GRACE_S: Final = 2.0
_READ_BYTES_PER_S: Final = 1e8
"""Reading weights from disk is work too: so many bytes count as a second of CPU time."""


class LlamaCppChild:
    """One process that runs `llama_cpp_worker`, and a folder for its socket that only this user can enter."""

    def __init__(self) -> None:
        """Nothing is started yet."""
        self._folder: Path | None = None
        self._process: asyncio.subprocess.Process | None = None
        self._stderr: deque[str] = deque(maxlen=_KEPT_LINES)
        self._reading: list[asyncio.Task[None]] = []

    @property
    def pid(self) -> int | None:
        """Its process id while there is one."""
        return self._process.pid if self._process is not None else None

    @property
    def folder(self) -> Path | None:
        """Where its socket is, from its start to its end."""
        return self._folder

    async def start(self, settings: Mapping[str, object]) -> Path:
        """Start it with `settings` and the path of its socket, which is returned when the model is in memory.

        Whatever comes of that, `end` must follow.

        Raises:
            HyperCubeError: ENGINE_FAILED, it ended or could not load the model.
        """
        self._folder = _private_folder()
        socket = self._folder / "engine.sock"
        # -P: the child takes no module from the script's folder or the current one.
        process = self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-P",
            str(_WORKER),
            json.dumps({**settings, "socket": str(socket)}),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        assert process.stdout is not None
        assert process.stderr is not None
        self._read(self._keep_stderr(process.stderr))
        await self._loaded(process, process.stdout)
        self._read(_let_go(process.stdout))
        return socket

    def _read(self, work: Coroutine[Any, Any, None]) -> None:
        self._reading.append(asyncio.get_running_loop().create_task(work))

    async def _keep_stderr(self, stderr: asyncio.StreamReader) -> None:
        while chunk := await stderr.read(65_536):
            self._stderr.extend(line for line in chunk.decode(errors="replace").splitlines() if line.strip())

    async def _loaded(self, process: asyncio.subprocess.Process, stdout: asyncio.StreamReader) -> None:
        while True:
            try:
                line = await stdout.readline()
                word = json.loads(line) if line else None
            except ValueError:
                continue  # native code may print, even lines longer than the reader keeps
            if not line:
                break
            if isinstance(word, dict) and word.get("ready"):
                return
            if isinstance(word, dict) and "error" in word:
                raise engine_failed(f"it could not load the model: {word['error']}{self._last_words()}")
        await process.wait()
        raise engine_failed(f"its process {_ending(process)} while loading{self._last_words()}")

    async def ended(self) -> str:
        """Wait for its end; says how that was: "its process was ended by SIGKILL"."""
        assert self._process is not None
        await self._process.wait()
        return f"its process {_ending(self._process)}{self._last_words()}"

    def _last_words(self) -> str:
        return f" ({self._stderr[-1]})" if self._stderr else ""

    def kill(self) -> None:
        """End it at once; harmless when it has ended."""
        if self._process is not None and self._process.returncode is None:
            self._process.kill()

    async def end(self) -> None:
        """Ask it to end by closing its input, kill it if that takes long, and remove its folder."""
        try:
            if self._process is not None:
                await _end(self._process)
        finally:
            self.kill()
            if self._folder is not None:
                shutil.rmtree(self._folder, ignore_errors=True)
                self._folder = None
        self._process = None
        await asyncio.gather(*self._reading, return_exceptions=True)


async def _let_go(stdout: asyncio.StreamReader) -> None:
    """Take what native code prints later, or it would come to a halt when the pipe is full."""
    while await stdout.read(65_536):
        pass


async def _end(process: asyncio.subprocess.Process) -> None:
    if process.stdin is not None:
        process.stdin.close()
    try:
        async with asyncio.timeout(_EXIT_GRACE_S):
            await process.wait()
    except TimeoutError:
        process.kill()
        await process.wait()


def work_meter(pid: int) -> Callable[[], float]:
    """CPU seconds that a process has used, what it reads from disk counted as such; holds still when it is gone."""
    import psutil

    last = 0.0
    try:
        process = psutil.Process(pid)
    except psutil.Error:
        return lambda: last

    def read() -> float:
        nonlocal last
        with contextlib.suppress(psutil.Error, OSError):
            times = process.cpu_times()
            last = max(last, times.user + times.system)
        return last + _bytes_read(process) / _READ_BYTES_PER_S

    return read


def _bytes_read(process: Any) -> int:
    import psutil

    # Where the kernel does not say, and on systems without the call, only CPU time counts.
    with contextlib.suppress(psutil.Error, OSError, AttributeError):
        return int(process.io_counters().read_bytes)
    return 0


def _ending(process: asyncio.subprocess.Process) -> str:
    code = process.returncode
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _private_folder() -> Path:
    """A new folder of mode 0700 whose socket path fits an address."""
    folder = Path(tempfile.mkdtemp(prefix="hypercube-engine-"))
    if len(bytes(folder / "engine.sock")) > _LONGEST_SOCKET_PATH:
        folder.rmdir()
        folder = Path(tempfile.mkdtemp(prefix="hypercube-engine-", dir="/tmp"))
    return folder


def require_platform() -> None:
    """Refuse with FAILED_PRECONDITION where the child could not run."""
    if importlib.util.find_spec("xllamacpp") is None:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "The llama.cpp engine needs the package xllamacpp, which is not installed.",
            fix="Install the extra: pip install 'heal7-hypercube[llama]', or serve another model: --model fake.",
        )
    if sys.platform == "win32":
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "The llama.cpp engine needs UNIX sockets, which this platform lacks.",
            fix="Serve another model: --model fake.",
        )
