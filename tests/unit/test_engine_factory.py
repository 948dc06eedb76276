"""The right engine for each model, within the model's own limits, importable on a bare machine."""

import dataclasses
import os
import subprocess
import sys
from pathlib import Path

import pytest

import hypercube
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.fake import FakeEngine
from hypercube.inference.llama_cpp import LlamaCppEngine
from hypercube.model_registry.catalogue import DEFAULT_MODEL, lookup


def test_each_manifest_gets_its_engine_and_options() -> None:
    make = engine_factory(EngineOptions(context_length=8192, slots=3, threads=5))
    real, fake = make(lookup(DEFAULT_MODEL)), make(lookup("fake"))
    assert isinstance(real, LlamaCppEngine)
    assert isinstance(fake, FakeEngine)
    assert (real.context_length, real.slots) == (8192, 3)
    assert "5 threads" in real.description
    assert (fake.context_length, fake.slots) == (4096, 3)


def test_a_window_is_never_larger_than_the_model_was_trained_for() -> None:
    make = engine_factory(EngineOptions(context_length=1_000_000))
    assert make(lookup(DEFAULT_MODEL)).context_length == 32_768


def test_an_unknown_engine_names_the_known() -> None:
    manifest = dataclasses.replace(lookup("fake"), engine="abacus")
    with pytest.raises(HyperCubeError, match=r"'abacus'\. Known engines: fake, llama\.cpp"):
        engine_factory(EngineOptions())(manifest)


@pytest.mark.parametrize("option", ["context_length", "slots", "threads"])
def test_an_option_below_one_is_refused(option: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        EngineOptions(**{option: 0})
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, option)


def test_importing_the_cluster_needs_no_server_package() -> None:
    program = (
        "import sys\n"
        "for name in ('httpx', 'filelock', 'pydantic', 'fastapi', 'numpy', 'xllamacpp', 'grpc'):\n"
        "    sys.modules[name] = None\n"
        "import hypercube.inference.cluster, hypercube.inference.llama_cpp\n"
    )
    environment = {**os.environ, "PYTHONPATH": str(Path(hypercube.__file__).parents[1])}
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)
