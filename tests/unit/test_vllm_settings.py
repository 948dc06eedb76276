"""vLLM's arguments, environment and refusals, without vLLM."""

import json
import os
import struct
from pathlib import Path
from typing import Any

import pytest

from hypercube.app.model_choice import chat_manifests, make_engines
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference import engine_choice
from hypercube.inference.adapter_files import check_adapter, shapes_in
from hypercube.inference.devices import Devices, Gpu
from hypercube.inference.engine import EngineOptions
from hypercube.inference.engine_choice import choose_engine
from hypercube.inference.vllm import VllmEngine
from hypercube.inference.vllm import engine as engine_module
from hypercube.inference.vllm.settings import core_binding, engine_arguments, prepare_environment
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.convert import converted
from hypercube.settings import load_settings

LAYERS, KV_HEADS, HEAD = 2, 2, 16
GIB = 1 << 30


def write_safetensors(path: Path, shapes: dict[str, list[int]]) -> None:
    """A file of which only the header is right."""
    header = {
        name: {"dtype": "F32", "shape": shape, "data_offsets": [0, 0]} for name, shape in shapes.items()
    }
    text = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(text)) + text)


@pytest.fixture
def model(tmp_path: Path) -> Path:
    folder = tmp_path / "model"
    folder.mkdir()
    config = {
        "hidden_size": 64,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 4,
        "num_key_value_heads": KV_HEADS,
        "vocab_size": 100,
    }
    folder.joinpath("config.json").write_text(json.dumps(config))
    write_safetensors(
        folder / "model.safetensors",
        {"model.embed_tokens.weight": [100, 64], "model.layers.0.self_attn.q_proj.weight": [64, 64]},
    )
    return folder


def settings(**changes: Any) -> dict[str, Any]:
    return {
        "context_length": 512,
        "slots": 8,
        "threads": None,
        "device": "auto",
        "precision": "fp32",
        "tensor_parallel": 1,
        "pipeline_parallel": 1,
        "max_adapters": 0,
    } | changes


# -- arguments


def test_our_settings_become_vllms_arguments(model: Path) -> None:
    found = engine_arguments(settings(tensor_parallel=2), model, on_cpu=True)
    assert found["model"] == str(model)
    assert (found["dtype"], found["max_model_len"], found["max_num_seqs"]) == ("float32", 512, 8)
    assert (found["tensor_parallel_size"], found["pipeline_parallel_size"]) == (2, 1)
    assert found["scheduling_policy"] == "priority"
    assert found["enforce_eager"] is True
    assert "enable_lora" not in found
    assert "quantization" not in found


@pytest.mark.parametrize(
    ("precision", "dtype"), [("auto", "auto"), ("fp32", "float32"), ("bf16", "bfloat16"), ("fp16", "float16")]
)
def test_every_width_has_vllms_name(model: Path, precision: str, dtype: str) -> None:
    assert engine_arguments(settings(precision=precision), model, on_cpu=False)["dtype"] == dtype


@pytest.mark.parametrize(("precision", "quantization"), [("fp8", "fp8"), ("int4", "bitsandbytes")])
def test_a_gpu_quantises_while_it_loads_and_a_cpu_does_not(
    model: Path, precision: str, quantization: str
) -> None:
    asked = settings(precision=precision)
    assert engine_arguments(asked, model, on_cpu=False)["quantization"] == quantization
    with pytest.raises(HyperCubeError) as caught:
        engine_arguments(asked, model, on_cpu=True)
    assert (caught.value.kind, caught.value.value) == (ErrorKind.FAILED_PRECONDITION, precision)
    assert "fp32" in caught.value.fix


def test_the_cache_on_a_cpu_holds_every_slots_whole_context(model: Path) -> None:
    def cache(**changes: Any) -> int:
        asked = settings(context_length=8192, slots=256, **changes)
        return int(engine_arguments(asked, model, on_cpu=True)["kv_cache_memory_bytes"])

    a_token = 2 * LAYERS * KV_HEADS * HEAD * 4
    whole = a_token * 8192 * 256
    assert whole < cache() < 1.1 * whole
    assert cache(precision="bf16") == pytest.approx(cache() / 2, abs=1)
    # Two ranks have one key-value head each, and so have four, whose heads are copies.
    assert cache(tensor_parallel=2) == cache(tensor_parallel=4) == pytest.approx(cache() / 2, abs=1)
    assert engine_arguments(settings(), model, on_cpu=True)["kv_cache_memory_bytes"] == GIB // 4
    assert "kv_cache_memory_bytes" not in engine_arguments(settings(), model, on_cpu=False)


def test_adapters_have_room_for_those_that_were_replaced(model: Path) -> None:
    on_gpu = engine_arguments(settings(max_adapters=3), model, on_cpu=False)
    assert (on_gpu["enable_lora"], on_gpu["max_loras"], on_gpu["max_cpu_loras"]) == (True, 3, 6)
    on_cpu = engine_arguments(settings(max_adapters=3), model, on_cpu=True)
    # One place more than can be filled: what lies in the last one would be added to answers of the model alone.
    assert on_cpu["max_loras"] == on_cpu["max_cpu_loras"] == 7


def test_pipeline_parallel_on_a_cpu_is_refused(model: Path) -> None:
    with pytest.raises(HyperCubeError) as caught:
        engine_arguments(settings(pipeline_parallel=2), model, on_cpu=True)
    assert (caught.value.kind, caught.value.param) == (
        ErrorKind.FAILED_PRECONDITION,
        "model.pipeline_parallel",
    )
    assert "tensor_parallel" in caught.value.fix
    assert engine_arguments(settings(pipeline_parallel=2), model, on_cpu=False)["pipeline_parallel_size"] == 2


# -- cores


@pytest.mark.parametrize(
    ("cores", "ranks", "threads", "binding"),
    [
        ([0, 1, 2, 3], 1, None, ""),
        ([0, 1, 2, 3], 1, 2, "0,1"),
        ([4, 5, 6, 7], 2, None, "4,5|6,7"),
        ([4, 5, 6, 7], 2, 2, "4|5"),
        ([0, 1], 2, 8, "0|1"),
        ([3], 2, None, "3|3"),
        ([0, 1, 2], 2, None, "0|1"),
        ([0, 1], 4, None, "0|1|0|1"),
        ([], 2, 4, ""),
    ],
)
def test_each_rank_gets_cores_of_its_own_where_there_are_enough(
    cores: list[int], ranks: int, threads: int | None, binding: str
) -> None:
    assert core_binding(cores, ranks, threads) == binding


def test_thread_counts_are_left_to_vllm(monkeypatch: pytest.MonkeyPatch) -> None:
    environment = {"MKL_NUM_THREADS": "2", "OMP_NUM_THREADS": "2", "HOME": "/"}
    monkeypatch.setattr(os, "environ", environment)
    prepare_environment(settings())
    assert environment == {"HOME": "/"}


def test_a_binding_that_the_operator_has_set_stays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"VLLM_CPU_OMP_THREADS_BIND": "7"})
    prepare_environment(settings(tensor_parallel=2))
    assert os.environ == {"VLLM_CPU_OMP_THREADS_BIND": "7"}


# -- the engine


def test_adapters_are_among_its_capabilities_only_when_asked_for() -> None:
    plain, able = VllmEngine(EngineOptions()), VllmEngine(EngineOptions(adapters=1))
    assert plain.capabilities >= {Capability.GENERATE, Capability.JSON_SCHEMA}
    assert Capability.ADAPTERS not in plain.capabilities
    assert able.capabilities == {*plain.capabilities, Capability.ADAPTERS}
    assert VllmEngine(EngineOptions(), adapters={"a": "/a"}).capabilities == able.capabilities


async def test_an_engine_without_adapters_says_so() -> None:
    with pytest.raises(HyperCubeError) as caught:
        await VllmEngine(EngineOptions()).load_adapter("a", Path("/a"))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")


def test_a_precision_that_is_none_is_refused_at_once() -> None:
    with pytest.raises(HyperCubeError, match="bf17"):
        VllmEngine(EngineOptions(precision="bf17"))


def test_a_missing_package_is_told_at_start_with_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(engine_module.importlib.util, "find_spec", lambda _: None)
    monkeypatch.chdir(tmp_path)
    asked = load_settings({"model": {"name": "gemma-3-270m", "engine": "vllm", "dir": tmp_path}}, environ={})
    (manifest,) = chat_manifests(asked)
    with pytest.raises(HyperCubeError) as caught:
        make_engines(asked)(manifest)
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert "pip install 'heal7-hypercube[vllm]'" in caught.value.fix


# -- the choice


def machine(gpus: int) -> Devices:
    gpu = Gpu("H100", 80 * GIB, "580", 79 * GIB, (9, 0))
    return Devices("cpu", 8, 64 * GIB, 60 * GIB, (gpu,) * gpus, "" if gpus else "no driver")


@pytest.mark.parametrize(
    ("model", "asked", "installed", "gpus", "chosen"),
    [
        ("converted", "auto", True, 1, "vllm"),
        ("converted", "auto", False, 1, "transformers"),
        ("converted", "auto", True, 0, "transformers"),
        ("converted", "transformers", True, 1, "transformers"),
        ("converted", "vllm", False, 0, "vllm"),
        ("gemma-3-270m", "auto", True, 1, "llama.cpp"),
        ("gemma-3-270m", "vllm", True, 0, "vllm"),
        ("all-minilm-l6-v2", "auto", True, 1, "transformers"),
        ("fake", "auto", True, 1, "fake"),
    ],
)
def test_auto_takes_vllm_for_safetensors_on_a_gpu(
    monkeypatch: pytest.MonkeyPatch, model: str, asked: str, installed: bool, gpus: int, chosen: str
) -> None:
    monkeypatch.setattr(engine_choice, "vllm_installed", lambda: installed)
    monkeypatch.setattr(engine_choice, "examine_devices", lambda: machine(gpus))
    manifest = converted(lookup("gemma-3-270m")) if model == "converted" else lookup(model)
    assert choose_engine(manifest, asked) == chosen


def test_an_encoder_is_not_given_to_vllm() -> None:
    with pytest.raises(HyperCubeError) as caught:
        choose_engine(lookup("all-minilm-l6-v2"), "vllm")
    assert (caught.value.kind, caught.value.param) == (ErrorKind.FAILED_PRECONDITION, "model.engine")


# -- adapter files


@pytest.mark.parametrize(
    ("shapes", "complaint"),
    [
        ({"q_proj.lora_A": [4, 64], "q_proj.lora_B": [64, 4]}, ""),
        ({"q_proj.lora_A": [4, 32], "q_proj.lora_B": [64, 4]}, "q_proj.lora_A.weight is [4, 32]"),
        ({"q_proj.lora_A": [4, 64], "q_proj.lora_B": [96, 4]}, "q_proj.lora_B.weight is [96, 4]"),
        # Modules that the checkpoint calls otherwise are left to vLLM.
        ({"qkv_proj.lora_A": [4, 1]}, ""),
    ],
)
def test_an_adapter_must_fit_the_models_measures(
    model: Path, tmp_path: Path, shapes: dict[str, list[int]], complaint: str
) -> None:
    folder = tmp_path / "adapter"
    folder.mkdir()
    folder.joinpath("adapter_config.json").write_text("{}")
    prefix = "base_model.model.model.layers.0.self_attn"
    write_safetensors(
        folder / "adapter_model.safetensors",
        {f"{prefix}.{name}.weight": shape for name, shape in shapes.items()},
    )
    if not complaint:
        check_adapter("mine", folder, shapes_in(model))
        return
    with pytest.raises(HyperCubeError) as caught:
        check_adapter("mine", folder, shapes_in(model))
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
    assert complaint in caught.value.message


@pytest.mark.parametrize(
    ("files", "complaint"),
    [
        ({}, "no adapter_config.json"),
        ({"adapter_config.json": b"{}"}, "no adapter_model.safetensors"),
        ({"adapter_config.json": b"{", "adapter_model.safetensors": b"\0" * 8}, "cannot be read"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"\xff" * 8}, "cannot be read"),
        ({"adapter_config.json": b"{}", "adapter_model.safetensors": b"PK"}, "cannot be read"),
        (
            {"adapter_config.json": b"3", "adapter_model.safetensors": struct.pack("<Q", 2) + b"{}"},
            "no JSON object",
        ),
    ],
)
def test_a_folder_that_is_no_adapter_is_refused(
    tmp_path: Path, files: dict[str, bytes], complaint: str
) -> None:
    for name, content in files.items():
        tmp_path.joinpath(name).write_bytes(content)
    with pytest.raises(HyperCubeError) as caught:
        check_adapter("mine", tmp_path, {})
    assert (caught.value.kind, caught.value.param) == (ErrorKind.INVALID_ARGUMENT, "adapter")
    assert complaint in caught.value.message
