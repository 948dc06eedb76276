"""What calls return where `hypercube.core` has no type for it, and how a streamed answer adds up."""

import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from hypercube.client.exceptions import EngineFailed, InternalError
from hypercube.core.calendar import LunarDay, YearTerms
from hypercube.core.cube import Dependency
from hypercube.core.engine import FinishReason, GenerationEvent, Usage
from hypercube.core.errors import ErrorKind
from hypercube.core.reading import Reading, joined
from hypercube.wire.convert import event_from_proto, from_message, reading_event_from_proto, usage_from_proto
from hypercube.wire.v1 import calendar_pb2, chat_pb2, cubes_pb2, reading_pb2

_A = TypeVar("_A")
_M = TypeVar("_M")


@dataclass(frozen=True, slots=True)
class ChatAnswer:
    """A whole chat answer; `id` names it in the server's log."""

    content: str
    finish_reason: FinishReason
    usage: Usage
    model: str
    id: str


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


def chat_answer(message: chat_pb2.ChatReply) -> ChatAnswer:
    """A whole answer from its message."""
    return ChatAnswer(
        content=message.content,
        finish_reason=FinishReason(message.finish_reason),
        usage=usage_from_proto(message.usage),
        model=message.model,
        id=message.id,
    )


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
    """

    def __init__(self) -> None:
        self.id = ""
        self.model = ""
        self.finish_reason: FinishReason | None = None
        self.usage: Usage | None = None
        self._pieces: list[str] = []

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
        self._pieces.append(event.text)
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
