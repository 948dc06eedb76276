"""The client for asyncio."""

# A timeout here is the deadline that travels to the server, which asyncio.timeout() is not.
# ruff: noqa: ASYNC109

from collections.abc import AsyncIterable, Awaitable, Callable, Iterable, Mapping
from typing import Any, Literal, ParamSpec, TypeVar, Unpack, overload

import grpc
import grpc.aio

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
from hypercube.client._async_streams import AsyncChatStream, AsyncPillarsStream, failed
from hypercube.client._base import Attempt, Watched
from hypercube.client._channel import NOT_GIVEN, Timeout, checked_choices, checked_idempotency_key
from hypercube.client._chat_options import ChatOptions
from hypercube.client._columns import Column
from hypercube.client._conversation_async import AsyncConversation
from hypercube.client._models_async import AsyncModelCalls
from hypercube.client._raw import RECORDER, RawAnswer, Recorder
from hypercube.client._requests import Messages, RequestSource, chat_request, embed_request, process_request
from hypercube.client._saju_async import AsyncSajuCalls
from hypercube.client._status import Status, StatusError
from hypercube.core.chart import DayBoundary
from hypercube.core.served_models import ServedModel
from hypercube.wire.convert import model_from_proto
from hypercube.wire.v1 import cubes_pb2, models_pb2

P = ParamSpec("P")
_A = TypeVar("_A")


class AsyncClient(AsyncModelCalls, AsyncSajuCalls):
    """A HyperCube server, over gRPC, for asyncio: the twin of `Client`, with the same methods.

    Opens its connection with the first call, in the event loop of that call, and belongs to that loop from then
    on. Any number of its tasks may call at once. Cancelling a task cancels its call on the server.

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

    async def pillars_stream(
        self,
        chunks: Iterable[tuple[Column, Column]] | AsyncIterable[tuple[Column, Column]],
        *,
        day_boundary: DayBoundary | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> "AsyncPillarsStream":
        """Pillars of births without number: (utc_seconds, offset_seconds) after (utc_seconds, offset_seconds).

        Chunks are taken as the connection takes them, and each is answered by its rows, in order. Nothing is
        sent again: after an error of the connection, begin anew behind the last rows that came.
        """
        method = _methods.PILLARS_STREAM
        source = RequestSource(day_boundary)
        attempt = self.one_attempt(method, timeout)
        messages = (
            source.messages_async(chunks) if isinstance(chunks, AsyncIterable) else source.messages(chunks)
        )
        call = method.of(self._channel.stream_stream)(
            messages, timeout=attempt.timeout_s, metadata=attempt.metadata
        )
        self._streams.add(call)
        return AsyncPillarsStream(call, source, attempt.site)

    @overload
    async def chat(
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
    async def chat(
        self,
        messages: Messages,
        *,
        n: Literal[1] = 1,
        stream: Literal[True],
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
        **options: Unpack[ChatOptions],
    ) -> "AsyncChatStream": ...

    async def chat(
        self,
        messages: Messages,
        *,
        n: int = 1,
        stream: bool = False,
        idempotency_key: str | None = None,
        timeout: Timeout = NOT_GIVEN,
        **options: Unpack[ChatOptions],
    ) -> "ChatAnswer | AsyncChatStream":
        """Continue a chat: the whole answer, or with `stream=True` its pieces as they are written.

        `ChatOptions` lists the options. A stream is returned when its first piece has come; until then errors
        are raised here, and retried where that can help. The timeout spans the whole stream.
        """
        request = chat_request(messages, options, checked_choices(n, stream=stream))
        key = checked_idempotency_key(idempotency_key)
        if stream:
            return await self._stream(request, timeout, key)
        return read(chat_answer, await self._call(_methods.COMPLETE, request, timeout, key))

    async def conversation(
        self, *, timeout: Timeout = NOT_GIVEN, **options: Unpack[ChatOptions]
    ) -> AsyncConversation:
        """Begin a conversation of many turns in one call: `say` sends a turn, and the server remembers the rest.

        `options` hold from the first turn on, until a turn gives others. The timeout spans the conversation.
        """
        talk = AsyncConversation(self._channel, self.one_attempt(_methods.CONVERSE, timeout), options)
        self._streams.add(talk._call)  # noqa: SLF001 - to be closed with the client
        return talk

    async def embed(
        self,
        texts: str | Iterable[str],
        *,
        model: str | None = None,
        dimensions: int | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Vectors:
        """A vector for each text, in their order; one text that the model cannot read fails them all."""
        request = embed_request(texts, model, dimensions)
        return read(vectors, await self._call(_methods.EMBED, request, timeout))

    async def models(self, *, timeout: Timeout = NOT_GIVEN) -> list[ServedModel]:
        """Every model served there, ready or not."""
        reply = await self._call(_methods.LIST_MODELS, models_pb2.ListModelsRequest(), timeout)
        return [read(model_from_proto, model) for model in reply.models]

    async def cubes(self, *, timeout: Timeout = NOT_GIVEN) -> list[CubeInfo]:
        """Every cube of the server."""
        reply = await self._call(_methods.LIST_CUBES, cubes_pb2.ListCubesRequest(), timeout)
        return [read(cube_info, cube) for cube in reply.cubes]

    async def process(
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
            process_answer, await self._call(_methods.PROCESS, process_request(cube, request), timeout, key)
        )

    async def raw(
        self, method: Callable[P, Awaitable[_A]], /, *args: P.args, **options: P.kwargs
    ) -> RawAnswer[_A]:
        """Call a method of this client, and tell what travelled with its answer: `raw(client.chart, "1990-05-03")`.

        An error is raised as ever; it has `status`, `trailers` and `request_id` itself.
        """
        recorder = Recorder(self._clock())
        token = RECORDER.set(recorder)
        try:
            answer = await method(*args, **options)
        finally:
            RECORDER.reset(token)
        return recorder.told(answer, self._clock())

    async def ready(self, timeout: Timeout = NOT_GIVEN, *, service: str = "") -> None:
        """Wait until the server, or one of its gRPC services, says that it is ready.

        Raises:
            ConnectionFailed: nobody answered in time.
            Unavailable: it answered, but was not ready in time.
        """
        watched = Watched(service)
        method = _methods.WATCH_HEALTH

        async def watch(attempt: Attempt) -> None:
            call = method.of(self._channel.unary_stream)(
                watched.request,
                timeout=attempt.timeout_s,
                metadata=attempt.metadata,
                wait_for_ready=True,
            )
            self._streams.add(call)
            try:
                async for report in call:
                    if watched.take(report):
                        return
                raise StatusError(Status(grpc.StatusCode.UNAVAILABLE, "it stopped reporting its health"))
            except grpc.aio.AioRpcError as problem:
                raise failed(problem) from None
            finally:
                call.cancel()

        await self._drive(self.readiness(watched, timeout), watch)
