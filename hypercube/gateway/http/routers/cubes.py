"""Cubes: /v1/cubes, and a call to any of them by name."""

from typing import Any, Final

from starlette.responses import Response

from hypercube.gateway.handlers import cubes as handler
from hypercube.gateway.handlers.cubes import CubeView
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import EVENTS, JSON, EventStream, json_response
from hypercube.gateway.http.state_bodies import CubeBody, CubeDetailBody, CubeListBody

_RECORDS_SHOWN: Final = 20


async def cubes(request: HttpRequest) -> Response:
    """Every cube."""
    body: CubeListBody = {"cubes": [_body(view) for view in await handler.cubes(request.services)]}
    return json_response(body)


async def cube(request: HttpRequest) -> Response:
    """One cube."""
    return json_response(_detail(await handler.cube(request.services, request.path["name"])))


async def process(request: HttpRequest) -> Response:
    """A call to a cube."""
    answer = await handler.process(request.services, request.path["name"], request.body, request.call)
    if isinstance(answer, bytes):
        return Response(answer, media_type=JSON)
    return EventStream(answer, request.call.request_id)


def _body(view: CubeView) -> CubeBody:
    metadata = view.cube.metadata
    return {
        "name": metadata.name,
        "version": metadata.version,
        "color": metadata.color.value,
        "category": metadata.color.category,
        "summary": metadata.summary,
        "dependencies": [{"name": need.name, "versions": need.versions} for need in metadata.dependencies],
        "capabilities": list(metadata.capabilities),
        "state": view.cube.state.value,
        "health": view.health.health.value,
        "health_reason": view.health.reason,
    }


def _detail(view: CubeView) -> CubeDetailBody:
    cube = view.cube
    request_schema, response_schema = handler.schemas(cube)
    return {
        **_body(view),
        "request_schema": request_schema,
        "response_schema": response_schema,
        "metrics": [
            {"name": sample.name, "labels": dict(sample.labels), "value": sample.value}
            for sample in cube.metrics()
        ],
        "logs": list(cube.logs()[-_RECORDS_SHOWN:]),
        "traces": list(cube.traces()[-_RECORDS_SHOWN:]),
    }


_NAME: Final = {"name": ("Name as listed by /v1/cubes.", "saju")}
_ANYTHING: Final[Any] = dict[str, Any]

OPERATIONS: Final = (
    Operation("GET", "/v1/cubes", "cubes", "Every cube and how it is", cubes, response=CubeListBody),
    Operation(
        "POST",
        "/v1/cubes/{name}:process",
        "cubes",
        "Call a cube",
        process,
        allowance="chat_s",
        request=_ANYTHING,
        examples=examples.PROCESS,
        response=_ANYTHING,
        media=(JSON, EVENTS),
        errors=(400, 404, 413, 429, 503, 504),
        description=(
            "The body is the cube's `request_schema`, the answer its `response_schema` "
            "(GET /v1/cubes/{name}); a cube that streams answers with server-sent events."
        ),
        parameters=_NAME,
    ),
    Operation(
        "GET",
        "/v1/cubes/{name}",
        "cubes",
        "One cube: schemas, health, and its last minute",
        cube,
        response=CubeDetailBody,
        errors=(404,),
        parameters=_NAME,
    ),
)
