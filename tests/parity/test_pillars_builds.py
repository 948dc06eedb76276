"""The CUDA source without a GPU, and the `native` backend's building: compilers, cache folder, what goes wrong."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import backends, compile_cpu
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, OP, native, pillars
from hypercube.kernels.pillars.packed import load_packed

needs_compiler = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
SHIM = Path(compile_cpu.__file__).parent
ONCE = "import numpy; from hypercube.kernels.pillars import *; from hypercube.kernels.pillars import native; "


def in_a_new_process(code: str, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", ONCE + code],
        env=os.environ | {"HYPERCUBE_KERNELS_CACHE": str(folder)} | environment,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_the_gpu_kernel(architecture: str, tmp_path: Path) -> None:
    made = tmp_path / "pillars.cubin"
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
    assert all(f"pillars_{name}".encode() in made.read_bytes() for name in DAY_BOUNDARIES)
    assert "0 bytes spill stores, 0 bytes spill loads" in done.stderr


@pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
def test_nvcc_compiles_the_source_as_the_run_time_compiler_sees_it(tmp_path: Path) -> None:
    """One text, the include put in by hand: what the `cupy` backend hands to NVRTC."""
    pytest.importorskip("cupy")
    from hypercube.kernels.pillars.cupy import SOURCE
    from hypercube.kernels.raw_kernel import source

    text = tmp_path / "joined.cu"
    text.write_text(source(SOURCE), encoding="utf-8")
    command = ["nvcc", "-arch=sm_90", "-std=c++17", "-ptx", str(text), "-o", str(tmp_path / "joined.ptx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # Wide transfers both ways, and the gather from shared memory.
    code = (tmp_path / "joined.ptx").read_text(encoding="utf-8")
    for instruction in ("ld.global.nc.v2.u64", "ld.global.nc.v4.u32", "st.global.v4.u32", "ld.shared.u32"):
        assert instruction in code


@needs_compiler
def test_the_source_compiles_without_warnings(tmp_path: Path) -> None:
    found = compile_cpu.compiler()
    assert found is not None
    command = [found, *compile_cpu.FLAGS, "-Wall", "-Wextra", "-Wno-pragma-once-outside-header", f"-I{SHIM}"]
    done = subprocess.run(
        [*command, str(native.SOURCE), "-o", str(tmp_path / "p.so")],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert (done.returncode, done.stderr) == (0, "")


@needs_compiler
def test_built_once_and_found_again(tmp_path: Path) -> None:
    folder = tmp_path / "new" / "kernels"
    assert in_a_new_process("warm_up('native')", folder) == ""
    [library] = folder.iterdir()
    assert stat.S_IMODE(folder.stat().st_mode) & stat.S_IWOTH == 0
    before = library.stat()
    # The second process is warm without being asked, and without a compiler running.
    found = in_a_new_process("print(native.is_warm(), explain(1_000_000).name)", folder)
    assert found == "True native"
    assert library.stat().st_mtime_ns == before.st_mtime_ns
    assert [each.name for each in folder.iterdir()] == [library.name]


@needs_compiler
def test_auto_never_starts_a_compiler(tmp_path: Path) -> None:
    code = "pillars(numpy.zeros(2_000_000, numpy.int64), 0); print(native.is_warm(), explain(2_000_000).name)"
    assert in_a_new_process(code, tmp_path) == "False numba"
    assert not list(tmp_path.iterdir())


REFUSE = (
    "from hypercube.core.errors import HyperCubeError\n"
    "try: pillars(numpy.zeros(1, numpy.int64), 0, backend='native')\n"
    "except HyperCubeError as e: print(e.kind.value, e.param, e.message, e.fix, sep='|')"
)


def test_no_compiler_is_said_with_the_fix(tmp_path: Path) -> None:
    said = in_a_new_process("\n" + REFUSE, tmp_path, CXX="no-such-compiler").split("|")
    assert said[:2] == ["failed_precondition", "backend"]
    assert "'no-such-compiler'" in said[2]
    assert "Install a C++ compiler" in said[3]
    warmed = in_a_new_process("print(*warm_up())", tmp_path, CXX="no-such-compiler")
    assert warmed == "numba reference"


@pytest.mark.skipif(shutil.which("false") is None, reason="no `false` command")
def test_a_failing_compiler_is_said_with_the_fix(tmp_path: Path) -> None:
    said = in_a_new_process("\n" + REFUSE, tmp_path, CXX="false").split("|")
    assert said[0] == "failed_precondition"
    assert "status 1" in said[2]
    assert "CXX" in said[3]


@needs_compiler
def test_a_damaged_library_is_refused_and_named(tmp_path: Path) -> None:
    in_a_new_process("warm_up('native')", tmp_path)
    [library] = tmp_path.iterdir()
    library.write_bytes(b"not a library")
    said = in_a_new_process("\n" + REFUSE, tmp_path).split("|")
    assert said[0] == "failed_precondition"
    assert library.name in said[2]
    assert in_a_new_process("print(native.is_warm())", tmp_path) == "False"


@needs_compiler
def test_a_wrong_library_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A compiler that gets one multiplication wrong is found out before its first chart is handed over."""
    wrong = tmp_path / "pillars.cu"
    wrong.write_text(native.SOURCE.read_text(encoding="utf-8").replace("2731u", "2730u"), encoding="utf-8")
    monkeypatch.setattr(native, "SOURCE", wrong)
    monkeypatch.setattr(native, "_compiled", None)
    with pytest.raises(HyperCubeError, match="disagrees with the reference") as caught:
        pillars(np.zeros(1, dtype=np.int64), 0, backend="native")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert native._compiled is None


def test_each_device_has_its_own_order_of_preference() -> None:
    assert [b.name for b in backends.backends(OP) if b.device == "cpu"] == ["native", "numba", "reference"]
    assert [b.name for b in backends.backends(OP) if b.device == "cuda"] == ["triton", "cupy"]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_hour_without_division_is_exact_for_every_16_seconds_of_the_table() -> None:
    """The proof at the head of pillars.cu, by exhaustion."""
    packed = load_packed()
    ends = packed.base_utc_s + packed.span_s + MAX_OFFSET_S - packed.base_local_s
    assert packed.base_utc_s - MAX_OFFSET_S - packed.base_local_s >= 0
    assert ends >> 4 < 2**30
    cycle = np.uint64(-(-(2**64) // 324_000))
    for start in range(0, (ends >> 4) + 1, 1 << 22):
        step = np.arange(start, start + (1 << 22), dtype=np.uint64)
        fraction = (step * cycle >> np.uint64(32)) + np.uint64(1)
        hour = fraction * np.uint64(1_440) >> np.uint64(32)
        assert (hour == step // np.uint64(225) % np.uint64(1_440)).all()
