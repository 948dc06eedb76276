"""Chat/Converse: a conversation in one call, its turns answered one after the other.

One task reads what comes while the answer is written, so that a turn can be cancelled. What waits is bounded: with
16 turns, or one message's worth of bytes, unanswered, no more is read, and the client's own flow control holds it.
"""

import asyncio
import re
from collections import deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationEvent, GenerationRequest
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError, invalid
from hypercube.gateway.errors import failure_of
from hypercube.gateway.grpc.decoding import decode
from hypercube.gateway.grpc.methods import Serializable
from hypercube.gateway.handlers import chat
from hypercube.gateway.handlers.choices import Choice
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close
from hypercube.wire import convert
from hypercube.wire.v1 import chat_pb2

MAX_WAITING: Final = 16
_AHEAD: Final = 64
"""Pieces that wait for a slow reader before the model is slowed, too."""
_NAME: Final = re.compile(r"[A-Za-z0-9._:/+=@-]{1,128}")
_ROW: Final = re.compile(r"messages\[(\d+)\]")


def _nothing() -> None:
    """There is nothing to stop yet."""


@dataclass(slots=True, eq=False)
class _Turn:
    """A request that came: what is said, or what is wrong with it."""

    name: str
    size: int
    say: chat_pb2.ChatRequest = field(default_factory=chat_pb2.ChatRequest)
    failure: Failure | None = None
    cancelled: bool = False
    stop: Callable[[], None] = _nothing


def converse(
    services: GatewayServices, requests: AsyncIterator[bytes], new_call: Callable[[], Awaitable[Call]]
) -> AsyncIterator[Serializable]:
    """The events of a conversation."""
    return _Conversation(services, new_call).run(requests)


class _Conversation:
    def __init__(self, services: GatewayServices, new_call: Callable[[], Awaitable[Call]]) -> None:
        self._services = services
        self._new_call = new_call
        self._history: tuple[ChatMessage, ...] = ()
        self._settings = chat_pb2.ChatRequest()
        self._turns: deque[_Turn] = deque()
        """Those that are not answered; the first is being answered."""
        self._changed = asyncio.Condition()
        self._ended = False

    async def run(self, requests: AsyncIterator[bytes]) -> AsyncIterator[Serializable]:
        reader = asyncio.ensure_future(self._read(requests))
        try:
            while (turn := await self._next(reader)) is not None:
                async for event in self._answer(turn):
                    yield event
                async with self._changed:
                    self._turns.popleft()
                    self._changed.notify_all()
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError, Exception):
                await reader

    async def _next(self, reader: "asyncio.Future[None]") -> _Turn | None:
        """The next turn; None after the last one.

        Raises:
            Exception: what ended the reading.
        """
        async with self._changed:
            await self._changed.wait_for(lambda: self._turns or self._ended)
            if self._turns:
                return self._turns[0]
        await reader
        return None

    async def _read(self, requests: AsyncIterator[bytes]) -> None:
        try:
            async for raw in requests:
                await self._take(raw)
        finally:
            self._ended = True
            async with self._changed:
                self._changed.notify_all()

    async def _take(self, raw: bytes) -> None:
        turn = _Turn("", len(raw))
        try:
            message = decode(chat_pb2.ConverseRequest, raw)
            turn.name = message.turn
            if message.HasField("cancel"):
                self._cancel(message.turn)
                return
            self._check(message)
            turn.say = message.say
        except HyperCubeError as error:
            turn.failure = error.failure()
        async with self._changed:
            await self._changed.wait_for(self._has_room)
            self._turns.append(turn)
            self._changed.notify_all()

    def _has_room(self) -> bool:
        waiting = sum(turn.size for turn in self._turns)
        return len(self._turns) < MAX_WAITING and waiting < self._services.limits.max_message_bytes

    def _check(self, message: chat_pb2.ConverseRequest) -> None:
        if not _NAME.fullmatch(message.turn):
            raise invalid(
                "A turn has no name." if not message.turn else "The name of a turn cannot be used.",
                param="turn",
                value=message.turn,
                fix="Write up to 128 letters, digits and . _ : / + = @ - into turn.",
            )
        if any(turn.name == message.turn for turn in self._turns):
            raise invalid(
                f"The turn {message.turn!r} is not answered yet.",
                param="turn",
                value=message.turn,
                fix="Give each turn a name of its own.",
            )
        if not message.HasField("say"):
            raise invalid(f"The turn {message.turn!r} says nothing.", param="say", fix="Send say, or cancel.")
        if not message.say.messages:
            raise invalid(
                "The list of messages is empty.",
                param="messages",
                value="[]",
                fix='Send at least one: a ChatMessage with role "user" and a content.',
            )
        if message.say.HasField("n") and message.say.n != 1:
            raise invalid(
                f"n is {message.say.n}, but a turn has one answer.",
                param="n",
                value=message.say.n,
                fix="Leave n out.",
            )

    def _cancel(self, name: str) -> None:
        """Stop a turn; one that is answered already, or never came, is none of our business."""
        for turn in self._turns:
            if turn.name == name and not turn.cancelled:
                turn.cancelled = True
                turn.stop()

    async def _answer(self, turn: _Turn) -> AsyncIterator[Serializable]:
        """The events of one turn; the conversation grows by it when all went well."""
        request_id = ""
        try:
            if turn.failure is not None:
                raise HyperCubeError.of(turn.failure)
            if turn.cancelled:
                raise _cancelled()
            call = await self._new_call()
            request_id = call.request_id
            said = self._said(turn.say)
            request = replace(said, messages=(*self._history, *said.messages))
            choice = Choice()
            with self._services.traffic.admit():
                pieces = _Pieces(self._services, request, call)
                turn.stop = pieces.stop
                try:
                    async for event in pieces:
                        choice.add(event)
                        piece = convert.event_to_proto(event, id=pieces.id, model=pieces.model)
                        yield chat_pb2.ConverseEvent(turn=turn.name, piece=piece)
                finally:
                    await pieces.aclose()
            said_back = ChatMessage("assistant", choice.text, tuple(choice.tool_calls))
            self._history = (*request.messages, said_back)
        except Exception as error:  # noqa: BLE001 - every failure becomes an event
            failure = self._as_sent(failure_of(error, request_id))
            yield chat_pb2.ConverseEvent(turn=turn.name, error=convert.error_to_proto(failure))

    def _said(self, say: chat_pb2.ChatRequest) -> GenerationRequest:
        """The request of a turn without what was said before, under the settings that hold."""
        settings = chat_pb2.ChatRequest()
        settings.CopyFrom(say)
        settings.ClearField("messages")
        if settings.ByteSize():
            self._settings = settings
        whole = chat_pb2.ChatRequest()
        whole.CopyFrom(self._settings)
        whole.messages.extend(say.messages)
        return convert.chat_request_from_proto(whole)

    def _as_sent(self, failure: Failure) -> Failure:
        """The failure with the place of a message counted as in the turn, not as in the conversation."""
        match = _ROW.match(failure.param or "")
        if match is None or int(match[1]) < len(self._history):
            return failure
        own = f"messages[{int(match[1]) - len(self._history)}]"
        return replace(failure, param=own + (failure.param or "")[match.end() :])


class _Pieces(AsyncIterator[GenerationEvent]):
    """The pieces of an answer, made by a task of its own, which `stop` ends from outside."""

    def __init__(self, services: GatewayServices, request: GenerationRequest, call: Call) -> None:
        self.id = self.model = ""
        self._made: asyncio.Queue[GenerationEvent | None] = asyncio.Queue()
        self._room = asyncio.Semaphore(_AHEAD)
        self._work = asyncio.ensure_future(self._make(services, request, call))
        self._work.add_done_callback(lambda _: self._made.put_nowait(None))

    async def _make(self, services: GatewayServices, request: GenerationRequest, call: Call) -> None:
        answer = await chat.stream(services, request, call)
        self.id, self.model = answer.id, answer.model
        try:
            async for event in answer.events:
                await self._room.acquire()
                self._made.put_nowait(event)
        finally:
            await close(answer.events)

    async def __anext__(self) -> GenerationEvent:
        event = await self._made.get()
        if event is not None:
            self._room.release()
            return event
        if self._work.cancelled():
            raise _cancelled()
        self._work.result()
        raise StopAsyncIteration

    def stop(self) -> None:
        """Cancel the model's work; the iteration ends with CANCELLED, unless all was said already."""
        self._work.cancel()

    async def aclose(self) -> None:
        """Stop, and wait until the model has stopped."""
        self._work.cancel()
        await asyncio.gather(self._work, return_exceptions=True)


def _cancelled() -> HyperCubeError:
    return HyperCubeError(ErrorKind.CANCELLED, "This turn was cancelled.", fix="Say it again in a new turn.")
