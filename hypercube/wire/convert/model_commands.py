"""What administrators do with models, on the wire.

A command is the request of the method that its action has in `ADMIN_METHODS`, whose fields are named as those of
`ModelCommand`; a field that is absent, or empty where it is a text, means the command's own default.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import invalid
from hypercube.core.model_admin import (
    ModelAction,
    ModelCommand,
    ModelOutcome,
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    StoreCollection,
    StoreGarbage,
)
from hypercube.wire.convert.fields import put
from hypercube.wire.convert.models import (
    adapter_from_proto,
    adapter_to_proto,
    bounds_from_proto,
    bounds_to_proto,
    model_from_proto,
    model_to_proto,
    move_from_proto,
    move_to_proto,
)
from hypercube.wire.v1 import models_pb2 as pb


@dataclass(frozen=True, slots=True)
class AdminMethod:
    """A method of `hypercube.v1.Models` that carries out one action.

    Attributes:
        name: of the method.
        request: its message.
        reply: the message of its answer.
        to_reply: an outcome of the action as that message.
        to_outcome: and back.
        slow: it may take minutes.
        repeatable: doing it twice is doing it once.
    """

    name: str
    request: type[Message]
    reply: type[Message]
    to_reply: Callable[[ModelOutcome], Message]
    to_outcome: Callable[[Any], ModelOutcome]
    slow: bool = False
    repeatable: bool = True


def command_to_proto(command: ModelCommand) -> Message:
    """The request of the action's method; a value that its field cannot hold is INVALID_ARGUMENT and names it."""
    message = ADMIN_METHODS[command.action].request()
    for field in message.DESCRIPTOR.fields:
        value = getattr(command, field.name)
        if isinstance(value, Mapping):
            for key, share in value.items():
                _put_share(message, field.name, key, share)
        elif field.name == "bounds":
            _put_bounds(message, value)
        else:
            put(message, field.name, value)
    return message


def _put_share(message: Message, field: str, key: object, share: object) -> None:
    try:
        getattr(message, field)[key] = share
    except (TypeError, ValueError) as error:
        raise invalid(
            f"{field} cannot hold {key!r}: {share!r}: {error}.", param=field, value=share
        ) from error


def _put_bounds(message: Any, bounds: object) -> None:
    if isinstance(bounds, CanaryBounds):
        for name, value in bounds.plain().items():
            put(message.bounds, name, value, f"bounds.{name}")
    elif bounds is not None:
        raise invalid(
            f"bounds cannot be {bounds!r}.",
            param="bounds",
            value=bounds,
            fix="Write CanaryBounds(max_error_rate=0.02).",
        )


def command_from_proto(action: ModelAction, message: Message) -> ModelCommand:
    """The command that a request of the action's method carries; a bound out of range is INVALID_ARGUMENT."""
    given: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.name == "bounds":
            given[field.name] = bounds_from_proto(message)
        elif field.has_presence:
            if message.HasField(field.name):
                given[field.name] = value
        elif value:
            given[field.name] = value if isinstance(value, str) else dict(value)
    return ModelCommand(action, **given)


def _model_reply(outcome: ModelOutcome) -> pb.Model:
    assert outcome.model is not None
    return model_to_proto(outcome.model)


def _routes_reply(outcome: ModelOutcome) -> pb.ModelRoutes:
    assert outcome.routes is not None
    found = outcome.routes
    return pb.ModelRoutes(
        name=found.name, aliases=found.aliases, split=found.split, bounds=bounds_to_proto(found.bounds)
    )


def _verification_reply(outcome: ModelOutcome) -> pb.ModelVerification:
    assert outcome.verification is not None
    found = outcome.verification
    return pb.ModelVerification(
        reference=found.reference, files=found.files, bytes=found.bytes, seconds=found.seconds
    )


def _collection_reply(outcome: ModelOutcome) -> pb.StoreCollection:
    assert outcome.collection is not None
    found = outcome.collection
    items = [pb.StoreGarbage(path=each.path, bytes=each.bytes, reason=each.reason) for each in found.items]
    return pb.StoreCollection(dry_run=found.dry_run, bytes=found.bytes, items=items)


def _removal_reply(outcome: ModelOutcome) -> pb.ModelRemoval:
    assert outcome.removal is not None
    gone = outcome.removal
    return pb.ModelRemoval(name=gone.name, version=gone.version, freed_bytes=gone.freed_bytes)


def _routes_outcome(message: pb.ModelRoutes) -> ModelOutcome:
    bounds = bounds_from_proto(message)
    return ModelOutcome(routes=ModelRoutes(message.name, dict(message.aliases), dict(message.split), bounds))


def _verification_outcome(message: pb.ModelVerification) -> ModelOutcome:
    return ModelOutcome(
        verification=ModelVerification(message.reference, message.files, message.bytes, message.seconds)
    )


def _collection_outcome(message: pb.StoreCollection) -> ModelOutcome:
    items = tuple(StoreGarbage(each.path, each.bytes, each.reason) for each in message.items)
    return ModelOutcome(collection=StoreCollection(message.dry_run, message.bytes, items))


def _removal_outcome(message: pb.ModelRemoval) -> ModelOutcome:
    return ModelOutcome(removal=ModelRemoval(message.name, message.version, message.freed_bytes))


def _about_model(name: str, request: type[Message], *, slow: bool) -> AdminMethod:
    return AdminMethod(
        name, request, pb.Model, _model_reply, lambda reply: ModelOutcome(model=model_from_proto(reply)), slow
    )


def _about_move(name: str, request: type[Message], *, repeatable: bool) -> AdminMethod:
    return AdminMethod(
        name,
        request,
        pb.RouteMove,
        lambda outcome: move_to_proto(outcome.moves[0]),
        lambda reply: ModelOutcome(moves=(move_from_proto(reply),)),
        repeatable=repeatable,
    )


def _about_adapter(name: str, request: type[Message], *, slow: bool) -> AdminMethod:
    return AdminMethod(
        name,
        request,
        pb.Adapter,
        lambda outcome: adapter_to_proto(outcome.adapters[0]),
        lambda reply: ModelOutcome(adapters=(adapter_from_proto(reply),)),
        slow,
    )


ADMIN_METHODS: Final[Mapping[ModelAction, AdminMethod]] = {
    ModelAction.LOAD: _about_model("Load", pb.LoadModelRequest, slow=True),
    ModelAction.UNLOAD: _about_model("Unload", pb.UnloadModelRequest, slow=True),
    ModelAction.PIN: _about_model("Pin", pb.PinModelRequest, slow=False),
    ModelAction.ROUTES: AdminMethod(
        "Routes", pb.ModelRoutesRequest, pb.ModelRoutes, _routes_reply, _routes_outcome
    ),
    # A move that was made although its answer was lost would stand twice in the history, or undo too much.
    ModelAction.SET_ALIAS: _about_move("SetAlias", pb.SetAliasRequest, repeatable=False),
    ModelAction.DROP_ALIAS: _about_move("DropAlias", pb.DropAliasRequest, repeatable=False),
    ModelAction.SET_SPLIT: _about_move("SetSplit", pb.SetSplitRequest, repeatable=False),
    ModelAction.DROP_SPLIT: _about_move("DropSplit", pb.DropSplitRequest, repeatable=False),
    ModelAction.ROLLBACK: _about_move("Rollback", pb.RollbackRequest, repeatable=False),
    ModelAction.HISTORY: AdminMethod(
        "History",
        pb.ModelHistoryRequest,
        pb.ModelHistoryReply,
        lambda outcome: pb.ModelHistoryReply(moves=[move_to_proto(each) for each in outcome.moves]),
        lambda reply: ModelOutcome(moves=tuple(move_from_proto(each) for each in reply.moves)),
    ),
    ModelAction.VERIFY: AdminMethod(
        "Verify",
        pb.VerifyModelRequest,
        pb.ModelVerification,
        _verification_reply,
        _verification_outcome,
        slow=True,
    ),
    ModelAction.COLLECT: AdminMethod(
        "Collect",
        pb.CollectModelsRequest,
        pb.StoreCollection,
        _collection_reply,
        _collection_outcome,
        slow=True,
    ),
    ModelAction.REMOVE: AdminMethod(
        "Remove",
        pb.RemoveModelRequest,
        pb.ModelRemoval,
        _removal_reply,
        _removal_outcome,
        slow=True,
        repeatable=False,
    ),
    ModelAction.ADAPTERS: AdminMethod(
        "ListAdapters",
        pb.ListAdaptersRequest,
        pb.ListAdaptersReply,
        lambda outcome: pb.ListAdaptersReply(adapters=[adapter_to_proto(each) for each in outcome.adapters]),
        lambda reply: ModelOutcome(adapters=tuple(adapter_from_proto(each) for each in reply.adapters)),
    ),
    ModelAction.LOAD_ADAPTER: _about_adapter("LoadAdapter", pb.LoadAdapterRequest, slow=True),
    ModelAction.UNLOAD_ADAPTER: _about_adapter("UnloadAdapter", pb.UnloadAdapterRequest, slow=False),
}
"""Every action has its method; a test counts them."""
