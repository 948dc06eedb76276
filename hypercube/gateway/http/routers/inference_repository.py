"""The Open Inference Protocol v2: the repository, statistics, and shared memory."""

from typing import Any, Final

from starlette.responses import Response

from hypercube.core.errors import invalid, shown
from hypercube.core.principal import Role
from hypercube.gateway.handlers import inference_models
from hypercube.gateway.handlers.inference_references import VERSION
from hypercube.gateway.http.endpoint import HttpRequest
from hypercube.gateway.http.inference_bodies import (
    DurationBody,
    IndexAskedBody,
    IndexBody,
    LoadBody,
    ModelStatsBody,
    NothingBody,
    RegionBody,
    RegisterBody,
    StatsBody,
)
from hypercube.gateway.http.inference_protocol import read_object
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import json_response
from hypercube.gateway.inference_statistics import Duration, ModelStatistics
from hypercube.gateway.shared_memory import Region, no_cuda


async def index(request: HttpRequest) -> Response:
    """Every model."""
    asked = _read(request, "ready")
    ready_only = asked.get("ready", False)
    if not isinstance(ready_only, bool):
        raise invalid(
            f"ready is {shown(ready_only)!r}.", param="ready", value=ready_only, fix="Send true or false."
        )
    entries = await inference_models.index(request.services, request.call, ready_only=ready_only)
    body: list[IndexBody] = [
        {"name": each.name, "version": each.version, "state": each.state, "reason": each.reason}
        for each in entries
    ]
    return json_response(body)


async def load(request: HttpRequest) -> Response:
    """A model is loaded."""
    await inference_models.load(
        request.services, request.path["name"], _object(_read(request, "parameters")), request.call
    )
    return json_response({})


async def unload(request: HttpRequest) -> Response:
    """A model's memory is given back; refused for what is part of the server."""
    _object(_read(request, "parameters"))
    await inference_models.unload(request.services, request.path["name"], request.call)
    return json_response({})


async def statistics(request: HttpRequest) -> Response:
    """The counters of one model, or of all."""
    found = await inference_models.statistics(
        request.services, request.path.get("name", ""), request.path.get("version", ""), request.call
    )
    body: StatsBody = {"model_stats": [_statistics(*each) for each in found]}
    return json_response(body)


async def regions(request: HttpRequest) -> Response:
    """One region, or all."""
    body: list[RegionBody] = [
        {"name": each.name, "key": each.key, "offset": each.offset, "byte_size": each.byte_size}
        for each in request.services.regions.status(request.path.get("region", ""))
    ]
    return json_response(body)


async def register(request: HttpRequest) -> Response:
    """Map a range of shared memory."""
    asked = _read(request, "key", "offset", "byte_size")
    key, offset, size = asked.get("key"), asked.get("offset", 0), asked.get("byte_size")
    if not isinstance(key, str) or type(offset) is not int or type(size) is not int:
        raise invalid(
            "key, offset and byte_size do not name a range of memory.",
            param="key",
            value=shown(str(asked)),
            fix="Send key as text, byte_size as a whole number, and offset if the range does not begin at 0.",
        )
    await request.services.regions.register(Region(request.path["region"], key, offset, size))
    return json_response({})


async def unregister(request: HttpRequest) -> Response:
    """Forget one region, or all."""
    request.services.regions.unregister(request.path.get("region", ""))
    return json_response({})


async def cuda(request: HttpRequest) -> Response:
    """Refused."""
    raise no_cuda()


async def no_cuda_regions(request: HttpRequest) -> Response:
    """There are none."""
    return json_response([])


def _read(request: HttpRequest, *known: str) -> dict[str, Any]:
    return read_object(request.body or b"{}", "The request", frozenset(known))


def _object(asked: dict[str, Any]) -> dict[str, Any]:
    parameters = asked.get("parameters", {})
    if not isinstance(parameters, dict):
        raise invalid("parameters is no object.", param="parameters", value=parameters, fix="Leave it out.")
    # Unloading may ask for the models that depend on it, of which there are none.
    return {name: value for name, value in parameters.items() if name != "unload_dependents"}


def _statistics(name: str, version: str, counters: ModelStatistics) -> ModelStatsBody:
    return {
        "name": name,
        "version": version,
        "last_inference": counters.last_inference_ms,
        "inference_count": counters.inferences,
        "execution_count": round(counters.executions),
        "inference_stats": {
            "success": _duration(counters.success),
            "fail": _duration(counters.fail),
            "queue": _duration(counters.queue),
            "compute_input": _duration(counters.compute_input),
            "compute_infer": _duration(counters.compute_infer),
            "compute_output": _duration(counters.compute_output),
        },
        "batch_stats": [],
    }


def _duration(duration: Duration) -> DurationBody:
    return {"count": duration.count, "ns": duration.ns}


_TAG: Final = "inference"
_NAME: Final = {"name": ("Name as listed by /v2/repository/index.", "saju_pillars")}
_VERSIONED: Final = {**_NAME, "version": ("Version of the model, as its metadata lists them.", VERSION)}
_REGION: Final = {"region": ("Name of the region.", "births")}
_SHARED: Final = "/v2/systemsharedmemory"
_CUDA: Final = "/v2/cudasharedmemory"

OPERATIONS: Final = (
    Operation(
        "POST",
        "/v2/repository/index",
        _TAG,
        "Every model and its state",
        index,
        request=IndexAskedBody,
        examples={"the ready ones": {"ready": True}},
        response=list[IndexBody],
        errors=(400, 503),
    ),
    Operation(
        "POST",
        "/v2/repository/models/{name}/load",
        _TAG,
        "Load a model",
        load,
        allowance="chat_s",
        request=LoadBody,
        examples={"as it is": {}},
        response=NothingBody,
        errors=(400, 403, 404, 502, 503, 504),
        parameters=_NAME,
        role=Role.ADMIN,
    ),
    Operation(
        "POST",
        "/v2/repository/models/{name}/unload",
        _TAG,
        "Unload a model; the kernels are part of the server, and refused",
        unload,
        allowance="chat_s",
        request=LoadBody,
        response=NothingBody,
        errors=(400, 403, 404, 409, 504),
        parameters=_NAME,
        role=Role.ADMIN,
    ),
    Operation("GET", "/v2/models/stats", _TAG, "Counters of every model", statistics, response=StatsBody),
    Operation(
        "GET", "/v2/models/{name}/stats", _TAG, "Counters of a model", statistics, response=StatsBody,
        errors=(404,), parameters=_NAME,
    ),
    Operation(
        "GET", "/v2/models/{name}/versions/{version}/stats", _TAG, "Counters of a version of a model",
        statistics, response=StatsBody, errors=(404,), parameters=_VERSIONED,
    ),
    Operation(
        "GET", f"{_SHARED}/status", _TAG, "Every shared-memory region", regions, response=list[RegionBody]
    ),
    Operation(
        "GET", f"{_SHARED}/region/{{region}}/status", _TAG, "One shared-memory region", regions,
        response=list[RegionBody], errors=(404,), parameters=_REGION,
    ),
    Operation(
        "POST",
        f"{_SHARED}/region/{{region}}/register",
        _TAG,
        "Map a range of a POSIX shared-memory object of the server's user",
        register,
        request=RegisterBody,
        response=NothingBody,
        errors=(400, 404, 409, 429),
        parameters=_REGION,
    ),
    Operation(
        "POST", f"{_SHARED}/region/{{region}}/unregister", _TAG, "Forget a region", unregister,
        response=NothingBody, parameters=_REGION,
    ),
    Operation(
        "POST", f"{_SHARED}/unregister", _TAG, "Forget every region", unregister, response=NothingBody
    ),
    Operation("GET", f"{_CUDA}/status", _TAG, "Always empty", no_cuda_regions, response=list[RegionBody]),
    Operation(
        "POST", f"{_CUDA}/region/{{region}}/register", _TAG, "Refused: system shared memory is offered", cuda,
        response=NothingBody, errors=(400,), parameters=_REGION,
    ),
)  # fmt: skip
