"""The child process of an engine: hosts one program and speaks frames with the parent over an inherited socket.

Run as a script by `worker.process`, with "module:Class" of the program and the number of the socket's descriptor.
It ends when the socket does, which also happens when the parent is killed: no model outlives the server. Nothing
heavy is imported before the program, so that thread counts in the environment are seen by every library.
"""

import asyncio
import contextlib
import importlib
import os
import signal
import socket
import sys
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if __name__ == "__main__" and __package__ is None:
    # Run by path, perhaps by another interpreter that has no such package installed.
    sys.path.append(str(Path(__file__).parents[3]))

from hypercube.core.errors import HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import ShowsTokens, engine_failed, incapable
from hypercube.inference.liveness import TICK_S
from hypercube.inference.worker.protocol import (
    Frame,
    encode,
    event_header,
    failure_header,
    read_frame,
    request_of,
    scores_frame,
    tokenize_of,
    vectors_frame,
)

if TYPE_CHECKING:
    from hypercube.inference.worker.program import EngineProgram

_CLOSE_S: Final = 5.0
"""For a program to end processes of its own."""
_FAREWELL_S: Final = 1.0
"""For the last frame to leave."""


class Host:
    """Serves the parent's frames with one program until the parent is gone or the engine is broken."""

    def __init__(
        self, program: "EngineProgram", reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._program = program
        self._reader = reader
        self._writer = writer
        self._work: dict[int, asyncio.Task[None]] = {}
        self._broken: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def run(self, settings: Mapping[str, Any]) -> bool:
        """Load and serve; returns whether the engine was whole to the end. A broken one has told the parent."""
        serving = asyncio.ensure_future(self._serve(settings))
        beating = asyncio.ensure_future(self._beat())
        tasks: tuple[asyncio.Future[Any], ...] = (serving, beating, self._broken)
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            if serving.done() and serving.exception() is None:
                return True
            await self._farewell(self._cause(serving, beating))
            return False
        finally:
            # Work under way is not answered any more: the parent fails it with the reason it just heard.
            for task in (*self._work.values(), serving, beating):
                task.cancel()
            self._broken.cancel()

    def _cause(self, *tasks: "asyncio.Future[None]") -> HyperCubeError:
        if self._broken.done():
            return self._broken.result()
        raised = [error for task in tasks if task.done() and (error := task.exception()) is not None]
        return _as_failure(raised[0])

    async def _farewell(self, error: HyperCubeError) -> None:
        self._send({"op": "fatal", "failure": failure_header(error)})
        with contextlib.suppress(OSError, TimeoutError):
            async with asyncio.timeout(_FAREWELL_S):
                await self._writer.drain()
                self._writer.close()
                await self._writer.wait_closed()

    async def _serve(self, settings: Mapping[str, Any]) -> None:
        loop = asyncio.get_running_loop()

        def say(sentence: str) -> None:
            loop.call_soon_threadsafe(self._send, {"op": "say", "text": sentence})

        loading = asyncio.ensure_future(self._program.load(settings, say))
        ending = asyncio.ensure_future(read_frame(self._reader))
        await asyncio.wait((loading, ending), return_when=asyncio.FIRST_COMPLETED)
        if ending.done() and ending.result() is None:
            return  # the parent gave up on the load
        self._send({"op": "loaded", "facts": dict(await loading)})
        watching = asyncio.ensure_future(self._watch())
        try:
            frame = await ending
            while frame is not None:
                self._take(frame)
                frame = await read_frame(self._reader)
        finally:
            watching.cancel()

    async def _watch(self) -> None:
        self._break(await self._program.broken())

    async def _beat(self) -> None:
        while True:
            self._send({"op": "alive", "steps": self._program.steps})
            await asyncio.sleep(TICK_S)

    def _break(self, error: HyperCubeError) -> None:
        if not self._broken.done():
            self._broken.set_result(error)

    def _send(self, header: Mapping[str, Any]) -> None:
        self._writer.write(encode(header))

    def _take(self, frame: Frame) -> None:
        number = frame.header["id"]
        if frame.op == "cancel":
            task = self._work.pop(number, None)
            if task is not None:
                task.cancel()
            return
        task = asyncio.get_running_loop().create_task(self._answer(number, frame))
        self._work[number] = task

    async def _answer(self, number: int, frame: Frame) -> None:
        try:
            await self._respond(number, frame)
        except HyperCubeError as error:
            if number in self._work:
                self._send({"op": "error", "id": number, "failure": failure_header(error)})
        except Exception as error:  # noqa: BLE001 - a defect of the program: the engine is not to be trusted
            self._break(_as_failure(error))
        finally:
            self._work.pop(number, None)

    async def _respond(self, number: int, frame: Frame) -> None:
        header = frame.header
        if frame.op == "generate":
            asked = self._program.generate(request_of(header["request"]), header["priority"])
            async with contextlib.aclosing(asked) as events:
                async for event in events:
                    self._send(event_header(number, event))
        elif frame.op == "embed":
            self._writer.write(vectors_frame(number, await self._program.embed(header["texts"])))
        elif frame.op == "score":
            pairs = [(query, document) for query, document in header["pairs"]]
            self._writer.write(scores_frame(number, await self._program.score(pairs)))
        elif frame.op == "tokenize":
            if not isinstance(self._program, ShowsTokens):
                raise incapable(type(self._program).__name__, Capability.TOKENIZE)
            found = await self._program.tokenize(tokenize_of(header["request"]))
            self._send({"op": "tokens", "id": number, "tokenized": asdict(found)})
        elif frame.op == "load_adapter":
            await self._program.load_adapter(header["name"], header["folder"])
            self._send({"op": "done", "id": number})
        elif frame.op == "unload_adapter":
            await self._program.unload_adapter(header["name"])
            self._send({"op": "done", "id": number})
        else:
            raise ValueError(f"a frame asks for {frame.op!r}")


def _as_failure(error: BaseException) -> HyperCubeError:
    if isinstance(error, HyperCubeError):
        return error
    return engine_failed(f"{type(error).__name__}: {error}".rstrip(".: "))


def find_program(name: str) -> "EngineProgram":
    """The program called "module:Class"."""
    module, _, attribute = name.partition(":")
    program: EngineProgram = getattr(importlib.import_module(module), attribute)()
    return program


async def _main(name: str, descriptor: int) -> None:
    code = 1
    try:
        code = await _host(name, descriptor)
    except Exception as error:  # noqa: BLE001 - the parent quotes the last line of what a process wrote
        sys.stderr.write(f"{type(error).__name__}: {error}\n")
    finally:
        # Without ceremony: an orderly end waits for threads, and native code in one of them may hang.
        sys.stderr.flush()
        os._exit(code)


async def _host(name: str, descriptor: int) -> int:
    reader, writer = await asyncio.open_connection(sock=socket.socket(fileno=descriptor))
    first = await read_frame(reader)
    if first is None:
        return 0
    try:
        program = find_program(name)
    except Exception as error:  # noqa: BLE001 - whatever it is, the parent tells the user
        writer.write(encode({"op": "fatal", "failure": failure_header(_as_failure(error))}))
        await writer.drain()
        return 1
    whole = await Host(program, reader, writer).run(first.header["settings"])
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_CLOSE_S):
            await program.close()
    return 0 if whole else 1


def main() -> None:
    """Serve until the socket ends; does not return."""
    # Ctrl-C and a supervisor's SIGTERM reach the whole group; the parent drains first and then ends us.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    asyncio.run(_main(sys.argv[1], int(sys.argv[2])))


if __name__ == "__main__":
    main()
