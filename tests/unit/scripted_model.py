"""A model that says what a test tells it, for the tests of grounded text."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from hypercube.core.cube import Call
from hypercube.core.engine import FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.inference.fake import tokenize

Answer = str | Exception


@dataclass
class ScriptedModel:
    """Answers the n-th request with `answers[n]` (the last one again after that), token by token.

    Words that are orders: `<hang>` waits until the test's end, `<die>` fails, `<cut>` ends without a finish reason.
    An answer that is an exception is raised before the first token.
    """

    answers: Sequence[Answer] | Callable[[GenerationRequest], Answer]
    requests: list[GenerationRequest] = field(default_factory=list)
    hanging: asyncio.Event = field(default_factory=asyncio.Event)
    active: int = 0

    async def __call__(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """As the chat cube."""
        return self.generate(request, call)

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        """As an engine."""
        if callable(self.answers):
            answer = self.answers(request)
        else:
            answer = self.answers[min(len(self.requests), len(self.answers) - 1)]
        self.requests.append(request)
        if isinstance(answer, Exception):
            raise answer
        self.active += 1
        try:
            count = 0
            for piece in tokenize(
                answer.replace("<hang>", "\u0001").replace("<die>", "\u0002").replace("<cut>", "\u0003")
            ):
                word = piece.strip()
                if word == "\u0001":
                    self.hanging.set()
                    await asyncio.Event().wait()
                if word == "\u0002":
                    raise ConnectionResetError("the engine's process is gone")
                if word == "\u0003":
                    return
                count += 1
                yield GenerationEvent(text=piece)
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(10, count))
        finally:
            self.active -= 1
