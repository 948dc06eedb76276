"""The OpenAPI document, made from the routes as data and the JSON Schemas of their types."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final

from pydantic import TypeAdapter
from pydantic.json_schema import JsonSchemaMode

from hypercube._version import __version__
from hypercube.gateway.http.bodies import ErrorBody
from hypercube.gateway.http.door import ALWAYS_OPEN
from hypercube.gateway.http.inference_bodies import InferenceErrorBody
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.query import Parameter
from hypercube.gateway.http.responses import EVENTS, JSON, speaks_v2
from hypercube.gateway.http.timeout import TIMEOUT_HEADER
from hypercube.gateway.idempotency import IDEMPOTENCY_KEY
from hypercube.gateway.request_id import REQUEST_ID
from hypercube.gateway.services import Limits

_REFERENCE: Final = "#/components/schemas/{model}"
_REASONS: Final = {
    400: "Something in the request is wrong; `param`, `value` and `fix` say what.",
    403: "The caller is known, and may not do this.",
    404: "There is nothing of that name here.",
    409: "What it is about is in the wrong state for that; or another request went by its idempotency key.",
    413: "The body is over the limit.",
    429: "The queue is full; `Retry-After` says when to come back.",
    502: "The model's engine failed under this request.",
    503: "Not ready, or shutting down; `Retry-After` says when to come back.",
    504: "The deadline passed first.",
}
_TAGS: Final = (
    {"name": "saju", "description": "Four-pillar charts (사주 원국) and the calendar under them."},
    {"name": "chat", "description": "OpenAI's chat."},
    {"name": "embeddings", "description": "OpenAI's embeddings."},
    {"name": "models", "description": "What is served."},
    {"name": "model administration", "description": "Changes what is served; for administrators."},
    {"name": "inference", "description": "The Open Inference Protocol v2 of KServe and Triton."},
    {"name": "cubes", "description": "The parts of this server, by one contract."},
    {"name": "health", "description": "For probes and dashboards."},
)
_QUERY_TYPES: Final[dict[str, Callable[[str], Any]]] = {
    "string": str,
    "integer": int,
    "boolean": lambda text: text == "true",
}
_EVENT: Final = {
    "type": "object",
    "properties": {
        "data": {"type": "string", "description": "JSON, an error object among it; or the last: [DONE]."},
        "event": {"type": "string", "description": "The event's type, where it has one."},
    },
    "required": ["data"],
}
"""One server-sent event, in the words of OpenAPI 3.2, which 3.1 has none for."""
_Key = tuple[str, JsonSchemaMode]
_Schemas = dict[_Key, dict[str, Any]]


def document(operations: Sequence[Operation]) -> dict[str, Any]:
    """The OpenAPI 3.1 document of these routes."""
    schemas, components = _schemas(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.template, {})[operation.method.lower()] = _operation(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "HyperCube",
            "version": __version__,
            "description": "A GPU-first AI inference platform for saju (사주, the Korean four pillars).",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": list(_TAGS),
        "paths": paths,
        "components": {"schemas": components},
    }


def _schemas(operations: Iterable[Operation]) -> tuple[_Schemas, dict[str, Any]]:
    """A schema for each body, with the definitions they share."""
    inputs: list[tuple[str, JsonSchemaMode, TypeAdapter[Any]]] = [
        ("error", "serialization", TypeAdapter(ErrorBody)),
        ("v2_error", "serialization", TypeAdapter(InferenceErrorBody)),
    ]
    for operation in operations:
        if operation.request is not None:
            inputs.append((operation.identifier, "validation", TypeAdapter(operation.request)))
        if operation.response is not None:
            inputs.append((operation.identifier, "serialization", TypeAdapter(operation.response)))
    by_key, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE)
    return {(str(name), mode): schema for (name, mode), schema in by_key.items()}, definitions.get(
        "$defs", {}
    )


def _operation(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "operationId": operation.identifier,
        "tags": [operation.tag],
        "summary": operation.summary,
        "responses": _responses(operation, schemas),
    }
    if operation.description:
        shown["description"] = operation.description
    shown["parameters"] = _parameters(operation)
    if operation.request is not None:
        shown["requestBody"] = {
            "required": True,
            "content": {
                JSON: {
                    "schema": schemas[operation.identifier, "validation"],
                    "examples": {name: {"value": value} for name, value in operation.examples.items()},
                }
            },
        }
    return shown


def _parameters(operation: Operation) -> list[dict[str, Any]]:
    path = [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": meaning,
            "schema": {"type": "string"},
            "example": example,
        }
        for name, (meaning, example) in operation.parameters.items()
    ]
    path += [
        {
            "name": name,
            "in": "query",
            "required": each.required,
            "description": each.meaning,
            "schema": _query_schema(each),
            "example": _QUERY_TYPES[each.type](each.example),
        }
        for name, each in operation.query.items()
    ]
    if operation.keyed:
        path.append(
            {
                "name": IDEMPOTENCY_KEY,
                "in": "header",
                "description": "Your name for this request, if you may have to send it again: it is then not "
                "computed again. Streams are.",
                "schema": {"type": "string", "pattern": "^[!-~]{1,255}$"},
            }
        )
    return [
        *path,
        {
            "name": TIMEOUT_HEADER,
            "in": "header",
            "description": "Seconds after which the answer is worthless to you.",
            "schema": {"type": "number", "exclusiveMinimum": 0, "maximum": Limits().longest_s},
        },
        {
            "name": REQUEST_ID,
            "in": "header",
            "description": "Your name for this request; it comes back and stands in the log.",
            "schema": {"type": "string"},
        },
    ]


def _query_schema(parameter: Parameter) -> dict[str, Any]:
    schema: dict[str, Any] = {"type": parameter.type}
    if parameter.choices:
        schema["enum"] = list(parameter.choices)
    if parameter.bounds is not None:
        schema["minimum"], schema["maximum"] = parameter.bounds
    return schema


def _statuses(operation: Operation) -> list[int]:
    """What an answer may be beside 200: what the route itself says, and what the way to it may."""
    found = {*operation.errors, 400, 504}  # any request may set a deadline, and set it wrongly
    if operation.method == "POST":
        found.add(413)
    if operation.path not in ALWAYS_OPEN:
        found.add(503)  # the server is stopping
    return sorted(found)


def _responses(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    content: dict[str, Any] = {}
    for media in operation.media:
        if media == JSON and operation.response is not None:
            content[media] = {"schema": schemas[operation.identifier, "serialization"]}
            if operation.response_example is not None:
                content[media]["example"] = operation.response_example
        elif media == EVENTS:
            content[media] = {"itemSchema": _EVENT}
        else:
            content[media] = {"schema": {"type": "string"}}
    responses: dict[str, Any] = {"200": {"description": "As asked.", "content": content}}
    error = "v2_error" if speaks_v2(operation.path) else "error"
    for status in _statuses(operation):
        schema = schemas[error, "serialization"]
        if status == operation.not_ready:
            schema = {"anyOf": [content[JSON]["schema"], schema]}
        responses[str(status)] = {
            "description": "Not ready." if status == operation.not_ready else _REASONS[status],
            "content": {JSON: {"schema": schema}},
        }
    return responses
