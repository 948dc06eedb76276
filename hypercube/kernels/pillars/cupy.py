"""Four pillars in CUDA C++ (pillars.cu) through CuPy's run-time compiler, over CuPy arrays or torch tensors.

Launched on the caller's stream: CuPy's current one for CuPy arrays, torch's for torch tensors. The bucket table
stays on each device that has been used.
"""

import functools
from pathlib import Path
from typing import Any, Final

import cupy
import numpy as np

from hypercube.kernels import raw_kernel
from hypercube.kernels.arrays import no_device
from hypercube.kernels.pillars.packed import MAX_OFFSET_S, load_packed

LIBRARIES: Final = raw_kernel.LIBRARIES
SOURCE: Final = Path(__file__).with_name("pillars.cu")
THREADS: Final = 512
_CHARTS_A_THREAD: Final = 4
_STEPS_A_BLOCK: Final = 32
"""Grid-stride steps of a block in a large launch: enough to repay its copy of the table, few enough for many
more blocks than fit at once, so that the last wave is a small part."""
_BLOCKS_A_PROCESSOR: Final = 4
_warm: set[int] = set()


@functools.cache
def _kernel(day_boundary: str) -> Any:
    return raw_kernel.module(SOURCE).get_function(f"pillars_{day_boundary}")


def _entries() -> Any:
    return load_packed().entries


def is_warm() -> bool:
    """Whether the kernel has been compiled for some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device and put the table there; FAILED_PRECONDITION without a device."""
    if not cupy.is_available():
        raise no_device("pillars", "cupy")
    pillars(
        cupy.zeros(1, dtype="int64"),
        cupy.zeros(1, dtype="int32"),
        "midnight",
        cupy.empty((1, 4), dtype="uint8"),
        True,
    )


def grid(rows: int, processors: int) -> int:
    """Blocks of a launch: one step each for few rows, `_STEPS_A_BLOCK` steps each for many."""
    steps = -(-rows // (THREADS * _CHARTS_A_THREAD))
    return max(1, min(steps, max(processors * _BLOCKS_A_PROCESSOR, steps // _STEPS_A_BLOCK)))


def pillars(utc_seconds: Any, offset_seconds: Any, day_boundary: str, out: Any, check: bool) -> bool:
    """Fill `out` on the caller's stream.

    Args:
        utc_seconds: int64[N] on a CUDA device, contiguous, CuPy or torch.
        offset_seconds: int32[N], same device and library.
        day_boundary: "midnight", "zi23" or "same_day".
        out: uint8[N, 4], contiguous, at an address divisible by 4, same device and library.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row out of range; such a row is 255, 255, 255, 255 in `out`.
    """
    rows = int(utc_seconds.shape[0])
    if rows == 0:
        return True
    packed = load_packed()
    with raw_kernel.callers_stream(utc_seconds) as device_id:
        entries = raw_kernel.table(_entries, device_id)
        outside = cupy.zeros(1, dtype="uint32") if check else None
        _kernel(day_boundary)(
            (grid(rows, raw_kernel.processors(device_id)),),
            (THREADS,),
            (
                raw_kernel.address(utc_seconds),
                raw_kernel.address(offset_seconds),
                raw_kernel.address(out),
                np.int64(rows),
                entries,
                np.int64(packed.base_utc_s),
                np.uint64(packed.span_s),
                np.int64(packed.base_local_s),
                np.int32(MAX_OFFSET_S),
                np.uint32(len(packed.entries) - 1),
                np.uint64(0) if outside is None else outside,
            ),
            shared_mem=entries.nbytes,
        )
        _warm.add(device_id)
        return outside is None or int(outside.get()[0]) == 0
