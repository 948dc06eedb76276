"""What a caller typed, as the message that travels.

Here only what cannot travel is refused: a wrong type, a word that is no member of its enum, a batch over the
limit. Everything else is the server's to judge, so that there is one judge.
"""

import json
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from enum import StrEnum
from typing import Any, Final, TypeAlias, TypeVar

from google.protobuf.message import Message

from hypercube.client._births import birth_input, birth_messages, date_text, member
from hypercube.client._chat_options import generation, json_text
from hypercube.client._columns import Column, PillarsRequest, column
from hypercube.client._constants import MAX_MESSAGE_BYTES
from hypercube.client.exceptions import ClientError, PayloadTooLarge, error_of, invalid
from hypercube.core.chart import Calendar, DayBoundary
from hypercube.core.engine import ChatMessage, ToolCall, ToolChoice
from hypercube.core.errors import ErrorKind, HyperCubeError, shown
from hypercube.core.reading import (
    ReadingAudience,
    ReadingLanguage,
    ReadingLength,
    ReadingSection,
    ReadingTone,
    ReadingWriter,
)
from hypercube.core.wrong_input import wrong_kind
from hypercube.wire.convert import birth_to_proto, chat_request_to_proto
from hypercube.wire.convert.fields import put
from hypercube.wire.convert.records import number_of
from hypercube.wire.v1 import chat_pb2, cubes_pb2, embeddings_pb2, reading_pb2, saju_pb2

Messages: TypeAlias = str | Iterable[ChatMessage | Mapping[str, Any]]
"""A chat: a prompt, or turns as `ChatMessage` or `{"role": ..., "content": ...}`."""

_M = TypeVar("_M", bound=Message | PillarsRequest)
_TURN_KEYS: Final = frozenset({"role", "content", "tool_calls", "tool_call_id"})
_READING: Final[Mapping[str, type[StrEnum]]] = {
    "language": ReadingLanguage,
    "length": ReadingLength,
    "tone": ReadingTone,
    "audience": ReadingAudience,
}


def chart_request(birth: object, **options: Any) -> saju_pb2.Birth:
    """The message of one birth."""
    with own_errors():
        return birth_to_proto(birth_input(birth, options))


def reading_request(birth: object, how: Mapping[str, Any], **options: Any) -> reading_pb2.InterpretRequest:
    """The message of one birth and how to read it; what is None is left to the server."""
    with own_errors():
        message = reading_pb2.InterpretRequest(birth=birth_to_proto(birth_input(birth, options)))
        for name, enum in _READING.items():
            if how.get(name) is not None:
                setattr(message.options, name, number_of(member(name, how[name], enum)))
        if how.get("writer") is not None:
            message.writer = number_of(member("writer", how["writer"], ReadingWriter))
        for name in ("model", "question"):
            if how.get(name) is not None:
                setattr(message, name, _text(name, how[name]))
        for each in _sections(how.get("sections")):
            message.options.sections.append(number_of(each))
    return message


def formed_reading_request(
    birth: object, schema: object, how: Mapping[str, Any], **options: Any
) -> reading_pb2.InterpretRequest:
    """The same with the schema that the reading is to fill."""
    message = reading_request(birth, how, **options)
    text = json_text("schema", schema)
    if text is None:
        raise invalid("schema is None.", param="schema", fix="Give a JSON schema, or call `reading`.")
    with own_errors():
        put(message, "response_schema_json", text, "schema")
    return message


def _text(name: str, value: object) -> str:
    if not isinstance(value, str):
        raise wrong_kind(name, value, "a string")
    return value


def _sections(value: object) -> Iterator[ReadingSection]:
    if value is None:
        return
    if isinstance(value, str | Mapping) or not isinstance(value, Iterable):
        raise wrong_kind("sections", value, "an array", list(ReadingSection))
    for at, each in enumerate(value):
        yield member("sections", each, ReadingSection, at)


def terms_request(year: object, zone: str | None) -> saju_pb2.TermsRequest:
    """The message that asks for a year's solar terms."""
    if zone == "":
        raise invalid("zone is empty.", param="zone", value="", fix="Leave zone out, or name one.")
    message = saju_pb2.TermsRequest()
    with own_errors():
        put(message, "year", year)
        put(message, "zone", zone)
    return message


def lunar_request(date: object, calendar: object | None, leap_month: object | None) -> saju_pb2.LunarRequest:
    """The message that asks for a day by both calendars."""
    message = saju_pb2.LunarRequest()
    with own_errors():
        put(message, "date", date_text("date", date))
        if calendar is not None:
            put(message, "calendar", number_of(member("calendar", calendar, Calendar)))
        put(message, "leap_month", leap_month)
    return message


def charts_request(births: object) -> saju_pb2.ChartsRequest:
    """The message of a batch; an error names the row, e.g. `births[3].longitude`.

    Raises:
        InvalidArgument: more than `MAX_BIRTHS` births, or a row that cannot travel.
    """
    fix = "Write charts([birth]), or chart(birth) for one."
    return saju_pb2.ChartsRequest(births=birth_messages("births", births, "charts", fix))


def chat_request(messages: object, options: Mapping[str, Any], n: object = 1) -> chat_pb2.ChatRequest:
    """The message of a chat; a prompt is one user turn, one stop text a list of one."""
    turns = (ChatMessage("user", messages),) if isinstance(messages, str) else tuple(_turns(messages))
    choice = options.get("tool_choice")
    with own_errors():
        request = generation(options, None if choice is None else member("tool_choice", choice, ToolChoice))
        message = chat_request_to_proto(replace(request, messages=turns))
        if n != 1:
            put(message, "n", n)
    return message


def _turns(messages: object) -> Iterable[ChatMessage]:
    if isinstance(messages, Mapping | ChatMessage) or not isinstance(messages, Iterable):
        raise invalid(
            f"messages is one {type(messages).__name__}.",
            param="messages",
            value=messages,
            fix='Write a prompt, or a list: [{"role": "user", "content": "…"}].',
        )
    for at, turn in enumerate(messages):
        if isinstance(turn, ChatMessage):
            yield turn
        elif isinstance(turn, Mapping) and "role" in turn and set(turn) <= _TURN_KEYS and _speaks(turn):
            calls = tuple(
                _called(f"messages[{at}].tool_calls[{number}]", call)
                for number, call in enumerate(turn.get("tool_calls") or ())
            )
            yield ChatMessage(turn["role"], turn.get("content") or "", calls, turn.get("tool_call_id") or "")
        else:
            raise invalid(
                f"messages[{at}] is {shown(turn)}.",
                param=f"messages[{at}]",
                value=turn,
                fix='A turn is {"role": "user", "content": "…"}; an assistant\'s may have tool_calls, '
                "a tool's has tool_call_id.",
            )


def _speaks(turn: Mapping[str, Any]) -> bool:
    return "content" in turn or bool(turn.get("tool_calls"))


def _called(param: str, call: object) -> ToolCall:
    if isinstance(call, ToolCall):
        return call
    if isinstance(call, Mapping) and set(call) == {"id", "name", "arguments"}:
        return ToolCall(call["id"], call["name"], call["arguments"])
    raise invalid(
        f"{param} is {shown(call)!r}.",
        param=param,
        value=call,
        fix='Send the ToolCall as it came, or {"id": "…", "name": "…", "arguments": "{…}"}.',
    )


def pillars_request(
    utc_seconds: Column, offset_seconds: Column, day_boundary: DayBoundary | str | None
) -> PillarsRequest:
    """The message of births in columns; one whole number is an offset for all."""
    utc = column("utc_seconds", utc_seconds, 8)
    if isinstance(offset_seconds, int):
        offset_seconds = (offset_seconds,)
    offset = column("offset_seconds", offset_seconds, 4)
    if not len(utc):
        raise invalid("utc_seconds is empty.", param="utc_seconds", fix="Send at least one birth.")
    boundary = None if day_boundary is None else member("day_boundary", day_boundary, DayBoundary)
    return PillarsRequest(utc, offset, boundary)


class RequestSource:
    """Chunks of births as messages; gRPC reads it, and would hide what goes wrong in it."""

    def __init__(self, day_boundary: DayBoundary | str | None) -> None:
        self.problem: Exception | None = None
        self._boundary = None if day_boundary is None else member("day_boundary", day_boundary, DayBoundary)

    def message(self, chunk: object) -> PillarsRequest:
        """One chunk as a message.

        Raises:
            InvalidArgument: it cannot travel; kept in `problem`.
        """
        if not isinstance(chunk, tuple) or len(chunk) != 2:
            raise invalid(
                f"A chunk is {shown(chunk)!r}.",
                param="chunks",
                fix="Give pairs: (utc_seconds, offset_seconds).",
            )
        return checked_size(pillars_request(*chunk, self._boundary), "PillarsStream")

    def messages(self, chunks: Iterable[tuple[Column, Column]]) -> Iterator[PillarsRequest]:
        """Each chunk as a message; ends, with `problem` set, at one that cannot travel."""
        try:
            for chunk in chunks:
                yield self.message(chunk)
        except Exception as error:
            self.problem = error
            raise

    async def messages_async(
        self, chunks: AsyncIterable[tuple[Column, Column]]
    ) -> AsyncIterator[PillarsRequest]:
        """The same for chunks that have to be waited for."""
        try:
            async for chunk in chunks:
                yield self.message(chunk)
        except Exception as error:
            self.problem = error
            raise


def embed_request(texts: object, model: object, dimensions: object) -> embeddings_pb2.EmbedRequest:
    """The message of texts to be turned into vectors."""
    if isinstance(texts, str):
        texts = (texts,)
    if isinstance(texts, Mapping) or not isinstance(texts, Iterable):
        raise invalid(
            f"texts is {shown(texts)!r}.", param="texts", value=texts, fix="Give a text, or a list of them."
        )
    message = embeddings_pb2.EmbedRequest()
    with own_errors():
        put(message, "input", tuple(texts), "texts")
        put(message, "model", model)
        put(message, "dimensions", dimensions)
    return message


def process_request(cube: str, request: Mapping[str, Any]) -> cubes_pb2.ProcessRequest:
    """The message of a cube call; the request travels as JSON."""
    if not isinstance(request, Mapping):
        raise invalid(
            f"request is {shown(request)}.",
            param="request",
            value=request,
            fix='Give a dict: {"birth": "…"}.',
        )
    try:
        text = json.dumps(dict(request), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError) as error:
        raise invalid(
            f"request is not JSON: {error}.",
            param="request",
            fix="Give a dict of texts, finite numbers, booleans, None, lists and dicts.",
        ) from error
    message = cubes_pb2.ProcessRequest(request_json=text)
    with own_errors():
        put(message, "name", cube, "cube")
    return message


@contextmanager
def own_errors() -> Iterator[None]:
    """Turn a `HyperCubeError` of the conversion into the SDK's own class."""
    try:
        yield
    except ClientError:
        raise
    except HyperCubeError as error:
        raise error_of(error.failure()) from error


def checked_size(message: _M, path: str) -> _M:
    """The message, if gRPC and the server will take it.

    Raises:
        PayloadTooLarge: with both sizes.
    """
    size = message.ByteSize()
    if size > MAX_MESSAGE_BYTES:
        raise PayloadTooLarge(
            ErrorKind.PAYLOAD_TOO_LARGE,
            f"The request of {path} takes {size:,} bytes; one message takes at most {MAX_MESSAGE_BYTES:,}.",
            value=size,
            fix="Split it into several calls.",
            details={"limit": MAX_MESSAGE_BYTES, "size": size},
        )
    return message
