"""The cubes themselves: who is there, how they are, and a call to any of them by name."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from pydantic import TypeAdapter

from hypercube.core.cube import Call, Cube, Health, HealthStatus, is_stream
from hypercube.gateway.deadlines import within
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import Bounded, Mapped, started
from hypercube.gateway.validation import json_model


@dataclass(frozen=True, slots=True)
class CubeView:
    """A cube and its verdict on itself."""

    cube: Cube
    health: HealthStatus


async def cubes(services: GatewayServices) -> list[CubeView]:
    """Every cube."""
    verdicts = await services.cubes.health()
    unknown = HealthStatus(Health.UNHEALTHY, "gave no verdict")
    return [CubeView(cube, verdicts.get(cube.metadata.name, unknown)) for cube in services.cubes.all()]


async def cube(services: GatewayServices, name: str) -> CubeView:
    """One cube.

    Raises:
        HyperCubeError: NOT_FOUND with the nearest name.
    """
    return CubeView(services.cubes.get(name), await services.cubes.get(name).health_check())


@lru_cache(maxsize=256)
def answer_model(type_: Any) -> TypeAdapter[Any]:
    """The writer of a cube's answers."""
    return TypeAdapter(type_)


async def process(
    services: GatewayServices, name: str, body: bytes | str, call: Call
) -> bytes | AsyncIterator[bytes]:
    """Let a cube answer a request in the JSON form of its request model: JSON, or a stream of JSON pieces.

    Raises:
        HyperCubeError: NOT_FOUND; INVALID_ARGUMENT if the body is not such a request; what the cube raises.
    """
    metadata = services.cubes.get(name).metadata
    request = json_model(metadata.request_model).read(body)
    writer = answer_model(metadata.response_model)
    async with within(call, services.clock):
        answer = await services.cubes.process(name, request, call)
    if is_stream(answer):
        pieces = await started(Bounded(answer, call, services.clock))
        return Mapped(pieces, writer.dump_json)
    return writer.dump_json(answer)


def schemas(cube: Cube) -> tuple[dict[str, Any], dict[str, Any]]:
    """JSON Schemas of what a cube takes and of what it answers."""
    metadata = cube.metadata
    return (
        json_model(metadata.request_model).schema,
        answer_model(metadata.response_model).json_schema(mode="serialization"),
    )
