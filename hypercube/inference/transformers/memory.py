"""What running out of memory looks like, and the figures that say why; runs in the child."""

from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError

_SIGNS: Final = ("not enough memory", "out of memory", "DefaultCPUAllocator", "Cannot allocate memory")


def out_of_memory(error: BaseException) -> HyperCubeError | None:
    """ENGINE_FAILED with the figures when `error` says that memory ran out, on a device or here; else None."""
    known = isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError"
    if not known and not any(sign in str(error) for sign in _SIGNS):
        return None
    said = str(error).split("\n", 1)[0].strip().rstrip(".")
    return HyperCubeError(
        ErrorKind.ENGINE_FAILED,
        f"The model engine failed: out of memory ({said or type(error).__name__}; {figures()}).",
        fix="Serve a smaller model, a shorter context, fewer slots or a narrower precision.",
    )


def figures() -> str:
    """Memory used and free, of the CUDA device if there is one, else of this process and machine."""
    import torch

    if torch.cuda.is_available():
        free, total = torch.cuda.mem_get_info()
        return f"{free / 1e9:.2f} of {total / 1e9:.2f} GB free on the device"
    import psutil

    held, machine = psutil.Process().memory_info().rss, psutil.virtual_memory()
    return (
        f"its process holds {held / 1e9:.2f} GB, "
        f"{machine.available / 1e9:.2f} of {machine.total / 1e9:.2f} GB are free"
    )
