"""Manifests as files: TOML, YAML or JSON, checked to the last key, to and from `ModelManifest`."""

import importlib
import json
import tomllib
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.manifest_document import INNER_KEYS, ManifestDocument

SUFFIXES: Final = (".toml", ".yaml", ".yml", ".json")
_LARGEST: Final = 4 << 20
"""Bytes of the longest manifest that is read."""


def read_manifest(path: Path) -> ModelManifest:
    """The manifest in a .toml, .yaml or .json file.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the key, its value and what it should be; FAILED_PRECONDITION for
            YAML without PyYAML.
    """
    suffix = path.suffix.lower()
    if suffix not in SUFFIXES:
        raise invalid(
            f"{shown(str(path))!r} is no manifest: its name ends in none of {', '.join(SUFFIXES)}.",
            param="path",
            value=str(path),
            fix="Give a manifest file, or bring files with --folder, --gguf or --hub.",
        )
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise ValueError(f"it has more than {_LARGEST} bytes")
        tree = _parsed(data.decode(), suffix)
    except FileNotFoundError:
        raise invalid(f"There is no file {shown(str(path))!r}.", param="path", value=str(path)) from None
    except (OSError, ValueError, RecursionError) as error:
        raise invalid(
            f"{path.name} cannot be read as {suffix[1:].upper()}: {error}.", param="path", value=str(path)
        ) from error
    return manifest_of(tree, path.name, path.absolute().parent)


def manifest_of(tree: object, where: str, folder: Path | None = None) -> ModelManifest:
    """The manifest that a parsed file holds; `where` names it in errors.

    Raises:
        HyperCubeError: as `read_manifest`.
    """
    try:
        return ManifestDocument.model_validate(tree).manifest(folder)
    except ValidationError as error:
        raise _explained(error, where) from error
    except ValueError as error:
        raise invalid(f"{where}: {error}.", param="manifest") from error


def _parsed(text: str, suffix: str) -> object:
    if suffix == ".toml":
        return tomllib.loads(text)
    if suffix == ".json":
        return json.loads(text)
    try:
        yaml = importlib.import_module("yaml")
    except ModuleNotFoundError:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            "Reading a YAML manifest needs PyYAML, which is not installed here.",
            fix="Write the manifest as TOML, or install it: pip install pyyaml",
        ) from None
    try:
        return yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ValueError(" ".join(str(error).split())) from error


def _explained(error: ValidationError, where: str) -> HyperCubeError:
    # A key that is misspelt is missing under its right name as well: the misspelling is what helps.
    errors = error.errors()
    first = next((each for each in errors if each["type"] == "extra_forbidden"), errors[0])
    place = ""
    for part in first["loc"]:
        # A source's kind, which pydantic puts into the path, is no key of the file.
        if isinstance(part, int):
            place += f"[{part}]"
        elif not (place.endswith("]") and "sources[" in place.rsplit(".", 1)[-1] and part in _KINDS):
            place += f".{part}" if place else part
    given = first.get("input")
    value = given if isinstance(given, str | int | float | bool) else None
    fix = None
    cause = first.get("ctx", {}).get("error")
    message = str(cause) if cause is not None else first["msg"]
    if first["type"] == "extra_forbidden":
        key = str(first["loc"][-1])
        close = nearest(key, ManifestDocument.model_fields if len(first["loc"]) == 1 else INNER_KEYS)
        message, fix = "is not a key of a manifest", f"Did you mean {close!r}?" if close else None
    elif first["type"] == "missing":
        message = "is missing"
    shown_value = (
        "" if value is None or first["type"] in {"extra_forbidden", "missing"} else f" = {shown(value)!r}"
    )
    return invalid(
        f"{where}: {place or 'the manifest'}{shown_value}: {message}.",
        param=place or "manifest",
        value=value,
        fix=fix,
    )


_KINDS: Final = ("hub", "folder", "file", "url", "package-parts", "package-member")
