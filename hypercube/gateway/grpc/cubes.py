"""hypercube.v1.Cubes."""

import json
from typing import Final

from hypercube.core.cube import Call
from hypercube.gateway.grpc.keyed import keyed
from hypercube.gateway.grpc.methods import Methods, Unary
from hypercube.gateway.handlers import cubes as handler
from hypercube.gateway.handlers.cubes import CubeView
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close
from hypercube.wire.v1 import cubes_pb2


async def list_cubes(
    services: GatewayServices, request: cubes_pb2.ListCubesRequest, call: Call
) -> cubes_pb2.ListCubesReply:
    """Every cube."""
    return cubes_pb2.ListCubesReply(cubes=[_cube(view) for view in await handler.cubes(services)])


async def get_cube(
    services: GatewayServices, request: cubes_pb2.GetCubeRequest, call: Call
) -> cubes_pb2.Cube:
    """One cube."""
    return _cube(await handler.cube(services, request.name))


async def process(
    services: GatewayServices, request: cubes_pb2.ProcessRequest, call: Call
) -> cubes_pb2.ProcessReply:
    """A call to a cube; the pieces of a streamed answer come together as one JSON list."""
    answer = await handler.process(services, request.name, request.request_json, call)
    if isinstance(answer, bytes):
        return cubes_pb2.ProcessReply(response_json=answer.decode())
    try:
        pieces = [piece.decode() async for piece in answer]
    finally:
        await close(answer)
    return cubes_pb2.ProcessReply(response_json=f"[{','.join(pieces)}]")


def _cube(view: CubeView) -> cubes_pb2.Cube:
    metadata = view.cube.metadata
    request_schema, response_schema = handler.schemas(view.cube)
    return cubes_pb2.Cube(
        name=metadata.name,
        version=metadata.version,
        color=metadata.color.value,
        category=metadata.color.category,
        summary=metadata.summary,
        dependencies=[
            cubes_pb2.CubeDependency(name=need.name, versions=need.versions) for need in metadata.dependencies
        ],
        capabilities=metadata.capabilities,
        state=view.cube.state.value,
        health=view.health.health.value,
        health_reason=view.health.reason,
        request_schema_json=json.dumps(request_schema, ensure_ascii=False),
        response_schema_json=json.dumps(response_schema, ensure_ascii=False),
    )


METHODS: Final[Methods] = {
    "List": Unary(cubes_pb2.ListCubesRequest, list_cubes, lambda services: services.limits.chart_s),
    "Get": Unary(cubes_pb2.GetCubeRequest, get_cube, lambda services: services.limits.chart_s),
    "Process": Unary(
        cubes_pb2.ProcessRequest,
        keyed("hypercube.v1.Cubes/Process", process),
        lambda services: services.limits.chat_s,
    ),
}
