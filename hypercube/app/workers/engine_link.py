"""A front-end's side of the socket: the models of the engine process, behind the contracts of `core.engine`.

What is served is known from the last that the engine process told (it tells every change, at most 0.1 s late), so it
can be shown at once. While the engine process is away every model is shown as failed, and requests for them are
refused at once; those that were under way end with ENGINE_FAILED. Charts need none of this.
"""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Iterator, Sequence
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Final

from hypercube.app.workers.wire import WireError, encode, read_message
from hypercube.core.clock import Clock, monotonic
from hypercube.core.cube import Call, Timing
from hypercube.core.engine import (
    EmbeddingRequest,
    Embeddings,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
    Tokenized,
    TokenizeRequest,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import ModelCommand, ModelOutcome
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel
from hypercube.inference.admission import deadline_exceeded, remaining_s
from hypercube.inference.engine import engine_failed
from hypercube.observability.logs import get_logger

AWAY: Final = "the engine process is not there; it is being started"
RETRY_S: Final = 5.0
"""What whoever needs the engine process is told to wait while it is away."""
_AGAIN_S: Final = 0.05
"""Between two tries to reach the engine process."""
_SLACK_S: Final = 0.25
"""The engine process sees a deadline pass first, and says where; this is for when it says nothing."""


class EngineLink:
    """The `app.engines.SharedEngines` of a front-end."""

    def __init__(self, path: Path, *, clock: Clock = monotonic) -> None:
        """`path` is where the engine process listens; `clock` is the one that deadlines are made with."""
        self._path = path
        self._clock = clock
        self._writer: asyncio.StreamWriter | None = None
        self._models: tuple[ServedModel, ...] = ()
        self._known = asyncio.Event()
        self._answers: dict[int, _Queue] = {}
        self._next = 0
        self._keeping: asyncio.Task[None] | None = None

    # -- the connection

    def start(self) -> None:
        """Connect, and again whenever the connection ends."""
        if self._keeping is None:
            self._keeping = asyncio.create_task(self._keep(), name="engine link")

    async def known(self) -> None:
        """Wait until the engine process has told what is served."""
        await self._known.wait()

    async def close(self) -> None:
        """Leave the engine process; what is under way there is cancelled."""
        if self._keeping is not None:
            self._keeping.cancel()
            await asyncio.gather(self._keeping, return_exceptions=True)

    async def _keep(self) -> None:
        while True:
            try:
                reader, writer = await asyncio.open_unix_connection(self._path)
            except OSError:
                await asyncio.sleep(_AGAIN_S)
                continue
            try:
                await self._read(reader, writer)
            except (WireError, OSError) as error:
                get_logger(__name__).error("the engine process cannot be understood", error=str(error))
            finally:
                self._lost()
                writer.close()

    async def _read(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (message := await read_message(reader)) is not None:
            if message[0] == "models":
                self._models = message[1]
                self._writer = writer
                self._known.set()
            elif (answers := self._answers.get(message[1])) is not None:
                answers.put_nowait(message)

    def _lost(self) -> None:
        self._writer = None
        status = EngineStatus(EngineState.FAILED, AWAY)
        self._models = tuple(
            replace(
                model,
                status=status,
                versions=tuple(replace(each, status=status, in_flight=0) for each in model.versions),
            )
            for model in self._models
        )
        failure = engine_failed("the engine process ended", retry_after_s=RETRY_S).failure()
        for number, answers in self._answers.items():
            answers.put_nowait(("failed", number, failure, None))

    # -- what it serves

    def models(self) -> Sequence[ServedModel]:
        """Every model of the engine process, ready or not."""
        return self._models

    @property
    def ready(self) -> bool:
        """Whether a request for any model is taken in now; those that the operator unloaded do not count."""
        return all(
            model.accepting for model in self._models if model.status.state is not EngineState.UNLOADED
        )

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        """Stream the continuation of a chat; see `EngineClient.generate`."""
        with self._asked("stream", request, call) as answers:
            while (message := await self._answer(answers, call))[0] == "event":
                yield message[2]

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        """Vectors of texts; see `EngineClient.embed`."""
        found: Embeddings = await self.ask("embed", request, call=call)
        return found

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        """Scores of documents against a query; see `EngineClient.score`."""
        found: Scores = await self.ask("score", request, call=call)
        return found

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """Text to tokens or back; see `TokenizerClient.tokenize`."""
        found: Tokenized = await self.ask("tokenize", request, call=call)
        return found

    async def probe(self, model: str, timeout_s: float) -> None:
        """Generate one token for real within `timeout_s`; see `EngineClient.probe`."""
        await self.ask("probe", model, timeout_s, call=Call(deadline=self._clock() + timeout_s + _SLACK_S))

    async def operate(self, command: ModelCommand, who: str) -> ModelOutcome:
        """Do what an administrator asks for; see `ModelOperator.operate`."""
        outcome: ModelOutcome = await self.ask("operate", command, who, call=Call())
        return outcome

    async def ask(self, operation: str, *arguments: Any, call: Call) -> Any:
        """Have the engine process do one of the operations that its door offers.

        Raises:
            HyperCubeError: UNAVAILABLE while it is away, ENGINE_FAILED when it ends meanwhile; as the operation.
        """
        with self._asked("call", operation, arguments, call) as answers:
            return (await self._answer(answers, call))[2]

    # -- questions under way

    @contextlib.contextmanager
    def _asked(self, name: str, *rest: Any) -> Iterator["_Queue"]:
        if self._writer is None:
            raise HyperCubeError(
                ErrorKind.UNAVAILABLE,
                f"No model can answer: {AWAY}.",
                fix=f"Try again in {RETRY_S:.0f} s.",
                retry_after_s=RETRY_S,
            )
        number = self._next = self._next + 1
        frame = encode((name, number, *rest))
        answers = self._answers[number] = _Queue()
        writer = self._writer
        writer.write(frame)
        try:
            yield answers
        finally:
            del self._answers[number]
            if not answers.over and not writer.is_closing():
                writer.write(encode(("cancel", number)))

    async def _answer(self, answers: "_Queue", call: Call) -> tuple[Any, ...]:
        """The next message; what was written on the call there is written on it here.

        Raises:
            HyperCubeError: the one that it carries; DEADLINE_EXCEEDED.
        """
        began = self._clock()
        left = remaining_s(call, began - _SLACK_S, "before the engine process answered")
        try:
            async with asyncio.timeout(left):
                message = await answers.get()
        except TimeoutError:
            raise deadline_exceeded("in the engine process", self._clock() - began) from None
        answers.over = message[0] != "event"
        if (marks := message[-1]) is not None:
            timing, call.served_by = marks
            for field, value in zip(fields(Timing), timing, strict=True):
                setattr(call.timing, field.name, value)
        if message[0] == "failed":
            raise HyperCubeError.of(message[2])
        return message


class _Queue(asyncio.Queue[tuple[Any, ...]]):
    """The answers to one question; `over` once the last of them was taken."""

    over = False
