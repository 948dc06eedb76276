"""The HTTP application: routes, middleware, and the errors that no handler sees."""

from functools import cache
from typing import Any, Final

from starlette.applications import Starlette
from starlette.exceptions import HTTPException as StarletteHTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.gateway.http import openapi
from hypercube.gateway.http.docs import pages
from hypercube.gateway.http.door import HttpDoor
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import FAILURE, error_response, json_response
from hypercube.gateway.http.routers import (
    almanac,
    charts,
    chat,
    compatibility,
    completions,
    cubes,
    embeddings,
    health,
    inference,
    model_admin,
    models,
    readings,
    responses,
)
from hypercube.gateway.http.routing import method_not_allowed
from hypercube.gateway.services import GatewayServices

OPERATIONS: Final[tuple[Operation, ...]] = (
    *charts.OPERATIONS,
    *readings.OPERATIONS,
    *compatibility.OPERATIONS,
    *almanac.OPERATIONS,
    *chat.OPERATIONS,
    *completions.OPERATIONS,
    *responses.OPERATIONS,
    *embeddings.OPERATIONS,
    # Before `models`, whose pattern takes whatever follows.
    *model_admin.OPERATIONS,
    *models.OPERATIONS,
    *cubes.OPERATIONS,
    *inference.OPERATIONS,
    *health.OPERATIONS,
)


def create_http_app(services: GatewayServices) -> HttpDoor:
    """The ASGI application of these services; it owns no resource, so it needs no start-up."""
    beside = Starlette(
        routes=[*pages(), Route("/openapi.json", _openapi)],
        exception_handlers={StarletteHTTPException: _unrouted},
    )
    beside.router.redirect_slashes = False
    return HttpDoor(services, (operation.endpoint(services) for operation in OPERATIONS), beside)


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of this server."""
    return openapi.document(OPERATIONS)


async def _openapi(request: Request) -> Response:
    return json_response(openapi_document())


async def _unrouted(request: Request, error: Exception) -> Response:
    """No such path, or not for this method."""
    path = str(shown(request.url.path))
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, StarletteHTTPException) and error.status_code == 405:
        allowed = headers.get("Allow", "GET").split(", ")
        failure = method_not_allowed(path, request.method, allowed).failure()
        request.scope[FAILURE] = failure
        return error_response(failure, headers, path=request.url.path)
    known = sorted({operation.template for operation in OPERATIONS} | {"/docs", "/openapi.json"})
    like = nearest(path, known)
    failure = HyperCubeError(
        ErrorKind.NOT_FOUND,
        f"There is nothing at {path}.",
        value=path,
        fix=f"Did you mean {like}? All routes are at /docs." if like else "All routes are at /docs.",
    ).failure()
    request.scope[FAILURE] = failure
    return error_response(failure, headers, path=request.url.path)
