"""CUDA C++ through CuPy's run-time compiler: what the `cupy` backends share.

Kernels are launched on the caller's stream: CuPy's current one for CuPy arrays, torch's for torch tensors.
"""

import contextlib
import functools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import cupy
import numpy as np

LIBRARIES: Final = ("cupy", "torch")
"""Whose arrays the `cupy` backends take."""
_SHIM: Final = Path(__file__).with_name("shim.h")


def source(path: Path) -> str:
    """A `.cu` file with its include of shim.h put in, since the run-time compiler reads no files."""
    body = path.read_text(encoding="utf-8")
    shim = _SHIM.read_text(encoding="utf-8").replace("#pragma once", "")
    return body.replace('#include "shim.h"', shim, 1)


@functools.cache
def module(path: Path) -> Any:
    """The compiled module of a `.cu` file (`get_function` finds a kernel); compiled at the first use."""
    return cupy.RawModule(code=source(path), options=("-std=c++17",))


@functools.cache
def table(make: Callable[[], Any], device_id: int) -> Any:
    """The NumPy array that `make()` returns, copied to a device once a process; `make` is the cache's key."""
    with cupy.cuda.Device(device_id):
        copied = cupy.asarray(make())
        # Later launches may be on any stream; none may see a table that is still on its way.
        cupy.cuda.get_current_stream().synchronize()
        return copied


@functools.cache
def processors(device_id: int) -> int:
    """Streaming multiprocessors of a device."""
    return int(cupy.cuda.Device(device_id).attributes["MultiProcessorCount"])


@contextlib.contextmanager
def callers_stream(array: Any) -> Iterator[int]:
    """Make the array's device and its library's current stream CuPy's; yields the device's number."""
    if isinstance(array, cupy.ndarray):
        with array.device:
            yield array.device.id
        return
    import torch

    device_id = array.device.index
    stream = torch.cuda.current_stream(array.device).cuda_stream
    with cupy.cuda.Device(device_id), cupy.cuda.ExternalStream(stream, device_id):
        yield device_id


def address(array: Any) -> np.uint64:
    """Where an array's first byte lies, as a kernel argument."""
    return np.uint64(array.data.ptr if isinstance(array, cupy.ndarray) else array.data_ptr())
