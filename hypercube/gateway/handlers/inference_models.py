"""The models of the Open Inference Protocol: which there are, what they take, how they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.adapters import addressed
from hypercube.core.cube import Call
from hypercube.core.engine import Capability, EngineState, ServedModel
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest, shown
from hypercube.core.model_admin import ModelAction, ModelCommand
from hypercube.core.principal import Role
from hypercube.core.tensors import (
    KERNEL_MODELS,
    Datatype,
    TensorModel,
    TensorSpec,
    embedding_model,
    generation_model,
)
from hypercube.gateway.handlers import models as served_models
from hypercube.gateway.handlers.health import readiness
from hypercube.gateway.handlers.model_admin import operate
from hypercube.gateway.inference_statistics import ModelStatistics
from hypercube.gateway.services import CHARTS_PART, GatewayServices

VERSION: Final = "1"
"""Every model has this one version here."""
EXTENSIONS: Final = (
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "parameters",
    "statistics",
    "system_shared_memory",
)
_BATCH: Final = {"max_queue_delay_microseconds": 10_000}


@dataclass(frozen=True, slots=True)
class IndexEntry:
    """One model in the index: `state` in the protocol's words, `reason` empty while it is ready."""

    name: str
    state: str
    reason: str


async def find(services: GatewayServices, name: str, version: str, call: Call) -> TensorModel:
    """A model by name; an empty version means the only one.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name, or the version there is.
    """
    model = KERNEL_MODELS.get(name)
    if model is None:
        known = await every(services, call)
        model = known.get(name)
        base, adapter = addressed(name)
        if model is None and adapter and (beside := known.get(base)) is not None and beside.decoupled:
            # Its first request will look for it, and load it if it is there.
            model = generation_model(name)
        if model is None:
            like = nearest(name, known)
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"No model {shown(name)!r} is served here.",
                param="model",
                value=name,
                fix=(f"Did you mean {like!r}? " if like else "") + f"Served: {', '.join(known)}.",
            )
    if version not in ("", VERSION):
        raise HyperCubeError(
            ErrorKind.MODEL_NOT_FOUND,
            f"The model {name!r} has no version {shown(version)!r}.",
            param="version",
            value=version,
            fix=f"Ask for version {VERSION}, or for none.",
        )
    return model


async def every(services: GatewayServices, call: Call) -> dict[str, TensorModel]:
    """Every model by name: the kernels, then what engines serve."""
    found = dict(KERNEL_MODELS)
    for served in await served_models.models(services, call):
        made = _described(served)
        if made is not None:
            found.setdefault(served.name, made)
    return found


def _described(served: ServedModel) -> TensorModel | None:
    if Capability.GENERATE in served.capabilities:
        return generation_model(served.name)
    if Capability.EMBED in served.capabilities:
        return embedding_model(served.name)
    return None


async def server_ready(services: GatewayServices) -> bool:
    """Whether charts can be computed; a text model that still loads keeps nobody out."""
    state = await readiness(services)
    return state.parts[CHARTS_PART].ready if CHARTS_PART in state.parts else state.ready


async def index(services: GatewayServices, call: Call, *, ready_only: bool = False) -> list[IndexEntry]:
    """Every model and whether it answers."""
    kernels = await server_ready(services)
    entries = [_entry(name, EngineState.READY if kernels else EngineState.FAILED) for name in KERNEL_MODELS]
    entries += [
        _entry(served.name, served.status.state, served.status.reason)
        for served in await served_models.models(services, call)
        if served.name not in KERNEL_MODELS and _described(served) is not None
    ]
    return [entry for entry in entries if entry.state == "READY" or not ready_only]


def _entry(name: str, state: EngineState, reason: str = "") -> IndexEntry:
    if state is EngineState.READY:
        return IndexEntry(name, "READY", "")
    on_its_way = state in (EngineState.PENDING, EngineState.DOWNLOADING, EngineState.LOADING)
    return IndexEntry(name, "LOADING" if on_its_way else "UNAVAILABLE", reason or state.value)


async def ready(services: GatewayServices, name: str, version: str, call: Call) -> bool:
    """Whether a model answers; MODEL_NOT_FOUND if there is none."""
    model = await find(services, name, version, call)
    return any(entry.name == model.name and entry.state == "READY" for entry in await index(services, call))


async def load(services: GatewayServices, name: str, parameters: Mapping[str, Any], call: Call) -> None:
    """Have a model in memory; returns when it is ready. The kernels always are.

    Raises:
        HyperCubeError: PERMISSION_DENIED; MODEL_NOT_FOUND; INVALID_ARGUMENT for a configuration; UNAVAILABLE with the
            reason when it cannot be loaded, or for the kernels while charts cannot be computed.
    """
    call.require(Role.ADMIN)
    await find(services, name, "", call)
    if parameters:
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"The model {name!r} takes no load parameters.",
            param="parameters",
            value=", ".join(sorted(map(str, parameters))),
            fix="Leave them out; a model is configured by the server's settings.",
        )
    if name not in KERNEL_MODELS:
        await _command(services, ModelAction.LOAD, name, call)
    elif not await server_ready(services):
        raise HyperCubeError(
            ErrorKind.UNAVAILABLE,
            f"The model {name!r} is not ready: charts cannot be computed.",
            param="model",
            value=name,
            fix="Ask again later.",
            retry_after_s=5.0,
        )


async def unload(services: GatewayServices, name: str, call: Call) -> None:
    """Finish what is under way with a model and give its memory back.

    Raises:
        HyperCubeError: PERMISSION_DENIED; MODEL_NOT_FOUND; FAILED_PRECONDITION for a kernel, which is part of the
            server.
    """
    call.require(Role.ADMIN)
    await find(services, name, "", call)
    if name in KERNEL_MODELS:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model {name!r} is built in and cannot be unloaded: it is the server's own code, and holds no memory "
            "of its own.",
            param="model",
            value=name,
            fix="Leave it loaded.",
        )
    await _command(services, ModelAction.UNLOAD, name, call)


async def _command(services: GatewayServices, action: ModelAction, name: str, call: Call) -> None:
    """The same for a model, and for an adapter, which is loaded beside its model."""
    model, adapter = addressed(name)
    if adapter:
        action = ModelAction.LOAD_ADAPTER if action is ModelAction.LOAD else ModelAction.UNLOAD_ADAPTER
    await operate(services, ModelCommand(action, model, adapter=adapter), call)


async def statistics(
    services: GatewayServices, name: str, version: str, call: Call
) -> dict[str, ModelStatistics]:
    """The counters of one model, or of all for an empty name."""
    names = [(await find(services, name, version, call)).name] if name else list(await every(services, call))
    return {each: services.statistics.of(each) for each in names}


def config(model: TensorModel) -> dict[str, Any]:
    """The model's configuration as the protocol's clients expect it."""
    shown_config: dict[str, Any] = {
        "name": model.name,
        "platform": model.platform,
        "backend": "hypercube",
        "version_policy": {"latest": {"num_versions": 1}},
        "max_batch_size": 0,
        "input": [{**_port(spec), "optional": spec.optional} for spec in model.inputs],
        "output": [_port(spec) for spec in model.outputs],
        "model_transaction_policy": {"decoupled": model.decoupled},
    }
    if model.name in KERNEL_MODELS:
        shown_config["dynamic_batching"] = dict(_BATCH)
    return shown_config


def _port(spec: TensorSpec) -> dict[str, Any]:
    # The configuration alone calls BYTES by another name.
    kind = "STRING" if spec.datatype is Datatype.BYTES else spec.datatype.value
    return {"name": spec.name, "data_type": f"TYPE_{kind}", "dims": list(spec.shape)}
