"""Web pages of other addresses: off unless they are named."""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp

from hypercube.gateway.idempotency import REPLAYED

_SHOWN: Final = (
    "x-request-id",
    "server-timing",
    "retry-after",
    REPLAYED,
    *(
        f"x-ratelimit-{what}-{of}"
        for what in ("limit", "remaining", "reset")
        for of in ("requests", "tokens")
    ),
)
_PREFLIGHT_S: Final = 600


def with_cors(app: ASGIApp, origins: Sequence[str]) -> ASGIApp:
    """The application, for browsers on pages of `origins`, too; without origins it is left as it is.

    Cookies are never allowed, since there are none: a page sends its key itself.
    """
    if not origins:
        return app
    return CORSMiddleware(
        app,
        allow_origins=origins,
        allow_methods=("GET", "POST", "DELETE"),
        allow_headers=("*",),
        expose_headers=_SHOWN,
        max_age=_PREFLIGHT_S,
    )
