"""The Open Inference Protocol v2: /v2, its models, and inference."""

from typing import Any, Final

from starlette.responses import Response

from hypercube._version import __version__
from hypercube.core.tensors import TensorSpec
from hypercube.gateway.handlers import inference_models, inference_v2
from hypercube.gateway.handlers.inference_references import VERSION, find
from hypercube.gateway.http import inference_examples
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.inference_bodies import (
    InferenceAnswerBody,
    InferenceBody,
    InferenceLiveBody,
    InferenceModelBody,
    InferenceReadyBody,
    ServerBody,
    TensorBody,
)
from hypercube.gateway.http.inference_protocol import BINARY, read_infer, write_answer
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import JSON, json_response
from hypercube.gateway.http.routers import inference_repository

SERVER: Final = "hypercube"
_NOT_READY: Final = 400
"""The protocol's word for "no": a status of the fours."""


async def server(request: HttpRequest) -> Response:
    """Who answers."""
    body: ServerBody = {
        "name": SERVER,
        "version": __version__,
        "extensions": list(inference_models.EXTENSIONS),
    }
    return json_response(body)


async def live(request: HttpRequest) -> Response:
    """The process answers."""
    body: InferenceLiveBody = {"live": True}
    return json_response(body)


async def ready(request: HttpRequest) -> Response:
    """Charts can be computed."""
    is_ready = await inference_models.server_ready(request.services)
    body: InferenceReadyBody = {"ready": is_ready}
    return json_response(body, 200 if is_ready else _NOT_READY)


async def metadata(request: HttpRequest) -> Response:
    """What a model is."""
    name, version = model_and_version(request)
    meant = await find(request.services, name, version, request.call)
    model = meant.model
    body: InferenceModelBody = {
        "name": model.name,
        "versions": list(meant.versions),
        "platform": model.platform,
        "inputs": [_tensor(spec) for spec in model.inputs],
        "outputs": [_tensor(spec) for spec in model.outputs],
    }
    return json_response(body)


async def model_ready(request: HttpRequest) -> Response:
    """A model answers."""
    name, version = model_and_version(request)
    is_ready = await inference_models.ready(request.services, name, version, request.call)
    body: InferenceReadyBody = {"name": name, "ready": is_ready}
    return json_response(body, 200 if is_ready else _NOT_READY)


async def config(request: HttpRequest) -> Response:
    """A model's configuration."""
    name, version = model_and_version(request)
    meant = await find(request.services, name, version, request.call)
    return json_response(inference_models.config(meant.model))


async def infer(request: HttpRequest) -> Response:
    """Run a model."""
    name, version = model_and_version(request)
    asked = read_infer(
        request.body, request.headers, name, version, limit=request.services.limits.max_body_bytes
    )
    return write_answer(await inference_v2.infer(request.services, asked.request, request.call), asked)


def model_and_version(request: HttpRequest) -> tuple[str, str]:
    """What the path names."""
    return request.path["name"], request.path.get("version", "")


def _tensor(spec: TensorSpec) -> TensorBody:
    return {"name": spec.name, "datatype": spec.datatype.value, "shape": list(spec.shape)}


_NAME: Final = {"name": ("Name as listed by /v2/repository/index.", "saju_pillars")}
_VERSIONED: Final = {**_NAME, "version": ("Version of the model, as its metadata lists them.", VERSION)}


def _of_a_model(suffix: str, summary: str, handler: Any, **more: Any) -> tuple[Operation, ...]:
    """An operation on a model, and on a version of it."""
    return tuple(
        Operation(path=f"{path}{suffix}", tag="inference", summary=summary, handler=handler,
                  parameters=parameters, **more)
        for path, parameters in (
            ("/v2/models/{name}", _NAME),
            ("/v2/models/{name}/versions/{version}", _VERSIONED),
        )
    )  # fmt: skip


OPERATIONS: Final = (
    Operation("GET", "/v2", "inference", "Who answers, and the extensions", server, response=ServerBody),
    Operation("GET", "/v2/health/live", "inference", "The process answers", live, response=InferenceLiveBody),
    Operation(
        "GET",
        "/v2/health/ready",
        "inference",
        "Whether charts can be computed",
        ready,
        response=InferenceReadyBody,
        errors=(400,),
        not_ready=_NOT_READY,
    ),
    *inference_repository.OPERATIONS,
    *_of_a_model(
        "", "What a model takes and gives", metadata, method="GET", response=InferenceModelBody, errors=(404,)
    ),
    *_of_a_model(
        "/ready", "Whether a model answers", model_ready, method="GET", response=InferenceReadyBody,
        errors=(400, 404), not_ready=_NOT_READY,
    ),
    *_of_a_model(
        "/config", "A model's configuration", config, method="GET", response=dict[str, Any], errors=(404,)
    ),
    *_of_a_model(
        "/infer",
        "Run a model",
        infer,
        method="POST",
        allowance="chat_s",
        request=InferenceBody,
        examples=inference_examples.INFER,
        response=InferenceAnswerBody,
        response_example=inference_examples.INFER_ANSWER,
        media=(JSON, BINARY),
        errors=(400, 404, 413, 429, 503, 504),
        description=(
            "Tensors as JSON lists, or as bytes behind the JSON with `Inference-Header-Content-Length`, or in "
            "registered shared memory."
        ),
    ),
)  # fmt: skip
