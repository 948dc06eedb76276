"""The parent's side: an `Engine` whose work is done by a program in a child process.

A child that is killed, stopped or hung is noticed within 5 s, fails everything it owed with ENGINE_FAILED, and is
ended with its whole process group.
"""

import asyncio
import sys
from collections.abc import AsyncGenerator, Callable, Coroutine, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, Final

from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest, Tokenized, TokenizeRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.engine import Embedded, Scored, engine_failed, incapable
from hypercube.inference.liveness import Liveness, until_hung
from hypercube.inference.worker.child import Child, cpu_seconds_of, start_child
from hypercube.inference.worker.protocol import (
    Frame,
    FrameError,
    encode,
    error_of,
    event_of,
    read_frame,
    request_header,
    scores_of,
    tokenized_of,
    vectors_of,
)

_BEAT: Final = GenerationEvent()
_THREADS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")

Answers = asyncio.Queue[Frame | HyperCubeError]


class WorkerEngine:
    """One program in one child process; subclasses and callers say which, and with what settings."""

    def __init__(
        self,
        program: str,
        settings: Mapping[str, Any],
        *,
        capabilities: frozenset[Capability],
        description: str,
        context_length: int,
        slots: int,
        threads: int,
        python: str = sys.executable,
        environment: Mapping[str, str] | None = None,
        load_timeout_s: float = 600.0,
        exit_grace_s: float = 3.0,
        clock: Clock = monotonic,
    ) -> None:
        """Prepare; `load` starts the process.

        Args:
            program: "module:Class" of an `EngineProgram`, importable in the child.
            settings: JSON types for the program's `load`; "path" is added (None for a model without files).
            capabilities: what the program can do with its model.
            description: what runs where, until the program says it better.
            context_length: tokens of prompt and answer together, until the program corrects it.
            slots: generations at once.
            threads: CPU threads of the numeric libraries, set before any of them is imported.
            python: the child's interpreter; it may be of another environment.
            environment: variables of the child beside this process's own.
            load_timeout_s: a load that takes longer is broken.
            exit_grace_s: from the end of the socket to SIGKILL.
            clock: seconds, for the judgement whether the child lives.
        """
        self.capabilities = capabilities
        self.description = description
        self.context_length = context_length
        self.slots = slots
        self._program = program
        self._settings = dict(settings)
        self._python = python
        # More threads than cores wait for each other; the libraries read this once, when they are imported.
        self._environment = {**dict.fromkeys(_THREADS, str(threads)), **(environment or {})}
        self._load_timeout_s = load_timeout_s
        self._exit_grace_s = exit_grace_s
        self._clock = clock
        self._child: Child | None = None
        self._liveness: Liveness | None = None
        self._answers: dict[int, Answers] = {}
        self._next = 0
        self._steps = 0
        self._tasks: set[asyncio.Task[None]] = set()
        self._failure: HyperCubeError | None = None
        self._failed = asyncio.Event()
        self._unloading = False

    @property
    def pid(self) -> int | None:
        """The child's process id while there is one."""
        return self._child.pid if self._child is not None else None

    @property
    def in_flight(self) -> int:
        """Requests that the child has not finished; 0 when nothing leaks."""
        return len(self._answers)

    # -- life

    def check(self) -> None:
        """Refuse, before anything is started, what this machine cannot run; the base class refuses Windows."""
        if sys.platform == "win32":
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                "Engines in a process of their own need UNIX sockets, which this platform lacks.",
                fix="Serve another model: --model fake.",
            )

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        """Start the child and wait until its program has opened the model."""
        self.check()
        try:
            async with asyncio.timeout(self._load_timeout_s):
                await self._start(path, on_status)
        except TimeoutError:
            await self.unload()
            raise engine_failed(f"loading took more than {self._load_timeout_s:g} s") from None
        except BaseException:
            await self.unload()
            raise

    async def _start(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        self._child = child = await start_child(self._python, self._program, self._environment)
        self._write({"op": "load", "settings": {**self._settings, "path": str(path) if path else None}})
        try:
            facts = await self._loaded(child.reader, on_status)
        except (FrameError, ConnectionError):
            facts = None
        if facts is None:
            raise engine_failed(f"its process {await child.ending()} while loading{child.last_words()}")
        self.context_length = int(facts.get("context_length", self.context_length))
        self.description = str(facts.get("description", self.description))
        # An idle CPU proves nothing where the work is on a device.
        pids = facts.get("pids", [child.pid]) if facts.get("device", "cpu") == "cpu" else None
        cpu_seconds = None if pids is None else cpu_seconds_of(pids)
        self._liveness = Liveness(self._clock, cpu_seconds=cpu_seconds)
        self._spawn(self._listen(child, self._liveness))
        self._spawn(self._guard(child, self._liveness))

    async def _loaded(
        self, reader: asyncio.StreamReader, on_status: Callable[[str], None]
    ) -> Mapping[str, Any] | None:
        while (frame := await read_frame(reader)) is not None:
            if frame.op == "loaded":
                facts: Mapping[str, Any] = frame.header["facts"]
                return facts
            if frame.op == "fatal":
                raise error_of(frame.header["failure"])
            if frame.op == "say":
                on_status(frame.header["text"])
        return None

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _listen(self, child: Child, liveness: Liveness) -> None:
        broken = None
        try:
            while (frame := await read_frame(child.reader)) is not None:
                liveness.heard()
                if frame.op == "fatal":
                    self._fail(error_of(frame.header["failure"]))
                else:
                    self._take(frame, liveness)
        except (FrameError, ConnectionError, KeyError, TypeError, ValueError) as error:
            broken = f"its process speaks nonsense: {type(error).__name__} {error}"
        if self._unloading:
            return  # it was asked to end, and is given its time
        if self._failure is None:
            ended = f"its process {await child.ending()}{child.last_words()}"
            self._fail(engine_failed(broken if broken and child.alive else ended))
        child.kill()

    def _take(self, frame: Frame, liveness: Liveness) -> None:
        if frame.op == "alive":
            steps = int(frame.header["steps"])
            if steps != self._steps:
                self._steps = steps
                liveness.progressed()
                for answers in self._answers.values():
                    if answers.empty():
                        answers.put_nowait(frame)
            return
        liveness.progressed()
        number = frame.header["id"]
        answers_of = self._answers.get(number)
        if answers_of is None:
            return  # cancelled meanwhile
        answers_of.put_nowait(frame)
        if frame.op != "event" or "finish" in frame.header:
            # Answered in full: what is left is the reader's to read, and the child owes nothing.
            self._forget(number)

    async def _guard(self, child: Child, liveness: Liveness) -> None:
        verdict = await until_hung(liveness)
        self._fail(engine_failed(verdict))
        child.kill()

    def _fail(self, error: HyperCubeError) -> None:
        """The engine is broken from now on; the first reason stays."""
        if self._failure is None:
            self._failure = error
            self._failed.set()
            for answers in self._answers.values():
                answers.put_nowait(_again(error))

    # -- work

    def _write(self, header: Mapping[str, Any]) -> None:
        if self._child is not None and not self._child.writer.is_closing():
            self._child.writer.write(encode(header))

    def _begin(self, header: Mapping[str, Any]) -> tuple[int, Answers]:
        if self._failure is not None:
            raise _again(self._failure)
        if self._liveness is None or self._unloading:
            raise engine_failed("it is not loaded")
        self._next += 1
        answers: Answers = asyncio.Queue()
        self._answers[self._next] = answers
        self._liveness.working(len(self._answers))
        try:
            self._write({**header, "id": self._next})
        except FrameError as error:
            self._forget(self._next)
            raise HyperCubeError(ErrorKind.PAYLOAD_TOO_LARGE, f"The request is too large: {error}.") from None
        return self._next, answers

    def _forget(self, number: int) -> bool:
        """Whether the child still owed something to `number`."""
        owed = self._answers.pop(number, None) is not None
        if self._liveness is not None:
            self._liveness.working(len(self._answers))
        return owed

    def _end(self, number: int) -> None:
        if self._forget(number):
            self._write({"op": "cancel", "id": number})

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the answer; closing the iterator cancels the request in the child."""
        header = {"op": "generate", "request": request_header(request), "priority": int(call.priority)}
        number, answers = self._begin(header)
        try:
            while True:
                frame = await answers.get()
                if isinstance(frame, HyperCubeError):
                    raise frame
                if frame.op == "error":
                    raise error_of(frame.header["failure"])
                event = _BEAT if frame.op == "alive" else event_of(frame.header)
                yield event
                if event.finish_reason is not None:
                    return
        finally:
            self._end(number)

    async def embed(self, texts: Sequence[str]) -> Sequence[Embedded]:
        """One forward pass over the batch, in the child."""
        return vectors_of(await self._ask({"op": "embed", "texts": list(texts)}))

    async def score(self, pairs: Sequence[tuple[str, str]]) -> Sequence[Scored]:
        """One forward pass over the batch, in the child."""
        return scores_of(await self._ask({"op": "score", "pairs": [list(pair) for pair in pairs]}))

    async def tokenize(self, request: TokenizeRequest) -> Tokenized:
        """Use the child's tokenizer, where it has the capability."""
        if Capability.TOKENIZE not in self.capabilities:
            raise incapable(type(self).__name__, Capability.TOKENIZE)
        frame = await self._ask({"op": "tokenize", "request": asdict(request)})
        return tokenized_of(frame.header["tokenized"])

    async def load_adapter(self, name: str, folder: Path) -> None:
        """Load a LoRA adapter in the child, where it has the capability."""
        self._check_adapters()
        await self._ask({"op": "load_adapter", "name": name, "folder": str(folder)})

    async def unload_adapter(self, name: str) -> None:
        """Forget a LoRA adapter in the child, where it has the capability."""
        self._check_adapters()
        await self._ask({"op": "unload_adapter", "name": name})

    def _check_adapters(self) -> None:
        if Capability.ADAPTERS not in self.capabilities:
            raise incapable(type(self).__name__, Capability.ADAPTERS)

    async def _ask(self, header: Mapping[str, Any]) -> Frame:
        number, answers = self._begin(header)
        try:
            while True:
                frame = await answers.get()
                if isinstance(frame, HyperCubeError):
                    raise frame
                if frame.op == "error":
                    raise error_of(frame.header["failure"])
                if frame.op != "alive":
                    return frame
        finally:
            self._end(number)

    # -- end

    async def died(self) -> HyperCubeError:
        """Wait until the child has ended, hangs, or said that it is broken."""
        await self._failed.wait()
        assert self._failure is not None
        return self._failure

    async def unload(self) -> None:
        """End the child: ask by closing the socket, then kill, its process group included."""
        self._unloading = True
        child, self._child = self._child, None
        try:
            if child is not None:
                # One that broke, or is still loading, has nothing to end in good order.
                at_once = self._failure is not None or self._liveness is None
                await child.end(0.0 if at_once else self._exit_grace_s)
        finally:
            for task in self._tasks:
                task.cancel()
        for answers in self._answers.values():
            answers.put_nowait(engine_failed("it was unloaded"))
        self._answers.clear()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _again(error: HyperCubeError) -> HyperCubeError:
    """A copy for one waiter: exceptions carry tracebacks, and callers add `retry_after_s`."""
    return HyperCubeError.of(error.failure())
