"""The vLLM engine as the hypercluster sees it; the work is done by `program` in a child process.

vLLM starts processes of its own below that child; they share its process group and end with it.
"""

import importlib.util
from collections.abc import Mapping
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.cores import available_cores
from hypercube.inference.engine import EngineOptions
from hypercube.inference.precision import check_precision, choose_precision, this_cpu
from hypercube.inference.worker.process import WorkerEngine

ENGINE: Final = "vllm"
PROGRAM: Final = "hypercube.inference.vllm.program:VllmProgram"
_LOAD_S: Final = 900.0
"""Start-up on two busy cores was seen to take 100 s; compiling for a GPU takes minutes."""
_EXIT_GRACE_S: Final = 15.0
_ENVIRONMENT: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_NO_USAGE_STATS": "1",
    "VLLM_LOGGING_LEVEL": "WARNING",
    "VLLM_WORKER_MULTIPROC_METHOD": "spawn",
}


class VllmEngine(WorkerEngine):
    """A causal model in the safetensors format: paged attention, structured output, LoRA at run time, priorities."""

    def __init__(self, options: EngineOptions, *, adapters: Mapping[str, str] | None = None) -> None:
        """Check the options; `load` starts the process.

        `adapters` are LoRA folders by the name that requests use; `load_adapter` adds others while it runs, up to
        `options.adapters` in all. With neither, the model runs without what LoRA costs, and takes none.
        """
        max_adapters = max(options.adapters, len(adapters or {}))
        if options.device == "cpu":
            choose_precision(options.precision, this_cpu(), ENGINE)
        else:
            # The child sees the device, and refuses there what it cannot do.
            check_precision(options.precision)
        able = {
            Capability.GENERATE,
            Capability.JSON_SCHEMA,
            Capability.LOGPROBS,
            Capability.LOGIT_BIAS,
            Capability.TOOLS,
            Capability.TOOL_CHOICE,
            Capability.COMPLETE,
            Capability.TOKENIZE,
        }
        super().__init__(
            PROGRAM,
            {
                "context_length": options.context_length,
                "slots": options.slots,
                "threads": options.threads,
                "device": options.device,
                "precision": options.precision,
                "tensor_parallel": options.tensor_parallel,
                "pipeline_parallel": options.pipeline_parallel,
                "adapters": dict(adapters or {}),
                "max_adapters": max_adapters,
            },
            capabilities=frozenset(able | {Capability.ADAPTERS} if max_adapters else able),
            description=f"vLLM, {options.slots} slots",
            context_length=options.context_length,
            slots=options.slots,
            threads=options.threads or available_cores(),
            environment=_ENVIRONMENT,
            load_timeout_s=_LOAD_S,
            exit_grace_s=_EXIT_GRACE_S,
        )

    def check(self) -> None:
        """Refuse where the package is missing."""
        super().check()
        if importlib.util.find_spec("vllm") is None:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                "The vLLM engine needs the package vllm, which is not installed.",
                fix="Install the extra: pip install 'heal7-hypercube[vllm]', or choose another engine for the model.",
            )
