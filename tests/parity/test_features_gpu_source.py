"""features.cu without a GPU: its kernel run thread by thread on the CPU, barriers included, and its builds."""

import ctypes
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.kernels import compile_cpu
from hypercube.kernels.features import ROW_BYTES, compact, features, native
from hypercube.kernels.sexagenary import UNKNOWN_HOUR

HERE = Path(__file__).parent
INCLUDES = [f"-I{HERE}", f"-I{Path(compile_cpu.__file__).parent}"]
HARNESS = """
#include "gpu_block_on_cpu.h"
static void __syncwarp() {{ meet(warps[threadIdx.x >> 5], 32); }}
#include "{source}"
uint4 near_tables[WORDS / 2 + THREADS * 4];
// 2 when threads wait for ever, else whether a row was no chart.
extern "C" u32 run(unsigned blocks, unsigned threads, const u32* charts, void* out, i64 rows, const void* tables) {{
    u32 outside = 0;
    auto poison = [] {{
        for (uint4& each : near_tables) each = uint4{{0xABABABABu, 0xABABABABu, 0xABABABABu, 0xABABABABu}};
    }};
    const bool ended = launch_blocks(blocks, 1, threads, poison, [&] {{
        features_rows(charts, static_cast<uint4*>(out), rows, static_cast<const uint4*>(tables), &outside);
    }});
    return ended ? outside : 2;
}}
"""
Launch = Callable[..., bool]
needs_compiler = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")
needs_nvcc = pytest.mark.skipif(shutil.which("nvcc") is None, reason="nvcc is not installed")
needs_contexts = pytest.mark.skipif(sys.platform != "linux", reason="stacks by ucontext, tried on Linux only")


def build(folder: Path, source: Path) -> Launch:
    harness, library = folder / "harness.cpp", folder / "harness.so"
    harness.write_text(HARNESS.format(source=source), encoding="utf-8")
    found = compile_cpu.compiler()
    assert found is not None
    command = [found, "-std=c++17", "-O2", "-fwrapv", "-fno-strict-aliasing", "-shared", "-fPIC", *INCLUDES]
    subprocess.run([*command, str(harness), "-o", str(library)], check=True, timeout=60)
    loaded = ctypes.CDLL(str(library))
    tables = compact.load_compact()

    def launch(charts: NDArray[np.uint8], out: NDArray[np.uint8], blocks: int, threads: int) -> bool:
        outside = loaded.run(
            blocks,
            threads,
            *(ctypes.c_void_p(each.ctypes.data) for each in (charts, out)),
            ctypes.c_longlong(len(charts)),
            ctypes.c_void_p(tables.ctypes.data),
        )
        assert outside in (0, 1)
        return bool(outside == 0)

    return launch


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    return build(tmp_path_factory.mktemp("features_on_cpu"), native.SOURCE)


def random_charts(rows: int, seed: int) -> NDArray[np.uint8]:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = UNKNOWN_HOUR
    return charts


@needs_compiler
@needs_contexts
# One warp, several, a whole block, blocks without work.
@pytest.mark.parametrize(("blocks", "threads"), [(1, 32), (3, 64), (1, 256), (5, 256)])
@pytest.mark.parametrize("rows", [1, 31, 32, 33, 63, 64, 65, 255, 256, 257, 1_281, 10_007])
def test_every_row_is_written_once_and_right(run: Launch, blocks: int, threads: int, rows: int) -> None:
    charts = random_charts(rows, seed=rows)
    guarded = np.full((rows + 2, ROW_BYTES), 0xAB, dtype=np.uint8)
    assert run(charts, guarded[:rows], blocks, threads)
    assert (guarded[:rows] == features(charts, backend="reference")).all()
    assert (guarded[rows:] == 0xAB).all()


@needs_compiler
@needs_contexts
def test_every_pair_of_pillars_at_every_pair_of_positions(run: Launch) -> None:
    pairs = np.array([(a, b) for a in range(60) for b in range(60)], dtype=np.uint8)
    for first in range(4):
        for second in range(first + 1, 4):
            charts = random_charts(len(pairs), seed=first * 4 + second)
            charts[:, (first, second)] = pairs
            out = np.full((len(charts), ROW_BYTES), 0xAB, dtype=np.uint8)
            assert run(charts, out, 4, 256)
            assert (out == features(charts, backend="reference")).all()


@needs_compiler
@needs_contexts
@pytest.mark.parametrize("row", [0, 31, 300, 512])
@pytest.mark.parametrize(("column", "value"), [(0, 60), (1, 255), (2, 128), (3, 60), (3, 254)])
def test_what_is_no_chart_is_reported_and_alone_is_255(
    run: Launch, row: int, column: int, value: int
) -> None:
    charts = random_charts(513, seed=2)
    want = features(charts, backend="reference")
    want[row] = 255
    charts[row, column] = value
    out = np.zeros((513, ROW_BYTES), dtype=np.uint8)
    assert not run(charts, out, 2, 64)
    assert (out == want).all()


@needs_compiler
@needs_contexts
@pytest.mark.parametrize("which", [0, 1, 2])
def test_a_missing_barrier_is_found(tmp_path: Path, which: int) -> None:
    """What the tests above are worth: each of the kernel's three barriers, left out, makes rows wrong."""
    parts = (
        native.SOURCE.read_text(encoding="utf-8")
        .replace("__syncthreads()", "__syncwarp()")
        .split("__syncwarp()")
    )
    assert len(parts) == 4
    joints = ["__syncthreads()", "__syncwarp()", "__syncwarp()"]
    joints[which] = "(void)0"
    (tmp_path / "features.cu").write_text(
        parts[0] + "".join(joint + part for joint, part in zip(joints, parts[1:], strict=True)),
        encoding="utf-8",
    )
    launch = build(tmp_path, tmp_path / "features.cu")
    charts = random_charts(1_024, seed=3)
    out = np.zeros((len(charts), ROW_BYTES), dtype=np.uint8)
    launch(charts, out, 2, 64)
    assert (out != features(charts, backend="reference")).any()


@needs_nvcc
@pytest.mark.parametrize("architecture", ["sm_80", "sm_90"])
def test_nvcc_compiles_the_gpu_kernel(architecture: str, tmp_path: Path) -> None:
    made = tmp_path / "features.cubin"
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
        [*command, *INCLUDES, str(native.SOURCE), "-o", str(made)],
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    assert b"features_rows" in made.read_bytes()
    assert "0 bytes spill stores, 0 bytes spill loads" in done.stderr


@needs_nvcc
def test_nvcc_compiles_the_source_as_the_run_time_compiler_sees_it(tmp_path: Path) -> None:
    """One text, the include put in by hand: what the `cupy` backend hands to NVRTC."""
    pytest.importorskip("cupy")
    from hypercube.kernels.features.cupy import SHARED_BYTES, SOURCE, THREADS
    from hypercube.kernels.raw_kernel import source

    text = tmp_path / "joined.cu"
    text.write_text(source(SOURCE), encoding="utf-8")
    command = ["nvcc", "-arch=sm_90", "-std=c++17", "-ptx", str(text), "-o", str(tmp_path / "joined.ptx")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    # Rows leave in 16-byte stores, and every look-up is in shared memory.
    code = (tmp_path / "joined.ptx").read_text(encoding="utf-8")
    for instruction, times in (("st.global.v4.u32", 4), ("ld.shared.u64", 12), ("ld.shared.u16", 7)):
        assert code.count(instruction) == times
    assert code.count("ld.global") == 2  # a chart, and the copy of the tables
    assert SHARED_BYTES <= 48 << 10
    assert f"#define THREADS {THREADS}\n" in text.read_text(encoding="utf-8")


def test_the_parts_of_the_tables_begin_where_the_source_says() -> None:
    text = native.SOURCE.read_text(encoding="utf-8")
    for name in ("SUMS", "WEIGHTS", "LEVELS", "GROUPS", "PAIRS", "WORDS"):
        assert f"#define {name} {getattr(compact, name)}\n" in text


@needs_compiler
def test_the_source_compiles_without_warnings(tmp_path: Path) -> None:
    found = compile_cpu.compiler()
    assert found is not None
    flags = [*compile_cpu.FLAGS, "-Wall", "-Wextra", "-Wno-pragma-once-outside-header"]
    for extra in ([], ["-mno-bmi2"] if "x86" in os.uname().machine else []):
        done = subprocess.run(
            [found, *flags, *extra, *INCLUDES, str(native.SOURCE), "-o", str(tmp_path / "f.so")],
            capture_output=True,
            text=True,
            timeout=60,
        )
        assert (done.returncode, done.stderr) == (0, "")


@needs_compiler
@pytest.mark.parametrize(
    ("right", "wrong"), [("* 683u", "* 684u"), ("0x444444u", "0x434343u"), ("610 + day", "305 + day")]
)
def test_a_wrong_library_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, right: str, wrong: str
) -> None:
    """A compiler that gets one operation wrong is found out before its first row is handed over."""
    text = native.SOURCE.read_text(encoding="utf-8")
    assert right in text
    source = tmp_path / "features.cu"
    source.write_text(text.replace(right, wrong), encoding="utf-8")
    monkeypatch.setenv("HYPERCUBE_KERNELS_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(native, "SOURCE", source)
    monkeypatch.setattr(native, "_compiled", None)
    with pytest.raises(HyperCubeError, match="disagrees with the reference") as caught:
        features(np.zeros((1, 4), dtype=np.uint8), backend="native")
    assert caught.value.kind is ErrorKind.FAILED_PRECONDITION
    assert native._compiled is None
