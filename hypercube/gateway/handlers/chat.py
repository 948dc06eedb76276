"""A chat continued by a served model: piece by piece, or whole."""

import secrets
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, replace

from hypercube.core.cube import Call
from hypercube.core.engine import FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.saju_model import SAJU_MODEL
from hypercube.gateway.deadlines import in_time
from hypercube.gateway.handlers.models import default_model
from hypercube.gateway.handlers.models import model as served_model
from hypercube.gateway.services import CHAT, SAJU_CHAT, GatewayServices
from hypercube.gateway.streams import Bounded, close, started


@dataclass(frozen=True, slots=True)
class ChatStream:
    """An answer under way: its first piece exists, so the request was good and the model answers.

    Attributes:
        id: names the answer.
        model: who answers, also when the request left it to the server.
        created: POSIX seconds.
        events: every piece from the first; the last one has `finish_reason` and `usage`. Close it when done.
    """

    id: str
    model: str
    created: int
    events: AsyncIterator[GenerationEvent]


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A whole answer."""

    id: str
    model: str
    created: int
    text: str
    finish_reason: FinishReason
    usage: Usage


def new_name(prefix: str = "chatcmpl") -> str:
    """A name for an answer that nobody can guess."""
    return f"{prefix}-{secrets.token_hex(16)}"


async def stream(
    services: GatewayServices, request: GenerationRequest, call: Call, name: str = ""
) -> ChatStream:
    """Start an answer, with a `name` or a new one, and wait for its first piece.

    Raises:
        HyperCubeError: whatever is wrong with the request or the model; after the first piece, `events` raises.
    """
    model, answer = await in_time(_asked(services, request, call), call, services.clock)
    try:
        events = _ToTheEnd(await started(Bounded(answer, call, services.clock)))
    except HyperCubeError as error:
        if error.kind is ErrorKind.MODEL_NOT_FOUND and not any(mark in model for mark in "@:"):
            await served_model(services, model, call)  # which names every model: engines know their own only
        raise
    return ChatStream(name or new_name(), model, int(time.time()), events)


async def _asked(
    services: GatewayServices, request: GenerationRequest, call: Call
) -> tuple[str, AsyncIterator[GenerationEvent]]:
    """Who answers, and the answer before its first piece."""
    model = request.model or await default_model(services, call)
    if model == SAJU_MODEL:
        return model, await services.cubes.process(SAJU_CHAT, replace(request, model=model), call)
    return model, await services.cubes.process(CHAT, request, call)


async def complete(services: GatewayServices, request: GenerationRequest, call: Call) -> ChatAnswer:
    """The whole answer; cancelling this task cancels the model's work.

    Raises:
        HyperCubeError: as `stream`.
    """
    answer = await stream(services, request, call)
    text: list[str] = []
    last = GenerationEvent()
    try:
        async for event in answer.events:
            text.append(event.text)
            last = event
    finally:
        await close(answer.events)
    if last.finish_reason is None or last.usage is None:  # _ToTheEnd has seen to it
        raise _unfinished()
    return ChatAnswer(answer.id, answer.model, answer.created, "".join(text), last.finish_reason, last.usage)


class _ToTheEnd(AsyncIterator[GenerationEvent]):
    """A stream that fails if it stops without saying why: a cut answer must not look like a whole one."""

    def __init__(self, events: AsyncIterator[GenerationEvent]) -> None:
        self._events = events
        self._finished = False

    async def __anext__(self) -> GenerationEvent:
        try:
            event = await anext(self._events)
        except StopAsyncIteration:
            if not self._finished:
                raise _unfinished() from None
            raise
        self._finished = event.finish_reason is not None and event.usage is not None
        return event

    async def aclose(self) -> None:
        await close(self._events)


def _unfinished() -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.ENGINE_FAILED,
        "The model stopped in the middle of its answer.",
        fix="Send the request again.",
    )
