"""Readings: /v1/saju/readings."""

from dataclasses import dataclass, fields
from typing import ClassVar, Final

from starlette.responses import Response

from hypercube.core.reading import Reading, ReadingRequest
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, encode, json_response
from hypercube.gateway.streams import Mapped
from hypercube.gateway.validation import JsonModel, json_model


@dataclass(frozen=True, slots=True)
class ReadingBody(ReadingRequest):
    """A birth, how to read it, and whether to send it sentence by sentence.

    Attributes:
        stream: server-sent events, one a sentence, the last with `done`.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    stream: bool = False


_BODY: Final[JsonModel[ReadingBody]] = json_model(ReadingBody)
_FIELDS: Final = tuple(each.name for each in fields(ReadingRequest))


async def reading(request: HttpRequest) -> Response:
    """A whole reading, or a stream of its sentences."""
    body = _BODY.read(request.body)
    asked = ReadingRequest(**{name: getattr(body, name) for name in _FIELDS})
    if body.stream:
        pieces = await handler.stream(request.services, asked, request.call)
        return EventStream(Mapped(pieces, encode), request.call.request_id)
    return json_response(await handler.reading(request.services, asked, request.call))


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/saju/readings",
        "saju",
        "A reading (해석) of one birth",
        reading,
        request=ReadingBody,
        examples=examples.READINGS,
        response=Reading,
        media=(JSON, EVENTS),
        errors=(400, 413, 429, 503, 504),
        description=(
            "Written by rule from a hand-written corpus, in Korean or English; every sentence cites the facts it "
            "reads, and was checked against the chart before it left. Same birth, options and `as_of`: same text, "
            "per `corpus_version`. With `stream` the sentences come as server-sent events, the last with `done`."
        ),
    ),
)
