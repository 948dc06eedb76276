"""From our settings to vLLM's arguments and the environment that it reads; runs in the child."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from hypercube.core.errors import ErrorKind, HyperCubeError

_DTYPES: Final = {"auto": "auto", "fp32": "float32", "bf16": "bfloat16", "fp16": "float16"}
_QUANTIZATION: Final = {"fp8": "fp8"}
MAX_LORA_RANK: Final = 64
_KV_BYTES_CPU: Final = 1 << 30


def prepare_environment(settings: Mapping[str, Any]) -> None:
    """Give vLLM's CPU workers their cores before it is imported: one range of them a rank."""
    ranks = settings["tensor_parallel"]
    if ranks > 1:
        cores = sorted(os.sched_getaffinity(0))
        share = max(1, len(cores) // ranks)
        parts = (
            cores[rank * share : (rank + 1) * share] or cores[rank % len(cores) :][:1]
            for rank in range(ranks)
        )
        os.environ.setdefault(
            "VLLM_CPU_OMP_THREADS_BIND", "|".join(",".join(map(str, part)) for part in parts)
        )


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
    if precision not in _DTYPES and precision not in _QUANTIZATION:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"vLLM does not make {precision} of full weights when it loads them.",
            param="model.precision",
            value=precision,
            fix=f"Use one of: {', '.join((*_DTYPES, *_QUANTIZATION))}, or a checkpoint that is quantised already.",
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
        "enable_lora": True,
        "max_lora_rank": MAX_LORA_RANK,
        "use_tqdm_on_load": False,
    }
    if precision in _QUANTIZATION:
        arguments["quantization"] = _QUANTIZATION[precision]
    if on_cpu:
        arguments |= {"enforce_eager": True, "kv_cache_memory_bytes": _KV_BYTES_CPU}
    return arguments
