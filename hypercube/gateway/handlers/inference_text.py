"""Language models and encoders as models of the Open Inference Protocol: texts in, texts or vectors out."""

from collections.abc import AsyncIterator, Mapping
from typing import Any, Final

from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    EmbeddingRequest,
    GenerationEvent,
    GenerationRequest,
    Sampling,
    Usage,
)
from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.tensors import (
    Datatype,
    Parameter,
    Tensor,
    TensorModel,
    inputs_by_name,
    pack_bytes,
    unpack_texts,
)
from hypercube.gateway.handlers import chat
from hypercube.gateway.handlers.embeddings import embeddings
from hypercube.gateway.handlers.inference_references import Meant
from hypercube.gateway.handlers.inference_tensors import check_outputs, chosen, input_tensors, own_parameters
from hypercube.gateway.handlers.inference_types import InferAnswer, InferRequest, OutputTensor
from hypercube.gateway.services import GatewayServices
from hypercube.gateway.streams import close

_FLOATS: Final = ("temperature", "top_p", "min_p", "frequency_penalty", "presence_penalty")
_INTEGERS: Final = ("max_tokens", "top_k", "seed")


async def embed(
    services: GatewayServices, meant: Meant, request: InferRequest, call: Call, began: float
) -> InferAnswer:
    """The vectors of texts, FP32[texts, width].

    Raises:
        HyperCubeError: INVALID_ARGUMENT; what the encoder raises.
    """
    model = meant.model
    regions = check_outputs(services, model, request)
    texts = unpack_texts(inputs_by_name(model, input_tensors(services, request))[model.inputs[0].name])
    own_parameters(services, model, request, call)
    read = services.clock()
    answer = await embeddings(services, EmbeddingRequest(texts, meant.asks), call)
    computed = services.clock()
    (spec,) = model.outputs
    # A packed array holds the machine's bytes, and every machine here is little-endian.
    data = memoryview(b"".join(memoryview(vector).cast("B") for vector in answer.vectors))
    _put(regions.get(spec.name), spec.name, data)
    shape = (len(answer.vectors), len(answer.vectors[0]) if answer.vectors else 0)
    outputs = chosen(request, {spec.name: Tensor(spec.name, spec.datatype, shape, data)})
    _count(services, meant, call, began, read, computed)
    told = {"prompt_tokens": answer.prompt_tokens}
    return InferAnswer(model.name, request.id, outputs, told, meant.answered_by(call))


async def generate(
    services: GatewayServices, meant: Meant, request: InferRequest, call: Call, began: float
) -> InferAnswer:
    """The whole text.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; what the model raises.
    """
    model = meant.model
    regions = check_outputs(services, model, request)
    asked = _generation(services, meant, request, call)
    read = services.clock()
    whole = await chat.complete(services, asked, call)
    computed = services.clock()
    outputs = _texts(model, request, regions, whole.text)
    _count(services, meant, call, began, read, computed)
    told = _finished(whole.finish_reason.value, whole.usage)
    return InferAnswer(model.name, request.id, outputs, told, meant.answered_by(call))


async def pieces(
    services: GatewayServices, meant: Meant, request: InferRequest, call: Call, began: float
) -> "Pieces":
    """The text piece by piece; the first exists when this returns.

    Raises:
        HyperCubeError: as `generate`.
    """
    regions = check_outputs(services, meant.model, request)
    asked = _generation(services, meant, request, call)
    started = await chat.stream(services, asked, call)
    return Pieces(services, meant, request, regions, started.events, call, began)


def _count(
    services: GatewayServices, meant: Meant, call: Call, began: float, read: float, computed: float
) -> None:
    now = services.clock()
    services.statistics.succeeded(
        meant.name,
        meant.counted_as(call),
        call.timing,
        total_s=now - began,
        input_s=read - began,
        output_s=now - computed,
    )


def _put(into: memoryview | None, name: str, data: memoryview) -> None:
    if into is None:
        return
    if len(into) < len(data):
        raise invalid(
            f"The shared memory for {name} has {len(into):,} bytes, and the answer takes {len(data):,}.",
            param=name,
            value=len(into),
            fix="Give more, or ask for less.",
        )
    into[: len(data)] = data


def _generation(
    services: GatewayServices, meant: Meant, request: InferRequest, call: Call
) -> GenerationRequest:
    model = meant.model
    (text,) = unpack_texts(inputs_by_name(model, input_tensors(services, request))[model.inputs[0].name])
    given = own_parameters(services, model, request, call)
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
    return GenerationRequest((ChatMessage("user", text),), meant.asks, max_tokens, Sampling(**sampling))


def _no_parameter(name: str, value: Parameter, wanted: str) -> HyperCubeError:
    return invalid(
        f"The parameter {name} is {shown(value)!r}.",
        param=f"parameters.{name}",
        value=value,
        fix=f"Send {wanted}.",
    )


def _texts(
    model: TensorModel, request: InferRequest, regions: Mapping[str, memoryview], text: str
) -> tuple[OutputTensor, ...]:
    name = model.outputs[0].name
    data = pack_bytes([text.encode("utf-8")])
    _put(regions.get(name), name, data)
    return chosen(request, {name: Tensor(name, Datatype.BYTES, (1,), data)})


def _finished(reason: str, usage: Usage) -> dict[str, Parameter]:
    return {
        "finish_reason": reason,
        "prompt_tokens": usage.prompt_tokens,
        "completion_tokens": usage.completion_tokens,
    }


class Pieces(AsyncIterator[InferAnswer]):
    """The pieces of a text; its end, or its failure, is counted once."""

    def __init__(
        self,
        services: GatewayServices,
        meant: Meant,
        request: InferRequest,
        regions: Mapping[str, memoryview],
        events: AsyncIterator[GenerationEvent],
        call: Call,
        began: float,
    ) -> None:
        self._services = services
        self._meant = meant
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
        outputs = _texts(self._meant.model, self._request, self._regions, event.text)
        if event.finish_reason is not None and event.usage is not None:
            parameters |= _finished(event.finish_reason.value, event.usage)
            self._counted = True
            total = self._services.clock() - self._began
            self._services.statistics.succeeded(
                self._meant.name,
                self._meant.counted_as(self._call),
                self._call.timing,
                total_s=total,
                input_s=0.0,
                output_s=0.0,
            )
        version = self._meant.answered_by(self._call)
        return InferAnswer(self._meant.model.name, self._request.id, outputs, parameters, version)

    async def aclose(self) -> None:
        """Close the stream, which cancels the work behind it."""
        if not self._counted:
            self._counted = True
            failed_after = self._services.clock() - self._began
            self._services.statistics.failed(
                self._meant.name, self._meant.counted_as(self._call), failed_after
            )
        await close(self._events)
