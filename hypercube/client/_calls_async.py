"""The calls of the client for asyncio: its connection, and how a call is sent."""

# A timeout here is the deadline that travels to the server, which asyncio.timeout() is not.
# ruff: noqa: ASYNC109

import asyncio
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from types import TracebackType
from typing import Any, Self, TypeVar
from weakref import WeakSet

import grpc
import grpc.aio

from hypercube.client import _constants
from hypercube.client._async_streams import CLOSED, AsyncChatStream, failed, ours
from hypercube.client._base import Attempt, BaseClient, Pause, Steps, closed
from hypercube.client._channel import NOT_GIVEN, Metadata, Timeout, Tls
from hypercube.client._methods import STREAM, Method, ReplyT, RequestT
from hypercube.client._raw import RECORDER
from hypercube.client._requests import checked_size
from hypercube.client._status import StatusError
from hypercube.client.exceptions import FailedPrecondition
from hypercube.core.clock import Clock
from hypercube.core.errors import ErrorKind
from hypercube.wire.v1 import chat_pb2

_A = TypeVar("_A")


class AsyncCalls(BaseClient):
    """How `AsyncClient` opens its connection, sends, waits and closes; its parts call through it."""

    def __init__(
        self,
        target: str = _constants.DEFAULT_TARGET,
        *,
        timeout: Timeout = NOT_GIVEN,
        max_retries: int = _constants.DEFAULT_MAX_RETRIES,
        metadata: Metadata = (),
        api_key: str | None = None,
        tls: Tls | bool | None = None,
        hedge_after: float | None = None,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(
            target,
            timeout=timeout,
            max_retries=max_retries,
            metadata=metadata,
            clock=clock,
            api_key=api_key,
            tls=tls,
            hedge_after=hedge_after,
        )
        self._sleep = sleep
        self._open: tuple[asyncio.AbstractEventLoop, grpc.aio.Channel] | None = None
        # The oldest grpcio we take (1.76) misses streams when a channel closes, and their readers would hang.
        self._streams: WeakSet[Any] = WeakSet()

    @property
    def _channel(self) -> grpc.aio.Channel:
        """The channel, made at first use: gRPC binds it to the event loop that runs at that moment."""
        loop = asyncio.get_running_loop()
        if self._open is None:
            options = self._options()
            made = (
                grpc.aio.insecure_channel(self._target, options=options)
                if self._credentials is None
                else grpc.aio.secure_channel(self._target, self._credentials, options=options)
            )
            self._open = loop, made
        made_in, channel = self._open
        if made_in is not loop:
            raise FailedPrecondition(
                ErrorKind.FAILED_PRECONDITION,
                f"{self!r} was first used in another event loop, and its connection belongs to that one.",
                fix="Make one AsyncClient inside each asyncio.run(), or use Client.",
            )
        return channel

    async def close(self) -> None:
        """Close the connection; calls in flight end with `Cancelled`."""
        self._closed = True
        for call in tuple(self._streams):
            call.cancel()
        if self._open is not None:
            await self._open[1].close(None)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(
        self,
        method: Method[RequestT, ReplyT],
        request: RequestT,
        timeout: Timeout,
        idempotency_key: str | None = None,
    ) -> ReplyT:
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> ReplyT:
            stub = method.of(self._channel.unary_unary)
            try:
                if attempt.hedge_s is None:
                    call = stub(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
                    reply = await call
                else:
                    reply, call = await _hedged(stub, request, attempt)
            except grpc.aio.AioRpcError as problem:
                raise failed(problem) from None
            if (recorder := RECORDER.get()) is not None:
                recorder.ended(
                    await call.code(), await call.initial_metadata(), await call.trailing_metadata()
                )
            answer: ReplyT = reply
            return answer

        return await self._drive(self.attempts(method, timeout, idempotency_key), send)

    async def _gather(
        self, method: Method[RequestT, ReplyT], request: RequestT, timeout: Timeout
    ) -> list[ReplyT]:
        """Every piece of a stream that is wanted whole."""
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> list[ReplyT]:
            call = method.of(self._channel.unary_stream)(
                request, timeout=attempt.timeout_s, metadata=attempt.metadata
            )
            self._streams.add(call)
            try:
                return [piece async for piece in call]
            except grpc.aio.AioRpcError as problem:
                raise failed(problem) from None

        return await self._drive(self.attempts(method, timeout), send)

    async def _stream(
        self, request: chat_pb2.ChatRequest, timeout: Timeout, idempotency_key: str | None
    ) -> "AsyncChatStream":
        method = STREAM
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> AsyncChatStream:
            call = method.of(self._channel.unary_stream)(
                request, timeout=attempt.timeout_s, metadata=attempt.metadata
            )
            self._streams.add(call)
            pieces = aiter(call)
            try:
                first = await anext(pieces, None)
            except grpc.aio.AioRpcError as problem:
                raise failed(problem) from None
            if (recorder := RECORDER.get()) is not None:
                recorder.ended(None, await call.initial_metadata(), ())
            return AsyncChatStream(call, pieces, first, attempt.site)

        return await self._drive(self.attempts(method, timeout, idempotency_key), send)

    async def _drive(self, steps: Steps, send: Callable[[Attempt], Awaitable[_A]]) -> _A:
        """Take the steps: send, sleep, and hand each failure to the generator, which raises or goes on."""
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                await self._sleep(step.seconds)
                step = next(steps)
                continue
            try:
                answer = await send(step)
            except StatusError as problem:
                status = problem.status
            except asyncio.CancelledError:
                if ours():
                    raise
                status = CLOSED
            except grpc.aio.UsageError:
                if self._closed:  # by another task, since the call began
                    raise closed(self._target) from None
                raise
            else:
                with suppress(StopIteration):
                    steps.send(None)
                return answer
            step = steps.send(status)


async def _hedged(stub: Any, request: Any, attempt: Attempt) -> tuple[Any, Any]:
    """Send, after `hedge_s` send a copy, and take the first answer; a failure only when nothing else can come."""
    calls: list[Any] = []
    ended: asyncio.Queue[Any] = asyncio.Queue()

    def send(copy: Attempt) -> None:
        calls.append(stub(request, timeout=copy.timeout_s, metadata=copy.metadata))
        calls[-1].add_done_callback(ended.put_nowait)

    try:
        send(attempt)
        failures = 0
        while True:
            try:
                async with asyncio.timeout(attempt.hedge_s if len(calls) == 1 else None):
                    call = await ended.get()
            except TimeoutError:
                send(attempt.copy())
                if (recorder := RECORDER.get()) is not None:
                    recorder.sent(attempt.site.request_id)
                continue
            failures += 1
            if await call.code() is grpc.StatusCode.OK or failures == len(calls):
                return await call, call
    finally:
        for call in calls:
            call.cancel()
