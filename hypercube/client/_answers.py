"""What calls return where `hypercube.core` has no type for it, and how a streamed answer adds up."""

import json
from array import array
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hypercube.client._columns import EmbedReply, PillarsReply, table
from hypercube.client._status import CallSite
from hypercube.client.exceptions import EngineFailed, InternalError, error_of
from hypercube.core.calendar import LunarDay, YearTerms
from hypercube.core.cube import Dependency
from hypercube.core.engine import (
    ChatMessage,
    FinishReason,
    GenerationEvent,
    TokenLogprob,
    ToolCall,
    Usage,
)
from hypercube.core.errors import ErrorKind
from hypercube.core.reading import FormedReading, Grounding, Reading, joined
from hypercube.wire.convert import (
    error_from_proto,
    event_from_proto,
    formed_reading_from_proto,
    from_message,
    grounding_from_proto,
    logprobs_from_proto,
    reading_event_from_proto,
    tool_call_from_proto,
    usage_from_proto,
)
from hypercube.wire.v1 import calendar_pb2, chat_pb2, cubes_pb2, reading_pb2

_A = TypeVar("_A")
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class ChatChoice:
    """One of several answers to the same question.

    Attributes:
        content: the text; empty where the model only calls tools.
        finish_reason: why it ended.
        tool_calls: what it calls.
        logprobs: its tokens, where they were asked for.
        grounding: what it rests on, if the model `saju` answered about a chart.
    """

    content: str
    finish_reason: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    grounding: Grounding | None = None

    @property
    def message(self) -> ChatMessage:
        """The answer as a turn, to go on with."""
        return ChatMessage("assistant", self.content, self.tool_calls)


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A whole chat answer; `id` names it in the server's log.

    Attributes:
        content: the text; empty where the model only calls tools.
        finish_reason: why it ended.
        usage: token counts, of all answers together.
        model: who answered.
        id: its name.
        tool_calls: what it calls.
        logprobs: its tokens, where they were asked for.
        further: the other answers, where `n` asked for them.
        grounding: what it rests on, if the model `saju` answered about a chart.
    """

    content: str
    finish_reason: FinishReason
    usage: Usage
    model: str
    id: str
    tool_calls: tuple[ToolCall, ...] = ()
    logprobs: tuple[TokenLogprob, ...] = ()
    further: tuple[ChatChoice, ...] = ()
    grounding: Grounding | None = None

    @property
    def message(self) -> ChatMessage:
        """The answer as a turn, to go on with."""
        return ChatMessage("assistant", self.content, self.tool_calls)


@dataclass(frozen=True, slots=True)
class Vectors:
    """Vectors of texts.

    Attributes:
        data: float32, one row a text in the order of the texts; a view of what came, which NumPy takes as it is.
        model: who made them.
        prompt_tokens: tokens read.
    """

    data: memoryview
    model: str
    prompt_tokens: int

    @property
    def dimensions(self) -> int:
        """Numbers in a vector."""
        assert self.data.shape is not None
        return self.data.shape[1]

    def __len__(self) -> int:
        return len(self.data)

    def __getitem__(self, index: int) -> "array[float]":
        """The vector of one text, as a copy."""
        at = range(len(self))[index]
        width = self.dimensions * self.data.itemsize
        made = array("f")
        made.frombytes(self.data.cast("B")[at * width : (at + 1) * width])
        return made

    def __iter__(self) -> "Iterator[array[float]]":
        return (self[index] for index in range(len(self)))


@dataclass(frozen=True, slots=True)
class CubeInfo:
    """A cube as its server describes it.

    Attributes:
        name: what `process` calls it by.
        version: semantic version.
        color: the colour of its category.
        category: feature, network, data, security, monitoring, ui or integration.
        summary: one line.
        dependencies: cubes it needs, with version ranges.
        capabilities: words to look for, e.g. `chart.batch`.
        state: created, initialized, running, stopped or destroyed.
        health: healthy, degraded or unhealthy.
        health_reason: why.
        request_schema: JSON Schema of what `process` takes.
        response_schema: JSON Schema of what it returns.
    """

    name: str
    version: str
    color: str
    category: str
    summary: str
    dependencies: tuple[Dependency, ...]
    capabilities: tuple[str, ...]
    state: str
    health: str
    health_reason: str
    request_schema: Mapping[str, Any]
    response_schema: Mapping[str, Any]


def read(convert: Callable[[_M], _A], message: _M) -> _A:
    """An answer from its message; one that this version cannot read is an `InternalError`, not a ValueError."""
    try:
        return convert(message)
    except ValueError as error:
        raise InternalError(
            ErrorKind.INTERNAL,
            f"The server's answer cannot be read: {error}.",
            fix="Update heal7-hypercube to the server's version.",
        ) from error


def year_terms(message: calendar_pb2.YearTerms) -> YearTerms:
    """The solar terms of a year from their message."""
    return from_message(YearTerms, message)


def lunar_day(message: calendar_pb2.LunarDay) -> LunarDay:
    """A day by both calendars from its message."""
    return from_message(LunarDay, message)


def whole_reading(messages: Iterable[reading_pb2.ReadingEvent]) -> Reading:
    """A reading from all its pieces."""
    found = joined(read(reading_event_from_proto, each) for each in messages)
    if found is None:
        raise EngineFailed(
            ErrorKind.ENGINE_FAILED, "The server stopped in the middle of a reading.", fix="Ask again."
        )
    return found


def formed_reading(messages: Iterable[reading_pb2.ReadingEvent]) -> FormedReading:
    """A reading in the caller's form from its one piece."""
    found = next((each.formed for each in messages if each.HasField("formed")), None)
    if found is None:
        raise EngineFailed(
            ErrorKind.ENGINE_FAILED,
            "The server wrote a reading in its usual form.",
            fix="It does not know schemas yet: update it, or call `reading`.",
        )
    return read(formed_reading_from_proto, found)


def chat_answer(message: chat_pb2.ChatReply) -> ChatAnswer:
    """A whole answer from its message."""
    return ChatAnswer(
        content=message.content,
        finish_reason=FinishReason(message.finish_reason),
        usage=usage_from_proto(message.usage),
        model=message.model,
        id=message.id,
        tool_calls=tuple(map(tool_call_from_proto, message.tool_calls)),
        logprobs=logprobs_from_proto(message.logprobs),
        further=tuple(
            ChatChoice(
                each.content,
                FinishReason(each.finish_reason),
                tuple(map(tool_call_from_proto, each.tool_calls)),
                logprobs_from_proto(each.logprobs),
                grounding_from_proto(each),
            )
            for each in message.further
        ),
        grounding=grounding_from_proto(message),
    )


def pillar_rows(message: PillarsReply) -> memoryview:
    """The rows from their message, as a view of it."""
    return table(message.rows, "B", 4)


def chunk_of(message: PillarsReply, site: CallSite) -> memoryview:
    """The rows of one chunk of a stream.

    Raises:
        ClientError: what the server said of the chunk.
    """
    if message.rest.HasField("error"):
        error = error_of(error_from_proto(message.rest.error))
        error.request_id = site.request_id
        raise error
    return read(pillar_rows, message)


def vectors(message: EmbedReply) -> Vectors:
    """The vectors from their message, as a view of it."""
    rest = message.rest
    return Vectors(table(message.vectors, "f", rest.dimensions), rest.model, rest.prompt_tokens)


def cube_info(message: cubes_pb2.Cube) -> CubeInfo:
    """A cube's description from its message."""
    return CubeInfo(
        name=message.name,
        version=message.version,
        color=message.color,
        category=message.category,
        summary=message.summary,
        dependencies=tuple(Dependency(item.name, item.versions) for item in message.dependencies),
        capabilities=tuple(message.capabilities),
        state=message.state,
        health=message.health,
        health_reason=message.health_reason,
        request_schema=json.loads(message.request_schema_json or "{}"),
        response_schema=json.loads(message.response_schema_json or "{}"),
    )


def process_answer(message: cubes_pb2.ProcessReply) -> Any:
    """A cube's answer as plain JSON values."""
    return json.loads(message.response_json)


class Transcript:
    """What a streamed answer amounts to so far; both kinds of stream are one.

    Attributes:
        id: name of the answer in the server's log.
        model: the model that writes it.
        finish_reason: why it ended; None until it did.
        usage: token counts; None until it ended.
        tool_calls: what the model calls so far; the arguments of the last one may be cut short until it ended.
        logprobs: tokens so far, where they were asked for.
        grounding: what it rests on, once it ended, if the model `saju` answered about a chart.
        trailers: what the server said at the end, such as `server-timing`; empty until then.
    """

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.finish_reason: FinishReason | None = None
        self.usage: Usage | None = None
        self.tool_calls: list[ToolCall] = []
        self.logprobs: list[TokenLogprob] = []
        self.grounding: Grounding | None = None
        self.trailers: Mapping[str, str | bytes] = {}
        self._pieces: list[str] = []

    @property
    def message(self) -> ChatMessage:
        """The answer so far as a turn, to go on with."""
        return ChatMessage("assistant", self.text, tuple(self.tool_calls))

    @property
    def text(self) -> str:
        """All pieces so far."""
        return "".join(self._pieces)

    def _take(self, message: chat_pb2.ChatEvent) -> GenerationEvent:
        """Add one piece."""
        event = read(event_from_proto, message)
        self.id, self.model = message.id or self.id, message.model or self.model
        self.finish_reason = event.finish_reason or self.finish_reason
        self.usage = event.usage or self.usage
        self.grounding = event.grounding or self.grounding
        self._pieces.append(event.text)
        self.logprobs += event.logprobs
        for piece in event.tool_calls:
            while len(self.tool_calls) <= piece.index:
                self.tool_calls.append(ToolCall("", "", ""))
            call = self.tool_calls[piece.index]
            self.tool_calls[piece.index] = ToolCall(
                call.id or piece.id, call.name or piece.name, call.arguments + piece.arguments
            )
        return event

    def _check_whole(self) -> None:
        """Check an answer that ended without an error.

        Raises:
            EngineFailed: the stream ended without saying why, so the text may be cut short.
        """
        if self.finish_reason is None:
            raise EngineFailed(
                ErrorKind.ENGINE_FAILED,
                f"The stream ended after {len(self.text)} characters without a finish_reason.",
                fix="Ask again; the text so far may be cut short.",
            )
