"""The client for ordinary code."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

import grpc

from hypercube.client import _methods
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
from hypercube.client._base import Attempt, Watched
from hypercube.client._channel import NOT_GIVEN, Timeout, checked_choices, checked_idempotency_key
from hypercube.client._chat_options import ChatOptions
from hypercube.client._columns import Column
from hypercube.client._conversation_sync import Conversation
from hypercube.client._models_sync import ModelCalls
from hypercube.client._raw import RECORDER, RawAnswer, Recorder
from hypercube.client._requests import Messages, RequestSource, chat_request, embed_request, process_request
from hypercube.client._saju_sync import SajuCalls
from hypercube.client._status import Status, StatusError
from hypercube.client._sync_streams import ChatStream, PillarsStream, failed
from hypercube.core.chart import DayBoundary
from hypercube.core.served_models import ServedModel
from hypercube.wire.convert import model_from_proto
from hypercube.wire.v1 import cubes_pb2, models_pb2

P = ParamSpec("P")
_A = TypeVar("_A")


class Client(ModelCalls, SajuCalls):
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
        method = _methods.PILLARS_STREAM
        source = RequestSource(day_boundary)
        attempt = self.one_attempt(method, timeout)
        call = method.of(self._channel.stream_stream)(
            source.messages(chunks), timeout=attempt.timeout_s, metadata=attempt.metadata
        )
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
        return read(chat_answer, self._call(_methods.COMPLETE, request, timeout, key))

    def conversation(self, *, timeout: Timeout = NOT_GIVEN, **options: Unpack[ChatOptions]) -> Conversation:
        """Begin a conversation of many turns in one call: `say` sends a turn, and the server remembers the rest.

        `options` hold from the first turn on, until a turn gives others. The timeout spans the conversation.
        """
        return Conversation(self._channel, self.one_attempt(_methods.CONVERSE, timeout), options)

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
        return read(vectors, self._call(_methods.EMBED, request, timeout))

    def models(self, *, timeout: Timeout = NOT_GIVEN) -> list[ServedModel]:
        """Every model served there, ready or not."""
        reply = self._call(_methods.LIST_MODELS, models_pb2.ListModelsRequest(), timeout)
        return [read(model_from_proto, model) for model in reply.models]

    def cubes(self, *, timeout: Timeout = NOT_GIVEN) -> list[CubeInfo]:
        """Every cube of the server."""
        reply = self._call(_methods.LIST_CUBES, cubes_pb2.ListCubesRequest(), timeout)
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
        return read(
            process_answer, self._call(_methods.PROCESS, process_request(cube, request), timeout, key)
        )

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
        watched = Watched(service)
        method = _methods.WATCH_HEALTH

        def watch(attempt: Attempt) -> None:
            call = method.of(self._channel.unary_stream)(
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
