"""/docs with the network off: Swagger UI from the package, nothing from elsewhere."""

from functools import lru_cache
from importlib.resources import files
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

_TYPES: Final = {
    "swagger-ui-bundle.js": "text/javascript",
    "swagger-ui.css": "text/css",
    "favicon-32x32.png": "image/png",
}
_PAGE: Final = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>HyperCube API</title>
<link rel="icon" type="image/png" href="docs/assets/favicon-32x32.png">
<link rel="stylesheet" href="docs/assets/swagger-ui.css">
</head>
<body>
<div id="page"></div>
<script src="docs/assets/swagger-ui-bundle.js"></script>
<script>
SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#page",
  deepLinking: true,
  tryItOutEnabled: true,
  validatorUrl: null
});
</script>
</body>
</html>
"""


@lru_cache(maxsize=len(_TYPES))
def _asset(name: str) -> bytes:
    return files("hypercube.gateway.http").joinpath("static", name).read_bytes()


async def _page(request: Request) -> Response:
    return HTMLResponse(_PAGE)


async def _assets(request: Request) -> Response:
    name = request.path_params["name"]
    if name not in _TYPES:
        raise HTTPException(404)
    return Response(_asset(name), media_type=_TYPES[name], headers={"cache-control": "max-age=86400"})


async def _root(request: Request) -> Response:
    return RedirectResponse("docs", 307)


def pages() -> list[Route]:
    """The routes of the pages."""
    return [
        Route("/", _root, methods=["GET"]),
        Route("/docs", _page, methods=["GET"]),
        Route("/docs/assets/{name}", _assets, methods=["GET"]),
    ]
