"""The transformers engine as the hypercluster sees it; the work is done by `program` in a child process."""

import importlib.util
import re
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.cores import available_cores
from hypercube.inference.engine import EngineOptions
from hypercube.inference.precision import check_precision, choose_precision, this_cpu
from hypercube.inference.worker.process import WorkerEngine

ENGINE: Final = "transformers"
PROGRAM: Final = "hypercube.inference.transformers.program:CausalProgram"
PACKAGES: Final = ("torch", "transformers", "accelerate", "safetensors", "llguidance")
CAPABILITIES: Final = frozenset(
    {
        Capability.GENERATE,
        Capability.LOGPROBS,
        Capability.LOGIT_BIAS,
        Capability.TOOLS,
        Capability.TOOL_CHOICE,
        Capability.JSON_SCHEMA,
        Capability.COMPLETE,
        Capability.TOKENIZE,
    }
)
_DEVICE: Final = re.compile(r"auto|cpu|cuda(:\d+)?")
# The child reads files that were fetched and checked before; it never asks the network.
ENVIRONMENT: Final = {
    "HF_HUB_OFFLINE": "1",
    "TRANSFORMERS_OFFLINE": "1",
    "HF_HUB_DISABLE_TELEMETRY": "1",
    "TOKENIZERS_PARALLELISM": "false",
}


class TransformersEngine(WorkerEngine):
    """A causal model in the safetensors format with continuous batching."""

    def __init__(self, options: EngineOptions) -> None:
        """Check the options; `load` starts the process."""
        # The ranks of a tensor-parallel group share the cores.
        threads = options.threads or max(1, available_cores() // options.tensor_parallel)
        check_device(options.device)
        if options.adapters and options.tensor_parallel > 1:
            raise HyperCubeError(
                ErrorKind.FAILED_PRECONDITION,
                f"The transformers engine has no LoRA adapters on {options.tensor_parallel} devices.",
                param="model.adapters",
                value=options.adapters,
                fix="Set model.tensor_parallel to 1, or model.engine to vllm.",
            )
        if options.device == "cpu":
            choose_precision(options.precision, this_cpu(), ENGINE)
        else:
            # The child sees the device, and refuses there what it cannot do.
            check_precision(options.precision)
        super().__init__(
            PROGRAM,
            {
                "context_length": options.context_length,
                "slots": options.slots,
                "threads": threads,
                "device": options.device,
                "precision": options.precision,
                "tensor_parallel": options.tensor_parallel,
                "max_adapters": options.adapters,
            },
            capabilities=CAPABILITIES | {Capability.ADAPTERS} if options.adapters else CAPABILITIES,
            description=f"transformers, {options.slots} slots",
            context_length=options.context_length,
            slots=options.slots,
            threads=threads,
            environment=ENVIRONMENT,
        )

    def check(self) -> None:
        """Refuse where a package is missing."""
        super().check()
        check_packages()


def check_packages(
    engine: str = ENGINE, packages: tuple[str, ...] | None = None, extra: str = "transformers"
) -> None:
    """FAILED_PRECONDITION where a package that the children of `engine` need is missing; `extra` brings them all."""
    missing = [name for name in packages or PACKAGES if importlib.util.find_spec(name) is None]
    if missing:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The {engine} engine needs {', '.join(missing)}, which is not installed.",
            fix=f"Install the extra: pip install 'heal7-hypercube[{extra}]'.",
        )


def check_device(device: str, engine: str = ENGINE) -> None:
    """FAILED_PRECONDITION for a name that is no device of this engine's."""
    if _DEVICE.fullmatch(device) is None:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The {engine} engine has no device {device!r}.",
            param="model.device",
            value=device,
            fix="Write auto, cpu, cuda, or cuda:0 and so on.",
        )
