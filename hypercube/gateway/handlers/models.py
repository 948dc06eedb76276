"""What is served here."""

from dataclasses import replace

from hypercube.core.adapters import SEPARATOR
from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError, nearest
from hypercube.core.served_models import Capability, ModelsRequest, ModelsResponse, ServedModel
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import MODELS, GatewayServices


async def models(services: GatewayServices, call: Call) -> tuple[ServedModel, ...]:
    """Every served model, the default first; each with its adapters behind it, as models of their own."""
    async with within(call, services.clock):
        response: ModelsResponse = await services.cubes.process(MODELS, ModelsRequest(), call)
    return tuple(entry for model in response.models for entry in (model, *_adapted(model)))


def _adapted(model: ServedModel) -> tuple[ServedModel, ...]:
    return tuple(
        replace(
            model,
            name=f"{model.name}{SEPARATOR}{adapter.name}",
            version=adapter.reference.partition("@")[2],
            licence=adapter.licence or model.licence,
            created=adapter.created,
            digest=adapter.digest,
            adapters=(),
            parent=model.name,
            versions=(),
            routing_note="",
        )
        for adapter in model.adapters
    )


async def model(services: GatewayServices, name: str, call: Call) -> ServedModel:
    """One served model; `name@version` and `name@alias` mean it too, where this server has that version at hand.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND with the nearest name.
    """
    served = await models(services, call)
    bare, _, selector = name.partition("@")
    for entry in served:
        at_hand = {key for each in entry.versions for key in (each.version, *each.aliases)}
        if entry.name == name or (entry.name == bare and selector in at_hand):
            return entry
    names = [entry.name for entry in served]
    like = nearest(name, names)
    raise HyperCubeError(
        ErrorKind.MODEL_NOT_FOUND,
        f"No model {name!r} is served here.",
        param="model",
        value=name,
        fix=(f"Did you mean {like!r}? " if like else "") + f"Served: {', '.join(names) or 'none'}.",
        details={"choices": names},
    )


async def default_model(
    services: GatewayServices, call: Call, capability: Capability = Capability.GENERATE
) -> str:
    """The name of the model that answers a request that names none; empty if nothing is served."""
    served = await models(services, call)
    able = (model.name for model in served if capability in model.capabilities)
    return next(able, served[0].name if served else "")
