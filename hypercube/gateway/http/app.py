"""The HTTP application: routes, middleware, and the errors that no handler sees."""

from functools import cache
from typing import Any, Final

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hypercube._version import __version__
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.gateway.http import openapi
from hypercube.gateway.http.docs import pages
from hypercube.gateway.http.middleware import BodyLimitMiddleware, RequestMiddleware, TrafficMiddleware
from hypercube.gateway.http.operations import Operation, routes
from hypercube.gateway.http.responses import FAILURE, error_response, json_response
from hypercube.gateway.http.routers import almanac, charts, chat, cubes, health, models
from hypercube.gateway.services import GatewayServices

OPERATIONS: Final[tuple[Operation, ...]] = (
    *charts.OPERATIONS,
    *almanac.OPERATIONS,
    *chat.OPERATIONS,
    *models.OPERATIONS,
    *cubes.OPERATIONS,
    *health.OPERATIONS,
)


def create_http_app(services: GatewayServices) -> FastAPI:
    """The ASGI application of these services; it owns no resource, so it needs no start-up."""
    app = FastAPI(
        title="HyperCube",
        version=__version__,
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        redirect_slashes=False,
        middleware=[
            Middleware(RequestMiddleware, services),
            Middleware(TrafficMiddleware, services),
            Middleware(BodyLimitMiddleware, services),
        ],
    )
    app.router.routes.extend([*routes(OPERATIONS, services), *pages(), Route("/openapi.json", _openapi)])
    app.add_exception_handler(HTTPException, _unrouted)
    return app


@cache
def openapi_document() -> dict[str, Any]:
    """The OpenAPI document of this server."""
    return openapi.document(OPERATIONS)


async def _openapi(request: Request) -> Response:
    return json_response(openapi_document())


async def _unrouted(request: Request, error: Exception) -> Response:
    """No such path, or not for this method."""
    method, path = request.method, str(shown(request.url.path))
    headers = dict(getattr(error, "headers", None) or {})
    if isinstance(error, HTTPException) and error.status_code == 405:
        allowed = headers.get("Allow", "another method")
        failure = HyperCubeError(
            ErrorKind.METHOD_NOT_ALLOWED,
            f"{path} does not take {method}.",
            value=method,
            fix=f"Use {allowed}.",
        ).failure()
    else:
        known = sorted({operation.template for operation in OPERATIONS} | {"/docs", "/openapi.json"})
        like = nearest(path, known)
        failure = HyperCubeError(
            ErrorKind.NOT_FOUND,
            f"There is nothing at {path}.",
            value=path,
            fix=f"Did you mean {like}? All routes are at /docs." if like else "All routes are at /docs.",
        ).failure()
    request.scope[FAILURE] = failure
    return error_response(failure, headers)
