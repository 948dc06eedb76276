"""hypercube.v1.Models."""

from typing import Final

from hypercube.core.cube import Call
from hypercube.gateway.grpc.rpc import Methods, Unary
from hypercube.gateway.handlers import models as handler
from hypercube.gateway.services import GatewayServices
from hypercube.wire import convert
from hypercube.wire.v1 import models_pb2


async def list_models(
    services: GatewayServices, request: models_pb2.ListModelsRequest, call: Call
) -> models_pb2.ListModelsReply:
    """Every served model."""
    return convert.models_to_proto(await handler.models(services, call))


METHODS: Final[Methods] = {
    "List": Unary(models_pb2.ListModelsRequest, list_models, lambda services: services.limits.chart_s),
}
