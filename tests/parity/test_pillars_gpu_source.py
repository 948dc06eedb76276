"""The GPU kernel of pillars.cu, its indexing included, run thread by thread on the CPU (gpu_on_cpu.h)."""

import ctypes
import subprocess
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hypercube.kernels import compile_cpu
from hypercube.kernels.pillars import DAY_BOUNDARIES, MAX_OFFSET_S, native, pillars
from hypercube.kernels.pillars.packed import load_packed
from hypercube.kernels.pillars.terms import load_terms

HERE = Path(__file__).parent
HARNESS = """
#include "gpu_on_cpu.h"
#include "{source}"
u32 near_entries[1 << 14];
#define RUN(NAME)                                                                                            \\
    extern "C" u32 run_##NAME(unsigned blocks, unsigned threads, const i64* utc, const i32* offset, u32* out,  \\
                              i64 rows, const u32* entries, const Tables* t) {{                               \\
        u32 outside = 0;                                                                                      \\
        for (u32 i = 0; i <= t->last_bucket; i++) near_entries[i] = 0;                                        \\
        launch(blocks, threads, [&](int pass) {{                                                              \\
            NAME(utc, offset, out, rows, entries, t->base_utc_s, t->span_s, t->base_local_s, t->widest_s,      \\
                 t->last_bucket, pass ? &outside : nullptr);                                                  \\
        }});                                                                                                  \\
        return outside;                                                                                       \\
    }}
RUN(pillars_midnight)
RUN(pillars_zi23)
RUN(pillars_same_day)
"""
Launch = Callable[..., bool]
TERMS = load_terms()

pytestmark = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Launch:
    folder = tmp_path_factory.mktemp("gpu_on_cpu")
    harness, library = folder / "harness.cpp", folder / "harness.so"
    harness.write_text(HARNESS.format(source=native.SOURCE), encoding="utf-8")
    found = compile_cpu.compiler()
    assert found is not None
    includes = [f"-I{HERE}", f"-I{Path(compile_cpu.__file__).parent}"]
    command = [found, "-std=c++17", "-O2", "-fwrapv", "-fno-strict-aliasing", "-shared", "-fPIC", *includes]
    subprocess.run([*command, str(harness), "-o", str(library)], check=True, timeout=60)
    loaded = ctypes.CDLL(str(library))
    entries = load_packed().entries

    def launch(
        utc: np.ndarray, offset: np.ndarray, day_boundary: str, out: np.ndarray, blocks: int, threads: int
    ) -> bool:
        outside = loaded[f"run_pillars_{day_boundary}"](
            blocks,
            threads,
            *(ctypes.c_void_p(each.ctypes.data) for each in (utc, offset, out)),
            ctypes.c_longlong(len(utc)),
            ctypes.c_void_p(entries.ctypes.data),
            ctypes.byref(native.tables()),
        )
        return outside == 0

    return launch


def births(rows: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    utc = rng.integers(TERMS.first_utc_s, TERMS.last_utc_s + 1, rows)
    return utc, rng.integers(-MAX_OFFSET_S, MAX_OFFSET_S + 1, rows, dtype=np.int32)


def aligned_at(array: np.ndarray, skew: int) -> np.ndarray:
    """A copy whose first byte lies `skew` bytes after a 64-byte edge."""
    room = np.zeros(array.nbytes + 128, dtype=np.uint8)
    start = -room.ctypes.data % 64 + skew
    view = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


# One thread, fewer threads than rows, exactly as many fours as threads, more threads than rows.
@pytest.mark.parametrize(("blocks", "threads"), [(1, 1), (1, 32), (3, 64), (7, 512)])
@pytest.mark.parametrize("rows", [1, 3, 4, 5, 127, 128, 129, 767, 768, 769, 10_007])
@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
@pytest.mark.parametrize("skews", [(0, 0, 0), (8, 0, 0), (0, 4, 0), (0, 0, 4)])
def test_every_row_is_written_once_and_right(
    run: Launch, blocks: int, threads: int, rows: int, day_boundary: str, skews: tuple[int, int, int]
) -> None:
    utc, offset = (aligned_at(each, skew) for each, skew in zip(births(rows, rows), skews, strict=False))
    guarded = aligned_at(np.full((rows + 2, 4), 0xAB, dtype=np.uint8), skews[2])
    out = guarded[:rows]
    assert run(utc, offset, day_boundary, out, blocks, threads)
    assert (out == pillars(utc, offset, day_boundary=day_boundary, backend="reference")).all()
    assert (guarded[rows:] == 0xAB).all()


@pytest.mark.parametrize("day_boundary", DAY_BOUNDARIES)
def test_around_every_jie_and_at_random(run: Launch, day_boundary: str) -> None:
    utc, offset = births(500_000, seed=1)
    around = (TERMS.jie_s[1:-1, None] + np.array([-1, 0, 1])).reshape(-1)
    utc[: len(around)] = around
    out = np.full((len(utc), 4), 0xAB, dtype=np.uint8)
    assert run(utc, offset, day_boundary, out, 11, 512)
    assert (out == pillars(utc, offset, day_boundary=day_boundary, backend="reference")).all()


@pytest.mark.parametrize("row", [0, 5, 1_023, 1_024])
@pytest.mark.parametrize("value", [TERMS.first_utc_s - 1, TERMS.last_utc_s + 1, -(2**63), 2**63 - 1])
def test_a_row_out_of_range_is_reported_and_alone_is_255(run: Launch, row: int, value: int) -> None:
    utc, offset = births(1_025, seed=2)
    utc[row] = value
    out = np.zeros((1_025, 4), dtype=np.uint8)
    assert not run(utc, offset, "midnight", out, 2, 64)
    assert np.flatnonzero((out == 255).any(axis=1)).tolist() == [row]
    assert (out[row] == 255).all()
