"""Models: /v1/models, in OpenAI's form with our fields beside it."""

from typing import Final

from starlette.responses import Response

from hypercube.core.served_models import ServedModel, ServedVersion
from hypercube.gateway.handlers import models as handler
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import json_response
from hypercube.gateway.http.state_bodies import ModelBody, ModelListBody, ModelVersionBody


async def models(request: HttpRequest) -> Response:
    """Every served model."""
    body: ModelListBody = {
        "object": "list",
        "data": [model_body(model) for model in await handler.models(request.services, request.call)],
    }
    return json_response(body)


async def model(request: HttpRequest) -> Response:
    """One served model."""
    return json_response(
        model_body(await handler.model(request.services, request.path["name"], request.call))
    )


def model_body(model: ServedModel) -> ModelBody:
    """A model in OpenAI's form, with our fields beside."""
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
        "versions": [_version(model.name, version) for version in model.versions],
        "routing_note": model.routing_note,
        "digest": model.digest,
        "parent": model.parent or None,
        "capabilities": [capability.value for capability in model.capabilities],
    }


def _version(name: str, version: ServedVersion) -> ModelVersionBody:
    return {
        "id": f"{name}@{version.version}",
        "version": version.version,
        "state": version.status.state.value,
        "reason": version.status.reason,
        "aliases": list(version.aliases),
        "share": round(version.share, 6),
        "in_flight": version.in_flight,
        "measured_bytes": version.measured_bytes,
        "requests": version.requests,
        "failed": version.failed,
        "first_p95_s": version.first_p95_s,
        "total_p95_s": version.total_p95_s,
        "withdrawn": version.withdrawn,
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
