"""Which library and which device an array belongs to, without importing any library for it.

NumPy arrays and torch CPU tensors run on the CPU backends (a CPU tensor shares its memory with NumPy); torch CUDA
tensors and CuPy arrays stay where they are. Arrays of other libraries convert without a copy by DLPack.
"""

from typing import Any, Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.kernels.backends import Backend, Device

Library = Literal["numpy", "torch", "cupy"]
_ITEM_NAMES: Final = {"torch": "torch.", "cupy": "", "numpy": ""}


class Placement(NamedTuple):
    """Whose array it is, and where its memory lies."""

    library: Library
    device: Device
    where: str
    """The device in the library's own words: "cpu", "cuda:0"."""


def placement(array: Any, param: str, dtype: str, shape: str = "[N]") -> Placement:
    """Where an array lies; INVALID_ARGUMENT for anything but a NumPy, torch or CuPy array of CPU or CUDA."""
    if isinstance(array, np.ndarray):
        return Placement("numpy", "cpu", "cpu")
    kind = type(array)
    root = kind.__module__.partition(".")[0]
    if root == "torch" and hasattr(array, "data_ptr"):
        where = str(array.device)
        if array.device.type == "cpu":
            return Placement("torch", "cpu", where)
        if array.device.type == "cuda":
            return Placement("torch", "cuda", where)
        raise invalid(
            f"{param} is a torch tensor on {where}; kernels run on cpu and cuda.",
            param=param,
            value=where,
            fix=f"Move it: {param}.cpu().",
        )
    if root == "cupy" and hasattr(array, "__cuda_array_interface__"):
        return Placement("cupy", "cuda", f"cuda:{array.device.id}")
    shares = hasattr(array, "__dlpack__") or hasattr(array, "__cuda_array_interface__")
    raise invalid(
        f"{param} is a {kind.__name__}, expected a NumPy array {dtype}{shape}, a torch tensor or a CuPy array.",
        param=param,
        value=kind.__name__ if shares else array,
        fix=f"Take it over without a copy: torch.from_dlpack({param})."
        if shares
        else f"Convert it with numpy.asarray({param}, dtype=numpy.{dtype}).",
    )


def is_array(value: Any) -> bool:
    """Whether a value is an array of one dimension or more, of whatever library."""
    return bool(getattr(value, "ndim", 0))


def as_numpy(tensor: Any) -> NDArray[Any]:
    """A NumPy view of a torch CPU tensor's memory, strides and all."""
    view: NDArray[Any] = tensor.detach().numpy()
    return view


def to_host(array: Any, library: Library) -> NDArray[Any]:
    """A NumPy copy of a device array; waits for the device."""
    copied: NDArray[Any] = array.get() if library == "cupy" else array.detach().cpu().numpy()
    return copied


def empty(like: Any, library: Library, shape: tuple[int, ...], dtype: str) -> Any:
    """A new array of the same library on the same device; contents undefined."""
    if library == "cupy":
        import cupy

        with like.device:
            return cupy.empty(shape, dtype=dtype)
    import torch

    return torch.empty(shape, dtype=getattr(torch, dtype), device=like.device)


def full(like: Any, library: Library, rows: int, value: int, dtype: str) -> Any:
    """A new vector of one value, of the same library on the same device."""
    if library == "cupy":
        import cupy

        with like.device:
            return cupy.full(rows, value, dtype=dtype)
    import torch

    return torch.full((rows,), value, dtype=getattr(torch, dtype), device=like.device)


def require_like(
    array: Any,
    param: str,
    like: Placement,
    dtype: str,
    shape: tuple[int, ...],
    beside: str = "utc_seconds",
) -> None:
    """Refuse a device array that differs from what a kernel reads: library, device, dtype, shape, strides.

    `beside` is the name of the argument whose placement `like` is.
    """
    there = placement(array, param, dtype)
    problem = None
    if (there.library, there.where) != (like.library, like.where):
        problem = f"is a {there.library} array on {there.where}, and {beside} a {like.library} array on {like.where}"
        fix = f"Put both on {like.where}, in one library."
    elif str(array.dtype).removeprefix(_ITEM_NAMES[there.library]) != dtype:
        problem, fix = f"has dtype {array.dtype}, expected {dtype}", f"Convert it to {dtype}."
    elif tuple(array.shape) != shape:
        problem = f"has shape {list(array.shape)}, expected {list(shape)}"
        fix = "Reshape it." if len(array.shape) != len(shape) else "Give one row a birth."
    elif not _contiguous(array, there.library):
        problem, fix = "is not contiguous", "Copy it: .contiguous() in torch, cupy.ascontiguousarray in CuPy."
    else:
        return
    raise invalid(f"{param} {problem}.", param=param, value=problem, fix=fix)


def address(array: Any, library: Library) -> int:
    """Where an array's first byte lies."""
    return int(array.data.ptr if library == "cupy" else array.data_ptr())


def overlap(first: Any, second: Any, library: Library) -> bool:
    """Whether two contiguous arrays share a byte."""
    begin, other = address(first, library), address(second, library)
    return begin < other + int(second.nbytes) and other < begin + int(first.nbytes)


def _contiguous(array: Any, library: Library) -> bool:
    return bool(array.flags.c_contiguous if library == "cupy" else array.is_contiguous())


def no_device(op: str, backend: str) -> HyperCubeError:
    """The error for a backend asked for on a machine without a usable CUDA device."""
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"Backend {backend!r} of {op} needs a CUDA device, and none is usable here.",
        param="backend",
        value=backend,
        fix="Check nvidia-smi and the driver's version, or choose a CPU backend.",
    )


def wrong_device(
    op: str, backend: str, runs_on: Device, like: Placement, param: str = "utc_seconds"
) -> HyperCubeError:
    """The error for a backend named for arrays that it cannot reach; nothing is moved behind the caller's back."""
    fix = (
        f"Pass torch CUDA tensors or CuPy arrays (torch.from_numpy({param}).cuda()), or a CPU backend."
        if runs_on == "cuda"
        else "Copy the arrays to the CPU first (.cpu() in torch, .get() in CuPy), or leave backend='auto'."
    )
    return invalid(
        f"Backend {backend!r} of {op} runs on {runs_on}, and {param} is a {like.library} array on {like.where}.",
        param="backend",
        value=backend,
        fix=fix,
    )


def load_for(backend: Backend, like: Placement, param: str) -> Any:
    """The module of a device backend, if it takes arrays of that library there; `param` is the array's name.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for another library's arrays; FAILED_PRECONDITION for arrays on the CPU,
            which only Triton's interpreter takes, and as `Backend.load`.
    """
    module = backend.load()
    if like.library not in module.LIBRARIES:
        raise invalid(
            f"Backend {backend.name!r} takes {' or '.join(module.LIBRARIES)} arrays, and {param} is a "
            f"{like.library} array.",
            param="backend",
            value=backend.name,
            fix=f"Leave backend='auto', or share the memory: torch.from_dlpack({param}).",
        )
    if like.device == "cpu" and not getattr(module, "INTERPRETED", False):
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"Backend {backend.name!r} runs on cuda, and {param} is a torch tensor on the CPU.",
            param="backend",
            value=backend.name,
            fix="Move it with .cuda(), or set TRITON_INTERPRET=1 before Python starts to try the kernel slowly.",
        )
    return module
