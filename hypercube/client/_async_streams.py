"""What the client for asyncio returns piece by piece."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from types import TracebackType
from typing import Any, Final

import grpc
import grpc.aio

from hypercube.client._answers import Transcript, chunk_of
from hypercube.client._columns import PillarsReply
from hypercube.client._raw import received
from hypercube.client._requests import RequestSource
from hypercube.client._status import CallSite, Status, StatusError, error_from_status, status_of
from hypercube.core.engine import GenerationEvent
from hypercube.wire.v1 import chat_pb2

CLOSED: Final = Status(grpc.StatusCode.CANCELLED, "the client was closed")


def failed(error: grpc.aio.AioRpcError) -> StatusError:
    """The status of a failed call, which gRPC raises as an exception."""
    return StatusError(status_of(error.code(), error.details(), error.trailing_metadata()))


def ours() -> bool:
    """Whether a CancelledError means this task; gRPC raises it too where only the call was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class AsyncChatStream(Transcript, AsyncIterator[GenerationEvent]):
    """A chat answer as it is written: iterate over its pieces, each with `.text`.

    After the end `finish_reason` and `usage` are set, and `text` is the whole answer. Leaving an `async with`
    block, or `close()`, before the end cancels the work on the server. An error after the first piece is raised
    by the iteration and never retried; `text` then holds what had come.
    """

    def __init__(
        self,
        call: Any,
        pieces: AsyncIterator[chat_pb2.ChatEvent],
        first: chat_pb2.ChatEvent | None,
        site: CallSite,
    ) -> None:
        super().__init__()
        self._call = call
        self._pieces_to_come = pieces
        self._site = site
        self._first = first
        self._loop = asyncio.get_running_loop()
        self._over = False
        if first is None:
            self._over = True
            self._check_whole()

    async def __anext__(self) -> GenerationEvent:
        message, self._first = self._first, None
        if message is None:
            message = await self._receive()
        return self._take(message)

    async def _receive(self) -> chat_pb2.ChatEvent:
        if self._over:
            raise StopAsyncIteration
        try:
            return await anext(self._pieces_to_come)
        except StopAsyncIteration:
            self._over = True
            self.trailers = received(await self._call.trailing_metadata())
            self._check_whole()
            raise
        except asyncio.CancelledError:
            closed, self._over = self._over, True
            if ours():
                raise
            if closed:
                raise StopAsyncIteration from None
            raise error_from_status(CLOSED, self._site) from None
        except grpc.aio.AioRpcError as problem:
            closed, self._over = self._over, True
            if closed:
                raise StopAsyncIteration from None
            raise error_from_status(failed(problem).status, self._site) from None

    def __del__(self) -> None:
        # gRPC's call holds itself in a cycle, so a forgotten stream would go on until the next collection.
        if not self._over:
            with suppress(RuntimeError):  # the loop is closed, and its connections with it
                self._loop.call_soon_threadsafe(self._call.cancel)

    async def close(self) -> None:
        """End the stream now; the server stops writing. Harmless after the end."""
        self._over, self._first = True, None
        self._call.cancel()

    async def __aenter__(self) -> "AsyncChatStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class AsyncPillarsStream(AsyncIterator[memoryview]):
    """The rows of each chunk of births, in the order of the chunks.

    A chunk that the server refuses raises its error in its place, and the iteration can go on behind it. Leaving
    an `async with` block, or `close()`, ends the call.
    """

    def __init__(self, call: Any, source: RequestSource, site: CallSite) -> None:
        self._call = call
        self._replies = aiter(call)
        self._source = source
        self._site = site
        self._over = False

    async def __anext__(self) -> memoryview:
        if self._over:
            raise StopAsyncIteration
        try:
            reply: PillarsReply = await anext(self._replies)
        except StopAsyncIteration:
            self._over = True
            raise
        except (asyncio.CancelledError, grpc.aio.AioRpcError) as problem:
            closed, self._over = self._over, True
            if isinstance(problem, asyncio.CancelledError) and ours():
                raise
            if self._source.problem is not None:
                raise self._source.problem from None
            if closed:
                raise StopAsyncIteration from None
            status = failed(problem).status if isinstance(problem, grpc.aio.AioRpcError) else CLOSED
            raise error_from_status(status, self._site) from None
        return chunk_of(reply, self._site)

    async def close(self) -> None:
        """End the call now. Harmless after the end."""
        self._over = True
        self._call.cancel()

    async def __aenter__(self) -> "AsyncPillarsStream":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()
