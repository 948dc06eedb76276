"""Served models, their adapters, and the moves of their routes, on the wire."""

from collections.abc import Mapping, Sequence
from typing import Any

from hypercube.core.adapters import ServedAdapter
from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.errors import HyperCubeError
from hypercube.core.model_admin import RouteMove
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel, ServedVersion
from hypercube.wire.v1 import models_pb2 as pb


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


def bounds_to_proto(bounds: CanaryBounds | None) -> pb.CanaryBounds | None:
    """The bounds of a canary; None for none."""
    return None if bounds is None else pb.CanaryBounds(**bounds.plain())


def bounds_from_proto(message: Any) -> CanaryBounds | None:
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
        bounds=bounds_to_proto(move.bounds),
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
        bounds_from_proto(message),
    )
