"""Where a model goes: how many devices share it, in which precision, with how much memory on each, and why.

Pure arithmetic over descriptions; nothing is loaded. What cannot work is refused here, with the figures, instead
of failing in the middle of a load.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid
from hypercube.inference.precision import STORED, Compute, Precision, choose_precision
from hypercube.inference.sharding import Model, PlacementRequest, check_sharding, refused, why_not_tensor

_CACHE_BYTES: Final = 2.0
"""Of a key or value: 16-bit, unless the model computes in fp32."""
ALLOWANCE: Final = MappingProxyType(
    {
        # What a process takes beside weights and cache, bytes a device. transformers: 1.4 GB resident with
        # 0.54 GB of weights; vLLM on a CPU: three processes of 5.7 GB with 0.54 GB of weights and 1.07 of cache,
        # pages shared by them counted more than once; torch: 0.47 GB resident with 0.08 GB of weights; all three
        # measured on a CPU. The others are allowances.
        ("llama.cpp", "cpu"): 0.4e9,
        ("transformers", "cpu"): 0.9e9,
        ("transformers", "cuda"): 1.2e9,
        ("torch", "cpu"): 0.5e9,
        ("torch", "cuda"): 1.2e9,
        ("vllm", "cpu"): 2.5e9,
        ("vllm", "cuda"): 2.0e9,
    }
)
PLACED: Final = ("llama.cpp", "transformers", "torch", "vllm")
"""Engines that hold weights here; the others have nothing to place."""


@dataclass(frozen=True, slots=True)
class Device:
    """One place for weights. Processes on a CPU share the one device "cpu".

    Attributes:
        name: "cpu", "cuda:0", ...
        compute: what decides the precision.
        free_bytes: memory free now.
    """

    name: str
    compute: Compute
    free_bytes: int

    @property
    def is_cpu(self) -> bool:
        """Whether it is the processor's memory."""
        return self.compute.kind == "cpu"


@dataclass(frozen=True, slots=True)
class Plan:
    """How a model is placed.

    Attributes:
        devices: one name for each shard of each copy, copy after copy; "cpu" as often as processes share it.
        replicas: whole copies.
        tensor_parallel: devices that share each layer.
        pipeline_parallel: devices that share the layers out.
        precision: what it computes in, and why.
        bytes_per_device: memory the fullest shard needs on its device.
        offload_bytes: weights of a shard that stay in the machine's memory.
        why: a sentence a decision, for the operator.
    """

    devices: tuple[str, ...]
    replicas: int
    tensor_parallel: int
    pipeline_parallel: int
    precision: Precision
    bytes_per_device: int
    offload_bytes: int
    why: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Need:
    """Bytes of one shard."""

    weights: float
    cache: float
    allowance: float

    @property
    def total(self) -> int:
        return math.ceil(self.weights + self.cache + self.allowance)

    def __str__(self) -> str:
        return f"weights {_gb(self.weights)} + cache {_gb(self.cache)} + engine {_gb(self.allowance)}"


def plan(model: Model, devices: Sequence[Device], request: PlacementRequest) -> Plan:
    """Place `model` on some of `devices`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for a value that means nothing (an unknown precision or device);
            FAILED_PRECONDITION for what this engine, this model or these devices cannot do, with the figures and
            what to write instead.
    """
    for name in ("replicas", "tensor_parallel", "pipeline_parallel", "context_length", "slots"):
        value = getattr(request, name)
        if value < 1:
            raise invalid(f"{name} is {value}.", param=name, value=value, fix="Write a number from 1.")
    usable = _usable(model, devices, request.device)
    check_sharding(model, request, on_cpu=usable[0].is_cpu)
    _check_count(model, usable, request)
    weakest = min(usable, key=lambda device: device.compute.capability)
    precision = choose_precision(request.precision, weakest.compute, model.engine)
    need = _need(model, request, precision, usable[0].compute.kind)
    chosen, offload = _fit(model, usable, request, need, precision)
    why = (
        _why_device(chosen, devices, request),
        f"{precision.name}: {precision.reason}",
        f"{need} = {_gb(need.total)} on each of {len(chosen)}"
        if len(chosen) > 1
        else f"{need} = {_gb(need.total)}",
        *_why_shards(request),
        *([f"{_gb(offload)} of the weights of each device stay in the machine's memory"] if offload else []),
    )
    return Plan(
        devices=tuple(device.name for device in chosen),
        replicas=request.replicas,
        tensor_parallel=request.tensor_parallel,
        pipeline_parallel=request.pipeline_parallel,
        precision=precision,
        bytes_per_device=need.total - offload,
        offload_bytes=offload,
        why=why,
    )


def _usable(model: Model, devices: Sequence[Device], asked: str) -> list[Device]:
    """The devices that `asked` means, those with most free memory first."""
    known = ("auto", "cpu", "cuda", *(device.name for device in devices if not device.is_cpu))
    gpus = [device for device in devices if not device.is_cpu]
    cpu = [device for device in devices if device.is_cpu]
    if asked.startswith("cuda") and model.engine == "llama.cpp":
        raise refused(
            f"The llama.cpp engine of {model.name!r} computes on the CPU, not on {asked!r}",
            "device",
            asked,
            "Set model.device to cpu or auto, or serve a converted version with transformers or vllm.",
        )
    if asked == "auto":
        found = cpu if model.engine == "llama.cpp" or not gpus else gpus
    elif asked == "cpu":
        found = cpu
    elif asked == "cuda":
        found = gpus
    elif asked.startswith("cuda:") and asked[5:].isdecimal():
        found = [device for device in gpus if device.name == f"cuda:{int(asked[5:])}"]
    else:
        raise invalid(
            f"There is no device {asked!r}.",
            param="model.device",
            value=asked,
            fix=f"Known here: {', '.join(dict.fromkeys(known))}.",
            choices=list(dict.fromkeys(known)),
        )
    if not found:
        raise refused(
            f"The device {asked!r} is not here ({len(gpus)} GPUs)",
            "device",
            asked,
            f"Set model.device to one of: {', '.join(name for name in known if gpus or name != 'cuda')}.",
        )
    return sorted(found, key=lambda device: -device.free_bytes)


def _check_count(model: Model, usable: Sequence[Device], request: PlacementRequest) -> None:
    if usable[0].is_cpu:
        if request.replicas > 1:
            raise refused(
                f"{request.replicas} copies of {model.name!r} on one CPU would only share its cores", "replicas",
                request.replicas, "Set replicas to 1.",
            )  # fmt: skip
        return
    needed = request.replicas * request.shards
    if needed > len(usable):
        parts = f"{request.replicas} x {request.tensor_parallel} x {request.pipeline_parallel}"
        raise refused(
            f"{model.name!r} is to have {needed} GPUs (replicas x tensor_parallel x pipeline_parallel = {parts}), "
            f"and {len(usable)} are usable here", "tensor_parallel", request.tensor_parallel,
            f"Ask for at most {len(usable)} in all.",
        )  # fmt: skip


def _need(model: Model, request: PlacementRequest, precision: Precision, kind: str) -> _Need:
    """Bytes of the fullest shard."""
    shape, tp, pp = model.shape, request.tensor_parallel, request.pipeline_parallel
    allowance = ALLOWANCE[(model.engine, kind)]
    if precision.name == STORED:
        weights = float(model.stored_bytes)
    else:
        # Quantisation leaves embeddings and output as they were; the torch engine's stays in the 8 bits of its file.
        wide = 1.0 if model.engine == "torch" else max(precision.bytes_per_weight, 2.0)
        outer = min(shape.embedding, shape.parameters)
        inner = (shape.parameters - outer) * precision.bytes_per_weight / tp
        inner *= math.ceil(shape.layers / pp) / shape.layers
        # transformers gives every process the whole embedding; vLLM cuts it by rows.
        weights = inner + outer * wide / (1 if model.engine == "transformers" else tp)
    cache = 0.0
    if model.generates:
        width = 4.0 if precision.name == "fp32" else _CACHE_BYTES
        values = shape.cache_values(request.slots * request.context_length)
        cache = values * width / shape.kv_heads * math.ceil(shape.kv_heads / tp)
        cache *= math.ceil(shape.layers / pp) / shape.layers
    return _Need(weights, cache, allowance)


def _fit(
    model: Model, usable: list[Device], request: PlacementRequest, need: _Need, precision: Precision
) -> tuple[list[Device], int]:
    """The devices taken, and the bytes of weights that each of them leaves in the machine's memory."""
    if usable[0].is_cpu:
        cpu = usable[0]
        if need.total * request.shards > cpu.free_bytes:
            raise _too_large(
                model, usable, request, need, precision, need.total * request.shards, cpu.free_bytes
            )
        return [cpu] * request.shards, 0
    chosen = usable[: request.replicas * request.shards]
    least = min(device.free_bytes for device in chosen)
    short = need.total - least
    if short <= 0:
        return chosen, 0
    if request.offload and model.engine == "vllm" and short <= need.weights:
        return chosen, short
    raise _too_large(model, usable, request, need, precision, need.total, least)


def _too_large(
    model: Model,
    usable: list[Device],
    request: PlacementRequest,
    need: _Need,
    precision: Precision,
    needed: int,
    free: int,
) -> HyperCubeError:
    where = usable[0].name if usable[0].is_cpu else "each GPU"
    times = f" x {request.shards} processes" if usable[0].is_cpu and request.shards > 1 else ""
    ways = _ways_to_fit(model, usable, request, need, precision)
    return HyperCubeError(
        ErrorKind.FAILED_PRECONDITION,
        f"{model.name!r} needs {_gb(needed)} on {where} ({need}{times}), and {_gb(free)} are free.",
        param="model.name",
        value=model.name,
        fix=f"{'; or '.join(ways)}.",
        details={"needed_bytes": needed, "free_bytes": free},
    )


def _ways_to_fit(
    model: Model, usable: list[Device], request: PlacementRequest, need: _Need, precision: Precision
) -> list[str]:
    """Changes that would make it fit, tried out."""
    ways = []
    if not usable[0].is_cpu:
        for tp in range(request.tensor_parallel + 1, len(usable) + 1):
            wider = replace(request, tensor_parallel=tp)
            if why_not_tensor(model, tp) or wider.replicas * wider.shards > len(usable):
                continue
            least = usable[wider.replicas * wider.shards - 1].free_bytes
            if _need(model, wider, precision, usable[0].compute.kind).total <= least:
                ways.append(f"Set model.tensor_parallel to {tp}")
                break
    room = usable[0].free_bytes / (request.shards if usable[0].is_cpu else 1) - need.weights - need.allowance
    if need.cache and room > 0:
        tokens = int(request.context_length * request.slots * room / need.cache)
        if tokens >= 512:
            ways.append(f"Set model.context_length x model.slots to at most {tokens}")
    if precision.name == "fp32":
        ways.append("Set model.precision to bf16")
    ways.append("Free memory, or serve a smaller model")
    return ways


def _why_device(chosen: Sequence[Device], devices: Sequence[Device], request: PlacementRequest) -> str:
    names = ", ".join(dict.fromkeys(device.name for device in chosen))
    free = _gb(min(device.free_bytes for device in chosen))
    if request.device != "auto":
        return f"{names}: as asked, {free} free"
    if not chosen[0].is_cpu:
        return f"{names}: most free memory ({free})"
    gpus = sum(not device.is_cpu for device in devices)
    return f"{names}: {'the engine computes there' if gpus else 'there is no GPU'}, {free} free"


def _why_shards(request: PlacementRequest) -> list[str]:
    parts = []
    if request.tensor_parallel > 1:
        parts.append(f"each layer is split in {request.tensor_parallel}, as asked")
    if request.pipeline_parallel > 1:
        parts.append(f"the layers are shared out in {request.pipeline_parallel}, as asked")
    if request.replicas > 1:
        parts.append(f"{request.replicas} copies, as asked")
    return parts


def _gb(count: float) -> str:
    return f"{count / 1e9:.2f} GB"
