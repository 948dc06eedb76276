"""Feature rows in CUDA C++ (features.cu) through CuPy's run-time compiler, over CuPy arrays or torch tensors.

Launched on the caller's stream: CuPy's current one for CuPy arrays, torch's for torch tensors. The tables stay on
each device that has been used.
"""

import functools
from pathlib import Path
from typing import Any, Final

import cupy
import numpy as np

from hypercube.kernels import raw_kernel
from hypercube.kernels.arrays import no_device
from hypercube.kernels.features.compact import WORDS, load_compact
from hypercube.kernels.features.layout import ROW_BYTES

LIBRARIES: Final = raw_kernel.LIBRARIES
SOURCE: Final = Path(__file__).with_name("features.cu")
THREADS: Final = 256
SHARED_BYTES: Final = 8 * WORDS + THREADS * ROW_BYTES
"""The tables and a row a thread: just within the 48 kB that every device gives a block unasked."""
_STEPS_A_BLOCK: Final = 64
"""Grid-stride steps of a block in a large launch: its copy of the tables is then 3 % of what it writes."""
_BLOCKS_A_PROCESSOR: Final = 4
_warm: set[int] = set()


@functools.cache
def _kernel() -> Any:
    return raw_kernel.module(SOURCE).get_function("features_rows")


def is_warm() -> bool:
    """Whether the kernel has been compiled for some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device and put the tables there; FAILED_PRECONDITION without a device."""
    if not cupy.is_available():
        raise no_device("features", "cupy")
    features(cupy.zeros((1, 4), dtype="uint8"), cupy.empty((1, ROW_BYTES), dtype="uint8"), True)


def grid(rows: int, processors: int) -> int:
    """Blocks of a launch: one step each for few rows, `_STEPS_A_BLOCK` steps each for many."""
    steps = -(-rows // THREADS)
    return max(1, min(steps, max(processors * _BLOCKS_A_PROCESSOR, steps // _STEPS_A_BLOCK)))


def features(charts: Any, out: Any, check: bool) -> bool:
    """Fill `out` on the caller's stream.

    Args:
        charts: uint8[N, 4] on a CUDA device, contiguous, at an address divisible by 4, CuPy or torch.
        out: uint8[N, 64], contiguous, at an address divisible by 16, same device and library.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row that is no chart; such a row is 255 throughout in `out`.
    """
    rows = int(charts.shape[0])
    if rows == 0:
        return True
    with raw_kernel.callers_stream(charts) as device_id:
        outside = cupy.zeros(1, dtype="uint32") if check else None
        _kernel()(
            (grid(rows, raw_kernel.processors(device_id)),),
            (THREADS,),
            (
                raw_kernel.address(charts),
                raw_kernel.address(out),
                np.int64(rows),
                raw_kernel.table(load_compact, device_id),
                np.uint64(0) if outside is None else outside,
            ),
            shared_mem=SHARED_BYTES,
        )
        _warm.add(device_id)
        return outside is None or int(outside.get()[0]) == 0
