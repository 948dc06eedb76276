"""The models of the Open Inference Protocol: which there are, what they take, how they are."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from hypercube.core.adapters import addressed
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import ModelAction, ModelCommand
from hypercube.core.principal import Role
from hypercube.core.served_models import EngineState, EngineStatus, ServedModel
from hypercube.core.tensors import KERNEL_MODELS, KERNEL_PLATFORM, Datatype, TensorModel, TensorSpec
from hypercube.gateway.handlers import models as served_models
from hypercube.gateway.handlers.health import readiness
from hypercube.gateway.handlers.inference_references import (
    VERSION,
    Meant,
    described,
    find,
    known_versions,
    own_version,
    status_of,
)
from hypercube.gateway.handlers.model_admin import operate
from hypercube.gateway.inference_statistics import ModelStatistics
from hypercube.gateway.services import CHARTS_PART, GatewayServices

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
    """One version of a model in the index: `state` in the protocol's words, `reason` empty while it is ready."""

    name: str
    version: str
    state: str
    reason: str


async def server_ready(services: GatewayServices) -> bool:
    """Whether charts can be computed; a text model that still loads keeps nobody out."""
    state = await readiness(services)
    return state.parts[CHARTS_PART].ready if CHARTS_PART in state.parts else state.ready


async def index(services: GatewayServices, call: Call, *, ready_only: bool = False) -> list[IndexEntry]:
    """Every version of every model and whether it answers; the one that answers the bare name first."""
    kernels = EngineState.READY if await server_ready(services) else EngineState.FAILED
    entries = [_entry(name, VERSION, EngineStatus(kernels, "")) for name in KERNEL_MODELS]
    for served in await served_models.models(services, call):
        if served.name in KERNEL_MODELS or described(served) is None:
            continue
        entries += [_entry(served.name, each, status_of(served, each)) for each in _versions(served)]
    return [entry for entry in entries if entry.state == "READY" or not ready_only]


def _versions(served: ServedModel) -> list[str]:
    """Every version once; what was made from one for this server's engine is that version."""
    return list(dict.fromkeys((own_version(served), *(each.answers for each in known_versions(served)))))


def _entry(name: str, version: str, status: EngineStatus) -> IndexEntry:
    if status.state is EngineState.READY:
        return IndexEntry(name, version, "READY", "")
    on_its_way = status.state in (EngineState.PENDING, EngineState.DOWNLOADING, EngineState.LOADING)
    state = "LOADING" if on_its_way else "UNAVAILABLE"
    return IndexEntry(name, version, state, status.reason or status.state.value)


async def ready(services: GatewayServices, name: str, version: str, call: Call) -> bool:
    """Whether a model, or a version of it, answers; MODEL_NOT_FOUND if there is none."""
    meant = await find(services, name, version, call)
    if meant.status is None:
        return await server_ready(services)
    return meant.status.state is EngineState.READY


async def load(services: GatewayServices, name: str, parameters: Mapping[str, Any], call: Call) -> None:
    """Have a model in memory; returns when it is ready. The kernels always are.

    Raises:
        HyperCubeError: PERMISSION_DENIED; MODEL_NOT_FOUND; INVALID_ARGUMENT for a configuration; UNAVAILABLE with the
            reason when it cannot be loaded, or for the kernels while charts cannot be computed.
    """
    call.require(Role.ADMIN)
    meant = await find(services, name, "", call)
    if parameters:
        raise HyperCubeError(
            ErrorKind.INVALID_ARGUMENT,
            f"The model {name!r} takes no load parameters.",
            param="parameters",
            value=", ".join(sorted(map(str, parameters))),
            fix="Leave them out; a model is configured by the server's settings.",
        )
    if meant.name not in KERNEL_MODELS:
        await _command(services, ModelAction.LOAD, meant, call)
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
    meant = await find(services, name, "", call)
    if meant.name in KERNEL_MODELS:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The model {name!r} is built in and cannot be unloaded: it is the server's own code, and holds no memory "
            "of its own.",
            param="model",
            value=name,
            fix="Leave it loaded.",
        )
    await _command(services, ModelAction.UNLOAD, meant, call)


async def _command(services: GatewayServices, action: ModelAction, meant: Meant, call: Call) -> None:
    """The same for a model, and for an adapter, which is loaded beside its model."""
    model, adapter = addressed(meant.asks)
    if adapter:
        action = ModelAction.LOAD_ADAPTER if action is ModelAction.LOAD else ModelAction.UNLOAD_ADAPTER
    await operate(services, ModelCommand(action, model, adapter=adapter), call)


async def statistics(
    services: GatewayServices, name: str, version: str, call: Call
) -> list[tuple[str, str, ModelStatistics]]:
    """The counters of a model by version (name, version, counters): of one, of all its, or of every model's."""
    if name:
        meant = await find(services, name, version, call)
        versions = (meant.counted,) if len(meant.versions) == 1 else meant.versions
        return [(name, each, services.statistics.of(meant.name, each)) for each in versions]
    found = [(each, VERSION, services.statistics.of(each, VERSION)) for each in KERNEL_MODELS]
    models = {each.name: each for each in await served_models.models(services, call)}
    for shown_as, served in models.items():
        if shown_as not in KERNEL_MODELS and described(served) is not None:
            # What is asked with an adapter counts for its model.
            model = models.get(served.parent, served)
            versions = (own_version(model),) if served.parent else tuple(_versions(model))
            found += [(shown_as, each, services.statistics.of(model.name, each)) for each in versions]
    return found


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
    if model.platform == KERNEL_PLATFORM:
        shown_config["dynamic_batching"] = dict(_BATCH)
    return shown_config


def _port(spec: TensorSpec) -> dict[str, Any]:
    # The configuration alone calls BYTES by another name.
    kind = "STRING" if spec.datatype is Datatype.BYTES else spec.datatype.value
    return {"name": spec.name, "data_type": f"TYPE_{kind}", "dims": list(spec.shape)}
