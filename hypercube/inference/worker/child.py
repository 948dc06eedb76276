"""A child process and the socket to it: how it starts, what it wrote last, how it ended, and its end by force."""

import asyncio
import contextlib
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final

from hypercube.inference.worker.group import end_group, kill_group

_HOST: Final = Path(__file__).with_name("host.py")
_KEPT_LINES: Final = 20
_LAST_WORDS_S: Final = 0.5
"""A socket ends a moment before the end of its process, and what it wrote last, are known."""


class Child:
    """One process that runs `worker.host`; made by `start_child`."""

    def __init__(
        self,
        process: asyncio.subprocess.Process,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        self.reader = reader
        self.writer = writer
        self._process = process
        self._stderr: deque[str] = deque(maxlen=_KEPT_LINES)
        self._listening = asyncio.ensure_future(self._keep_stderr())

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def alive(self) -> bool:
        """Whether it has not ended, as far as is known."""
        return self._process.returncode is None

    async def _keep_stderr(self) -> None:
        assert self._process.stderr is not None
        while chunk := await self._process.stderr.read(65_536):
            self._stderr.extend(line for line in chunk.decode(errors="replace").splitlines() if line.strip())

    def last_words(self) -> str:
        """The last line that it wrote to its standard error, as the end of a sentence; empty if it wrote none."""
        return f" ({self._stderr[-1].strip()})" if self._stderr else ""

    async def ending(self) -> str:
        """How it ended: "was ended by SIGKILL"; waits a moment for the news, and for its last words."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LAST_WORDS_S):
                await self._process.wait()
                await asyncio.shield(self._listening)
        code = self._process.returncode
        if code is None:
            return "closed its socket"
        if code < 0:
            with contextlib.suppress(ValueError):
                return f"was ended by {signal.Signals(-code).name}"
        return f"ended with status {code}"

    def kill(self) -> None:
        """End it and whatever it started: they share a group."""
        kill_group(self._process.pid)

    async def end(self, grace_s: float) -> None:
        """Ask it to end by closing the socket, and kill after `grace_s` what is left of it and of its group."""
        try:
            self.writer.close()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(grace_s):
                    await self._process.wait()
        finally:
            self.kill()
            self._listening.cancel()
        await self._process.wait()
        await end_group(self._process.pid)
        await asyncio.gather(self._listening, return_exceptions=True)


async def start_child(python: str, program: str, environment: Mapping[str, str]) -> Child:
    """Start a process of the interpreter `python` that hosts `program`, with `environment` beside our own."""
    # A pair of connected sockets has no address that anybody else could reach; only the child inherits its end.
    ours, theirs = socket.socketpair()
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                python,
                "-P",
                str(_HOST),
                program,
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(),),
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.DEVNULL,
                stderr=asyncio.subprocess.PIPE,
                start_new_session=True,
                env={**os.environ, **environment},
            )
        except BaseException:
            ours.close()
            raise
    return Child(process, *await asyncio.open_connection(sock=ours))


def cpu_seconds_of(pids: Sequence[int]) -> Callable[[], float]:
    """A reader of the CPU time, in seconds, that the processes `pids` have used together; it does not raise."""
    import psutil

    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]

    def read() -> float:
        used = 0.0
        for process in processes:
            # One that is gone counts nothing: its end is noticed in other ways.
            with contextlib.suppress(psutil.Error):
                times = process.cpu_times()
                used += times.user + times.system
        return used

    return read
