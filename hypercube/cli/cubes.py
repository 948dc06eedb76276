"""`hypercube cubes`: the cubes of this installation, as their metadata has them."""

from typing import Any

from pydantic import TypeAdapter

from hypercube.app import Application
from hypercube.settings import Settings


def described(name: str | None = None) -> list[dict[str, Any]]:
    """Metadata of all cubes, or of one.

    Raises:
        HyperCubeError: NOT_FOUND with the nearest name.
    """
    registry = Application(Settings()).cubes
    cubes = registry.all() if name is None else (registry.get(name),)
    return [
        {
            "name": cube.metadata.name,
            "version": cube.metadata.version,
            "color": cube.metadata.color.value,
            "category": cube.metadata.color.category,
            "summary": cube.metadata.summary,
            "capabilities": list(cube.metadata.capabilities),
            "dependencies": [
                f"{needed.name} {needed.versions}".strip() for needed in cube.metadata.dependencies
            ],
            "request_schema": TypeAdapter(cube.metadata.request_model).json_schema(),
            "response_schema": TypeAdapter(cube.metadata.response_model).json_schema(),
        }
        for cube in cubes
    ]
