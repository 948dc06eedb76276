"""Models: /v1/models, in OpenAI's form with our fields beside it."""

from typing import Final

from starlette.responses import Response

from hypercube.core.engine import ServedModel
from hypercube.gateway.handlers import models as handler
from hypercube.gateway.http.bodies import ModelBody, ModelListBody
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import json_response


async def models(request: HttpRequest) -> Response:
    """Every served model."""
    body: ModelListBody = {
        "object": "list",
        "data": [_body(model) for model in await handler.models(request.services, request.call)],
    }
    return json_response(body)


async def model(request: HttpRequest) -> Response:
    """One served model."""
    return json_response(_body(await handler.model(request.services, request.path["name"], request.call)))


def _body(model: ServedModel) -> ModelBody:
    return {
        "id": model.name,
        "object": "model",
        "created": model.created,
        "owned_by": "hypercube",
        "engine": model.engine,
        "context_length": model.context_length,
        "licence": model.licence,
        "state": model.status.state.value,
        "reason": model.status.reason,
        "progress": model.status.progress,
        "version": model.version,
        "on_demand": model.on_demand,
        "pinned": model.pinned,
        "measured_bytes": model.measured_bytes,
    }


OPERATIONS: Final = (
    Operation(
        "GET", "/v1/models", "models", "Every served model", models, response=ModelListBody, errors=(503,)
    ),
    Operation(
        "GET",
        "/v1/models/{name:path}",
        "models",
        "One served model",
        model,
        response=ModelBody,
        errors=(404, 503),
        parameters={"name": ("Name as listed by /v1/models.", "qwen2.5-coder-1.5b-instruct")},
    ),
)
