"""hypercube.v1.Models."""

from functools import partial
from typing import Any, Final

from google.protobuf.message import Message

from hypercube.core.cube import Call
from hypercube.core.model_admin import ModelAction
from hypercube.core.principal import Role
from hypercube.gateway.grpc.methods import Methods, Unary
from hypercube.gateway.handlers import models as handler
from hypercube.gateway.handlers.model_admin import operate
from hypercube.gateway.services import GatewayServices
from hypercube.wire import convert
from hypercube.wire.v1 import models_pb2


async def list_models(
    services: GatewayServices, request: models_pb2.ListModelsRequest, call: Call
) -> models_pb2.ListModelsReply:
    """Every served model."""
    return convert.models_to_proto(await handler.models(services, call))


async def administer(action: ModelAction, services: GatewayServices, request: Message, call: Call) -> Message:
    """Carry one action out."""
    outcome = await operate(services, convert.command_from_proto(action, request), call)
    return convert.ADMIN_METHODS[action].to_reply(outcome)


def _admin(action: ModelAction) -> Unary[Any]:
    method = convert.ADMIN_METHODS[action]
    return Unary(
        method.request,
        partial(administer, action),
        lambda services: services.limits.chat_s if method.slow else services.limits.chart_s,
        Role.ADMIN,
    )


METHODS: Final[Methods] = {
    "List": Unary(models_pb2.ListModelsRequest, list_models, lambda services: services.limits.chart_s),
    **{method.name: _admin(action) for action, method in convert.ADMIN_METHODS.items()},
}
