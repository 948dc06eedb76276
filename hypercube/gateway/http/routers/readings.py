"""Readings: /v1/saju/readings."""

from typing import Final

from starlette.responses import Response

from hypercube.core.reading import FormedReading, Reading
from hypercube.gateway.handlers import readings as handler
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.formed_readings import ReadingBody, formed
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.reading_json import reading_json
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, encode
from hypercube.gateway.validation import JsonModel, json_model

_BODY: Final[JsonModel[ReadingBody]] = json_model(ReadingBody)


async def reading(request: HttpRequest) -> Response:
    """A whole reading, or a stream of its sentences."""
    asked = _BODY.read(request.body)
    if asked.response_format is not None:
        return await formed(request, asked, asked.response_format)
    if asked.stream:
        pieces = await handler.stream(request.services, asked, request.call, encode)
        return EventStream(pieces, request.call.request_id)
    answer = await handler.reading(request.services, asked, request.call)
    return Response(reading_json(answer), media_type=JSON)


OPERATIONS: Final = (
    Operation(
        "POST",
        "/v1/saju/readings",
        "saju",
        "A reading (해석) of one birth",
        reading,
        allowance="chat_s",
        request=ReadingBody,
        examples=examples.READINGS,
        response=Reading | FormedReading,
        media=(JSON, EVENTS),
        errors=(400, 403, 413, 429, 503, 504),
        description=(
            "Written by rule from a hand-written corpus, in Korean or English; every sentence cites the facts it "
            "reads, and was checked against the chart before it left. Same birth, options and `as_of`: same text, "
            "per `corpus_version`. With `stream` the sentences come as server-sent events, the last with `done`. "
            "With `writer: model` a served model puts it in its own words, section by section; a sentence of it that "
            "contradicts the chart never leaves, and where the model is away, slow or weak the corpus writes: "
            "`written_by` says who, `fallback` why. With `response_format` (a JSON schema, as OpenAI writes it) the "
            "sentences fill the caller's own properties, which are named after sections or `summary`."
        ),
    ),
)
