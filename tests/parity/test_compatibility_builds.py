"""compatibility.cu through nvcc, as a file and as the run-time compiler sees it; avx512.cpp without warnings."""

import platform
import shutil
import subprocess
from pathlib import Path

import pytest

from hypercube.kernels import compile_cpu
from hypercube.kernels.backends import backends
from hypercube.kernels.compatibility import OP, native, tables

SOURCE = Path(tables.__file__).with_name("compatibility.cu")
KERNELS = ("tile_maxima", "row_keys", "answers", "all_scores")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")


@needs_nvcc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_the_kernels(architecture: str, tmp_path: Path) -> None:
    made = tmp_path / "compatibility.cubin"
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
        [*command, f"-I{Path(compile_cpu.__file__).parent}", str(SOURCE), "-o", str(made)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert all(name.encode() in made.read_bytes() for name in KERNELS)
    assert done.stderr.count("0 bytes stack frame, 0 bytes spill stores, 0 bytes spill loads") == len(KERNELS)


@needs_nvcc
def test_nvcc_compiles_the_source_as_the_run_time_compiler_sees_it(tmp_path: Path) -> None:
    pytest.importorskip("cupy")
    from hypercube.kernels.compatibility import cupy
    from hypercube.kernels.raw_kernel import source

    assert cupy.SOURCE == SOURCE
    text = tmp_path / "joined.cu"
    text.write_text(source(SOURCE), encoding="utf-8")
    command = ["nvcc", "-arch=sm_90", "-std=c++17", "-ptx", str(text), "-o", str(tmp_path / "joined.ptx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    code = (tmp_path / "joined.ptx").read_text(encoding="utf-8")
    # 16-byte reads, look-ups in shared memory, wide writes of scores.
    for instruction in ("ld.global.nc.v4.u32", "ld.shared.u32", "st.global.v4.u32", "shfl.sync.bfly"):
        assert instruction in code


@pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
@pytest.mark.parametrize("processor", ["x86-64", "icelake-server"])
def test_the_cpu_source_compiles_without_warnings(processor: str, tmp_path: Path) -> None:
    found = compile_cpu.compiler()
    assert found is not None
    if platform.machine() not in {"x86_64", "AMD64"}:
        pytest.skip("processors of another kind")
    flags = [f"-march={processor}" if each.startswith("-march") else each for each in compile_cpu.FLAGS]
    # g++ warns about the undefined operands inside its own intrinsics.
    quiet = ["-Wno-pragma-once-outside-header", "-Wno-uninitialized", "-Wno-maybe-uninitialized"]
    command = [found, *flags, "-Wall", "-Wextra", *quiet]
    source, made = str(native.SOURCE), tmp_path / "c.so"
    done = subprocess.run(
        [*command, f"-I{Path(compile_cpu.__file__).parent}", source, "-o", str(made)],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert (b"compatibility_cpu_scan" in made.read_bytes()) == (processor != "x86-64")


def test_each_device_has_its_own_order_of_preference() -> None:
    assert [b.name for b in backends(OP) if b.device == "cuda"] == ["cupy", "triton"]
    assert [b.name for b in backends(OP) if b.device == "cpu"] == ["native", "numba", "reference"]
