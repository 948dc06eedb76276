"""A conversation for asyncio: many turns in one call."""

import asyncio
from collections.abc import AsyncIterator
from types import TracebackType
from typing import Any, Unpack

import grpc
import grpc.aio

from hypercube.client._async_streams import CLOSED, failed, ours
from hypercube.client._base import Attempt
from hypercube.client._chat_options import ChatOptions
from hypercube.client._conversation import Turn, Turns
from hypercube.client._methods import CONVERSE
from hypercube.client._requests import Messages
from hypercube.client._status import error_from_status
from hypercube.core.engine import GenerationEvent
from hypercube.wire.v1 import chat_pb2


class AsyncChatTurn(Turn, AsyncIterator[GenerationEvent]):
    """One turn's answer as it is written: iterate over its pieces, each with `.text`.

    After the end `finish_reason` and `usage` are set, and `text` is the whole answer. What went wrong with this
    turn is raised by the iteration, and the conversation goes on as if the turn had not been said.
    """

    def __init__(self, conversation: "AsyncConversation", name: str) -> None:
        super().__init__(name)
        self._conversation = conversation

    async def __anext__(self) -> GenerationEvent:
        if self._over:
            raise StopAsyncIteration
        event = await self._conversation._next_of(self)  # noqa: SLF001 - a turn is a part of its conversation
        if event is None:
            self._over = True
            self._check_whole()
            raise StopAsyncIteration
        return self._took(event)

    async def whole(self) -> str:
        """Wait for the end; the whole answer."""
        async for _ in self:
            pass
        return self.text

    async def cancel(self) -> None:
        """Stop this answer; the iteration raises `Cancelled`, unless all was said. The conversation goes on."""
        await self._conversation._stop(self)  # noqa: SLF001


class AsyncConversation(Turns):
    """A conversation that the server remembers while it lasts: each turn sends only what is new.

    Turns are answered in the order they were said; a turn can be said before the one ahead of it is read. Leaving
    an `async with` block, or `close()`, ends the conversation and stops the server's work.
    """

    def __init__(self, channel: grpc.aio.Channel, attempt: Attempt, options: ChatOptions) -> None:
        super().__init__(options, attempt.site)
        self._reading, self._writing = asyncio.Lock(), asyncio.Lock()
        self._coming: asyncio.Future[Any] | None = None
        stub = CONVERSE.of(channel.stream_stream)
        self._call: Any = stub(timeout=attempt.timeout_s, metadata=attempt.metadata)

    async def say(self, messages: Messages, **options: Unpack[ChatOptions]) -> AsyncChatTurn:
        """Say something: a prompt, or the new messages. Options hold for the later turns, too."""
        request = self._saying(messages, options)
        turn = AsyncChatTurn(self, request.turn)
        self._waiting[request.turn] = turn
        await self._write(request)
        return turn

    async def close(self) -> None:
        """End the conversation now. Harmless after the end."""
        self._closed = True
        self._call.cancel()

    async def __aenter__(self) -> "AsyncConversation":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _stop(self, turn: Turn) -> None:
        request = self._stopping(turn)
        if request is not None:
            await self._write(request)

    async def _write(self, request: chat_pb2.ConverseRequest) -> None:
        """Send; a call that has ended says why where its answers are read."""
        try:
            async with self._writing:
                await self._call.write(request)
        except asyncio.CancelledError:
            if ours():
                raise
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError, grpc.aio.UsageError):
            pass

    async def _next_of(self, turn: Turn) -> chat_pb2.ConverseEvent | None:
        """The next event of a turn; None where the conversation ended without an error."""
        while True:
            # Whoever reads hands out what belongs to others, too.
            async with self._reading:
                if turn._events:  # noqa: SLF001
                    return turn._events.popleft()  # noqa: SLF001
                if self._ended:
                    if self._problem is not None:
                        raise self._problem
                    return None
                await self._read()

    async def _read(self) -> None:
        # gRPC ends the whole call with a reader that is cancelled; so the reading is not the reader's own, and
        # goes on for whoever reads next.
        if self._coming is None:
            self._coming = asyncio.ensure_future(self._call.read())
            self._coming.add_done_callback(_seen)
        try:
            event = await asyncio.shield(self._coming)
        except asyncio.CancelledError:
            if ours():
                raise
            self._end(None if self._closed else error_from_status(CLOSED, self._site))
        except grpc.aio.AioRpcError as problem:
            self._end(None if self._closed else error_from_status(failed(problem).status, self._site))
        else:
            self._coming = None
            if isinstance(event, chat_pb2.ConverseEvent):
                self._deliver(event)
            else:
                self._end(None)


def _seen(coming: "asyncio.Future[Any]") -> None:
    """Nobody may be reading any more when it fails."""
    if not coming.cancelled():
        coming.exception()
