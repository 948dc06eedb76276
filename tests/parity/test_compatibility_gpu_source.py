"""The kernels of compatibility.cu run thread by thread on the CPU, barriers and shuffles included, and their search."""

import contextlib
import ctypes
import subprocess
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from hypercube.kernels import compile_cpu
from hypercube.kernels.compatibility import compatibility, gpu_keys, score, tables, top_k
from hypercube.kernels.compatibility.gpu_keys import (
    HALF,
    LAST_ROW,
    MOST_QUERIES,
    ROW_BITS,
    SCORE_BITS,
    TILE,
    batches,
    search,
)

HERE = Path(__file__).parent
SOURCE = Path(tables.__file__).with_name("compatibility.cu")
HARNESS = """
#include "gpu_block_on_cpu.h"
#include "{source}"
u32 near_table[2 * HALF];
static void poison() {{
    for (u32& each : near_table) each = 0xDEADBEEFu;
}}
#define GRID unsigned columns, unsigned lines, unsigned threads
#define RUN(CALL) return launch_blocks(columns, lines, threads, poison, [&] {{ CALL; }});
extern "C" bool run_tile_maxima(GRID, const u32* charts, i64 rows, const u32* tables, i32 queries, i64* keys,
                                u32* wrong) {{
    RUN(tile_maxima(charts, rows, tables, queries, keys, wrong))
}}
extern "C" bool run_row_keys(GRID, const u32* charts, i64 rows, const u32* tables, const i64* tile_keys,
                             i64 stride, i64 taken, i64* keys, u32* wrong) {{
    RUN(row_keys(charts, rows, tables, tile_keys, stride, taken, keys, wrong))
}}
extern "C" bool run_answers(GRID, const i64* keys, i64 stride, i64 k, i32 bias, i64* rows, short* scores) {{
    RUN(answers(keys, stride, k, bias, rows, scores))
}}
extern "C" bool run_all_scores(GRID, const u32* charts, i64 rows, const u32* tables, i32 queries, i32 bias,
                               short* out, u32* wrong) {{
    RUN(all_scores(charts, rows, tables, queries, bias, out, wrong))
}}
extern "C" bool run_half_a_barrier(GRID) {{
    RUN(if (threadIdx.x & 1) __syncthreads())
}}
"""
Charts = NDArray[np.uint8]
pytestmark = pytest.mark.skipif(compile_cpu.compiler() is None, reason="no C++ compiler is installed")


class Gpu:
    """The kernels, with the steps of cupy.py around them; sorts are NumPy's."""

    def __init__(self, library: ctypes.CDLL, blocks: int, threads: int) -> None:
        self._library, self._blocks, self._threads = library, blocks, threads
        self.wrong = np.zeros(1, dtype=np.uint32)

    def _run(self, name: str, lines: int, *arguments: Any) -> None:
        function = self._library[f"run_{name}"]
        function.restype = ctypes.c_bool
        passed = [
            each.ctypes.data_as(ctypes.c_void_p) if isinstance(each, np.ndarray) else each
            for each in arguments
        ]
        assert function(self._blocks, lines, self._threads, *passed), "threads wait for ever"

    def compatibility(self, queries: Charts, charts: Charts, out: NDArray[np.int16]) -> None:
        made = tables.by_pair(queries)
        rows = ctypes.c_int64(len(charts))
        self._run("all_scores", len(made), charts, rows, made, len(queries), tables.BIAS, out, self.wrong)

    def top_k(self, queries: Charts, charts: Charts, k: int) -> tuple[NDArray[np.int64], NDArray[np.int16]]:
        made, size, rows = tables.by_pair(queries), len(queries), ctypes.c_int64(len(charts))
        shape = search(len(charts), k)
        best_tiles: Any = None
        if shape.taken < shape.tiles:
            guarded = np.full(size * shape.tiles + 1, -77, dtype=np.int64)
            self._run("tile_maxima", len(made), charts, rows, made, size, guarded, self.wrong)
            assert guarded[-1] == -77
            tile_keys = guarded[:-1].reshape(size, shape.tiles)
            assert (tile_keys >> ROW_BITS & (2**SCORE_BITS - 1) > 0).all()  # none is left unwritten
            best_tiles = np.sort(tile_keys.reshape(-1))[shape.tiles - shape.taken :]
        guarded = np.full(size * shape.taken * TILE + 1, -77, dtype=np.int64)
        stride, taken = ctypes.c_int64(shape.tiles), ctypes.c_int64(shape.taken)
        self._run("row_keys", size, charts, rows, made, best_tiles, stride, taken, guarded, self.wrong)
        assert guarded[-1] == -77
        assert (guarded[:-1] >= 0).all()
        keys = np.sort(guarded[:-1]).reshape(size, -1)
        index = np.full((size, k), -1, dtype=np.int64)
        scores = np.full((size, k), -32_768, dtype=np.int16)
        width, wanted = ctypes.c_int64(keys.shape[1]), ctypes.c_int64(k)
        self._run("answers", size, keys, width, wanted, tables.BIAS, index, scores)
        return index, scores


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> ctypes.CDLL:
    folder = tmp_path_factory.mktemp("gpu_on_cpu")
    harness, made = folder / "harness.cpp", folder / "harness.so"
    harness.write_text(HARNESS.format(source=SOURCE), encoding="utf-8")
    found = compile_cpu.compiler()
    assert found is not None
    includes = [f"-I{HERE}", f"-I{Path(compile_cpu.__file__).parent}"]
    command = [found, "-std=c++17", "-O2", "-fwrapv", "-fno-strict-aliasing", "-shared", "-fPIC", *includes]
    subprocess.run([*command, str(harness), "-o", str(made)], check=True, timeout=60)
    return ctypes.CDLL(str(made))


def random_charts(rows: int, seed: int) -> Charts:
    rng = np.random.default_rng(seed)
    charts = rng.integers(0, 60, (rows, 4), dtype=np.uint8)
    charts[rng.random(rows) < 0.2, 3] = 255
    return charts


def placed(array: NDArray[Any], skew: int) -> NDArray[Any]:
    """A copy whose first byte lies `skew` bytes after a 64-byte edge."""
    room = np.zeros(array.nbytes + 128, dtype=np.uint8)
    start = -room.ctypes.data % 64 + skew
    view = room[start : start + array.nbytes].view(array.dtype).reshape(array.shape)
    view[...] = array
    return view


def test_the_source_and_python_agree_on_the_constants() -> None:
    text = SOURCE.read_text(encoding="utf-8")
    assert f"#define TILE {TILE}\n" in text
    assert f"#define ROW_BITS {ROW_BITS}\n" in text
    assert f"#define SCORE_BITS {SCORE_BITS}\n" in text
    assert f"#define PILLARS {int(HALF**0.5)} " in text


def test_a_barrier_that_not_all_reach_is_reported(library: ctypes.CDLL) -> None:
    library.run_half_a_barrier.restype = ctypes.c_bool
    assert not library.run_half_a_barrier(1, 1, 64)


@pytest.mark.parametrize(("blocks", "threads"), [(1, 32), (3, 64), (5, 512)])
@pytest.mark.parametrize("rows", [1, 7, 8, 9, 511, 512, 513, 1_009])
@pytest.mark.parametrize(("queries", "skews"), [(1, (0, 0)), (2, (4, 0)), (3, (0, 2)), (4, (0, 0))])
def test_every_score_is_written_once_and_right(
    library: ctypes.CDLL, blocks: int, threads: int, rows: int, queries: int, skews: tuple[int, int]
) -> None:
    asked = random_charts(queries, seed=queries)
    charts = placed(random_charts(rows, seed=rows), skews[0])
    guarded = placed(np.full(queries * rows + 8, -31_000, dtype=np.int16), skews[1])
    gpu = Gpu(library, blocks, threads)
    gpu.compatibility(asked, charts, guarded)
    want = compatibility(asked, charts, backend="reference")
    assert (guarded[: queries * rows].reshape(queries, rows) == want).all()
    assert (guarded[queries * rows :] == -31_000).all()
    assert not gpu.wrong[0]


@pytest.mark.parametrize(("blocks", "threads"), [(1, 32), (3, 64), (2, 512)])
@pytest.mark.parametrize("rows", [1, TILE - 1, TILE, TILE + 1, 4 * TILE, 10_007])
@pytest.mark.parametrize("k", [1, 2, 5, 100, 10**9])
@pytest.mark.parametrize(("queries", "skew"), [(1, 0), (3, 4)])
def test_the_best_k(
    library: ctypes.CDLL, blocks: int, threads: int, rows: int, k: int, queries: int, skew: int
) -> None:
    asked, charts = random_charts(queries, seed=k % 97), placed(random_charts(rows, seed=rows), skew)
    want = top_k(asked, charts, k, backend="reference")
    gpu = Gpu(library, blocks, threads)
    index, scores = gpu.top_k(asked, charts, min(k, rows))
    assert (index == want.rows).all()
    assert (scores == want.scores).all()
    assert not gpu.wrong[0]


@pytest.mark.parametrize("order", ["rising", "falling", "equal", "two", "blocks"])
@pytest.mark.parametrize("k", [1, 3, 20, TILE, TILE + 1, 7_000])
def test_ties_go_to_the_lowest_row(library: ctypes.CDLL, order: str, k: int) -> None:
    asked, charts = random_charts(2, seed=20), random_charts(20_011, seed=21)
    if order == "equal":
        charts[:] = charts[0]
    elif order == "two":  # one better row in every third tile, the last included
        charts[:] = charts[0]
        better = random_charts(200, seed=22)
        best = better[np.argmax(compatibility(asked[:1], better)[0])]
        charts[TILE - 1 :: 3 * TILE] = charts[-1] = best
    elif order == "blocks":  # 30 scores, each in long runs
        charts = np.repeat(charts[:30], 668, axis=0)[:20_011]
    else:
        by_score = np.argsort(compatibility(asked, charts, backend="reference")[0], kind="stable")
        charts = np.ascontiguousarray(charts[by_score if order == "rising" else by_score[::-1]])
    want = top_k(asked, charts, k, backend="reference")
    index, scores = Gpu(library, 2, 128).top_k(asked, charts, k)
    assert (index == want.rows).all()
    assert (scores == want.scores).all()


def test_every_entry_of_the_tables_is_the_sum_of_two_pillars() -> None:
    queries = random_charts(5, seed=30)
    made = tables.by_pair(queries)
    assert made.shape == (3, 2, HALF)
    for number, query in enumerate(queries):
        one = (made[number // 2] >> np.uint32(16 * (number % 2)) & np.uint32(0xFFFF)).astype(int)
        year, month, day, hour = tables.by_pillar(query).astype(int)
        assert (one[0].reshape(61, 61) - tables.BIAS // 2 == month[:, None] + year[None, :]).all()
        assert (one[1].reshape(61, 61) - tables.BIAS // 2 == hour[:, None] + day[None, :]).all()
    assert (made[2] >> np.uint32(16) == 0).all()


def test_biased_scores_fit_the_bits_of_a_key() -> None:
    """A score is strictly within its limit (test_compatibility_parity.py), so 0 stays free for "no row"."""
    assert tables.BIAS - score.SCORE_LIMIT > 0
    assert tables.BIAS + score.SCORE_LIMIT <= 2**SCORE_BITS
    assert (MOST_QUERIES << SCORE_BITS) - 1 << ROW_BITS | LAST_ROW < 2**63
    for query in random_charts(
        200, seed=31
    ):  # no half of an entry is negative or reaches the next query's bits
        entries = tables.by_pair(query[None])
        assert entries.min() > 0
        assert entries.max() < 2 ** (SCORE_BITS - 1)


@pytest.mark.parametrize("place", range(4))
def test_every_byte_is_judged_as_the_specification_does(library: ctypes.CDLL, place: int) -> None:
    """All 256 values at every place, alone and beside the highest neighbours; 255 is right for the hour only."""
    asked = random_charts(1, seed=40)
    for neighbours in ([0, 0, 0, 0], [59, 59, 59, 59], [59, 59, 59, 255]):
        for value in range(256):
            chart = np.array([neighbours], dtype=np.uint8)
            chart[0, place] = value
            right = value < 60 or (place == 3 and value == 255)
            for k in (None, 1):
                gpu = Gpu(library, 1, 32)
                out = np.zeros((1, 1), dtype=np.int16)
                if k:
                    gpu.top_k(asked, chart, k)
                else:
                    gpu.compatibility(asked, chart, out)
                    assert not right or (out == compatibility(asked, chart, backend="reference")).all()
                assert bool(gpu.wrong[0]) != right, (chart, k)


@pytest.mark.parametrize("row", [0, 5, 511, 512, 3_333, 5_119, 5_120])
def test_a_wrong_value_anywhere_is_seen(library: ctypes.CDLL, row: int) -> None:
    asked, charts = random_charts(1, seed=41), random_charts(5_121, seed=42)
    charts[row, 1] = 60
    for k in (1, 5_121):
        gpu = Gpu(library, 2, 64)
        gpu.top_k(asked, charts, k)
        assert gpu.wrong[0]
    gpu = Gpu(library, 2, 64)
    gpu.compatibility(asked, charts, np.zeros((1, 5_121), dtype=np.int16))
    assert gpu.wrong[0]


@pytest.mark.parametrize("queries", [0, 1, 2, 7, 100_001])
@pytest.mark.parametrize("keys", [1, 10_000, 2**25, 2**30])
def test_batches_cover_the_queries_from_even_ones(queries: int, keys: int) -> None:
    found = list(batches(queries, keys))
    assert [each for run in found for each in range(run.start, run.stop)] == list(range(queries))
    assert all(run.start % 2 == 0 for run in found)
    assert all((run.stop - run.start) <= MOST_QUERIES for run in found)


class OnHost(np.ndarray):
    """A NumPy array with the one method of a CuPy array that the driver calls."""

    def get(self) -> NDArray[Any]:
        return np.asarray(self)


@pytest.fixture
def driver(library: ctypes.CDLL, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The `cupy` backend with the CPU in the GPU's place: its launches, sorts and batches are its own.

    What this cannot show is CuPy itself; test_compatibility_gpu.py does, where there is a device.
    """
    pytest.importorskip("cupy")
    from hypercube.kernels.compatibility import cupy

    def poisoned(shape: Any, dtype: str) -> Any:
        return np.full(shape, 0x77, dtype=dtype).view(OnHost)

    def kernel(name: str) -> Any:
        function = library[f"run_{name}"]
        function.restype = ctypes.c_bool

        def launch(grid: tuple[int, int], block: tuple[int], arguments: Any, shared_mem: int = 0) -> None:
            assert shared_mem in {0, 2 * HALF * 4}
            passed = [
                ctypes.c_void_p(each.ctypes.data)
                if isinstance(each, np.ndarray)
                else ctypes.c_int32(int(each))
                if isinstance(each, np.int32)
                else ctypes.c_int64(int(each))
                for each in arguments
            ]
            assert function(*grid, *block, *passed)

        return launch

    numpy_as_cupy = SimpleNamespace(
        empty=poisoned,
        zeros=lambda shape, dtype: np.zeros(shape, dtype=dtype).view(OnHost),
        asarray=lambda array: array.copy().view(OnHost),
    )
    raw_kernel = SimpleNamespace(
        callers_stream=lambda _: contextlib.nullcontext(0),
        module=lambda _: SimpleNamespace(get_function=kernel),
        processors=lambda _: 1,
        address=lambda array: np.uint64(array.ctypes.data),
    )
    monkeypatch.setattr(cupy, "cupy", numpy_as_cupy)
    monkeypatch.setattr(cupy, "raw_kernel", raw_kernel)
    monkeypatch.setattr(cupy, "_warm", set())
    monkeypatch.setattr(cupy, "THREADS", 64)
    return cupy


@pytest.mark.parametrize("rows", [1, TILE, TILE + 1, 20_011])
@pytest.mark.parametrize("k", [1, 7, 700, 20_011])
@pytest.mark.parametrize("scratch", [1, 1 << 25])
def test_the_drivers_steps(
    driver: ModuleType, monkeypatch: pytest.MonkeyPatch, rows: int, k: int, scratch: int
) -> None:
    monkeypatch.setattr(gpu_keys, "_SCRATCH_KEYS", scratch)
    asked, charts = random_charts(5, seed=50), random_charts(rows, seed=rows)
    want = top_k(asked, charts, k, backend="reference")
    index = np.full(want.rows.shape, -1, dtype=np.int64)
    scores = np.full(want.scores.shape, -32_768, dtype=np.int16)
    assert driver.top_k(asked, charts, index, scores)
    assert (index == want.rows).all()
    assert (scores == want.scores).all()
    out = np.full((5, rows), -31_000, dtype=np.int16)
    assert driver.compatibility(asked, charts, out)
    assert (out == compatibility(asked, charts, backend="reference")).all()
    assert driver.is_warm()


def test_the_driver_reports_what_is_no_chart(driver: ModuleType) -> None:
    asked, charts = random_charts(1, seed=51), random_charts(5_000, seed=52)
    charts[4_999, 3] = 60
    for k in (1, 5_000):
        index, scores = np.empty((1, k), dtype=np.int64), np.empty((1, k), dtype=np.int16)
        assert not driver.top_k(asked, charts, index, scores)
    assert not driver.compatibility(asked, charts, np.empty((1, 5_000), dtype=np.int16))


@pytest.mark.parametrize(
    ("steps", "blocks"), [(1, 1), (527, 527), (529, 528), (12_208, 528), (100_000, 4_166)]
)
def test_a_grid_repays_the_copies_of_its_table(driver: ModuleType, steps: int, blocks: int) -> None:
    assert driver.grid(steps, 132) == blocks
