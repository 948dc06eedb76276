"""Served models, and what administrators do with them, on the wire.

A command is the request of the method that its action has in `ADMIN_METHODS`, whose fields are named as those of
`ModelCommand`; a field that is absent, or empty where it is a text, means the command's own default.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf.message import Message

from hypercube.core.adapters import ServedAdapter
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.engine import Capability, EngineState, EngineStatus, ServedModel, ServedVersion
from hypercube.core.errors import HyperCubeError, invalid
from hypercube.core.model_admin import (
    ModelAction,
    ModelCommand,
    ModelOutcome,
    ModelRemoval,
    ModelRoutes,
    ModelVerification,
    RouteMove,
    StoreCollection,
    StoreGarbage,
)
from hypercube.wire.convert.fields import put
from hypercube.wire.v1 import models_pb2 as pb

# -- served models


def model_to_proto(model: ServedModel) -> pb.Model:
    """A served model and where it stands."""
    return pb.Model(
        name=model.name,
        engine=model.engine,
        context_length=model.context_length,
        licence=model.licence,
        created=model.created,
        state=model.status.state.value,
        reason=model.status.reason,
        progress=model.status.progress,
        version=model.version,
        on_demand=model.on_demand,
        pinned=model.pinned,
        measured_bytes=model.measured_bytes,
        digest=model.digest,
        parent=model.parent,
        capabilities=[capability.value for capability in model.capabilities],
        versions=[_version_to_proto(version) for version in model.versions],
        routing_note=model.routing_note,
    )


def _version_to_proto(version: ServedVersion) -> pb.ModelVersion:
    return pb.ModelVersion(
        version=version.version,
        state=version.status.state.value,
        reason=version.status.reason,
        progress=version.status.progress,
        aliases=version.aliases,
        share=version.share,
        in_flight=version.in_flight,
        measured_bytes=version.measured_bytes,
        requests=version.requests,
        failed=version.failed,
        first_p95_s=version.first_p95_s,
        total_p95_s=version.total_p95_s,
        withdrawn=version.withdrawn,
    )


def _version_from_proto(message: pb.ModelVersion) -> ServedVersion:
    return ServedVersion(
        version=message.version,
        status=EngineStatus(
            EngineState(message.state),
            message.reason,
            message.progress if message.HasField("progress") else None,
        ),
        aliases=tuple(message.aliases),
        share=message.share,
        in_flight=message.in_flight,
        measured_bytes=message.measured_bytes if message.HasField("measured_bytes") else None,
        requests=message.requests,
        failed=message.failed,
        first_p95_s=message.first_p95_s if message.HasField("first_p95_s") else None,
        total_p95_s=message.total_p95_s if message.HasField("total_p95_s") else None,
        withdrawn=message.withdrawn,
    )


def model_from_proto(message: pb.Model) -> ServedModel:
    """A served model and where it stands; capabilities that this version does not know are left out."""
    known = {capability.value for capability in Capability}
    return ServedModel(
        name=message.name,
        engine=message.engine,
        context_length=message.context_length,
        licence=message.licence,
        created=message.created,
        status=EngineStatus(
            state=EngineState(message.state),
            reason=message.reason,
            progress=message.progress if message.HasField("progress") else None,
        ),
        capabilities=tuple(Capability(each) for each in message.capabilities if each in known),
        version=message.version,
        on_demand=message.on_demand,
        pinned=message.pinned,
        measured_bytes=message.measured_bytes if message.HasField("measured_bytes") else None,
        versions=tuple(_version_from_proto(version) for version in message.versions),
        routing_note=message.routing_note,
        digest=message.digest,
        parent=message.parent,
    )


def models_to_proto(models: Sequence[ServedModel]) -> pb.ListModelsReply:
    """Every served model, in the order given."""
    return pb.ListModelsReply(models=[model_to_proto(model) for model in models])


# -- commands and outcomes


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


def _bounds_to_proto(bounds: CanaryBounds | None) -> pb.CanaryBounds | None:
    return None if bounds is None else pb.CanaryBounds(**bounds.plain())


def _bounds_from_proto(message: Any) -> CanaryBounds | None:
    """The bounds in the field `bounds` of a message; None where it has none.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the one that is out of range.
    """
    if not message.HasField("bounds"):
        return None
    try:
        return CanaryBounds.given(**{field.name: value for field, value in message.bounds.ListFields()})
    except HyperCubeError as error:
        raise HyperCubeError.of(error.failure("bounds")) from None


def command_from_proto(action: ModelAction, message: Message) -> ModelCommand:
    """The command that a request of the action's method carries; a bound out of range is INVALID_ARGUMENT."""
    given: dict[str, Any] = {}
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.name == "bounds":
            given[field.name] = _bounds_from_proto(message)
        elif field.has_presence:
            if message.HasField(field.name):
                given[field.name] = value
        elif value:
            given[field.name] = value if isinstance(value, str) else dict(value)
    return ModelCommand(action, **given)


def adapter_to_proto(adapter: ServedAdapter) -> pb.Adapter:
    """A LoRA adapter."""
    return pb.Adapter(
        name=adapter.name,
        reference=adapter.reference,
        digest=adapter.digest,
        licence=adapter.licence,
        created=adapter.created,
        loaded=adapter.loaded,
        kept=adapter.kept,
    )


def adapter_from_proto(message: pb.Adapter) -> ServedAdapter:
    """A LoRA adapter."""
    return ServedAdapter(
        message.name,
        message.reference,
        message.digest,
        message.licence,
        message.created,
        message.loaded,
        message.kept,
    )


def _target_to_proto(target: str | Mapping[str, float] | None) -> pb.RouteTarget | None:
    if target is None:
        return None
    if isinstance(target, str):
        return pb.RouteTarget(version=target)
    return pb.RouteTarget(weights=target)


def _target_from_proto(message: pb.RouteTarget) -> str | Mapping[str, float]:
    return message.version or dict(message.weights)


def move_to_proto(move: RouteMove) -> pb.RouteMove:
    """A move of an alias or of the split."""
    return pb.RouteMove(
        model=move.model,
        time=move.time,
        who=move.who,
        subject=move.subject,
        action=move.action,
        before=_target_to_proto(move.before),
        after=_target_to_proto(move.after),
        why=move.why,
        bounds=_bounds_to_proto(move.bounds),
    )


def move_from_proto(message: pb.RouteMove) -> RouteMove:
    """A move of an alias or of the split."""
    return RouteMove(
        message.model,
        message.time,
        message.who,
        message.subject,
        message.action,
        _target_from_proto(message.before) if message.HasField("before") else None,
        _target_from_proto(message.after) if message.HasField("after") else None,
        message.why,
        _bounds_from_proto(message),
    )


def _model_reply(outcome: ModelOutcome) -> pb.Model:
    assert outcome.model is not None
    return model_to_proto(outcome.model)


def _routes_reply(outcome: ModelOutcome) -> pb.ModelRoutes:
    assert outcome.routes is not None
    found = outcome.routes
    return pb.ModelRoutes(
        name=found.name, aliases=found.aliases, split=found.split, bounds=_bounds_to_proto(found.bounds)
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
    bounds = _bounds_from_proto(message)
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
