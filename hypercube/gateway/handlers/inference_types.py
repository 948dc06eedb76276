"""What an inference request of the Open Inference Protocol is, before and after a transport."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from hypercube.core.tensors import Parameter, Tensor
from hypercube.gateway.handlers.inference_references import VERSION
from hypercube.gateway.shared_memory import RegionSlice


@dataclass(frozen=True, slots=True)
class InputTensor:
    """A tensor as it came: its bytes, or where they lie in shared memory."""

    name: str
    datatype: str
    shape: tuple[int, ...]
    data: memoryview | RegionSlice


@dataclass(frozen=True, slots=True)
class WantedOutput:
    """An output by name, and the shared memory it goes to, if any."""

    name: str
    region: RegionSlice | None = None


@dataclass(frozen=True, slots=True)
class InferRequest:
    """One request; no `outputs` means all of them."""

    model: str
    version: str = ""
    id: str = ""
    inputs: tuple[InputTensor, ...] = ()
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    outputs: tuple[WantedOutput, ...] = ()


@dataclass(frozen=True, slots=True)
class OutputTensor:
    """A tensor of the answer; with a region, its bytes lie there and are not sent."""

    tensor: Tensor
    region: RegionSlice | None = None


@dataclass(frozen=True, slots=True)
class InferAnswer:
    """One answer to one request."""

    model: str
    id: str
    outputs: tuple[OutputTensor, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    version: str = VERSION
