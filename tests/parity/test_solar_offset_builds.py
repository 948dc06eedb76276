"""`solar_offset` without a GPU: nvcc, Triton ahead of time and interpreted, and a wrong `native` library."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import backends, compile_cpu
from hypercube.kernels.solar_offset import OP, native, solar_offset
from hypercube.kernels.solar_offset.table import load_equation_of_time

HERE = Path(__file__).parent
SHIM = Path(compile_cpu.__file__).parent
TABLE = load_equation_of_time()
KERNELS = (
    "mean_of_one",
    "mean_of_each",
    "apparent_of_one",
    "apparent_of_each",
    "apparent_of_one_near",
    "apparent_of_each_near",
)
needs_compiler = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")


@needs_nvcc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_the_gpu_kernels(architecture: str, tmp_path: Path) -> None:
    made = tmp_path / "solar_offset.cubin"
    command = [
        "nvcc",
        f"-arch={architecture}",
        "-std=c++17",
        "-cubin",
        "-Werror",
        "all-warnings",
        "-Xptxas",
        "-v",
    ]
    done = subprocess.run(
        [*command, f"-I{SHIM}", str(native.SOURCE), "-o", str(made)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert all(name.encode() in made.read_bytes() for name in KERNELS)
    assert done.stderr.count("0 bytes spill stores, 0 bytes spill loads") == len(KERNELS)


@needs_nvcc
def test_nvcc_compiles_the_source_as_the_run_time_compiler_sees_it(tmp_path: Path) -> None:
    """One text, the include put in by hand: what the `cupy` backend hands to NVRTC."""
    pytest.importorskip("cupy")
    from hypercube.kernels.raw_kernel import source

    text = tmp_path / "joined.cu"
    text.write_text(source(native.SOURCE), encoding="utf-8")
    command = ["nvcc", "-arch=sm_90", "-std=c++17", "-ptx", str(text), "-o", str(tmp_path / "joined.ptx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    code = (tmp_path / "joined.ptx").read_text(encoding="utf-8")
    # Wide transfers both ways, and the gather from shared memory.
    for instruction in ("ld.global.nc.v2.u64", "ld.global.nc.v2.f64", "st.global.v4.u32", "ld.shared.u32"):
        assert instruction in code
    _assert_one_float_operation(code)


def _assert_one_float_operation(code: str) -> None:
    """Of float64 arithmetic there are products rounded to nearest, and nothing that they could be fused with."""
    assert set(re.findall(r"(\w+)(?:\.rn)?\.f64", code)) & {"add", "sub", "fma", "mad", "div"} == set()
    assert "mul.rn.f64" in code or "mul.f64" in code


def test_the_cupy_backend_chooses_its_launch() -> None:
    pytest.importorskip("cupy")
    from hypercube.kernels.solar_offset import cupy as op

    size, h100, small = TABLE.milliseconds.nbytes, 232_448, 101_376
    assert op.launch(1, True, True, size, 132, h100) == ("apparent_of_each", 1, 256, 0)
    assert op.launch(1_024, False, False, size, 132, h100) == ("mean_of_one", 1, 256, 0)
    assert op.launch(1_025, False, True, size, 132, h100) == ("mean_of_each", 2, 256, 0)
    assert op.launch(op.NEAR_ROWS, True, True, size, 132, h100) == ("apparent_of_each_near", 132, 1_024, size)
    assert op.launch(op.NEAR_ROWS, True, False, size, 84, small)[0] == "apparent_of_one"
    assert op.launch(10**9, False, True, size, 132, h100)[0] == "mean_of_each"
    for rows in (1, 10**5, 10**7, 10**9):
        name, blocks, threads, shared = op.launch(rows, True, True, size, 108, 166_912)
        assert name in KERNELS
        assert blocks >= 1
        assert threads <= 1_024
        assert shared in (0, size)


COMPILE = """
import sys
import triton
from triton.backends.compiler import GPUTarget
from triton.compiler import ASTSource
from hypercube.kernels.solar_offset import triton as op

pointers = {"utc_pointer": "*i64", "degrees_pointer": "*fp64", "out_pointer": "*i32", "outside_pointer": "*i32",
            "table_pointer": "*i32"}
aligned = {(position,): [["tt.divisibility", 16]] for position in range(5)}
for apparent in (True, False):
    fixed = op.constants(apparent, True, True, op.BLOCK)
    signature = pointers | {"seconds": "i32", "rows": "i64"} | dict.fromkeys(fixed, "constexpr")
    source = ASTSource(fn=op.solar_offset_kernel, signature=signature, constexprs=fixed, attrs=aligned)
    made = triton.compile(
        source, target=GPUTarget("cuda", int(sys.argv[1]), 32), options={"num_warps": op.WARPS}
    )
    assert made.asm["cubin"]
    print(made.asm["ptx"])
    print("=====")
"""


@pytest.mark.parametrize("capability", [80, 90])
def test_triton_compiles_ahead_of_time(capability: int, tmp_path: Path) -> None:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    environment = {name: value for name, value in os.environ.items() if name != "TRITON_INTERPRET"}
    done = subprocess.run(
        [sys.executable, "-c", COMPILE, str(capability)],
        env=environment | {"TRITON_CACHE_DIR": str(tmp_path)},
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    codes = done.stdout.split("=====")[:-1]
    assert len(codes) == 2
    for code in codes:
        # 16-byte transfers both ways are what the design promises.
        assert "ld.global.v2.b64" in code
        assert "st.global.v4.b32" in code
        _assert_one_float_operation(code)


def run_cases(selection: str) -> subprocess.CompletedProcess[str]:
    pytest.importorskip("torch")
    pytest.importorskip("triton")
    cases = HERE / "solar_offset_triton_cases.py"
    command = [sys.executable, "-m", "pytest", str(cases), "-q", "-m", selection, "-p", "no:cacheprovider"]
    return subprocess.run(
        command, env=os.environ | {"TRITON_INTERPRET": "1"}, capture_output=True, text=True, timeout=280
    )


def test_parity_in_tritons_interpreter() -> None:
    done = run_cases("not slow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout


@pytest.mark.slow
def test_parity_in_tritons_interpreter_over_a_million() -> None:
    done = run_cases("slow")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout


@needs_compiler
def test_the_source_compiles_without_warnings(tmp_path: Path) -> None:
    found = compile_cpu.compiler()
    assert found is not None
    command = [found, *compile_cpu.FLAGS, "-Wall", "-Wextra", "-Wno-pragma-once-outside-header", f"-I{SHIM}"]
    done = subprocess.run(
        [*command, str(native.SOURCE), "-o", str(tmp_path / "s.so")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_compiler
def test_a_wrong_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that gets one multiplication wrong is found out before its first row is handed over."""
    wrong = tmp_path / "solar_offset.cu"
    text = native.SOURCE.read_text(encoding="utf-8")
    wrong.write_text(text.replace("455625", "455624"), encoding="utf-8")
    monkeypatch.setattr(native, "SOURCE", wrong)
    monkeypatch.setattr(native, "_compiled", None)
    monkeypatch.setenv("HYPERCUBE_KERNELS_CACHE", str(tmp_path / "cache"))
    with pytest.raises(HyperCubeError, match="disagrees with the reference") as caught:
        solar_offset(np.zeros(1, dtype=np.int64), 0, apparent=True, backend="native")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert native._compiled is None


def test_each_device_has_its_own_order_of_preference() -> None:
    assert [b.name for b in backends.backends(OP) if b.device == "cpu"] == ["native", "numba", "reference"]
    assert [b.name for b in backends.backends(OP) if b.device == "cuda"] == ["triton", "cupy"]
