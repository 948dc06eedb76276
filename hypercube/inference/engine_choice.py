"""Which engine a model gets when several could run it."""

import importlib.util
from typing import Final

from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability
from hypercube.inference.devices import examine_devices
from hypercube.inference.vllm.engine import ENGINE as VLLM
from hypercube.model_registry.manifest import ModelManifest

AUTO: Final = "auto"


def choose_engine(manifest: ModelManifest, asked: str = AUTO) -> str:
    """`asked`, or for "auto" the model's own engine, or vLLM where that is faster.

    vLLM is installed by those who want it, and beats transformers on a GPU; on a CPU it needs a minute to start and
    three processes, so there it runs only what asks for it.

    Raises:
        HyperCubeError: FAILED_PRECONDITION for an encoder that is to run on vLLM, which only generates text here.
    """
    generates = Capability.GENERATE in manifest.capabilities
    if asked == VLLM and not generates:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            f"The engine 'vllm' generates text, and {manifest.name!r} does not.",
            param="model.engine",
            value=asked,
            fix=f"Set model.engine to auto or {manifest.engine}.",
        )
    if asked != AUTO:
        return asked
    if manifest.format == "safetensors" and generates and vllm_installed() and examine_devices().gpus:
        return VLLM
    return manifest.engine


def vllm_installed() -> bool:
    """Whether vLLM could be imported; it is not imported to find out."""
    return importlib.util.find_spec("vllm") is not None
