"""The calls of the client for ordinary code: its connection, and how a call is sent."""

import time
from collections.abc import Callable
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Self, TypeVar

import grpc

from hypercube.client import _constants
from hypercube.client._base import Attempt, BaseClient, Pause, Steps, closed
from hypercube.client._channel import NOT_GIVEN, Metadata, Timeout, Tls
from hypercube.client._methods import STREAM, Method, ReplyT, RequestT
from hypercube.client._raw import RECORDER
from hypercube.client._requests import checked_size
from hypercube.client._status import StatusError
from hypercube.client._sync_streams import ChatStream, failed
from hypercube.core.clock import Clock
from hypercube.wire.v1 import chat_pb2

_A = TypeVar("_A")


class Calls(BaseClient):
    """How `Client` opens its connection, sends, waits and closes; its parts call through it."""

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
        sleep: Callable[[float], None] = time.sleep,
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
        self._channel = (
            grpc.insecure_channel(self._target, options=self._options())
            if self._credentials is None
            else grpc.secure_channel(self._target, self._credentials, options=self._options())
        )

    def close(self) -> None:
        """Close the connection; calls in flight end with `Cancelled`."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self,
        method: Method[RequestT, ReplyT],
        request: RequestT,
        timeout: Timeout,
        idempotency_key: str | None = None,
    ) -> ReplyT:
        checked_size(request, method.path)

        def send(attempt: Attempt) -> ReplyT:
            stub = method.of(self._channel.unary_unary)
            try:
                if attempt.hedge_s is None:
                    reply, call = stub.with_call(
                        request, timeout=attempt.timeout_s, metadata=attempt.metadata
                    )
                else:
                    reply, call = _hedged(stub, request, attempt)
            except grpc.RpcError as problem:
                raise failed(problem) from None
            if (recorder := RECORDER.get()) is not None:
                recorder.ended(call.code(), call.initial_metadata(), call.trailing_metadata())
            answer: ReplyT = reply
            return answer

        return self._drive(self.attempts(method, timeout, idempotency_key), send)

    def _gather(self, method: Method[RequestT, ReplyT], request: RequestT, timeout: Timeout) -> list[ReplyT]:
        """Every piece of a stream that is wanted whole."""
        checked_size(request, method.path)

        def send(attempt: Attempt) -> list[ReplyT]:
            call = method.of(self._channel.unary_stream)(
                request, timeout=attempt.timeout_s, metadata=attempt.metadata
            )
            try:
                return list(call)
            except grpc.RpcError as problem:
                raise failed(problem) from None
            except BaseException:  # Ctrl-C while waiting: the server need not go on
                call.cancel()
                raise

        return self._drive(self.attempts(method, timeout), send)

    def _stream(
        self, request: chat_pb2.ChatRequest, timeout: Timeout, idempotency_key: str | None
    ) -> "ChatStream":
        method = STREAM
        checked_size(request, method.path)

        def send(attempt: Attempt) -> ChatStream:
            call = method.of(self._channel.unary_stream)(
                request, timeout=attempt.timeout_s, metadata=attempt.metadata
            )
            try:
                first = next(call, None)
            except grpc.RpcError as problem:
                raise failed(problem) from None
            except BaseException:  # Ctrl-C while waiting: the server need not go on
                call.cancel()
                raise
            if (recorder := RECORDER.get()) is not None:
                recorder.ended(None, call.initial_metadata(), ())
            return ChatStream(call, first, attempt.site)

        return self._drive(self.attempts(method, timeout, idempotency_key), send)

    def _drive(self, steps: Steps, send: Callable[[Attempt], _A]) -> _A:
        """Take the steps: send, sleep, and hand each failure to the generator, which raises or goes on."""
        step = next(steps)
        while True:
            if isinstance(step, Pause):
                self._sleep(step.seconds)
                step = next(steps)
                continue
            try:
                answer = send(step)
            except StatusError as problem:
                status = problem.status
            except ValueError:
                if self._closed:  # by another thread, since the call began
                    raise closed(self._target) from None
                raise
            else:
                with suppress(StopIteration):
                    steps.send(None)
                return answer
            step = steps.send(status)


def _hedged(stub: Any, request: Any, attempt: Attempt) -> tuple[Any, Any]:
    """Send, after `hedge_s` send a copy, and take the first answer; a failure only when nothing else can come."""
    calls: list[Any] = []
    ended: SimpleQueue[Any] = SimpleQueue()

    def send(copy: Attempt) -> None:
        calls.append(stub.future(request, timeout=copy.timeout_s, metadata=copy.metadata))
        calls[-1].add_done_callback(ended.put)

    try:
        send(attempt)
        failures = 0
        while True:
            try:
                call = ended.get(timeout=attempt.hedge_s if len(calls) == 1 else None)
            except Empty:
                send(attempt.copy())
                if (recorder := RECORDER.get()) is not None:
                    recorder.sent(attempt.site.request_id)
                continue
            failures += 1
            if call.code() is grpc.StatusCode.OK or failures == len(calls):
                return call.result(), call
    finally:
        for call in calls:
            call.cancel()
