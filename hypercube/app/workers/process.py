"""The supervisor's side of one process."""

import asyncio
import contextlib
import os
import signal
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from hypercube.app.workers.task import Task, write_task
from hypercube.app.workers.wire import WireError, encode, read_message
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.liveness import Liveness, until_hung

START_S: Final = 120.0
"""How long a process may take until it is ready; the first start on a machine compiles kernels."""
_FAREWELL_S: Final = 10.0
"""From the end of its socket to its own."""
_ROOT: Final = Path(__file__).parents[3]

Hear = Callable[[tuple[Any, ...]], None]
"""Told of every message but those that this module is about."""


class WorkerProcess:
    """One process of the server; made by `start_process`."""

    def __init__(
        self,
        task: Task,
        process: asyncio.subprocess.Process,
        streams: tuple[asyncio.StreamReader, asyncio.StreamWriter],
        hear: Hear,
        clock: Clock,
    ) -> None:
        self.task = task
        self.gone = asyncio.Event()
        self.idle = asyncio.Event()
        """It was stopped and has nothing left to do, or is gone."""
        self.why = ""
        """How it ended, as the end of a sentence."""
        self.facts: dict[str, str] = {}
        """Of a front-end that is ready: sentences for the banner, by the name of their line."""
        self._process = process
        self._reader, self._writer = streams
        self._hear = hear
        self._clock = clock
        self._ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._failure: HyperCubeError | None = None
        self._watching = asyncio.create_task(self._watch(), name=f"watch {self.name}")

    @property
    def pid(self) -> int:
        """Its process id."""
        return self._process.pid

    @property
    def name(self) -> str:
        """As the operator reads it."""
        return f"{self.task.role.value} {self.pid}"

    async def until_ready(self) -> None:
        """Wait until it serves.

        Raises:
            HyperCubeError: what it says is wrong; FAILED_PRECONDITION when it ended, or took more than `START_S`.
        """
        try:
            async with asyncio.timeout(START_S):
                await asyncio.shield(self._ready)
        except TimeoutError:
            raise _not_started(f"the {self.name} was not ready within {START_S:g} s") from None

    @property
    def ready(self) -> bool:
        """Whether it ever served."""
        return self._ready.done() and self._ready.exception() is None

    def tell(self, *message: Any) -> None:
        """Give an order."""
        if not self._writer.is_closing():
            self._writer.write(encode(message))

    async def until_gone(self, limit_s: float) -> bool:
        """Wait for its end; after `limit_s`, force it. Whether it ended by itself and in good order."""
        try:
            async with asyncio.timeout(limit_s):
                await self.gone.wait()
        except TimeoutError:
            self.kill()
            await self.gone.wait()
        return self._process.returncode == 0

    def kill(self) -> None:
        """End it at once."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, signal.SIGKILL)

    async def _watch(self) -> None:
        hung = ""
        reading = asyncio.create_task(self._read())
        ending = asyncio.create_task(self._process.wait())
        try:
            await asyncio.wait((reading, ending), return_when=asyncio.FIRST_COMPLETED)
            hung = reading.result() if reading.done() else ""
            if not ending.done():
                # Its socket closes a moment before it ends; one that hangs, or babbles, has to be ended.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(0.0 if hung else _FAREWELL_S):
                        await asyncio.shield(ending)
                if not ending.done():
                    self.kill()
            await ending
            with contextlib.suppress(TimeoutError):
                # Its last words may still be unread.
                async with asyncio.timeout(1.0):
                    await reading
        finally:
            reading.cancel()
            self._writer.close()
            self.why = hung or _how(self._process.returncode)
            if not self._ready.done():
                self._ready.set_exception(self._failure or _not_started(f"the {self.name} {self.why}"))
                self._ready.exception()  # somebody may have stopped waiting
            self.idle.set()
            self.gone.set()

    async def _read(self) -> str:
        """Take messages until they end; why it has to be ended by force, or nothing."""
        liveness: Liveness | None = None
        watching: asyncio.Task[str] | None = None
        silent_s = self.task.settings.server.worker_silence_s
        reading = asyncio.create_task(read_message(self._reader))
        try:
            while True:
                await asyncio.wait(
                    {reading} if watching is None else {reading, watching},
                    return_when=asyncio.FIRST_COMPLETED,
                )
                if not reading.done():
                    assert watching is not None
                    return f"showed {watching.result()}"
                message = reading.result()
                if message is None:
                    return ""
                reading = asyncio.create_task(read_message(self._reader))
                if liveness is not None:
                    liveness.heard()
                if message[0] == "ready":
                    # Only now: whoever starts imports, which takes the whole interpreter.
                    liveness = Liveness(self._clock, silent_s=silent_s)
                    watching = asyncio.create_task(until_hung(liveness))
                self._take(message)
        except WireError as error:
            return f"sent what is no message: {error}"
        finally:
            reading.cancel()
            if watching is not None:
                watching.cancel()

    def _take(self, message: tuple[Any, ...]) -> None:
        if message[0] == "ready":
            self.facts = message[1]
            if not self._ready.done():
                self._ready.set_result(None)
        elif message[0] == "failed":
            self._failure = HyperCubeError.of(message[1])
        elif message[0] == "idle":
            self.idle.set()
        elif message[0] != "alive":
            self._hear(message)


async def start_process(task: Task, hear: Hear, clock: Clock) -> WorkerProcess:
    """Start a process for `task`, in a session of its own: a Ctrl-C is for the supervisor."""
    ours, theirs = socket.socketpair()
    path = os.pathsep.join(filter(None, (str(_ROOT), os.environ.get("PYTHONPATH"))))
    with theirs:
        try:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "hypercube.app.workers",
                str(theirs.fileno()),
                pass_fds=(theirs.fileno(), *task.listeners),
                stdin=asyncio.subprocess.DEVNULL,
                start_new_session=True,
                env={**os.environ, "PYTHONPATH": path},
            )
            write_task(ours, task)
        except BaseException:
            ours.close()
            raise
    return WorkerProcess(task, process, await asyncio.open_connection(sock=ours), hear, clock)


def _how(code: int | None) -> str:
    if code is not None and code < 0:
        with contextlib.suppress(ValueError):
            return f"was ended by {signal.Signals(-code).name}"
    return f"ended with status {code}"


def _not_started(what: str) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"The server could not be started: {what}.",
        fix="Look at what it wrote above.",
    )
