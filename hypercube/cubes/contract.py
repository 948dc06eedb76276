"""What a cube must be before it may register: every rule of the contract that can be checked without running it."""

import re
from typing import Final

from packaging.specifiers import InvalidSpecifier, SpecifierSet
from packaging.version import InvalidVersion, Version
from pydantic import PydanticSchemaGenerationError, TypeAdapter

from hypercube.core.cube import Color, Cube, CubeMetadata

_SEMVER: Final = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z.-]+)?(\+[0-9A-Za-z.-]+)?")


def violations(cube: Cube) -> list[str]:
    """Every way in which `cube` breaks the contract, as sentences; empty means that it may register."""
    metadata = getattr(cube, "metadata", None)
    if not isinstance(metadata, CubeMetadata):
        return [f"{type(cube).__name__}.metadata must be a CubeMetadata, not {type(metadata).__name__}"]
    found = [*_version(metadata), *_models(metadata)]
    if not isinstance(metadata.color, Color):
        found.append(f"color {metadata.color!r} must be one of {', '.join(color.value for color in Color)}")
    if not metadata.summary.strip():
        found.append("summary must say in one line what the cube does")
    names = [dependency.name for dependency in metadata.dependencies]
    if metadata.name in names:
        found.append("it depends on itself")
    found.extend(
        f"dependency {name!r} is named twice" for name in sorted({n for n in names if names.count(n) > 1})
    )
    return found


def satisfies(version: str, wanted: str) -> bool:
    """Whether a cube's version lies in a dependency's range; an empty range takes any."""
    return SpecifierSet(wanted).contains(Version(version), prereleases=True)


def _version(metadata: CubeMetadata) -> list[str]:
    found = []
    if not _SEMVER.fullmatch(metadata.version):
        found.append(f"version {metadata.version!r} is not a semantic version such as 1.0.0")
    else:
        try:
            Version(metadata.version)
        except InvalidVersion:
            found.append(f"version {metadata.version!r} cannot be compared with version ranges")
    for dependency in metadata.dependencies:
        try:
            SpecifierSet(dependency.versions)
        except InvalidSpecifier:
            found.append(
                f"dependency {dependency.name!r}: {dependency.versions!r} is not a range such as >=1.0,<2"
            )
    return found


def _models(metadata: CubeMetadata) -> list[str]:
    found = []
    for which in ("request_model", "response_model"):
        try:
            TypeAdapter(getattr(metadata, which)).json_schema()
        except (PydanticSchemaGenerationError, TypeError) as error:
            found.append(f"{which} {getattr(metadata, which)!r} has no JSON form: {error}")
    return found
