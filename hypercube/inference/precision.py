"""In which numbers a model computes: decided from the device, the engine and the request, with the reason."""

import platform
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest

AUTO: Final = "auto"
BYTES: Final = MappingProxyType(
    {"fp32": 4.0, "bf16": 2.0, "fp16": 2.0, "fp8": 1.0, "int8": 1.0, "int4": 0.5625}
)
"""Bytes a weight takes. int4 has a 16-bit scale for every 32 weights, and quantised types keep norms wider."""
PRECISIONS: Final = (AUTO, *BYTES)
STORED: Final = "stored"
"""What a GGUF file holds, computed as it is: the choice of llama.cpp."""

_FLAGS: Final = Path("/proc/cpuinfo")
_BF16_FLAGS: Final = frozenset({"avx512_bf16", "amx_bf16", "bf16"})
"""x86 names, and ARM's. Without one, every product is widened in software."""


@dataclass(frozen=True, slots=True)
class Compute:
    """What of a device decides the precision.

    Attributes:
        kind: "cpu" or "cuda".
        capability: CUDA compute capability, (8, 9) for an Ada GPU; (0, 0) on a CPU.
        bf16: whether a CPU multiplies bfloat16 in hardware.
    """

    kind: str
    capability: tuple[int, int] = (0, 0)
    bf16: bool = False

    @property
    def title(self) -> str:
        """How sentences call it."""
        return "the CPU" if self.kind == "cpu" else f"a GPU of compute capability {_dotted(self.capability)}"


@dataclass(frozen=True, slots=True)
class Precision:
    """What was chosen, and why.

    Attributes:
        name: of PRECISIONS without "auto", or STORED.
        reason: one clause for the operator.
        bytes_per_weight: what a weight takes in the device's memory; 0 where the file decides.
    """

    name: str
    reason: str
    bytes_per_weight: float


def this_cpu() -> Compute:
    """The CPU this process runs on."""
    return Compute("cpu", bf16=_cpu_multiplies_bf16())


@lru_cache(maxsize=1)
def _cpu_multiplies_bf16() -> bool:
    try:
        lines = _FLAGS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return platform.machine() == "arm64" and platform.system() == "Darwin"
    return any(
        not _BF16_FLAGS.isdisjoint(line.split(":", 1)[1].split())
        for line in lines
        if line.startswith(("flags", "Features")) and ":" in line
    )


def check_precision(name: str) -> str:
    """`name`, if there is such a precision.

    Raises:
        HyperCubeError: INVALID_ARGUMENT with the nearest and all names.
    """
    if name in PRECISIONS:
        return name
    close = _ALIASES.get(name.lower()) or nearest(name.lower(), PRECISIONS)
    raise invalid(
        f"There is no precision {name!r}.",
        param="model.precision",
        value=name,
        fix=(f"Did you mean {close!r}? " if close else "") + f"Known: {', '.join(PRECISIONS)}.",
        choices=list(PRECISIONS),
    )


_ALIASES: Final = {
    "float32": "fp32", "float": "fp32", "bfloat16": "bf16", "float16": "fp16", "half": "fp16",
    "float8": "fp8", "q8": "int8", "8bit": "int8", "q4": "int4", "4bit": "int4",
}  # fmt: skip


def choose_precision(requested: str, compute: Compute, engine: str) -> Precision:
    """The precision for a model of `engine` ("transformers", "vllm", "llama.cpp", ...) on `compute`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for an unknown name; FAILED_PRECONDITION for one that this engine cannot
            keep on this device, with what to write instead.
    """
    check_precision(requested)
    if engine not in _RULES:
        # The rule of the file, or of somebody else's server.
        if requested != AUTO:
            raise _refused(requested, f"{engine} computes with the weights as its file holds them", [AUTO])
        return Precision(STORED, "the model's file decides", 0.0)
    if requested == AUTO:
        name, reason = _automatic(compute)
    else:
        rule = _RULES[engine]
        if why := rule(requested, compute):
            raise _refused(requested, why, [AUTO, *(other for other in BYTES if not rule(other, compute))])
        name, reason = requested, "as asked"
    return Precision(name, reason, BYTES[name])


def _automatic(compute: Compute) -> tuple[str, str]:
    if compute.kind == "cpu":
        if compute.bf16:
            return "bf16", "the CPU multiplies bf16 in hardware"
        return "fp32", "the CPU has no bf16 instructions"
    if compute.capability >= (8, 0):
        return "bf16", f"{compute.title} multiplies bf16"
    return "fp16", f"{compute.title} has fp16 but no bf16"


def _transformers(requested: str, compute: Compute) -> str:
    if requested == "fp8":
        return "the transformers engine computes in fp32, bf16 or fp16; vllm can do fp8 on a GPU"
    if requested in {"int8", "int4"}:
        return "the transformers engine computes in fp32, bf16 or fp16; llama.cpp takes quantised files"
    return _floating(requested, compute)


def _torch(requested: str, compute: Compute) -> str:
    if requested in {"fp8", "int8", "int4"}:
        return "the torch engine computes in fp32, bf16 or fp16"
    return _floating(requested, compute)


def _vllm(requested: str, compute: Compute) -> str:
    # vLLM quantises while it loads to fp8, and to 4 bits through bitsandbytes; to int8 it does not.
    if requested == "int8":
        return "vLLM does not quantise to int8 while it loads"
    if compute.kind == "cpu" and requested in {"fp8", "int4"}:
        return "vLLM quantises while it loads on GPUs only"
    needed = {"fp8": (8, 9), "int4": (7, 5)}.get(requested)
    if needed is not None and compute.capability < needed:
        return f"{requested} needs compute capability {_dotted(needed)}, and this is {compute.title}"
    return _floating(requested, compute)


def _floating(requested: str, compute: Compute) -> str:
    if requested == "fp16" and compute.kind == "cpu":
        return "a CPU computes fp16 in software, slowly and with overflow"
    if requested == "bf16" and compute.kind == "cuda" and compute.capability < (8, 0):
        return f"bf16 needs compute capability 8.0, and this is {compute.title}"
    return ""


_RULES: Final[dict[str, Callable[[str, Compute], str]]] = {
    "transformers": _transformers,
    "torch": _torch,
    "vllm": _vllm,
}
"""By engine: what speaks against a precision on a device; empty when nothing does."""


def torch_dtype(precision: str) -> str:
    """What PyTorch calls "auto", "fp32", "bf16" or "fp16"."""
    return {"fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}.get(precision, precision)


def _refused(requested: str, why: str, possible: list[str]) -> HyperCubeError:
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"Precision {requested!r} is not possible here: {why}.",
        param="model.precision",
        value=requested,
        fix=f"Set model.precision to one of: {', '.join(possible)}.",
    )


def _dotted(capability: tuple[int, int]) -> str:
    return f"{capability[0]}.{capability[1]}"
