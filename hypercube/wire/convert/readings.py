"""Readings on the wire: what is asked for, and the sentences as they come."""

import json
from dataclasses import fields
from typing import Final

from hypercube.core.chart import BirthInput
from hypercube.core.errors import invalid
from hypercube.core.reading import (
    Checked,
    CitedFact,
    FormedReading,
    Reading,
    ReadingAudience,
    ReadingEvent,
    ReadingLanguage,
    ReadingLength,
    ReadingOptions,
    ReadingRequest,
    ReadingSection,
    ReadingSentence,
    ReadingTone,
    ReadingWriter,
)
from hypercube.wire.convert.charts import birth_from_proto, birth_to_proto, chart_from_proto, chart_to_proto
from hypercube.wire.convert.records import from_message, member, number_of, to_message
from hypercube.wire.v1 import reading_pb2

_BIRTH: Final = tuple(each.name for each in fields(BirthInput))
_DEFAULT: Final = ReadingOptions()


def reading_request_to_proto(request: ReadingRequest) -> reading_pb2.InterpretRequest:
    """A birth and how to read it; a value that its field cannot hold is INVALID_ARGUMENT."""
    birth = BirthInput(**{name: getattr(request, name) for name in _BIRTH})
    message = reading_pb2.InterpretRequest(
        birth=birth_to_proto(birth),
        options=to_message(request.to_options()),
        model=request.model,
        question=request.question,
    )
    if request.writer is not None:
        message.writer = number_of(request.writer)
    return message


def reading_request_from_proto(message: reading_pb2.InterpretRequest) -> ReadingRequest:
    """What the caller asked for; its birth is checked by the saju cube, its enum numbers here."""
    birth, asked = birth_from_proto(message.birth), message.options
    return ReadingRequest(
        **{name: getattr(birth, name) for name in _BIRTH},
        sections=tuple(_section(at, number) for at, number in enumerate(asked.sections)),
        language=member("options.language", asked.language, ReadingLanguage) or _DEFAULT.language,
        length=member("options.length", asked.length, ReadingLength) or _DEFAULT.length,
        tone=member("options.tone", asked.tone, ReadingTone) or _DEFAULT.tone,
        audience=member("options.audience", asked.audience, ReadingAudience) or _DEFAULT.audience,
        writer=member("writer", message.writer, ReadingWriter),
        model=message.model,
        question=message.question,
    )


def _section(at: int, number: int) -> ReadingSection:
    found = member(f"options.sections[{at}]", number, ReadingSection)
    if found is None:
        raise invalid(
            f"options.sections[{at}] is 0, which names no section.",
            param=f"options.sections[{at}]",
            value=0,
            fix="Leave sections empty for all, or send 1 to 8.",
        )
    return found


def reading_event_to_proto(event: ReadingEvent) -> reading_pb2.ReadingEvent:
    """A sentence, or the end."""
    message = reading_pb2.ReadingEvent(title=event.title, fallback=event.fallback)
    if event.section is not None:
        message.section = number_of(event.section)
    if event.sentence is not None:
        message.sentence.CopyFrom(to_message(event.sentence))
    if event.done is not None:
        done = event.done
        message.end.CopyFrom(
            reading_pb2.ReadingEnd(
                facts=[to_message(each) for each in done.facts],
                written_by=done.written_by,
                corpus_version=done.corpus_version,
                checked=to_message(done.checked),
                as_of=done.as_of,
                options=to_message(done.options),
                chart=chart_to_proto(done.chart),
                prompt=done.prompt,
            )
        )
    return message


def reading_event_from_proto(message: reading_pb2.ReadingEvent) -> ReadingEvent:
    """What `reading_event_to_proto` was given."""
    done = None
    if message.HasField("end"):
        end = message.end
        done = Reading(
            sections=(),
            facts=tuple(from_message(CitedFact, each) for each in end.facts),
            written_by=end.written_by,
            corpus_version=end.corpus_version,
            checked=from_message(Checked, end.checked),
            as_of=end.as_of,
            options=from_message(ReadingOptions, end.options),
            chart=chart_from_proto(end.chart),
            prompt=end.prompt,
        )
    return ReadingEvent(
        section=member("section", message.section, ReadingSection),
        title=message.title,
        sentence=from_message(ReadingSentence, message.sentence) if message.HasField("sentence") else None,
        done=done,
        fallback=message.fallback,
    )


def formed_reading_to_proto(formed: FormedReading) -> reading_pb2.ReadingEvent:
    """A reading in the caller's form, as the one event that it is."""
    message = reading_pb2.FormedReading(
        structured_json=json.dumps(formed.structured, ensure_ascii=False),
        sources=[reading_pb2.FormSource(path=path, facts=facts) for path, facts in formed.sources.items()],
        written_by=formed.written_by,
        corpus_version=formed.corpus_version,
        checked=to_message(formed.checked),
        as_of=formed.as_of,
        prompt=formed.prompt,
    )
    return reading_pb2.ReadingEvent(formed=message)


def formed_reading_from_proto(message: reading_pb2.FormedReading) -> FormedReading:
    """What `formed_reading_to_proto` was given."""
    return FormedReading(
        structured=json.loads(message.structured_json),
        sources={each.path: list(each.facts) for each in message.sources},
        written_by=message.written_by,
        corpus_version=message.corpus_version,
        checked=from_message(Checked, message.checked),
        as_of=message.as_of,
        prompt=message.prompt,
    )
