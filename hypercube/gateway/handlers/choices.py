"""Several answers at once: the choices of one request, each an answer of its own, in one stream.

A whole answer is collected from the same stream, so the two cannot disagree.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from hypercube.core.cube import Call, Timing
from hypercube.core.engine import (
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    TokenLogprob,
    ToolCall,
    Usage,
)
from hypercube.core.reading import Grounding
from hypercube.gateway.handlers import chat
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Started, close, started

MAX_CHOICES: Final = 16
_AHEAD: Final = 64
"""Pieces that wait for a slow reader before the models are slowed, too."""
_SEEDS: Final = 2**63
_NOTHING: Final = Usage(0, 0)


@dataclass(frozen=True, slots=True)
class ChoiceEvent:
    """A piece of one of the answers."""

    index: int
    event: GenerationEvent


@dataclass(frozen=True, slots=True)
class ChoicesStream:
    """Answers under way: the first piece of one of them exists.

    Attributes:
        id: names the answers together.
        model: who answers, also when the request left it to the server.
        created: POSIX seconds.
        events: the pieces as they come; the last one of each choice has `finish_reason` and `usage`. Close it.
    """

    id: str
    model: str
    created: int
    events: AsyncIterator[ChoiceEvent]


@dataclass(slots=True)
class Choice:
    """One answer, whole."""

    text: str = ""
    finish_reason: FinishReason | None = None
    usage: Usage = _NOTHING
    logprobs: list[TokenLogprob] = field(default_factory=list)
    tool_calls: list[ToolCall] = field(default_factory=list)
    grounding: Grounding | None = None

    def add(self, event: GenerationEvent) -> None:
        """Put a piece to what is there."""
        self.text += event.text
        self.finish_reason = event.finish_reason or self.finish_reason
        self.usage = event.usage or self.usage
        self.grounding = event.grounding or self.grounding
        self.logprobs += event.logprobs
        for piece in event.tool_calls:
            while len(self.tool_calls) <= piece.index:
                self.tool_calls.append(ToolCall("", "", ""))
            call = self.tool_calls[piece.index]
            self.tool_calls[piece.index] = ToolCall(
                call.id or piece.id, call.name or piece.name, call.arguments + piece.arguments
            )


@dataclass(frozen=True, slots=True)
class Choices:
    """Whole answers in the order of their requests."""

    id: str
    model: str
    created: int
    choices: tuple[Choice, ...]


def repeated(request: GenerationRequest, n: int) -> tuple[GenerationRequest, ...]:
    """`n` requests for answers to one: the first has the seed asked for, each other one the next."""
    seed = request.sampling.seed
    if n == 1 or seed is None:
        return (request,) * n
    seeds = ((seed + at + _SEEDS) % (2 * _SEEDS) - _SEEDS for at in range(n))
    return tuple(replace(request, sampling=replace(request.sampling, seed=each)) for each in seeds)


def total(usages: Sequence[Usage], n: int) -> Usage:
    """What requests cost that are `n` answers to each prompt: every prompt counts once, every answer."""
    return Usage(
        sum(usage.prompt_tokens for usage in usages[::n]), sum(usage.completion_tokens for usage in usages)
    )


async def stream(
    services: GatewayServices, requests: Sequence[GenerationRequest], call: Call, prefix: str = "chatcmpl"
) -> ChoicesStream:
    """Start every answer and wait for the first piece of one.

    Raises:
        HyperCubeError: as `chat.stream`; after the first piece, `events` raises. One answer that fails ends all.
    """
    name = chat.new_name(prefix)
    call.joined = True  # who reads OpenAI's chunks or a whole answer looks at the text, not at how it was cut
    if len(requests) == 1:
        only = await chat.stream(services, requests[0], call, name)
        return ChoicesStream(name, only.model, only.created, _Only(only.events))
    created = int(time.time())
    merged = _Merged(services, requests, call)
    events: Started[ChoiceEvent] = await started(merged)
    return ChoicesStream(name, merged.model, created, events)


async def complete(
    services: GatewayServices, requests: Sequence[GenerationRequest], call: Call, prefix: str = "chatcmpl"
) -> Choices:
    """Every answer, whole; cancelling this task cancels the models' work.

    Raises:
        HyperCubeError: as `stream`.
    """
    answer = await stream(services, requests, call, prefix)
    return await collected(answer, len(requests))


async def collected(answer: ChoicesStream, count: int) -> Choices:
    """A stream of `count` choices, read to its end and closed."""
    choices = tuple(Choice() for _ in range(count))
    try:
        async for piece in answer.events:
            choices[piece.index].add(piece.event)
    finally:
        await close(answer.events)
    return Choices(answer.id, answer.model, answer.created, choices)


class _Only(AsyncIterator[ChoiceEvent]):
    """The pieces of the only choice."""

    def __init__(self, events: AsyncIterator[GenerationEvent]) -> None:
        self._events = events

    async def __anext__(self) -> ChoiceEvent:
        return ChoiceEvent(0, await anext(self._events))

    async def aclose(self) -> None:
        """Close the answer."""
        await close(self._events)


class _Merged(AsyncIterator[ChoiceEvent]):
    """The pieces of several answers as they come; each is made by a task of its own, and all end together."""

    def __init__(self, services: GatewayServices, requests: Sequence[GenerationRequest], call: Call) -> None:
        self.model = requests[0].model
        self._services = services
        self._pieces: asyncio.Queue[ChoiceEvent | Exception | None] = asyncio.Queue(_AHEAD)
        self._left = len(requests)
        # Each waits and computes for itself; only the first tells how long.
        self._tasks = [
            asyncio.ensure_future(
                self._make(at, request, call if at == 0 else replace(call, timing=Timing()))
            )
            for at, request in enumerate(requests)
        ]

    async def _make(self, index: int, request: GenerationRequest, call: Call) -> None:
        try:
            answer = await chat.stream(self._services, request, call)
            self.model = answer.model
            try:
                async for event in answer.events:
                    await self._pieces.put(ChoiceEvent(index, event))
            finally:
                await close(answer.events)
        except Exception as error:  # noqa: BLE001 - the reader raises it
            await self._pieces.put(error)
        else:
            await self._pieces.put(None)

    async def __anext__(self) -> ChoiceEvent:
        while self._left:
            piece = await self._pieces.get()
            if piece is None:
                self._left -= 1
            elif isinstance(piece, Exception):
                await self.aclose()
                raise piece
            else:
                return piece
        raise StopAsyncIteration

    async def aclose(self) -> None:
        """Stop every answer that is still being made."""
        self._left = 0
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
