"""Scores and the best k in CUDA C++ (compatibility.cu) through CuPy, over CuPy arrays or torch tensors.

Launched on the caller's stream. A batch of queries takes three launches and two sorts of unique 64-bit keys; the
scratch is CuPy's, 8 bytes a tile of 512 candidates and 4 kB a wanted row, and batches keep it within bounds.
"""

from pathlib import Path
from typing import Any, Final

import cupy
import numpy as np

from hypercube.kernels import raw_kernel
from hypercube.kernels.arrays import no_device
from hypercube.kernels.compatibility.gpu_keys import HALF, TILE, batches, search
from hypercube.kernels.compatibility.tables import BIAS, by_pair
from hypercube.kernels.packed_charts import Charts

LIBRARIES: Final = raw_kernel.LIBRARIES
SOURCE: Final = Path(__file__).with_name("compatibility.cu")
THREADS: Final = 512
TABLE_BYTES: Final = 2 * HALF * 4
_TILES_A_STEP: Final = THREADS // 32
_ROWS_A_STEP: Final = THREADS * 8
_STEPS_A_BLOCK: Final = 24
"""Steps of a block in a large launch: they repay its copy of the table (30 kB, one step's worth of charts)."""
_BLOCKS_A_PROCESSOR: Final = 4
_warm: set[int] = set()


def is_warm() -> bool:
    """Whether the kernels have been compiled for some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device; FAILED_PRECONDITION without one."""
    if not cupy.is_available():
        raise no_device("compatibility", "cupy")
    query, charts = np.zeros((1, 4), dtype=np.uint8), cupy.zeros((TILE + 1, 4), dtype="uint8")
    compatibility(query, charts, cupy.empty((1, len(charts)), dtype="int16"))
    top_k(query, charts, cupy.empty((1, 1), dtype="int64"), cupy.empty((1, 1), dtype="int16"))


def grid(steps: int, processors: int) -> int:
    """Blocks of a launch over so many steps of a block: one each for few, `_STEPS_A_BLOCK` each for many."""
    return max(1, min(steps, max(processors * _BLOCKS_A_PROCESSOR, steps // _STEPS_A_BLOCK)))


def compatibility(queries: Charts, charts: Any, out: Any) -> bool:
    """Fill `out` on the caller's stream.

    Args:
        queries: NumPy uint8[Q, 4], checked.
        charts: uint8[N, 4] on a CUDA device, contiguous, at an address divisible by 4, CuPy or torch.
        out: int16[Q, N], contiguous, same device and library.

    Returns:
        False if a value of `charts` is out of range; waits for the kernel to say so.
    """
    rows = int(charts.shape[0])
    if not rows:
        return True
    with raw_kernel.callers_stream(charts) as device_id:
        kernel = raw_kernel.module(SOURCE).get_function("all_scores")
        wrong = cupy.zeros(1, dtype="uint32")
        blocks = grid(-(-rows // _ROWS_A_STEP), raw_kernel.processors(device_id))
        for batch in batches(len(queries), 1):
            tables = cupy.asarray(by_pair(queries[batch]))
            kernel(
                (blocks, len(tables)),
                (THREADS,),
                (
                    raw_kernel.address(charts),
                    np.int64(rows),
                    tables,
                    np.int32(len(queries[batch])),
                    np.int32(BIAS),
                    raw_kernel.address(out[batch]),
                    wrong,
                ),
                shared_mem=TABLE_BYTES,
            )
        _warm.add(device_id)
        return int(wrong.get()[0]) == 0


def top_k(queries: Charts, charts: Any, index: Any, score: Any) -> bool:
    """Fill `index` int64[Q, k] and `score` int16[Q, k], 1 <= k <= N; as `compatibility`."""
    rows, k = int(charts.shape[0]), int(index.shape[1])
    shape = search(rows, k)
    with raw_kernel.callers_stream(charts) as device_id:
        module = raw_kernel.module(SOURCE)
        wrong = cupy.zeros(1, dtype="uint32")
        where, count = raw_kernel.address(charts), np.int64(rows)
        processors = raw_kernel.processors(device_id)
        for batch in batches(len(queries), shape.tiles + shape.taken * TILE):
            size = len(queries[batch])
            tables = cupy.asarray(by_pair(queries[batch]))
            best_tiles = np.uint64(0)
            if shape.taken < shape.tiles:
                tile_keys = cupy.empty(size * shape.tiles, dtype="int64")
                module.get_function("tile_maxima")(
                    (grid(-(-shape.tiles // _TILES_A_STEP), processors), len(tables)),
                    (THREADS,),
                    (where, count, tables, np.int32(size), tile_keys, wrong),
                    shared_mem=TABLE_BYTES,
                )
                tile_keys.sort()  # one radix sort: of two dimensions CuPy would make a merge sort
                best_tiles = raw_kernel.address(tile_keys[shape.tiles - shape.taken :])
            keys = cupy.empty(size * shape.taken * TILE, dtype="int64")
            module.get_function("row_keys")(
                (min(shape.taken, processors * _BLOCKS_A_PROCESSOR), size),
                (THREADS,),
                (where, count, tables, best_tiles, np.int64(shape.tiles), np.int64(shape.taken), keys, wrong),
            )
            keys.sort()
            module.get_function("answers")(
                (-(-k // THREADS), size),
                (THREADS,),
                (
                    keys,
                    np.int64(shape.taken * TILE),
                    np.int64(k),
                    np.int32(BIAS),
                    raw_kernel.address(index[batch]),
                    raw_kernel.address(score[batch]),
                ),
            )
        _warm.add(device_id)
        return int(wrong.get()[0]) == 0
