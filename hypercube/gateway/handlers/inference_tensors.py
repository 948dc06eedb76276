"""Which tensors, outputs and parameters a request has, checked against its model."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from hypercube.core.cube import Call, Priority
from hypercube.core.errors import invalid, nearest, shown
from hypercube.core.tensors import Datatype, Parameter, Tensor, TensorModel
from hypercube.gateway.handlers.inference_types import InferRequest, OutputTensor
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.shared_memory import RegionSlice

OF_THE_PROTOCOL: Final = frozenset({"priority", "timeout", "triton_enable_empty_final_response"})
"""Parameters of a request that every model takes; `timeout` is in microseconds."""


def input_tensors(services: GatewayServices, request: InferRequest) -> tuple[Tensor, ...]:
    """The inputs with their memory; INVALID_ARGUMENT for an unknown datatype, or as `SharedRegions.view`."""
    made = []
    for given in request.inputs:
        try:
            datatype = Datatype(given.datatype)
        except ValueError:
            raise invalid(
                f"The input {shown(given.name)!r} has the unknown datatype {shown(given.datatype)!r}.",
                param=str(shown(given.name)),
                value=given.datatype,
                fix=f"Use one of: {', '.join(Datatype)}.",
            ) from None
        data = services.regions.view(given.data) if isinstance(given.data, RegionSlice) else given.data
        made.append(Tensor(given.name, datatype, given.shape, data))
    return tuple(made)


def check_outputs(
    services: GatewayServices, model: TensorModel, request: InferRequest
) -> dict[str, memoryview]:
    """The memory of the outputs that go to shared memory, after a check of all outputs asked for."""
    known = [spec.name for spec in model.outputs]
    seen: set[str] = set()
    for wanted in request.outputs:
        if wanted.name not in known or wanted.name in seen:
            like = nearest(wanted.name, known)
            raise invalid(
                f"{model.name} has no output {shown(wanted.name)!r}."
                if wanted.name not in known
                else f"The output {wanted.name!r} is asked for twice.",
                param="outputs",
                value=wanted.name,
                fix=(f"Did you mean {like!r}? " if like and wanted.name not in known else "")
                + f"It gives: {', '.join(known)}.",
            )
        seen.add(wanted.name)
    return {
        each.name: services.regions.view(each.region) for each in request.outputs if each.region is not None
    }


def own_parameters(
    services: GatewayServices, model: TensorModel, request: InferRequest, call: Call
) -> dict[str, Parameter]:
    """The parameters that the model reads; those of the protocol are put into the call."""
    known = OF_THE_PROTOCOL | set(model.parameters)
    for name, value in request.parameters.items():
        if name not in known:
            like = nearest(name, known)
            raise invalid(
                f"{model.name} takes no parameter {shown(name)!r}.",
                param=f"parameters.{shown(name)}",
                value=value,
                fix=(f"Did you mean {like!r}? " if like else "") + f"It takes: {', '.join(sorted(known))}.",
            )
    timeout_us = _whole(request.parameters, "timeout")
    if timeout_us:
        until = services.clock() + timeout_us / 1e6
        call.deadline = until if call.deadline is None else min(call.deadline, until)
    level = _whole(request.parameters, "priority")
    if level:
        call.priority = Priority(min(level - 1, max(Priority)))
    return {name: value for name, value in request.parameters.items() if name not in OF_THE_PROTOCOL}


def _whole(parameters: Mapping[str, Parameter], name: str) -> int:
    value = parameters.get(name, 0)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 2**63:
        raise invalid(
            f"The parameter {name} is {shown(value)!r}.",
            param=f"parameters.{name}",
            value=value,
            fix="Send a whole number from 0.",
        )
    return value


def chosen(request: InferRequest, tensors: Mapping[str, Tensor]) -> tuple[OutputTensor, ...]:
    """The outputs asked for, in the order asked; all, when none was named."""
    if not request.outputs:
        return tuple(OutputTensor(tensor) for tensor in tensors.values())
    return tuple(
        OutputTensor(tensors[each.name], _used(each.region, tensors[each.name])) for each in request.outputs
    )


def _used(region: RegionSlice | None, tensor: Tensor) -> RegionSlice | None:
    return None if region is None else replace(region, byte_size=len(tensor.data))
