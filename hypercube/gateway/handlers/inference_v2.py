"""Inference by the Open Inference Protocol v2: one task, for HTTP and gRPC alike.

Kernels are asked through the tensors cube, language models and encoders as their own routes ask them.
"""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Final

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.tensors import KERNEL_MODELS, TensorRequest, TensorResponse
from hypercube.gateway.deadlines import within
from hypercube.gateway.handlers import inference_text
from hypercube.gateway.handlers.inference_references import Meant, find
from hypercube.gateway.handlers.inference_tensors import check_outputs, chosen, input_tensors, own_parameters
from hypercube.gateway.handlers.inference_types import InferAnswer, InferRequest
from hypercube.gateway.services import TENSORS, GatewayServices
from hypercube.gateway.streams import Once

_SLACK_BYTES: Final = 1 << 20
"""Of a message, for what surrounds the tensors."""


async def infer(services: GatewayServices, request: InferRequest, call: Call) -> InferAnswer:
    """The one answer to a request; a language model's text comes whole.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND; INVALID_ARGUMENT; FAILED_PRECONDITION for a signature that is not what the
            model's engine takes; what the model raises.
    """
    meant = await _fitting(services, request, call)
    began = services.clock()
    try:
        if meant.name in KERNEL_MODELS:
            return await _kernel(services, meant, request, call, began)
        if meant.model.decoupled:
            return await inference_text.generate(services, meant, request, call, began)
        return await inference_text.embed(services, meant, request, call, began)
    except BaseException:
        services.statistics.failed(meant.name, meant.counted_as(call), services.clock() - began)
        raise


async def stream(services: GatewayServices, request: InferRequest, call: Call) -> AsyncIterator[InferAnswer]:
    """Every answer to a request, the last with `triton_final_response`; the first exists when this returns.

    Raises:
        HyperCubeError: as `infer`; later, the iterator raises.
    """
    meant = await _fitting(services, request, call)
    if not meant.model.decoupled:
        answer = await infer(services, request, call)
        return Once(replace(answer, parameters={**answer.parameters, "triton_final_response": True}))
    began = services.clock()
    try:
        return await inference_text.pieces(services, meant, request, call, began)
    except BaseException:
        services.statistics.failed(meant.name, meant.counted_as(call), services.clock() - began)
        raise


async def _fitting(services: GatewayServices, request: InferRequest, call: Call) -> Meant:
    meant = await find(services, request.model, request.version, call)
    if meant.misfit:
        raise HyperCubeError(
            ErrorKind.FAILED_PRECONDITION,
            meant.misfit,
            param="model",
            value=request.model,
            fix="Ask it by another route, or publish a version whose signature is what its engine takes.",
        )
    return meant


async def _kernel(
    services: GatewayServices, meant: Meant, request: InferRequest, call: Call, began: float
) -> InferAnswer:
    model = meant.model
    asked = TensorRequest(
        meant.name,
        input_tensors(services, request),
        own_parameters(services, model, request, call),
        check_outputs(services, model, request),
        services.limits.max_message_bytes - _SLACK_BYTES,
    )
    read = services.clock()
    async with within(call, services.clock):
        response: TensorResponse = await services.cubes.process(TENSORS, asked, call)
    computed = services.clock()
    outputs = chosen(request, {tensor.name: tensor for tensor in response.outputs})
    now = services.clock()
    services.statistics.succeeded(
        meant.name,
        meant.version,
        call.timing,
        total_s=now - began,
        input_s=read - began,
        output_s=now - computed,
    )
    return InferAnswer(model.name, request.id, outputs, version=meant.version)
