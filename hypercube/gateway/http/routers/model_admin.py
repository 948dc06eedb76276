"""Administration of models: load, route, verify, remove, adapt; every route needs the role `admin`."""

from collections.abc import Mapping
from typing import Any, Final, Literal, TypeVar, cast

from starlette.responses import Response

from hypercube.core.adapters import SEPARATOR, ServedAdapter
from hypercube.core.model_admin import ModelAction, ModelCommand, ModelOutcome, RouteMove
from hypercube.core.principal import Role
from hypercube.gateway.handlers.model_admin import given, operate
from hypercube.gateway.http import examples
from hypercube.gateway.http.endpoint import Handler, HttpRequest
from hypercube.gateway.http.model_admin_bodies import (
    AdapterBody,
    AdapterRequest,
    AdaptersBody,
    AliasRequest,
    CollectionBody,
    CollectRequest,
    HistoryBody,
    MoveBody,
    NothingMore,
    RemovalBody,
    RollbackRequest,
    RoutesBody,
    SplitRequest,
    UnloadRequest,
    VerificationBody,
    bounds_body,
)
from hypercube.gateway.http.operations import Operation
from hypercube.gateway.http.responses import json_response
from hypercube.gateway.http.routers.models import model_body
from hypercube.gateway.http.state_bodies import ModelBody
from hypercube.gateway.validation import JsonModel, json_model

R = TypeVar("R")


def _read(request: HttpRequest, kind: type[R]) -> R:
    reader: JsonModel[R] = json_model(cast("Any", kind))
    return reader.read(request.body or b"{}")


async def _do(request: HttpRequest, action: ModelAction, **fields: Any) -> ModelOutcome:
    command = ModelCommand(action, request.path.get("name", ""), **fields)
    return await operate(request.services, command, request.call)


async def load(request: HttpRequest) -> Response:
    """A model is loaded, and ready."""
    _read(request, NothingMore)
    return json_response(model_body(given((await _do(request, ModelAction.LOAD)).model)))


async def unload(request: HttpRequest) -> Response:
    """A model's memory is given back."""
    asked = _read(request, UnloadRequest)
    done = await _do(request, ModelAction.UNLOAD, drain_s=asked.drain_s)
    return json_response(model_body(given(done.model)))


async def pin(request: HttpRequest) -> Response:
    """A model stays in memory."""
    _read(request, NothingMore)
    return json_response(model_body(given((await _do(request, ModelAction.PIN)).model)))


async def unpin(request: HttpRequest) -> Response:
    """A model may be evicted."""
    _read(request, NothingMore)
    return json_response(model_body(given((await _do(request, ModelAction.PIN, pinned=False)).model)))


async def routes(request: HttpRequest) -> Response:
    """The aliases and the split."""
    found = given((await _do(request, ModelAction.ROUTES)).routes)
    body: RoutesBody = {
        "name": found.name,
        "aliases": dict(found.aliases),
        "split": dict(found.split),
        "bounds": bounds_body(found.bounds),
    }
    return json_response(body)


async def set_alias(request: HttpRequest) -> Response:
    """An alias leads to a version."""
    asked = _read(request, AliasRequest)
    done = await _do(
        request,
        ModelAction.SET_ALIAS,
        alias=request.path["alias"],
        version=asked.version,
        expected=asked.expected or "",
    )
    return _moved(done)


async def drop_alias(request: HttpRequest) -> Response:
    """An alias is gone."""
    return _moved(await _do(request, ModelAction.DROP_ALIAS, alias=request.path["alias"]))


async def set_split(request: HttpRequest) -> Response:
    """Requests for the bare name are shared out."""
    asked = _read(request, SplitRequest)
    bounds = None if asked.bounds is None else asked.bounds.bounds()
    return _moved(await _do(request, ModelAction.SET_SPLIT, weights=asked.weights, bounds=bounds))


async def drop_split(request: HttpRequest) -> Response:
    """They are not any more."""
    return _moved(await _do(request, ModelAction.DROP_SPLIT))


async def rollback(request: HttpRequest) -> Response:
    """A move is undone."""
    asked = _read(request, RollbackRequest)
    return _moved(await _do(request, ModelAction.ROLLBACK, subject=asked.subject))


async def history(request: HttpRequest) -> Response:
    """Every move."""
    done = await _do(request, ModelAction.HISTORY)
    body: HistoryBody = {"moves": [_move(each) for each in done.moves]}
    return json_response(body)


async def verify(request: HttpRequest) -> Response:
    """Every byte was read."""
    _read(request, NothingMore)
    found = given((await _do(request, ModelAction.VERIFY)).verification)
    body: VerificationBody = {
        "reference": found.reference,
        "files": found.files,
        "bytes": found.bytes,
        "seconds": found.seconds,
    }
    return json_response(body)


async def collect(request: HttpRequest) -> Response:
    """What nobody needs."""
    asked = _read(request, CollectRequest)
    done = await _do(request, ModelAction.COLLECT, dry_run=asked.dry_run, keep=asked.keep)
    found = given(done.collection)
    body: CollectionBody = {
        "dry_run": found.dry_run,
        "bytes": found.bytes,
        "items": [{"path": item.path, "bytes": item.bytes, "reason": item.reason} for item in found.items],
    }
    return json_response(body)


async def remove(request: HttpRequest) -> Response:
    """A version, or a model, is gone from the store."""
    gone = given((await _do(request, ModelAction.REMOVE)).removal)
    body: RemovalBody = {
        "name": gone.name,
        "version": gone.version or None,
        "freed_bytes": gone.freed_bytes,
    }
    return json_response(body)


async def adapters(request: HttpRequest) -> Response:
    """The adapters of a model."""
    done = await _do(request, ModelAction.ADAPTERS)
    body: AdaptersBody = {"adapters": [_adapter(request, each) for each in done.adapters]}
    return json_response(body)


async def load_adapter(request: HttpRequest) -> Response:
    """A name means an adapter from now on."""
    asked = _read(request, AdapterRequest)
    done = await _do(
        request,
        ModelAction.LOAD_ADAPTER,
        adapter=request.path["adapter"],
        reference=asked.reference or "",
    )
    return json_response(_adapter(request, done.adapters[0]))


async def unload_adapter(request: HttpRequest) -> Response:
    """An adapter is not kept any more."""
    done = await _do(request, ModelAction.UNLOAD_ADAPTER, adapter=request.path["adapter"])
    return json_response(_adapter(request, done.adapters[0]))


def _moved(done: ModelOutcome) -> Response:
    (move,) = done.moves
    return json_response(_move(move))


def _move(move: RouteMove) -> MoveBody:
    return {
        "model": move.model,
        "time": move.time,
        "who": move.who,
        "subject": move.subject,
        "action": move.action,
        "from": _plain(move.before),
        "to": _plain(move.after),
        "why": move.why,
        "bounds": bounds_body(move.bounds),
    }


def _plain(target: str | Mapping[str, float] | None) -> str | dict[str, float] | None:
    return dict(target) if isinstance(target, Mapping) else target


def _adapter(request: HttpRequest, adapter: ServedAdapter) -> AdapterBody:
    return {
        "name": adapter.name,
        "model": f"{request.path['name']}{SEPARATOR}{adapter.name}",
        "reference": adapter.reference,
        "digest": adapter.digest,
        "licence": adapter.licence,
        "loaded": adapter.loaded,
        "kept": adapter.kept,
    }


_MODEL: Final = {"name": ("Name of a model.", "my-chat")}
_ALIAS: Final = {**_MODEL, "alias": ("Name of an alias.", "production")}
_ADAPTER: Final = {**_MODEL, "adapter": ("What requests call the adapter: `model:adapter`.", "ko-style")}
_VERSION: Final = {"name": ("A model, or one version: `name@version`.", "my-chat@1.0.0")}
_NOTHING: Final[Mapping[str, Any]] = {"as it is": {}}


def _admin(
    method: Literal["GET", "POST", "DELETE"],
    path: str,
    summary: str,
    handler: Handler,
    response: Any,
    parameters: Mapping[str, tuple[str, str]],
    *,
    request: Any = None,
    shown: Mapping[str, Any] = _NOTHING,
    slow: bool = False,
    errors: tuple[int, ...] = (400, 403, 404, 409),
    description: str = "",
) -> Operation:
    return Operation(
        method,
        path,
        "model administration",
        summary,
        handler,
        allowance="chat_s" if slow else "chart_s",
        request=request,
        examples=shown if request is not None else {},
        response=response,
        errors=errors,
        parameters=parameters,
        role=Role.ADMIN,
        description=description,
    )


_LOADS: Final = (400, 403, 404, 502, 503, 504)

OPERATIONS: Final = (
    _admin(
        "POST", "/v1/models:collect", "Delete what nobody needs, or say what would go", collect, CollectionBody, {},
        request=CollectRequest, shown=examples.COLLECTS, slow=True, errors=(400, 403, 409),
    ),
    _admin(
        "POST", "/v1/models/{name}:load", "Load a model now", load, ModelBody, _MODEL,
        request=NothingMore, slow=True, errors=_LOADS, description="Answers when it is ready, or has failed.",
    ),
    _admin(
        "POST", "/v1/models/{name}:unload", "Finish what is under way and give the memory back", unload, ModelBody,
        _MODEL, request=UnloadRequest, shown=examples.UNLOADS, slow=True,
        description="A model that is loaded on demand is loaded again by its next request; any other by `:load`.",
    ),
    _admin(
        "POST", "/v1/models/{name}:pin", "Keep a model in memory", pin, ModelBody, _MODEL, request=NothingMore
    ),
    _admin(
        "POST", "/v1/models/{name}:unpin", "Let a model be evicted", unpin, ModelBody, _MODEL, request=NothingMore
    ),
    _admin(
        "POST", "/v1/models/{name}:verify", "Read every stored byte again and compare the digests", verify,
        VerificationBody, _VERSION, request=NothingMore, slow=True,
    ),
    _admin(
        "POST", "/v1/models/{name}:rollback", "Undo the last move of an alias, or of the split", rollback, MoveBody,
        _MODEL, request=RollbackRequest, shown=examples.ROLLBACKS,
    ),
    _admin("GET", "/v1/models/{name}/aliases", "Where references to a model lead", routes, RoutesBody, _MODEL),
    _admin(
        "POST", "/v1/models/{name}/aliases/{alias}", "Have an alias lead to a version", set_alias, MoveBody, _ALIAS,
        request=AliasRequest, shown=examples.ALIASES,
        description="In one step, for every process that shares the store; the caller's name goes into the history.",
    ),
    _admin("DELETE", "/v1/models/{name}/aliases/{alias}", "Drop an alias", drop_alias, MoveBody, _ALIAS),
    _admin(
        "POST", "/v1/models/{name}/split", "Share requests for the bare name out", set_split, MoveBody, _MODEL,
        request=SplitRequest, shown=examples.SPLITS,
        description="A target that leaves `bounds` gets no requests any more; without them those of the server's "
        "settings count.",
    ),
    _admin("DELETE", "/v1/models/{name}/split", "End the split", drop_split, MoveBody, _MODEL),
    _admin("GET", "/v1/models/{name}/history", "Who moved what, when, and where to", history, HistoryBody, _MODEL),
    _admin("GET", "/v1/models/{name}/adapters", "The LoRA adapters of a model", adapters, AdaptersBody, _MODEL),
    _admin(
        "POST", "/v1/models/{name}/adapters/{adapter}", "Load an adapter, or replace the one of that name",
        load_adapter, AdapterBody, _ADAPTER, request=AdapterRequest, shown=examples.ADAPTERS, slow=True,
        errors=(*_LOADS, 409),
        description="The adapter is one of the registry (`hypercube models add --folder DIR --base MODEL`). Answers "
        "under way end with the adapter that they began with.",
    ),
    _admin(
        "DELETE", "/v1/models/{name}/adapters/{adapter}", "Unload an adapter", unload_adapter, AdapterBody, _ADAPTER
    ),
    # The path of the router `models`, which has the other method.
    _admin(
        "DELETE", "/v1/models/{name:path}", "Delete a model, or one version, from the store", remove, RemovalBody,
        _VERSION, slow=True, description="Refused (409) while an alias, a split or a process uses it.",
    ),
)  # fmt: skip
