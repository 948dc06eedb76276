"""From our settings to vLLM's arguments and the environment that it reads; runs in the child, imports no vLLM."""

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.model_registry.shape import read_shape

_DTYPES: Final = {"auto": "auto", "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_QUANTIZATION: Final = {"fp8": "fp8", "int4": "bitsandbytes"}
"""What vLLM makes of full weights while it loads them."""
MAX_LORA_RANK: Final = 64
KEPT_ADAPTERS: Final = 2
"""A name: the adapter it means, and one it meant, which stays until the answers that began with it have ended."""
_BLOCK_TOKENS: Final = 128
"""Of vLLM's cache on a CPU; a request's last block is not full."""
_LEAST_CACHE_BYTES: Final = 256 << 20
_CACHE_MARGIN: Final = 1.05
_THREAD_COUNTS: Final = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_BIND: Final = "VLLM_CPU_OMP_THREADS_BIND"


def prepare_environment(settings: Mapping[str, Any]) -> None:
    """Give vLLM's CPU workers their cores before it is imported; what the operator has set of them stays."""
    # vLLM counts and pins the threads of each worker by itself. A count of ours beside that, MKL's say, put two
    # threads on one core, where they wait for each other by spinning: 0.95 tokens/s in the place of 16.
    for name in _THREAD_COUNTS:
        os.environ.pop(name, None)
    cores = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    binding = core_binding(cores, settings["tensor_parallel"], settings["threads"])
    if binding:
        os.environ.setdefault(_BIND, binding)


def core_binding(cores: Sequence[int], ranks: int, threads: int | None) -> str:
    """Which cores each CPU worker gets, as vLLM writes it: a list a rank, `0,1|2,3`; empty leaves it to vLLM.

    `threads` is the number for all ranks together. Left alone, vLLM takes a thread for each physical core, and
    refuses more ranks than there are memory nodes. Ranks share cores where there are too few.
    """
    if not cores or (ranks == 1 and threads is None):
        return ""
    share = max(1, min(threads or len(cores), len(cores)) // ranks)
    parts = (
        cores[rank * share : (rank + 1) * share] or [cores[rank * share % len(cores)]]
        for rank in range(ranks)
    )
    return "|".join(",".join(map(str, part)) for part in parts)


def engine_arguments(settings: Mapping[str, Any], path: Path, *, on_cpu: bool) -> dict[str, Any]:
    """The fields of `AsyncEngineArgs`.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for what vLLM is known not to do here.
    """
    precision = settings["precision"]
    if on_cpu and settings["pipeline_parallel"] > 1:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"vLLM on the CPU cannot split layers over {settings['pipeline_parallel']} stages: its first request "
            "would end the engine.",
            param="model.pipeline_parallel",
            value=settings["pipeline_parallel"],
            fix="Use tensor_parallel instead.",
        )
    possible = (*_DTYPES, *(() if on_cpu else _QUANTIZATION))
    if precision not in possible:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"vLLM does not make {precision} of full weights when it loads them{' on the CPU' * on_cpu}.",
            param="model.precision",
            value=precision,
            fix=f"Use one of: {', '.join(possible)}, or a checkpoint that is quantised already.",
        )
    arguments: dict[str, Any] = {
        "model": str(path),
        "dtype": _DTYPES.get(precision, "auto"),
        "max_model_len": settings["context_length"],
        "max_num_seqs": settings["slots"],
        "tensor_parallel_size": settings["tensor_parallel"],
        "pipeline_parallel_size": settings["pipeline_parallel"],
        "scheduling_policy": "priority",
        "enable_log_requests": False,
        "disable_log_stats": True,
        "use_tqdm_on_load": False,
    }
    if settings["max_adapters"]:
        arguments |= _lora_arguments(settings["max_adapters"], settings["slots"], on_cpu=on_cpu)
    if precision in _QUANTIZATION:
        arguments["quantization"] = _QUANTIZATION[precision]
    if on_cpu:
        arguments |= {"enforce_eager": True, "kv_cache_memory_bytes": _cache_bytes(settings, path)}
    return arguments


def _lora_arguments(max_adapters: int, slots: int, *, on_cpu: bool) -> dict[str, Any]:
    kept = KEPT_ADAPTERS * max_adapters
    if on_cpu:
        # vLLM 0.32 on a CPU computes requests without an adapter with whatever is in the last place for one (their
        # index, -1, is taken for Python's). Places are filled from the first, so one more than can be kept leaves
        # the last empty: zeros.
        places = kept + 1
        return {
            "enable_lora": True,
            "max_loras": places,
            "max_cpu_loras": places,
            "max_lora_rank": MAX_LORA_RANK,
        }
    return {
        "enable_lora": True,
        "max_loras": min(max_adapters, slots),
        "max_cpu_loras": kept,
        "max_lora_rank": MAX_LORA_RANK,
    }


def _cache_bytes(settings: Mapping[str, Any], path: Path) -> int:
    """Room for every slot's whole context, a rank: else vLLM would take most of the machine's memory."""
    width = 2 if settings["precision"] in {"bf16", "fp16"} else 4
    shape = read_shape(path)
    values = shape.cache_values(settings["slots"] * (settings["context_length"] + _BLOCK_TOKENS))
    values = values // shape.kv_heads * math.ceil(shape.kv_heads / settings["tensor_parallel"])
    return max(_LEAST_CACHE_BYTES, int(values * width * _CACHE_MARGIN))
