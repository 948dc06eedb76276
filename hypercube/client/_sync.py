"""The client for ordinary code."""

import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

import grpc

from hypercube.client import _base, _constants
from hypercube.client._answers import (
    ChatAnswer,
    CubeInfo,
    Vectors,
    chat_answer,
    cube_info,
    process_answer,
    read,
    vectors,
)
from hypercube.client._base import Attempt, Method, Pause, ReplyT, RequestT
from hypercube.client._channel import (
    NOT_GIVEN,
    Metadata,
    Timeout,
    Tls,
    checked_choices,
    checked_idempotency_key,
)
from hypercube.client._chat_options import ChatOptions
from hypercube.client._columns import Column
from hypercube.client._conversation_sync import Conversation
from hypercube.client._models_sync import ModelCalls
from hypercube.client._raw import RECORDER, RawAnswer, Recorder
from hypercube.client._requests import (
    Messages,
    RequestSource,
    chat_request,
    checked_size,
    embed_request,
    process_request,
)
from hypercube.client._saju_sync import SajuCalls
from hypercube.client._status import Status, StatusError
from hypercube.client._sync_streams import ChatStream, PillarsStream, failed
from hypercube.core.chart import DayBoundary
from hypercube.core.clock import Clock
from hypercube.core.served_models import ServedModel
from hypercube.wire.convert import (
    model_from_proto,
)
from hypercube.wire.v1 import chat_pb2, cubes_pb2, models_pb2

P = ParamSpec("P")
_A = TypeVar("_A")


class Client(ModelCalls, SajuCalls, _base.BaseClient):
    """A HyperCube server, over gRPC.

    Opens its connection with the first call. Every method may be called from any number of threads at once; a
    stream belongs to the thread that reads it, though any thread may close it.

    Args:
        target: host:port of the gRPC port, or unix:/path.
        timeout: seconds for a whole call, retries included; None for no deadline; left out, each method's own
            default (30 s; chat and process 600 s). Every method takes another for one call.
        max_retries: attempts after the first; only where the server refused or no answer had begun.
        metadata: sent with every call.
        api_key: sent with every call as `authorization: Bearer …`; to another machine only with `tls`.
        tls: True encrypts, and trusts the authorities that gRPC ships with; a `Tls` says whom to trust, and
            holds this client's own certificate for a server that asks for one.
        hedge_after: seconds after which a quick call that has no answer yet is sent a second time, the first
            answer counting and the other call being cancelled; None never does. Not for chats and cubes.
        clock: monotonic seconds; tests give their own.
        sleep: waits between attempts; tests give their own.

    Raises:
        InvalidArgument: a target, timeout or metadata that gRPC would misread. Calls raise the classes of
            `hypercube.client.exceptions`.
    """

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

    def pillars_stream(
        self,
        chunks: Iterable[tuple[Column, Column]],
        *,
        day_boundary: DayBoundary | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> "PillarsStream":
        """Pillars of births without number: (utc_seconds, offset_seconds) after (utc_seconds, offset_seconds).

        Chunks are taken as the connection takes them, and each is answered by its rows, in order. Nothing is
        sent again: after an error of the connection, begin anew behind the last rows that came.
        """
        method = _base.PILLARS_STREAM
        source = RequestSource(day_boundary)
        attempt = self.one_attempt(method, timeout)
        call = self._channel.stream_stream(
            method.path, method.request.SerializeToString, method.reply.FromString
        )(source.messages(chunks), timeout=attempt.timeout_s, metadata=attempt.metadata)
        return PillarsStream(call, source, attempt.site)

    @overload
    def chat(
        self,
        messages: Messages,
        *,
        n: int = 1,
        stream: Literal[False] = False,
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
        **options: Unpack[ChatOptions],
    ) -> ChatAnswer: ...

    @overload
    def chat(
        self,
        messages: Messages,
        *,
        n: Literal[1] = 1,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
        **options: Unpack[ChatOptions],
    ) -> "ChatStream": ...

    def chat(
        self,
        messages: Messages,
        *,
        n: int = 1,
        stream: bool = False,
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
        **options: Unpack[ChatOptions],
    ) -> "ChatAnswer | ChatStream":
        """Continue a chat: the whole answer, or with `stream=True` its pieces as they are written.

        `ChatOptions` lists the options. A stream is returned when its first piece has come; until then errors
        are raised here, and retried where that can help. The timeout spans the whole stream.
        """
        request = chat_request(messages, options, checked_choices(n, stream=stream))
        key = checked_idempotency_key(idempotency_key)
        if stream:
            return self._stream(request, timeout, key)
        return read(chat_answer, self._call(_base.COMPLETE, request, timeout, key))

    def conversation(self, *, timeout: Timeout = NOT_GIVEN, **options: Unpack[ChatOptions]) -> Conversation:
        """Begin a conversation of many turns in one call: `say` sends a turn, and the server remembers the rest.

        `options` hold from the first turn on, until a turn gives others. The timeout spans the conversation.
        """
        return Conversation(self._channel, self.one_attempt(_base.CONVERSE, timeout), options)

    def embed(
        self,
        texts: str | Iterable[str],
        *,
        model: str | None = None,
        dimensions: int | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Vectors:
        """A vector for each text, in their order; one text that the model cannot read fails them all."""
        request = embed_request(texts, model, dimensions)
        return read(vectors, self._call(_base.EMBED, request, timeout))

    def models(self, *, timeout: Timeout = NOT_GIVEN) -> list[ServedModel]:
        """Every model served there, ready or not."""
        reply = self._call(_base.LIST_MODELS, models_pb2.ListModelsRequest(), timeout)
        return [read(model_from_proto, model) for model in reply.models]

    def cubes(self, *, timeout: Timeout = NOT_GIVEN) -> list[CubeInfo]:
        """Every cube of the server."""
        reply = self._call(_base.LIST_CUBES, cubes_pb2.ListCubesRequest(), timeout)
        return [read(cube_info, cube) for cube in reply.cubes]

    def process(
        self,
        cube: str,
        request: Mapping[str, Any],
        *,
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Any:
        """Call a cube by name, with a request in the JSON form of its `request_schema`.

        Returns the JSON of its answer: a dict, or the list of all pieces where the cube streams. Not sent
        again after a connection broke: what a cube does may have effects.
        """
        key = checked_idempotency_key(idempotency_key)
        return read(process_answer, self._call(_base.PROCESS, process_request(cube, request), timeout, key))

    def raw(self, method: Callable[P, _A], /, *args: P.args, **options: P.kwargs) -> RawAnswer[_A]:
        """Call a method of this client, and tell what travelled with its answer: `raw(client.chart, "1990-05-03")`.

        An error is raised as ever; it has `status`, `trailers` and `request_id` itself.
        """
        recorder = Recorder(self._clock())
        token = RECORDER.set(recorder)
        try:
            answer = method(*args, **options)
        finally:
            RECORDER.reset(token)
        return recorder.told(answer, self._clock())

    def ready(self, timeout: Timeout = NOT_GIVEN, *, service: str = "") -> None:
        """Wait until the server, or one of its gRPC services, says that it is ready.

        Raises:
            ConnectionFailed: nobody answered in time.
            Unavailable: it answered, but was not ready in time.
        """
        watched = _base.Watched(service)
        method = _base.WATCH_HEALTH

        def watch(attempt: Attempt) -> None:
            call: Any = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(
                watched.request,
                timeout=attempt.timeout_s,
                metadata=attempt.metadata,
                wait_for_ready=True,
            )
            try:
                if not any(watched.take(report) for report in call):
                    raise StatusError(Status(grpc.StatusCode.UNAVAILABLE, "it stopped reporting its health"))
            except grpc.RpcError as problem:
                raise failed(problem) from None
            finally:
                call.cancel()

        self._drive(self.readiness(watched, timeout), watch)

    def close(self) -> None:
        """Close the connection; calls in flight end with `Cancelled`."""
        self._closed = True
        self._channel.close()

    def __enter__(self) -> "Client":
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
            stub: Any = self._channel.unary_unary(
                method.path, method.request.SerializeToString, method.reply.FromString
            )
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
            call: Any = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
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
        method = _base.STREAM
        checked_size(request, method.path)

        def send(attempt: Attempt) -> ChatStream:
            call: Any = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
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

    def _drive(self, steps: _base.Steps, send: Callable[[Attempt], _A]) -> _A:
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
                    raise _base.closed(self._target) from None
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
