"""The process that was started: it serves nothing itself, so that it always has time for those that do.

It owns the listening sockets for HTTP, one a front-end, and hands each to whoever has that place: what waits to be
accepted there is lost neither when a front-end is replaced nor when it dies. The engine process is started first,
ended last, and left alone by all that happens to front-ends.
"""

import asyncio
import contextlib
import shutil
import socket
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from hypercube.app.engines import OnModelStatus
from hypercube.app.listening import bind_http, check_listen_address
from hypercube.app.workers.process import WorkerProcess, start_process
from hypercube.app.workers.task import Role, Task
from hypercube.core.clock import Clock, monotonic
from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.restart import RestartBudget
from hypercube.settings import Settings

_CLOSE_S: Final = 10.0
"""What a process gets to end, beyond the time for what is in flight."""
_ENGINE_CLOSE_S: Final = 20.0
"""The engine process ends processes of its own, some of which take a while."""
_PATH_BYTES: Final = 90
"""The address of a Unix socket has room for 107."""


@dataclass(slots=True)
class _Place:
    """One process that there always has to be."""

    task: Task
    budget: RestartBudget
    process: WorkerProcess | None = None
    turn: asyncio.Lock = field(default_factory=asyncio.Lock)


class Supervisor:
    """Keeps one engine process and `server.workers` front-ends; `on_line` hears what an operator should know."""

    def __init__(
        self,
        settings: Settings,
        *,
        on_status: OnModelStatus,
        on_line: Callable[[str], None],
        clock: Clock = monotonic,
    ) -> None:
        """Prepare; `running` starts the processes.

        Raises:
            HyperCubeError: INVALID_ARGUMENT for an address that is not allowed, or a Unix socket; FAILED_PRECONDITION
                elsewhere than on Linux.
        """
        if sys.platform != "linux":
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"Several front-end processes need Linux; this is {sys.platform}.",
                param="server.workers",
                value=settings.server.workers,
                fix="Serve with --workers 1.",
            )
        check_listen_address(settings.server)
        for name in ("http_socket", "grpc_socket"):
            if (path := getattr(settings.server, name)) is not None:
                raise invalid(
                    f"server.{name} belongs to one process, and there are to be {settings.server.workers}.",
                    param=f"server.{name}",
                    value=str(path),
                    fix="Serve with --workers 1, or on ports.",
                )
        self.settings = settings
        self.http_port = 0
        self.grpc_port = 0
        self._on_status = on_status
        self._on_line = on_line
        self._clock = clock
        self._alive: set[WorkerProcess] = set()
        self._fronts: list[_Place] = []
        self._engine: _Place | None = None
        self._listeners: list[socket.socket] = []
        self._vacant: set[int] = set()
        self._stopping = asyncio.Event()
        self._code = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._rolling = asyncio.Lock()

    @property
    def facts(self) -> dict[str, str]:
        """What front-ends say of themselves for the banner, by the name of its line."""
        processes = (place.process for place in self._fronts)
        return next((process.facts for process in processes if process is not None), {})

    # -- life

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator["Supervisor"]:
        """Everything runs inside the block, and has ended after it; what is in flight at its end is finished.

        Raises:
            HyperCubeError: FAILED_PRECONDITION for a taken port, or when a process does not start; what the engine
                process says is wrong with the settings.
        """
        with contextlib.ExitStack() as stack:
            folder = Path(tempfile.mkdtemp(prefix="hypercube-", dir=_short_folder()))
            stack.callback(shutil.rmtree, folder, ignore_errors=True)
            listeners = self._listeners = self._bind(stack)
            task = Task(
                Role.ENGINE, self.settings, folder, http_port=self.http_port, grpc_port=self.grpc_port
            )
            self._engine = _Place(task, RestartBudget(clock=self._clock))
            descriptors = tuple(listener.fileno() for listener in listeners)
            self._fronts = [
                _Place(
                    Task(
                        Role.FRONT,
                        self.settings,
                        folder,
                        worker,
                        descriptors,
                        self.http_port,
                        self.grpc_port,
                    ),
                    RestartBudget(clock=self._clock),
                )
                for worker in range(len(listeners))
            ]
            try:
                await self._start()
                yield self
            finally:
                await self._end()

    def _bind(self, stack: contextlib.ExitStack) -> list[socket.socket]:
        """Sockets for HTTP, one a front-end, and one that keeps the port for gRPC; each port is nobody else's."""
        server = self.settings.server
        listeners: list[socket.socket] = []
        for what, port in (("HTTP", server.http_port), ("gRPC", server.grpc_port)):
            # A port that others share by the same option would be shared without a word.
            with bind_http(server.host, port, what=what, listen=False) as free:
                chosen = free.getsockname()[1]
            if what == "HTTP":
                self.http_port = chosen
                listeners = [
                    stack.enter_context(bind_http(server.host, chosen, share=True))
                    for _ in range(server.workers)
                ]
            else:
                self.grpc_port = chosen
                stack.enter_context(bind_http(server.host, chosen, what=what, share=True, listen=False))
        return listeners

    async def _start(self) -> None:
        assert self._engine is not None
        begun = [asyncio.ensure_future(self._begin(place)) for place in (self._engine, *self._fronts)]
        try:
            await asyncio.gather(*begun)
        finally:
            for each in begun:
                each.cancel()
            await asyncio.gather(*begun, return_exceptions=True)

    async def _begin(self, place: _Place) -> None:
        """Have a new process in a place, ready.

        Raises:
            HyperCubeError: it did not get there; it is gone then, and whoever was in the place still is.
        """
        process = await start_process(place.task, self._hear, self._clock)
        self._alive.add(process)
        self._do(self._forget(process))
        try:
            await process.until_ready()
        except BaseException:
            process.kill()
            raise
        place.process = process
        place.budget.succeeded()
        self._filled(place)
        self._do(self._keep(place, process))

    async def _forget(self, process: WorkerProcess) -> None:
        await process.gone.wait()
        self._alive.discard(process)

    def _do(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    # -- keeping them alive

    async def _keep(self, place: _Place, process: WorkerProcess) -> None:
        await process.gone.wait()
        if place.process is process and place.task.role is Role.FRONT:
            self._vacant.add(place.task.worker)
            self._tell_fronts("adopt", place.task.worker)
        async with place.turn:
            while place.process is process and not self._stopping.is_set():
                if not place.budget.spend():
                    self._give_up(f"the {process.name} {process.why}; that was once too often")
                    return
                budget = place.budget
                self._on_line(
                    f"The {process.name} {process.why}; it is replaced ({budget.spent} of {budget.limit} times in "
                    f"{budget.window_s:.0f} s)."
                )
                try:
                    await self._begin(place)
                except HyperCubeError as error:
                    self._on_line(str(error))

    def _filled(self, place: _Place) -> None:
        """Somebody is ready in this place: neighbours need not stand in, and this one stands in where nobody is."""
        if place.task.role is Role.FRONT and place.process is not None:
            self._vacant.discard(place.task.worker)
            self._tell_fronts("return", place.task.worker)
            for worker in self._vacant:
                place.process.tell("adopt", worker)

    def _tell_fronts(self, *message: Any) -> None:
        for place in self._fronts:
            if place.process is not None:
                place.process.tell(*message)

    def _give_up(self, why: str) -> None:
        """End the server: whoever watches it starts it afresh, or calls a human."""
        self._on_line(f"Giving up: {why}.")
        self._code = 1
        self._stopping.set()

    def _hear(self, message: tuple[Any, ...]) -> None:
        name, *rest = message
        if name == "status":
            self._on_status(*rest)
        elif name == "line":
            self._on_line(*rest)

    # -- what the operator may do

    def stop(self) -> None:
        """End when what is in flight is finished."""
        self._stopping.set()

    async def stopped(self) -> int:
        """Wait until it is time to end; the status that the server should end with."""
        await self._stopping.wait()
        return self._code

    def roll(self) -> None:
        """Replace the front-ends one by one, without losing a request; the engine process stays."""
        if any(place.process is None for place in self._fronts) or not self._fronts:
            self._on_line("There is nothing to replace yet.")
            return
        self._do(self._roll())

    async def _roll(self) -> None:
        async with self._rolling:
            for at, place in enumerate(self._fronts):
                async with place.turn:
                    if self._stopping.is_set():
                        return
                    old = place.process
                    try:
                        await self._begin(place)
                    except HyperCubeError as error:
                        self._on_line(f"Front-end {at + 1} stays as it is: {error}")
                        return
                assert old is not None
                assert place.process is not None
                server = self.settings.server
                limit_s = max(server.chart_timeout_s, server.batch_timeout_s, server.chat_timeout_s)
                old.tell("retire", limit_s)
                self._do(self._see_off(old, limit_s + _CLOSE_S))
                # A long answer keeps the old one, not the others' turn.
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(server.drain_s + _CLOSE_S):
                        await old.gone.wait()
                self._on_line(
                    f"Front-end {at + 1} of {len(self._fronts)} replaced: {place.process.pid} for {old.pid}."
                )

    async def _see_off(self, process: WorkerProcess, limit_s: float) -> None:
        await process.until_gone(limit_s)

    # -- the end

    async def _end(self) -> None:
        self._stopping.set()
        engines = {process for process in self._alive if process.task.role is Role.ENGINE}
        fronts = self._alive - engines
        for process in fronts:
            if process.ready:
                process.tell("stop")
            else:
                process.kill()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self.settings.server.drain_s + _CLOSE_S):
                await asyncio.gather(*(process.idle.wait() for process in fronts))
        for process in fronts:
            process.tell("end")
        await asyncio.gather(*(process.until_gone(_CLOSE_S) for process in fronts))
        for listener in self._listeners:
            listener.close()  # so that nobody waits there for the engine process to end
        for process in engines:
            process.tell("stop")
        await asyncio.gather(*(process.until_gone(_ENGINE_CLOSE_S) for process in engines))
        # Whoever was just being started when the end came.
        for process in tuple(self._alive):
            process.kill()
            await process.gone.wait()
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _short_folder() -> str | None:
    """Where the folder goes: the usual place, unless its name would not fit the address of a socket."""
    return None if len(tempfile.gettempdir()) <= _PATH_BYTES - 20 else "/tmp"  # noqa: S108 - mkdtemp makes it private
