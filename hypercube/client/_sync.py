"""The client for ordinary code."""

import datetime as dt
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Literal, TypeVar, overload

import grpc

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
from hypercube.client._models_sync import ModelCalls
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
from hypercube.core.calendar import LuckAge, LunarDay, YearTerms
from hypercube.core.chart import Calendar, Chart, ChartResult, DayBoundary, Include, Sex, TimeBasis
from hypercube.core.clock import Clock
from hypercube.core.engine import GenerationEvent, ServedModel
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


def _failed(call: Any) -> StatusError:
    """The status of a failed call, which gRPC raises as an exception."""
    return StatusError(status_of(call.code(), call.details(), call.trailing_metadata()))


class Client(ModelCalls, _base.BaseClient):
    """A HyperCube server, over gRPC.

    Opens its connection with the first call. Every method may be called from any number of threads at once; a
    stream belongs to the thread that reads it, though any thread may close it.

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
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        super().__init__(target, timeout=timeout, max_retries=max_retries, metadata=metadata, clock=clock)
        self._sleep = sleep
        self._channel = grpc.insecure_channel(self._target, options=_base.channel_options(self._target))

    def chart(
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
        return read(chart_from_proto, self._call(_base.CHART, request, timeout))

    def charts(
        self, births: Iterable[BirthLike | Mapping[str, Any]], *, timeout: Timeout = NOT_GIVEN
    ) -> list[ChartResult]:
        """Up to 10,000 charts in one call: a chart or an error for each birth, in the order given."""
        reply = self._call(_base.CHARTS, charts_request(births), timeout)
        return [read(result_from_proto, result) for result in reply.results]

    def reading(
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
        return whole_reading(self._gather(_base.INTERPRET, request, timeout))

    def terms(self, year: int, *, zone: str | None = None, timeout: Timeout = NOT_GIVEN) -> YearTerms:
        """The 24 solar terms (절기) of a civil year, 1800 to 2200; `zone` None shows them by Seoul's clock."""
        return read(year_terms, self._call(_base.TERMS, terms_request(year, zone), timeout))

    def lunar(
        self,
        date: dt.date | str,
        *,
        calendar: Calendar | str | None = None,
        leap_month: bool | None = None,
        timeout: Timeout = NOT_GIVEN,
    ) -> LunarDay:
        """A day by both calendars; with calendar "lunar", `date` is the Korean lunar one."""
        request = lunar_request(date, calendar, leap_month)
        return read(lunar_day, self._call(_base.LUNAR, request, timeout))

    @overload
    def chat(
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
    def chat(
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
    ) -> "ChatStream": ...

    def chat(
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
    ) -> "ChatAnswer | ChatStream":
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
            return self._stream(request, timeout)
        return read(chat_answer, self._call(_base.COMPLETE, request, timeout))

    def models(self, *, timeout: Timeout = NOT_GIVEN) -> list[ServedModel]:
        """Every model served there, ready or not."""
        reply = self._call(_base.LIST_MODELS, models_pb2.ListModelsRequest(), timeout)
        return [read(model_from_proto, model) for model in reply.models]

    def cubes(self, *, timeout: Timeout = NOT_GIVEN) -> list[CubeInfo]:
        """Every cube of the server."""
        reply = self._call(_base.LIST_CUBES, cubes_pb2.ListCubesRequest(), timeout)
        return [read(cube_info, cube) for cube in reply.cubes]

    def process(self, cube: str, request: Mapping[str, Any], *, timeout: Timeout = NOT_GIVEN) -> Any:
        """Call a cube by name, with a request in the JSON form of its `request_schema`.

        Returns the JSON of its answer: a dict, or the list of all pieces where the cube streams. Not sent
        again after a connection broke: what a cube does may have effects.
        """
        return read(process_answer, self._call(_base.PROCESS, process_request(cube, request), timeout))

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
                raise _failed(problem) from None
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

    def _call(self, method: Method[RequestT, ReplyT], request: RequestT, timeout: Timeout) -> ReplyT:
        checked_size(request, method.path)

        def send(attempt: Attempt) -> ReplyT:
            call = self._channel.unary_unary(
                method.path, method.request.SerializeToString, method.reply.FromString
            )
            try:
                reply: ReplyT = call(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
            except grpc.RpcError as problem:
                raise _failed(problem) from None
            return reply

        return self._drive(self.attempts(method, timeout), send)

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
                raise _failed(problem) from None
            except BaseException:  # Ctrl-C while waiting: the server need not go on
                call.cancel()
                raise

        return self._drive(self.attempts(method, timeout), send)

    def _stream(self, request: chat_pb2.ChatRequest, timeout: Timeout) -> "ChatStream":
        method = _base.STREAM
        checked_size(request, method.path)

        def send(attempt: Attempt) -> ChatStream:
            call: Any = self._channel.unary_stream(
                method.path, method.request.SerializeToString, method.reply.FromString
            )(request, timeout=attempt.timeout_s, metadata=attempt.metadata)
            try:
                first = next(call, None)
            except grpc.RpcError as problem:
                raise _failed(problem) from None
            except BaseException:  # Ctrl-C while waiting: the server need not go on
                call.cancel()
                raise
            return ChatStream(call, first, attempt.site)

        return self._drive(self.attempts(method, timeout), send)

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


class ChatStream(Transcript, Iterator[GenerationEvent]):
    """A chat answer as it is written: iterate over its pieces, each with `.text`.

    After the end `finish_reason` and `usage` are set, and `text` is the whole answer. Leaving a `with` block, or
    `close()`, before the end cancels the work on the server. An error after the first piece is raised by the
    iteration and never retried; `text` then holds what had come.
    """

    def __init__(self, call: Any, first: chat_pb2.ChatEvent | None, site: CallSite) -> None:
        super().__init__()
        self._call = call
        self._site = site
        self._first = first
        self._over = False
        if first is None:
            self._over = True
            self._check_whole()

    def __next__(self) -> GenerationEvent:
        message, self._first = self._first, None
        if message is None:
            message = self._receive()
        return self._take(message)

    def _receive(self) -> chat_pb2.ChatEvent:
        if self._over:
            raise StopIteration
        try:
            message: chat_pb2.ChatEvent = next(self._call)
        except StopIteration:
            self._over = True
            self._check_whole()
            raise
        except grpc.RpcError as problem:
            closed, self._over = self._over, True
            if closed:
                raise StopIteration from None
            raise error_from_status(_failed(problem).status, self._site) from None
        return message

    def close(self) -> None:
        """End the stream now; the server stops writing. Harmless after the end."""
        self._over, self._first = True, None
        self._call.cancel()

    def __enter__(self) -> "ChatStream":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
