"""Inference by the Open Inference Protocol v2: one task, for HTTP and gRPC alike."""

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Final

from hypercube.core.cube import Call, Priority
from hypercube.core.engine import ChatMessage, GenerationEvent, GenerationRequest, Sampling
from hypercube.core.errors import HyperCubeError, invalid, nearest, shown
from hypercube.core.tensors import (
    Datatype,
    Parameter,
    Tensor,
    TensorModel,
    TensorRequest,
    TensorResponse,
    inputs_by_name,
    pack_bytes,
    unpack_texts,
)
from hypercube.gateway.deadlines import within
from hypercube.gateway.handlers import chat
from hypercube.gateway.handlers.inference_models import VERSION, find
from hypercube.gateway.services import TENSORS, GatewayServices
from hypercube.gateway.shared_memory import RegionSlice
from hypercube.gateway.streams import close

OF_THE_PROTOCOL: Final = frozenset({"priority", "timeout", "triton_enable_empty_final_response"})
"""Parameters of a request that every model takes; `timeout` is in microseconds."""
_SLACK_BYTES: Final = 1 << 20
"""Of a message, for what surrounds the tensors."""
_FLOATS: Final = ("temperature", "top_p", "min_p", "frequency_penalty", "presence_penalty")
_INTEGERS: Final = ("max_tokens", "top_k", "seed")


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


async def infer(services: GatewayServices, request: InferRequest, call: Call) -> InferAnswer:
    """The one answer to a request; a language model's text comes whole.

    Raises:
        HyperCubeError: MODEL_NOT_FOUND; INVALID_ARGUMENT; what the model raises.
    """
    model = await find(services, request.model, request.version, call)
    began = services.clock()
    try:
        return await _answer(services, model, request, call, began)
    except BaseException:
        services.statistics.failed(model.name, services.clock() - began)
        raise


async def stream(services: GatewayServices, request: InferRequest, call: Call) -> AsyncIterator[InferAnswer]:
    """Every answer to a request, the last with `triton_final_response`; the first exists when this returns.

    Raises:
        HyperCubeError: as `infer`; later, the iterator raises.
    """
    model = await find(services, request.model, request.version, call)
    if not model.decoupled:
        answer = await infer(services, request, call)
        return _Once(replace(answer, parameters={**answer.parameters, "triton_final_response": True}))
    began = services.clock()
    try:
        regions = _regions(services, model, request)
        asked = _generation(services, model, request, call)
        started = await chat.stream(services, asked, call)
    except BaseException:
        services.statistics.failed(model.name, services.clock() - began)
        raise
    return _Pieces(services, model, request, regions, started.events, call, began)


async def _answer(
    services: GatewayServices, model: TensorModel, request: InferRequest, call: Call, began: float
) -> InferAnswer:
    regions = _regions(services, model, request)
    if model.decoupled:
        asked = _generation(services, model, request, call)
        read = services.clock()
        whole = await chat.complete(services, asked, call)
        computed = services.clock()
        outputs = _texts(model, request, regions, whole.text)
        parameters = _finished(
            whole.finish_reason.value, whole.usage.prompt_tokens, whole.usage.completion_tokens
        )
    else:
        asked_tensors = TensorRequest(
            model.name,
            _tensors(services, request),
            _own_parameters(services, model, request, call),
            regions,
            services.limits.max_message_bytes - _SLACK_BYTES,
        )
        read = services.clock()
        async with within(call, services.clock):
            response: TensorResponse = await services.cubes.process(TENSORS, asked_tensors, call)
        computed = services.clock()
        outputs = _chosen(request, {tensor.name: tensor for tensor in response.outputs})
        parameters = {}
    now = services.clock()
    services.statistics.succeeded(
        model.name, call.timing, total_s=now - began, input_s=read - began, output_s=now - computed
    )
    return InferAnswer(model.name, request.id, outputs, parameters)


# -- what came


def _tensors(services: GatewayServices, request: InferRequest) -> tuple[Tensor, ...]:
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


def _regions(services: GatewayServices, model: TensorModel, request: InferRequest) -> dict[str, memoryview]:
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


def _own_parameters(
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


def _generation(
    services: GatewayServices, model: TensorModel, request: InferRequest, call: Call
) -> GenerationRequest:
    (text,) = unpack_texts(inputs_by_name(model, _tensors(services, request))["text_input"])
    given = _own_parameters(services, model, request, call)
    for names, kind, words in ((_FLOATS, (int, float), "a number"), (_INTEGERS, (int,), "a whole number")):
        for name in names:
            value = given.get(name)
            if value is not None and (isinstance(value, bool) or not isinstance(value, kind)):
                raise _no_parameter(name, value, words)
    stop = given.pop("stop", "")
    if not isinstance(stop, str):
        raise _no_parameter("stop", stop, "a text")
    max_tokens: Any = given.pop("max_tokens", None)
    sampling: dict[str, Any] = {**given, "stop": (stop,) if stop else ()}
    return GenerationRequest((ChatMessage("user", text),), model.name, max_tokens, Sampling(**sampling))


def _no_parameter(name: str, value: Parameter, wanted: str) -> HyperCubeError:
    return invalid(
        f"The parameter {name} is {shown(value)!r}.",
        param=f"parameters.{name}",
        value=value,
        fix=f"Send {wanted}.",
    )


# -- what goes


def _chosen(request: InferRequest, tensors: Mapping[str, Tensor]) -> tuple[OutputTensor, ...]:
    """The outputs asked for, in the order asked; all, when none was named."""
    if not request.outputs:
        return tuple(OutputTensor(tensor) for tensor in tensors.values())
    return tuple(
        OutputTensor(tensors[each.name], _used(each.region, tensors[each.name])) for each in request.outputs
    )


def _used(region: RegionSlice | None, tensor: Tensor) -> RegionSlice | None:
    return None if region is None else replace(region, byte_size=len(tensor.data))


def _texts(
    model: TensorModel, request: InferRequest, regions: Mapping[str, memoryview], text: str
) -> tuple[OutputTensor, ...]:
    name = model.outputs[0].name
    data = pack_bytes([text.encode("utf-8")])
    into = regions.get(name)
    if into is not None:
        if len(into) < len(data):
            raise invalid(
                f"The shared memory for {name} has {len(into):,} bytes, and the text takes {len(data):,}.",
                param=name,
                value=len(into),
                fix="Give more, or ask for fewer tokens.",
            )
        into[: len(data)] = data
    return _chosen(request, {name: Tensor(name, Datatype.BYTES, (1,), data)})


def _finished(reason: str, prompt_tokens: int, completion_tokens: int) -> dict[str, Parameter]:
    return {
        "finish_reason": reason,
        "prompt_tokens": prompt_tokens,
        "completion_tokens": completion_tokens,
    }


class _Once(AsyncIterator[InferAnswer]):
    """A stream of one answer."""

    def __init__(self, answer: InferAnswer) -> None:
        self._left: list[InferAnswer] = [answer]

    async def __anext__(self) -> InferAnswer:
        if not self._left:
            raise StopAsyncIteration
        return self._left.pop()


class _Pieces(AsyncIterator[InferAnswer]):
    """The pieces of a text; its end, or its failure, is counted once."""

    def __init__(
        self,
        services: GatewayServices,
        model: TensorModel,
        request: InferRequest,
        regions: Mapping[str, memoryview],
        events: AsyncIterator[GenerationEvent],
        call: Call,
        began: float,
    ) -> None:
        self._services = services
        self._model = model
        self._request = request
        self._regions = regions
        self._events = events
        self._call = call
        self._began = began
        self._counted = False

    async def __anext__(self) -> InferAnswer:
        event = await anext(self._events)
        last = event.finish_reason is not None and event.usage is not None
        parameters: dict[str, Parameter] = {"triton_final_response": last}
        outputs = _texts(self._model, self._request, self._regions, event.text)
        if event.finish_reason is not None and event.usage is not None:
            used = event.usage
            parameters |= _finished(event.finish_reason.value, used.prompt_tokens, used.completion_tokens)
            self._counted = True
            total = self._services.clock() - self._began
            self._services.statistics.succeeded(
                self._model.name, self._call.timing, total_s=total, input_s=0.0, output_s=0.0
            )
        return InferAnswer(self._model.name, self._request.id, outputs, parameters)

    async def aclose(self) -> None:
        """Close the stream, which cancels the work behind it."""
        if not self._counted:
            self._counted = True
            self._services.statistics.failed(self._model.name, self._services.clock() - self._began)
        await close(self._events)
