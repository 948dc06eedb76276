"""Readings in a form of the caller's: `response_format` on /v1/saju/readings."""

from dataclasses import dataclass, fields
from typing import ClassVar, Final

from starlette.responses import Response

from hypercube.core.errors import invalid
from hypercube.core.reading import ReadingRequest
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.openai_tools import JsonSchemaFormat
from hypercube.gateway.http.responses import json_response

_PARAM: Final = "response_format.json_schema.schema"
_ASKED: Final = tuple(each.name for each in fields(ReadingRequest))


@dataclass(frozen=True, slots=True)
class ReadingBody(ReadingRequest):
    """A birth, how to read it, and the form that the reading is to have; null for the usual one."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    response_format: JsonSchemaFormat | None = None


async def formed(request: HttpRequest, asked: ReadingBody, form: JsonSchemaFormat) -> Response:
    """The reading in its form.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a stream; as `handlers.readings.formed`.
    """
    if asked.stream:
        raise invalid(
            "stream is true, and a form is filled when all is written.",
            param="stream",
            value=True,
            fix="Leave out stream, or response_format.",
        )
    plain = ReadingRequest(**{name: getattr(asked, name) for name in _ASKED})
    schema = form.json_schema.schema_
    return json_response(await handler.formed(request.services, plain, schema, request.call, where=_PARAM))
