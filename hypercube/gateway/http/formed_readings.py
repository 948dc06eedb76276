"""Readings in a form of the caller's: `response_format` on /v1/saju/readings."""

from dataclasses import dataclass, fields
from typing import Any, ClassVar, Final

from starlette.responses import Response

from hypercube.core.errors import invalid
from hypercube.core.reading import Checked, ReadingRequest
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.openai_tools import JsonSchemaFormat
from hypercube.gateway.http.responses import json_response
from hypercube.saju.reading.form import Form

_PARAM: Final = "response_format.json_schema.schema"
_ASKED: Final = tuple(each.name for each in fields(ReadingRequest))


@dataclass(frozen=True, slots=True)
class ReadingBody(ReadingRequest):
    """A birth, how to read it, and the form that the reading is to have; null for the usual one."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    response_format: JsonSchemaFormat | None = None


@dataclass(frozen=True, slots=True)
class FormedReading:
    """A reading in a form of the caller's."""

    structured: dict[str, Any]
    """As the caller's schema says; its texts are the reading's own sentences."""
    sources: dict[str, list[str]]
    """Ids of the facts that each property rests on, by its path: `outlook.wealth`."""
    written_by: str
    """`corpus`, the name of a model, or `mixed`."""
    corpus_version: str
    checked: Checked
    """Of the sections that the schema needs, whole."""
    as_of: str
    prompt: str = ""


async def formed(request: HttpRequest, asked: ReadingBody) -> Response:
    """The reading in its form.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a schema that readings cannot fill; as `handlers.readings.reading`.
    """
    form = Form(_schema(asked), _PARAM)
    if asked.stream:
        raise invalid(
            "stream is true, and a form is filled when all is written.",
            param="stream",
            value=True,
            fix="Leave out stream, or response_format.",
        )
    if asked.sections:
        raise invalid(
            "Both sections and response_format say what is to be written.",
            param="sections",
            value=", ".join(asked.sections),
            fix="Leave sections out: those are written that the schema needs.",
        )
    plain = {name: getattr(asked, name) for name in _ASKED}
    wanted = ReadingRequest(**{**plain, "sections": form.sections})
    reading = await handler.reading(request.services, wanted, request.call)
    filled = form.fill(reading)
    return json_response(
        FormedReading(
            filled.values,
            filled.sources,
            reading.written_by,
            reading.corpus_version,
            reading.checked,
            reading.as_of,
            reading.prompt,
        )
    )


def _schema(asked: ReadingBody) -> object:
    assert asked.response_format is not None  # else the reading has its usual form
    return asked.response_format.json_schema.schema_
