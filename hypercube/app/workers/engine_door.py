"""The engine process's side of the socket: does what front-ends ask, tells them what is served, and forgets them.

    to the engine     call     number, operation, arguments, call
                      stream   number, request, call
                      cancel   number                      no answer follows any more
    to a front-end    models   every `ServedModel`         at the beginning, and whenever one changed
                      event    number, event, marks
                      end      number, marks               after the last event
                      result   number, value, marks
                      failed   number, failure, marks

Marks are what was written on the call on its way (its timing, who served it); None where nothing is new.
A front-end that is gone has left: all that it asked for is cancelled.
"""

import asyncio
import contextlib
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import astuple
from pathlib import Path
from typing import Any, Final

from hypercube.app.engines import Engines
from hypercube.app.workers.wire import WireError, encode, read_message
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import ServedModel
from hypercube.gateway.errors import failure_of
from hypercube.observability.logs import get_logger

LOOK_S: Final = 0.1
"""Between two looks at what is served; a change of state is told at once."""
_CREDENTIALS: Final = struct.Struct("3i")
_BACKLOG: Final = 256

Operation = Callable[..., Awaitable[Any]]
"""Called with the arguments that came, and with the call behind them."""


class EngineDoor:
    """Serves the models of this process to whoever connects."""

    def __init__(self, engines: Engines, operations: Mapping[str, Operation] | None = None) -> None:
        """`operations` are offered beside those of `EngineClient` and `TokenizerClient`."""
        self._engines = engines
        self._operations: dict[str, Operation] = {
            "embed": engines.embed,
            "score": engines.score,
            "tokenize": engines.tokenize,
            "probe": lambda model, timeout_s, _: engines.probe(model, timeout_s),
            **(operations or {}),
        }
        self._visitors: set[_Visitor] = set()
        self._server: asyncio.Server | None = None
        self._shown: tuple[ServedModel, ...] = ()
        self._looking: asyncio.Task[None] | None = None

    @property
    def in_flight(self) -> int:
        """What was asked and is not finished; 0 when nothing leaks."""
        return sum(len(visitor.work) for visitor in self._visitors)

    async def open(self, path: Path) -> None:
        """Listen at `path`."""
        self._server = await asyncio.start_unix_server(self._welcome, path, backlog=_BACKLOG)
        self._looking = asyncio.create_task(self._look(), name="what is served")

    async def close(self) -> None:
        """Let everybody go; what they asked for is cancelled."""
        if self._looking is not None:
            self._looking.cancel()
        if self._server is not None:
            self._server.close()
        for visitor in tuple(self._visitors):
            visitor.leave()

    def changed(self) -> None:
        """Tell everybody what is served, if that is news."""
        shown = tuple(self._engines.models())
        if shown == self._shown:
            return
        self._shown = shown
        message = encode(("models", shown))
        for visitor in self._visitors:
            visitor.send(message)

    async def _look(self) -> None:
        while True:
            self.changed()
            await asyncio.sleep(LOOK_S)

    async def _welcome(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if not _same_user(writer):
            writer.close()
            return
        visitor = _Visitor(self._engines, self._operations, self.changed, writer)
        self._visitors.add(visitor)
        try:
            self._shown = tuple(self._engines.models())
            visitor.send(encode(("models", self._shown)))
            while (message := await read_message(reader)) is not None:
                visitor.take(message)
        except (WireError, ConnectionError) as error:
            get_logger(__name__).error("a front-end sent what is no message", error=str(error))
        finally:
            self._visitors.discard(visitor)
            visitor.leave()


class _Visitor:
    """One front-end, and the work that it has under way."""

    def __init__(
        self,
        engines: Engines,
        operations: Mapping[str, Operation],
        changed: Callable[[], None],
        writer: asyncio.StreamWriter,
    ) -> None:
        self.work: dict[int, asyncio.Task[None]] = {}
        self._engines = engines
        self._operations = operations
        self._changed = changed
        self._writer = writer

    def send(self, frame: bytes) -> None:
        if not self._writer.is_closing():
            self._writer.write(frame)

    def leave(self) -> None:
        for task in tuple(self.work.values()):
            task.cancel()
        self._writer.close()

    def take(self, message: tuple[Any, ...]) -> None:
        """Begin, or cancel, what a message asks for."""
        name, number, *rest = message
        if name == "cancel":
            if (task := self.work.get(number)) is not None:
                task.cancel()
            return
        task = self.work[number] = asyncio.create_task(self._answer(name, number, *rest))
        # Not in the task: one that is cancelled before its first step runs no line of itself.
        task.add_done_callback(lambda _: self.work.pop(number, None))

    async def _answer(self, name: str, number: int, *rest: Any) -> None:
        call: Call = rest[-1]
        try:
            await (self._stream if name == "stream" else self._call)(number, *rest)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is the answer to this request
            self.send(encode(("failed", number, failure_of(error, call.request_id), _Marks(call).news())))

    async def _call(self, number: int, operation: str, arguments: tuple[Any, ...], call: Call) -> None:
        done = self._operations.get(operation)
        if done is None:
            raise HyperCubeError(ErrorKind.INTERNAL, f"The engine process knows no operation {operation!r}.")
        value = await done(*arguments, call)
        # Whoever asked for a change sees it before hearing that it is done.
        self._changed()
        self.send(encode(("result", number, value, _Marks(call).news())))

    async def _stream(self, number: int, request: Any, call: Call) -> None:
        marks = _Marks(call)
        stream: Any = self._engines.generate(request, call)
        async with contextlib.aclosing(stream) as events:
            async for event in events:
                self.send(encode(("event", number, event, marks.news())))
                await self._writer.drain()
        self.send(encode(("end", number, marks.news())))


class _Marks:
    """What was written on a call since the last look."""

    def __init__(self, call: Call) -> None:
        self._call = call
        self._told: tuple[Any, ...] | None = None

    def news(self) -> tuple[Any, ...] | None:
        marks = (astuple(self._call.timing), self._call.served_by)
        if marks == self._told:
            return None
        self._told = marks
        return marks


def _same_user(writer: asyncio.StreamWriter) -> bool:
    """Whether the other end is a process of this user; the folder of the socket lets no other one near anyway."""
    connection = writer.get_extra_info("socket")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size)
    _, user, _ = _CREDENTIALS.unpack(raw)
    return bool(user == os.getuid())
