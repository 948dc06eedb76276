"""Solar time in CUDA C++ (solar_offset.cu) through CuPy's run-time compiler, over CuPy arrays or torch tensors.

A large launch with the equation of time keeps the table (146 kB) in shared memory, one block a multiprocessor, where
the device allows that; a small one, or an older device, reads it through the cache.
"""

import functools
from pathlib import Path
from typing import Any, Final

import cupy
import numpy as np

from hypercube.kernels import raw_kernel
from hypercube.kernels.arrays import no_device
from hypercube.kernels.solar_offset.table import load_equation_of_time

LIBRARIES: Final = raw_kernel.LIBRARIES
SOURCE: Final = Path(__file__).with_name("solar_offset.cu")
THREADS: Final = 256
NEAR_THREADS: Final = 1_024
NEAR_ROWS: Final = 1 << 21
"""A launch of so many rows moves 40 MB or more; filling shared memory reads 146 kB a multiprocessor, 19 MB from
the second-level cache of an H100."""
_ROWS_A_THREAD: Final = 4
_STEPS_A_BLOCK: Final = 8
_BLOCKS_A_PROCESSOR: Final = 8
_warm: set[int] = set()


@functools.cache
def _kernel(name: str, device_id: int, shared_bytes: int) -> Any:
    """One kernel on one device; CuPy sets the shared memory's limit for the current device alone."""
    kernel = raw_kernel.module(SOURCE).get_function(name)
    if shared_bytes:
        kernel.max_dynamic_shared_size_bytes = shared_bytes
    return kernel


def _milliseconds() -> Any:
    return load_equation_of_time().milliseconds


@functools.cache
def _shared_limit(device_id: int) -> int:
    return int(cupy.cuda.Device(device_id).attributes.get("MaxSharedMemoryPerBlockOptin", 0))


def is_warm() -> bool:
    """Whether the kernel has been compiled for some device of this process."""
    return bool(_warm)


def warm_up() -> None:
    """Compile for the current device and put the table there; FAILED_PRECONDITION without a device."""
    if not cupy.is_available():
        raise no_device("solar_offset", "cupy")
    solar_offset(cupy.zeros(1, dtype="int64"), None, 0, True, cupy.empty(1, dtype="int32"), True)


def launch(
    rows: int, apparent: bool, each: bool, table_bytes: int, processors: int, shared_limit: int
) -> tuple[str, int, int, int]:
    """Kernel, blocks, threads a block and bytes of shared memory for so many rows."""
    name = f"{'apparent' if apparent else 'mean'}_of_{'each' if each else 'one'}"
    if apparent and rows >= NEAR_ROWS and table_bytes <= shared_limit:
        return f"{name}_near", processors, NEAR_THREADS, table_bytes
    steps = max(1, -(-rows // (THREADS * _ROWS_A_THREAD)))
    return name, min(steps, max(processors * _BLOCKS_A_PROCESSOR, steps // _STEPS_A_BLOCK)), THREADS, 0


def solar_offset(
    utc_seconds: Any,
    longitude_degrees: Any,
    longitude_seconds: int,
    apparent: bool,
    out: Any,
    check: bool,
) -> bool:
    """Fill `out` on the caller's stream.

    Args:
        utc_seconds: int64[N] on a CUDA device, contiguous, CuPy or torch.
        longitude_degrees: float64[N], same device and library, or None.
        longitude_seconds: the longitude part of all rows where `longitude_degrees` is None.
        apparent: add the equation of time.
        out: int32[N], contiguous, same device and library.
        check: read the range flag back, which waits for the kernel; else nothing is allocated or waited for.

    Returns:
        False when `check` found a row out of range; such a row is -2**31 in `out`.
    """
    rows = int(utc_seconds.shape[0])
    if rows == 0:
        return True
    table = load_equation_of_time()
    with raw_kernel.callers_stream(utc_seconds) as device_id:
        points = raw_kernel.table(_milliseconds, device_id)
        outside = cupy.zeros(1, dtype="uint32") if check else None
        name, blocks, threads, shared = launch(
            rows,
            apparent,
            longitude_degrees is not None,
            int(points.nbytes),
            raw_kernel.processors(device_id),
            _shared_limit(device_id),
        )
        _kernel(name, device_id, shared)(
            (blocks,),
            (threads,),
            (
                raw_kernel.address(utc_seconds),
                np.uint64(0) if longitude_degrees is None else raw_kernel.address(longitude_degrees),
                np.int32(longitude_seconds),
                raw_kernel.address(out),
                np.int64(rows),
                points,
                np.uint32(len(table.milliseconds)),
                np.int64(table.base_utc_s),
                np.uint64(table.span_s),
                np.int64(table.lead_s),
                np.uint64(0) if outside is None else outside,
            ),
            shared_mem=shared,
        )
        _warm.add(device_id)
        return outside is None or int(outside.get()[0]) == 0
