"""Which numbers a model computes in: every combination has an answer or a refusal with the fix."""

import itertools

import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference import precision
from hypercube.inference.precision import BYTES, PRECISIONS, STORED, Compute, choose_precision

OLD, AMPERE, ADA = (Compute("cuda", capability) for capability in ((7, 5), (8, 6), (8, 9)))
CPU, CPU_BF16 = Compute("cpu"), Compute("cpu", bf16=True)


@pytest.mark.parametrize(
    ("compute", "name", "reason"),
    [
        (CPU, "fp32", "no bf16 instructions"),
        (CPU_BF16, "bf16", "multiplies bf16"),
        (OLD, "fp16", "7.5 has fp16 but no bf16"),
        (AMPERE, "bf16", "8.6"),
        (ADA, "bf16", "8.9"),
    ],
)
@pytest.mark.parametrize("engine", ["transformers", "vllm"])
def test_auto_follows_the_device_and_says_why(compute: Compute, name: str, reason: str, engine: str) -> None:
    choice = choose_precision("auto", compute, engine)
    assert choice.name == name
    assert reason in choice.reason
    assert choice.bytes_per_weight == BYTES[name]


REFUSED = {
    ("transformers", name, compute) for name in ("fp8", "int8", "int4") for compute in (CPU, CPU_BF16, OLD, AMPERE, ADA)
}  # fmt: skip
REFUSED |= {("vllm", "int8", compute) for compute in (CPU, CPU_BF16, OLD, AMPERE, ADA)}
REFUSED |= {("vllm", name, compute) for name in ("fp8", "int4") for compute in (CPU, CPU_BF16)}
REFUSED |= {("vllm", "fp8", compute) for compute in (OLD, AMPERE)}
REFUSED |= {(engine, "fp16", compute) for engine in ("transformers", "vllm") for compute in (CPU, CPU_BF16)}
REFUSED |= {(engine, "bf16", OLD) for engine in ("transformers", "vllm")}


def test_every_request_is_kept_or_refused_with_a_fix() -> None:
    for engine, name, compute in itertools.product(
        ("transformers", "vllm"), PRECISIONS, (CPU, CPU_BF16, OLD, AMPERE, ADA)
    ):
        if (engine, name, compute) in REFUSED:
            with pytest.raises(HyperCubeError) as caught:
                choose_precision(name, compute, engine)
            error = caught.value
            assert (error.kind, error.param) == (ErrorKind.FAILED_PRECONDITION, "model.precision")
            assert repr(name) in error.message
            assert error.fix is not None
            fix = error.fix.removeprefix("Set model.precision to one of: ").rstrip(".")
            assert fix.split(", ") == [
                other for other in PRECISIONS if other == "auto" or (engine, other, compute) not in REFUSED
            ]
        else:
            choice = choose_precision(name, compute, engine)
            assert choice.name == name or name == "auto"


@pytest.mark.parametrize("engine", ["llama.cpp", "fake", "upstream"])
def test_a_file_decides_for_engines_that_take_it_as_it_is(engine: str) -> None:
    assert choose_precision("auto", CPU, engine).name == STORED
    with pytest.raises(HyperCubeError, match=f"{engine} computes with the weights as its file holds them"):
        choose_precision("fp32", CPU, engine)


@pytest.mark.parametrize(
    ("name", "meant"), [("bf17", "bf16"), ("float16", "fp16"), ("bfloat16", "bf16"), ("4bit", "int4")]
)
def test_an_unknown_name_lists_the_known(name: str, meant: str) -> None:
    with pytest.raises(HyperCubeError) as caught:
        choose_precision(name, ADA, "vllm")
    assert caught.value.kind is ErrorKind.INVALID_ARGUMENT
    assert caught.value.fix == f"Did you mean {meant!r}? Known: {', '.join(PRECISIONS)}."


@pytest.mark.parametrize(
    ("flags", "found"),
    [
        ("flags\t\t: fpu avx512f avx512_bf16 vaes", True),
        ("flags\t\t: fpu amx_bf16 amx_tile", True),
        ("Features\t: fp asimd bf16 i8mm", True),
        ("flags\t\t: fpu avx2 avx512f avx512_bf160", False),
        ("model name\t: bf16", False),
        ("", False),
    ],
)
def test_bf16_is_read_from_the_processors_flags(
    flags: str, found: bool, tmp_path: "object", monkeypatch: pytest.MonkeyPatch
) -> None:
    from pathlib import Path

    path = Path(str(tmp_path)) / "cpuinfo"
    path.write_text(f"processor\t: 0\n{flags}\n", encoding="utf-8")
    monkeypatch.setattr(precision, "_FLAGS", path)
    precision._cpu_multiplies_bf16.cache_clear()
    try:
        assert precision.this_cpu() == Compute("cpu", bf16=found)
    finally:
        precision._cpu_multiplies_bf16.cache_clear()
