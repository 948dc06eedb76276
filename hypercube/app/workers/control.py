"""What goes between the supervisor and each of its processes, over a pair of sockets that nobody else has.

    from the supervisor    stop     finish what is under way, refuse the rest; an engine process ends then, a front-end
                           end      waits for this
                           retire   limit_s: as `retiring` says, then end
                           adopt    worker: accept what comes to its place, until
                           return   worker: it has a successor
    to the supervisor      ready    facts: of a front-end, sentences for the banner
                           failed   failure: it could not begin
                           idle     nothing is under way any more, after a stop
                           alive    twice a second
                           status   model, EngineStatus
                           line     a sentence for the operator

The end of the stream tells a process that its supervisor is gone: it ends at once.
"""

import asyncio
import os
import shutil
import signal
import socket
from pathlib import Path
from typing import Any, Final

from hypercube.app.workers.wire import WireError, encode, read_message
from hypercube.inference.liveness import TICK_S

ORPHANED: Final = 70
"""The status of a process whose supervisor is gone."""


class Control:
    """A process's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, folder: Path) -> None:
        self._reader = reader
        self._writer = writer
        self._folder = folder
        self._orders: asyncio.Queue[tuple[Any, ...]] = asyncio.Queue()
        self._tasks = (asyncio.create_task(self._read()), asyncio.create_task(self._beat()))

    @classmethod
    async def open(cls, descriptor: int, folder: Path) -> "Control":
        """Take up the connection; `folder` is what the server leaves behind if nobody clears up."""
        connection = socket.socket(fileno=descriptor)
        return cls(*await asyncio.open_connection(sock=connection), folder)

    def tell(self, *message: Any) -> None:
        """Send a message to the supervisor."""
        self._writer.write(encode(message))

    async def order(self) -> tuple[Any, ...]:
        """The supervisor's next order."""
        return await self._orders.get()

    async def close(self) -> None:
        """Send what is unsent, and hear no more."""
        for task in self._tasks:
            task.cancel()
        await self._writer.drain()
        self._writer.close()

    async def _read(self) -> None:
        try:
            while (message := await read_message(self._reader)) is not None:
                self._orders.put_nowait(message)
        except WireError:
            pass
        # Whoever started this is gone, and nobody would ever end it. Its engines' processes end with it.
        shutil.rmtree(self._folder, ignore_errors=True)
        os._exit(ORPHANED)

    async def _beat(self) -> None:
        while True:
            self.tell("alive")
            await asyncio.sleep(TICK_S)


def leave_signals_to_the_supervisor() -> None:
    """A service manager may signal every process of the server: the supervisor alone decides what follows."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        # A handler that does nothing, since SIG_IGN would be inherited by the engines' processes.
        signal.signal(number, lambda *_: None)
