"""The client for asyncio; only this module touches `grpc.aio`."""

# A timeout here is the deadline that travels to the server, which asyncio.timeout() is not.
# ruff: noqa: ASYNC109

import asyncio
import datetime as dt
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Final, Literal, TypeVar, overload
from weakref import WeakSet

import grpc
import grpc.aio

from hypercube.client import _base, _constants
from hypercube.client._answers import (
    ChatAnswer,
    CubeInfo,
    Transcript,
    chat_answer,
    cube_info,
    lunar_day,
    process_answer,
    read,
    whole_reading,
    year_terms,
)
from hypercube.client._base import NOT_GIVEN, Attempt, Metadata, Method, Pause, ReplyT, RequestT, Timeout
from hypercube.client._models_async import AsyncModelCalls
from hypercube.client._requests import (
    BirthLike,
    Messages,
    chart_request,
    charts_request,
    chat_request,
    checked_size,
    lunar_request,
    process_request,
    reading_request,
    terms_request,
)
from hypercube.client._status import CallSite, Status, StatusError, error_from_status, status_of
from hypercube.client.exceptions import FailedPrecondition
from hypercube.core.calendar import LuckAge, LunarDay, YearTerms
from hypercube.core.chart import Calendar, Chart, ChartResult, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.clock import Clock
from hypercube.core.engine import GenerationEvent, ServedModel
from hypercube.core.errors import ErrorKind
from hypercube.core.reading import (
    Reading,
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingSection,
    ReadingTone,
)
from hypercube.core.schools import BladeSchool, GoegangSchool, HiddenStemSet, LifeStageSchool
from hypercube.wire.convert import chart_from_proto, model_from_proto, result_from_proto
from hypercube.wire.v1 import chat_pb2, cubes_pb2, models_pb2

_A = TypeVar("_A")
_CLOSED: Final = Status(grpc.StatusCode.CANCELLED, "the client was closed")


def _failed(error: grpc.aio.AioRpcError) -> StatusError:
    """The status of a failed call, which gRPC raises as an exception."""
    return StatusError(status_of(error.code(), error.details(), error.trailing_metadata()))


def _ours() -> bool:
    """Whether a CancelledError means this task; gRPC raises it too where only the call was cancelled."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


class AsyncClient(AsyncModelCalls, _base.BaseClient):
    """A HyperCube server, over gRPC, for asyncio: the twin of `Client`, with the same methods.

    Opens its connection with the first call, in the event loop of that call, and belongs to that loop from then
    on. Any number of its tasks may call at once. Cancelling a task cancels its call on the server.

    Args:
        target: host:port of the gRPC port, or unix:/path.
        timeout: seconds for a whole call, retries included; None for no deadline; left out, each method's own
            default (30 s; chat and process 600 s). Every method takes another for one call.
        max_retries: attempts after the first; only where the server refused or no answer had begun.
        metadata: sent with every call, e.g. `{"authorization": "Bearer …"}`.
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
        clock: Clock = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        super().__init__(target, timeout=timeout, max_retries=max_retries, metadata=metadata, clock=clock)
        self._sleep = sleep
        self._open: tuple[asyncio.AbstractEventLoop, grpc.aio.Channel] | None = None
        # The oldest grpcio we take (1.76) misses streams when a channel closes, and their readers would hang.
        self._streams: WeakSet[Any] = WeakSet()

    @property
    def _channel(self) -> grpc.aio.Channel:
        """The channel, made at first use: gRPC binds it to the event loop that runs at that moment."""
        loop = asyncio.get_running_loop()
        if self._open is None:
            options = _base.channel_options(self._target)
            self._open = loop, grpc.aio.insecure_channel(self._target, options=options)
        made_in, channel = self._open
        if made_in is not loop:
            raise FailedPrecondition(
                ErrorKind.FAILED_PRECONDITION,
                f"{self!r} was first used in another event loop, and its connection belongs to that one.",
                fix="Make one AsyncClient inside each asyncio.run(), or use Client.",
            )
        return channel

    async def chart(
        self,
        birth: BirthLike,
        *,
        sex: Sex | str | None = None,
        place: str | None = None,
        longitude: float | None = None,
        zone: str | None = None,
        time_basis: TimeBasis | str | None = None,
        day_boundary: DayBoundary | str | None = None,
        fold: int | None = None,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        include: Iterable[Include | str] | None = None,
        luck_age: LuckAge | str | None = None,
        as_of: dt.date | str | None = None,
        hidden_stems: HiddenStemSet | str | None = None,
        life_stages: LifeStageSchool | str | None = None,
        blade: BladeSchool | str | None = None,
        goegang: GoegangSchool | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Chart:
        """One chart; the options mean what `BirthInput` says, and None leaves the server's default."""
        request = chart_request(
            birth,
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
            calendar=calendar,
            leap_month=leap_month,
            include=include,
            luck_age=luck_age,
            as_of=as_of,
            hidden_stems=hidden_stems,
            life_stages=life_stages,
            blade=blade,
            goegang=goegang,
        )
        return read(chart_from_proto, await self._call(_base.CHART, request, timeout))

    async def charts(
        self, births: Iterable[BirthLike | Mapping[str, Any]], *, timeout: Timeout = NOT_GIVEN
    ) -> list[ChartResult]:
        """Up to 10,000 charts in one call: a chart or an error for each birth, in the order given."""
        reply = await self._call(_base.CHARTS, charts_request(births), timeout)
        return [read(result_from_proto, result) for result in reply.results]

    async def reading(
        self,
        birth: BirthLike,
        *,
        sex: Sex | str | None = None,
        place: str | None = None,
        longitude: float | None = None,
        zone: str | None = None,
        time_basis: TimeBasis | str | None = None,
        day_boundary: DayBoundary | str | None = None,
        fold: int | None = None,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        luck_age: LuckAge | str | None = None,
        as_of: dt.date | str | None = None,
        hidden_stems: HiddenStemSet | str | None = None,
        life_stages: LifeStageSchool | str | None = None,
        blade: BladeSchool | str | None = None,
        goegang: GoegangSchool | str | None = None,
        sections: Iterable[ReadingSection | str] | None = None,
        language: ReadingLanguage | str | None = None,
        length: ReadingLength | str | None = None,
        tone: ReadingTone | str | None = None,
        audience: ReadingAudience | str | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> Reading:
        """The reading (해석) of one birth, whole; what a reading needs beside the pillars is included by itself.

        The options mean what `ReadingRequest` says, and None leaves the server's default.
        """
        request = reading_request(
            birth,
            how={
                "sections": sections,
                "language": language,
                "length": length,
                "tone": tone,
                "audience": audience,
            },
            sex=sex,
            place=place,
            longitude=longitude,
            zone=zone,
            time_basis=time_basis,
            day_boundary=day_boundary,
            fold=fold,
            calendar=calendar,
            leap_month=leap_month,
            luck_age=luck_age,
            as_of=as_of,
            hidden_stems=hidden_stems,
            life_stages=life_stages,
            blade=blade,
            goegang=goegang,
        )
        return whole_reading(await self._gather(_base.INTERPRET, request, timeout))

    async def terms(self, year: int, *, zone: str | None = None, timeout: Timeout = NOT_GIVEN) -> YearTerms:
        """The 24 solar terms (절기) of a civil year, 1800 to 2200; `zone` None shows them by Seoul's clock."""
        return read(year_terms, await self._call(_base.TERMS, terms_request(year, zone), timeout))

    async def lunar(
        self,
        date: dt.date | str,
        *,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> LunarDay:
        """A day by both calendars; with calendar "lunar", `date` is the Korean lunar one."""
        request = lunar_request(date, calendar, leap_month)
        return read(lunar_day, await self._call(_base.LUNAR, request, timeout))

    @overload
    async def chat(
        self,
        messages: Messages,
        *,
        model: str = "",
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        min_p: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        stream: Literal[False] = False,
        timeout: Timeout = NOT_GIVEN,
    ) -> ChatAnswer: ...

    @overload
    async def chat(
        self,
        messages: Messages,
        *,
        model: str = "",
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        min_p: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        stream: Literal[True],
        timeout: Timeout = NOT_GIVEN,
    ) -> "AsyncChatStream": ...

    async def chat(
        self,
        messages: Messages,
        *,
        model: str = "",
        max_tokens: int | None = None,
        temperature: float | None = None,
        top_p: float | None = None,
        top_k: int | None = None,
        min_p: float | None = None,
        frequency_penalty: float | None = None,
        presence_penalty: float | None = None,
        seed: int | None = None,
        stop: str | Sequence[str] = (),
        stream: bool = False,
        timeout: Timeout = NOT_GIVEN,
    ) -> "ChatAnswer | AsyncChatStream":
        """Continue a chat: the whole answer, or with `stream=True` its pieces as they are written.

        A stream is returned when its first piece has come; until then errors are raised here, and retried
        where that can help. The timeout spans the whole stream.
        """
        request = chat_request(
            messages,
            model=model,
            max_tokens=max_tokens,
            temperature=temperature,
            top_p=top_p,
            top_k=top_k,
            min_p=min_p,
            frequency_penalty=frequency_penalty,
            presence_penalty=presence_penalty,
            seed=seed,
            stop=stop,
        )
        if stream:
            return await self._stream(request, timeout)
        return read(chat_answer, await self._call(_base.COMPLETE, request, timeout))

    async def models(self, *, timeout: Timeout = NOT_GIVEN) -> list[ServedModel]:
        """Every model served there, ready or not."""
        reply = await self._call(_base.LIST_MODELS, models_pb2.ListModelsRequest(), timeout)
        return [read(model_from_proto, model) for model in reply.models]

    async def cubes(self, *, timeout: Timeout = NOT_GIVEN) -> list[CubeInfo]:
        """Every cube of the server."""
        reply = await self._call(_base.LIST_CUBES, cubes_pb2.ListCubesRequest(), timeout)
        return [read(cube_info, cube) for cube in reply.cubes]

    async def process(self, cube: str, request: Mapping[str, Any], *, timeout: Timeout = NOT_GIVEN) -> Any:
        """Call a cube by name, with a request in the JSON form of its `request_schema`.

        Returns the JSON of its answer: a dict, or the list of all pieces where the cube streams. Not sent
        again after a connection broke: what a cube does may have effects.
        """
        return read(process_answer, await self._call(_base.PROCESS, process_request(cube, request), timeout))

    async def ready(self, timeout: Timeout = NOT_GIVEN, *, service: str = "") -> None:
        """Wait until the server, or one of its gRPC services, says that it is ready.

        Raises:
            ConnectionFailed: nobody answered in time.
            Unavailable: it answered, but was not ready in time.
        """
        watched = _base.Watched(service)
        method = _base.WATCH_HEALTH

        async def watch(attempt: Attempt) -> None:
            call = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(
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
                raise _failed(problem) from None
            finally:
                call.cancel()

        await self._drive(self.readiness(watched, timeout), watch)

    async def close(self) -> None:
        """Close the connection; calls in flight end with `Cancelled`."""
        self._closed = True
        for call in tuple(self._streams):
            call.cancel()
        if self._open is not None:
            await self._open[1].close(None)

    async def __aenter__(self) -> "AsyncClient":
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def _call(self, method: Method[RequestT, ReplyT], request: RequestT, timeout: Timeout) -> ReplyT:
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> ReplyT:
            call = self._channel.unary_unary(
                method.path, method.request.SerializeToString, method.reply.FromString
            )
            try:
                reply: ReplyT = await call(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
            except grpc.aio.AioRpcError as problem:
                raise _failed(problem) from None
            return reply

        return await self._drive(self.attempts(method, timeout), send)

    async def _gather(
        self, method: Method[RequestT, ReplyT], request: RequestT, timeout: Timeout
    ) -> list[ReplyT]:
        """Every piece of a stream that is wanted whole."""
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> list[ReplyT]:
            call = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
            self._streams.add(call)
            try:
                return [piece async for piece in call]
            except grpc.aio.AioRpcError as problem:
                raise _failed(problem) from None

        return await self._drive(self.attempts(method, timeout), send)

    async def _stream(self, request: chat_pb2.ChatRequest, timeout: Timeout) -> "AsyncChatStream":
        method = _base.STREAM
        checked_size(request, method.path)

        async def send(attempt: Attempt) -> AsyncChatStream:
            call = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
            self._streams.add(call)
            pieces = aiter(call)
            try:
                first = await anext(pieces, None)
            except grpc.aio.AioRpcError as problem:
                raise _failed(problem) from None
            return AsyncChatStream(call, pieces, first, attempt.site)

        return await self._drive(self.attempts(method, timeout), send)

    async def _drive(self, steps: _base.Steps, send: Callable[[Attempt], Awaitable[_A]]) -> _A:
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
                if _ours():
                    raise
                status = _CLOSED
            except grpc.aio.UsageError:
                if self._closed:  # by another task, since the call began
                    raise _base.closed(self._target) from None
                raise
            else:
                with suppress(StopIteration):
                    steps.send(None)
                return answer
            step = steps.send(status)


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
            self._check_whole()
            raise
        except asyncio.CancelledError:
            closed, self._over = self._over, True
            if _ours():
                raise
            if closed:
                raise StopAsyncIteration from None
            raise error_from_status(_CLOSED, self._site) from None
        except grpc.aio.AioRpcError as problem:
            closed, self._over = self._over, True
            if closed:
                raise StopAsyncIteration from None
            raise error_from_status(_failed(problem).status, self._site) from None

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
