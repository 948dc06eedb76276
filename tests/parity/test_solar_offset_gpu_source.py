"""The GPU kernels of solar_offset.cu, indexing and shared memory included, run thread by thread on the CPU
(gpu_on_cpu.h)."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hypercube.kernels import compile_cpu
from hypercube.kernels.solar_offset import native, solar_offset
from hypercube.kernels.solar_offset.table import STEP_S, load_equation_of_time

HERE = Path(__file__).parent
SHIM = Path(compile_cpu.__file__).parent
TABLE = load_equation_of_time()
FIRST, LAST = TABLE.base_utc_s, TABLE.base_utc_s + TABLE.span_s - 1
KERNELS = (
    "mean_of_one",
    "mean_of_each",
    "apparent_of_one",
    "apparent_of_each",
    "apparent_of_one_near",
    "apparent_of_each_near",
)
HARNESS = """
#include "gpu_on_cpu.h"
#undef __launch_bounds__
#define __launch_bounds__(threads, blocks)
struct alignas(16) double2 {{
    double x, y;
}};
#include "{source}"
i32 near_table[1 << 16];
#define RUN(NAME)                                                                                              \\
    extern "C" u32 run_##NAME(unsigned blocks, unsigned threads, const i64* utc, const double* degrees,          \\
                              i32 seconds, i32* out, i64 rows, const i32* table, u32 points, const Table* t) {{   \\
        u32 outside = 0;                                                                                        \\
        for (u32 i = 0; i < 1 << 16; i++) near_table[i] = 0;                                                    \\
        launch(blocks, threads, [&](int pass) {{                                                                \\
            NAME(utc, degrees, seconds, out, rows, table, points, t->base_utc_s, t->span_s, t->lead_s,          \\
                 pass ? &outside : nullptr);                                                                    \\
        }});                                                                                                    \\
        return outside;                                                                                         \\
    }}
"""
Launch = Callable[..., bool]

pytestmark = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    found = compile_cpu.compiler()
    assert found is not None
    folder = tmp_path_factory.mktemp("solar_offset_on_cpu")
    harness, library = folder / "harness.cpp", folder / "harness.so"
    text = HARNESS.format(source=native.SOURCE) + "".join(f"RUN({name})\n" for name in KERNELS)
    harness.write_text(text, encoding="utf-8")
    command = [found, "-std=c++17", "-O2", "-fwrapv", "-fno-strict-aliasing", "-shared", "-fPIC"]
    includes = [f"-I{HERE}", f"-I{SHIM}"]
    subprocess.run([*command, *includes, str(harness), "-o", str(library)], check=True, timeout=60)
    loaded = ctypes.CDLL(str(library))
    points = TABLE.milliseconds

    def launch(
        kernel: str, utc: np.ndarray, degrees: np.ndarray, out: np.ndarray, blocks: int, threads: int
    ) -> bool:
        outside = loaded[f"run_{kernel}"](
            blocks,
            threads,
            ctypes.c_void_p(utc.ctypes.data),
            ctypes.c_void_p(degrees.ctypes.data if "_each" in kernel else None),
            30_475,
            ctypes.c_void_p(out.ctypes.data),
            ctypes.c_longlong(len(utc)),
            ctypes.c_void_p(points.ctypes.data),
            len(points),
            ctypes.byref(native.bounds()),
        )
        return outside == 0

    return launch


def births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    return rng.integers(FIRST, LAST + 1, rows), rng.uniform(-180.0, 180.0, rows)


def wanted(kernel: str, utc: np.ndarray, degrees: np.ndarray) -> np.ndarray:
    longitude = degrees if "_each" in kernel else 126.978  # 30,475 s
    return solar_offset(utc, longitude, apparent=kernel.startswith("apparent"), backend="reference")


def aligned_at(array: np.ndarray, skew: int) -> np.ndarray:
    """A copy whose first byte lies `skew` bytes after a 64-byte edge."""
    room = np.zeros(array.nbytes + 128, dtype=np.uint8)
    start = -room.ctypes.data % 64 + skew
    view = room[start : start + array.nbytes].view(array.dtype)
    view[...] = array
    return view


# One thread, fewer threads than rows, exactly as many fours as threads, more threads than rows.
@pytest.mark.parametrize(("blocks", "threads"), [(1, 1), (3, 64), (7, 512)])
@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("skews", [(0, 0, 0), (8, 0, 0), (0, 8, 0), (0, 0, 4)])
def test_every_row_is_written_once_and_right(
    run: Launch, kernel: str, blocks: int, threads: int, skews: tuple[int, int, int]
) -> None:
    for rows in (1, 3, 4, 5, 127, 128, 129, 767, 768, 769, 10_007):
        utc, degrees = (aligned_at(each, skew) for each, skew in zip(births(rows, rows), skews, strict=False))
        guarded = aligned_at(np.full(rows + 2, 0x55555555, dtype=np.int32), skews[2])
        assert run(kernel, utc, degrees, guarded[:rows], blocks, threads)
        assert (guarded[:rows] == wanted(kernel, utc, degrees)).all()
        assert (guarded[rows:] == 0x55555555).all()


@pytest.mark.parametrize("kernel", KERNELS)
def test_around_every_point_and_at_random(run: Launch, kernel: str) -> None:
    utc, degrees = births(300_000, seed=1)
    points = np.arange(TABLE.start_s + 3 * STEP_S, LAST, STEP_S, dtype=np.int64)
    around = (points[:, None] + np.array([-1, 0, 1])).reshape(-1)
    utc[: len(around)] = around
    out = np.full(len(utc), 0x55555555, dtype=np.int32)
    assert run(kernel, utc, degrees, out, 11, 512)
    assert (out == wanted(kernel, utc, degrees)).all()


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("row", [0, 5, 1_023, 1_024])
@pytest.mark.parametrize("value", [FIRST - 1, LAST + 1, -(2**63), 2**63 - 1, float("nan"), 180.1])
def test_a_row_out_of_range_is_reported_and_alone_is_marked(
    run: Launch, kernel: str, row: int, value: float
) -> None:
    utc, degrees = births(1_025, seed=2)
    out = np.zeros(1_025, dtype=np.int32)
    if isinstance(value, float):
        degrees[row] = value
    else:
        utc[row] = value
    at_fault = [row] if "_each" in kernel or isinstance(value, int) else []
    assert run(kernel, utc, degrees, out, 2, 64) is not bool(at_fault)
    assert np.flatnonzero(out == -(2**31)).tolist() == at_fault
