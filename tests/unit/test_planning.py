"""Settings that cannot work end a start, with the fix; and the plan of a model is what the settings mean."""

import dataclasses
from pathlib import Path
from typing import Any

import pytest

from hypercube.app import Application
from hypercube.app.model_choice import engine_options, make_engines, served_manifests
from hypercube.cli.doctor import examine
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference import planning
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.placement import Device
from hypercube.inference.planning import plan_model, plan_text, shape_of
from hypercube.inference.precision import Compute
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import converted
from hypercube.model_registry.store import ModelStore
from hypercube.settings import load_settings

QWEN = lookup("qwen2.5-coder-1.5b-instruct")
CPU = (Device("cpu", Compute("cpu", bf16=True), 24 * 10**9),)


@pytest.fixture(autouse=True)
def one_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine that is the same everywhere."""
    monkeypatch.setattr(planning, "placement_devices", lambda: CPU)


def settings(**model: Any) -> Any:
    return load_settings({"model": model}, environ={})


@pytest.mark.parametrize(
    ("model", "kind", "param", "fix"),
    [
        ({"engine": "transformers", "tensor_parallel": 3}, ErrorKind.FAILED_PRECONDITION, "model.tensor_parallel",
         "Set model.tensor_parallel to one of: 1, 2."),
        ({"precision": "float7"}, ErrorKind.INVALID_ARGUMENT, "model.precision",
         "Did you mean 'fp16'? Known: auto, fp32, bf16, fp16, fp8, int8, int4."),
        ({"precision": "fp8", "engine": "transformers"}, ErrorKind.FAILED_PRECONDITION, "model.precision",
         "Set model.precision to one of: auto, fp32, bf16."),
        ({"device": "cuda:7", "engine": "transformers"}, ErrorKind.FAILED_PRECONDITION, "model.device",
         "Set model.device to one of: auto, cpu."),
        ({"engine": "trt"}, ErrorKind.FAILED_PRECONDITION, "model.engine",
         "Set model.engine to auto, or to one of: llama.cpp, transformers, vllm."),
        ({"pipeline_parallel": 2}, ErrorKind.FAILED_PRECONDITION, "model.pipeline_parallel",
         "Set model.pipeline_parallel to 1, or serve a converted version with transformers or vllm."),
    ],
)  # fmt: skip
def test_a_wrong_setting_ends_the_start_with_the_fix(
    model: dict[str, Any], kind: ErrorKind, param: str, fix: str
) -> None:
    with pytest.raises(HyperCubeError) as caught:
        Application(settings(**model))
    error = caught.value
    assert (error.kind, error.param) == (kind, param)
    if "Did you mean" in fix:
        assert (error.fix or "").split("Known")[1] == fix.split("Known")[1]
    else:
        assert error.fix == fix


def test_a_model_larger_than_memory_ends_the_start_with_both_figures(monkeypatch: pytest.MonkeyPatch) -> None:
    small = (dataclasses.replace(CPU[0], free_bytes=10**9),)
    monkeypatch.setattr(planning, "placement_devices", lambda: small)
    with pytest.raises(HyperCubeError, match=r"needs 1\.75 GB on cpu .* and 1\.00 GB are free") as caught:
        Application(settings())
    assert caught.value.details == {"needed_bytes": 1_752_201_792, "free_bytes": 10**9}
    # Nothing is weighed where nothing is loaded.
    Application(settings(name="fake"))
    Application(settings(name="none"))


def test_settings_become_options_and_the_right_version() -> None:
    given = settings(
        engine="transformers", precision="fp32", tensor_parallel=2, device="cpu", context_length=512, slots=3
    )
    options = engine_options(given)
    assert options == EngineOptions(512, 3, None, "cpu", "fp32", 2, 1)
    assert engine_options(given, slots=1).slots == 1
    assert served_manifests(given) == [converted(QWEN, "float32")]
    assert served_manifests(settings(engine="transformers")) == [converted(QWEN, "bfloat16")]
    assert served_manifests(settings()) == [QWEN]
    make_engines(given)


def test_a_factory_refuses_a_split_before_it_makes_an_engine() -> None:
    with pytest.raises(HyperCubeError, match="cannot be split in tensor_parallel 3"):
        engine_factory(EngineOptions(tensor_parallel=3))(converted(QWEN))


def test_a_shape_comes_from_the_files_where_the_manifest_has_none(tmp_path: Path) -> None:
    bare = dataclasses.replace(QWEN, shape=None)
    assert shape_of(bare, ModelStore(tmp_path)) is None
    assert plan_model(bare, EngineOptions(), ModelStore(tmp_path)) is None
    assert plan_text(bare, EngineOptions(), ModelStore(tmp_path)) == "known once its files are here"
    assert plan_text(lookup("fake"), EngineOptions(), ModelStore(tmp_path)) == "nothing to place"


def test_doctor_shows_the_plan_or_the_refusal_of_every_model(tmp_path: Path) -> None:
    given = settings(dir=str(tmp_path), tensor_parallel=2)
    told = examine(given)["placement"]
    assert told["qwen2.5-coder-1.5b-instruct on llama.cpp"].startswith(
        "REFUSED: The llama.cpp engine does not split"
    )
    assert "each layer is split in 2, as asked" in told["qwen2.5-coder-1.5b-instruct on transformers"]
    assert "its 1 key-value heads" in told["gemma-3-270m on transformers"]
    assert "is an encoder" in told["all-minilm-l6-v2 on transformers"]
