"""Routes whose answers are kept for idempotency keys."""

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.responses import Response

from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.responses import JSON, encode
from hypercube.gateway.idempotency import REPLAYED


async def once(request: HttpRequest, route: str, whole: Callable[[], Awaitable[Any]]) -> Response:
    """The JSON of `whole`, computed once for all requests of one key; never for a stream.

    Raises:
        HyperCubeError: as `IdempotentAnswers.once`.
    """

    async def work() -> bytes:
        return encode(await whole())

    call = request.call
    data = await request.services.idempotent.once(route, request.body, call, work)
    return Response(data, headers={REPLAYED: "true"} if call.replayed else None, media_type=JSON)
