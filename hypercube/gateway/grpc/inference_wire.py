"""ModelInfer's messages, read and written around their tensors: protobuf would copy those twice.

The raw contents of a request are views into its bytes; those of an answer are joined into the message from where
they lie. Everything else in the messages is protobuf's.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from google.protobuf.message import DecodeError

from hypercube.core.errors import HyperCubeError, invalid, shown
from hypercube.core.tensors import Datatype, Parameter, pack_bytes
from hypercube.gateway.grpc.decoding import decode
from hypercube.gateway.handlers.inference_types import InferAnswer, InferRequest, InputTensor, WantedOutput
from hypercube.gateway.shared_memory import RegionSlice
from hypercube.gateway.tensor_elements import array_bytes
from hypercube.wire.inference import service_pb2 as pb
from hypercube.wire.packed import field, split

_RAW_OUTPUT: Final = pb.ModelInferResponse.RAW_OUTPUT_CONTENTS_FIELD_NUMBER
_INFER_RESPONSE: Final = pb.ModelStreamInferResponse.INFER_RESPONSE_FIELD_NUMBER
_REGION: Final = ("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")
_CONTENTS: Final = {
    Datatype.BOOL: "bool_contents",
    Datatype.INT8: "int_contents",
    Datatype.INT16: "int_contents",
    Datatype.INT32: "int_contents",
    Datatype.INT64: "int64_contents",
    Datatype.UINT8: "uint_contents",
    Datatype.UINT16: "uint_contents",
    Datatype.UINT32: "uint_contents",
    Datatype.UINT64: "uint64_contents",
    Datatype.FP32: "fp32_contents",
    Datatype.FP64: "fp64_contents",
    Datatype.BYTES: "bytes_contents",
}


def read_request(raw: bytes) -> InferRequest:
    """The request in some bytes.

    Raises:
        HyperCubeError: INVALID_ARGUMENT.
    """
    try:
        rest, taken = split(raw, (pb.ModelInferRequest.RAW_INPUT_CONTENTS_FIELD_NUMBER,))
    except (IndexError, ValueError, DecodeError):
        raise invalid(
            f"These {len(raw):,} bytes are no inference.ModelInferRequest message.",
            fix="Encode the request with the published .proto files.",
        ) from None
    contents = [content for _, content in taken]
    message = decode(pb.ModelInferRequest, rest)
    inputs, at = [], 0
    for row, tensor in enumerate(message.inputs):
        where = f"inputs[{row}]"
        region = _region(_parameters(tensor.parameters, where), where)
        data: memoryview | RegionSlice
        if region is not None:
            data = region
        elif contents:
            if at == len(contents) or tensor.HasField("contents"):
                raise _raw_count(len(message.inputs), len(contents))
            data, at = contents[at], at + 1
        else:
            data = _typed(tensor)
        inputs.append(InputTensor(tensor.name, tensor.datatype, tuple(tensor.shape), data))
    if at != len(contents):
        raise _raw_count(len(message.inputs), len(contents))
    outputs = []
    for row, output in enumerate(message.outputs):
        where = f"outputs[{row}]"
        parameters = _parameters(output.parameters, where)
        if parameters.pop("classification", 0):
            raise invalid("No model here has classes.", param=where, fix="Leave classification out.")
        parameters.pop("binary_data", None)  # all output is binary here
        outputs.append(WantedOutput(output.name, _region(parameters, where)))
    of_request = _parameters(message.parameters, "parameters")
    of_request.pop("binary_data_output", None)
    return InferRequest(
        message.model_name, message.model_version, message.id, tuple(inputs), of_request, tuple(outputs)
    )


@dataclass(frozen=True, slots=True)
class PackedAnswer:
    """An answer as a `ModelInferResponse`, or inside a `ModelStreamInferResponse`."""

    answer: InferAnswer
    streamed: bool = False

    def SerializeToString(self) -> bytes:  # noqa: N802 - protobuf's name
        """The bytes of the message; the tensors are copied once."""
        message = pb.ModelInferResponse(
            model_name=self.answer.model, model_version=self.answer.version, id=self.answer.id
        )
        for name, value in self.answer.parameters.items():
            _set(message.parameters[name], value)
        parts: list[bytes | memoryview] = []
        for output in self.answer.outputs:
            tensor = output.tensor
            entry = message.outputs.add(name=tensor.name, datatype=tensor.datatype.value, shape=tensor.shape)
            if output.region is None:
                parts += field(_RAW_OUTPUT, tensor.data)
                continue
            where = output.region
            values: tuple[Parameter, ...] = (where.region, where.offset, where.byte_size)
            for name, place in zip(_REGION, values, strict=True):
                _set(entry.parameters[name], place)
        parts.insert(0, message.SerializeToString())
        if self.streamed:
            parts = field(_INFER_RESPONSE, *parts)
        return b"".join(parts)


def _typed(tensor: pb.ModelInferRequest.InferInputTensor) -> memoryview:
    """The bytes of the elements in the field of the tensor's datatype."""
    try:
        datatype = Datatype(tensor.datatype)
    except ValueError:
        return memoryview(b"")  # refused by name later
    field = _CONTENTS.get(datatype)
    for descriptor, _ in tensor.contents.ListFields():
        if descriptor.name != field:
            raise invalid(
                f"The input {shown(tensor.name)!r} of {datatype} has its elements in {descriptor.name}.",
                param=f"{shown(tensor.name)}.contents",
                value=descriptor.name,
                fix=f"Put them into {field or 'raw_input_contents'}.",
            )
    if field is None:
        return memoryview(b"")
    elements = getattr(tensor.contents, field)
    if datatype is Datatype.BYTES:
        return pack_bytes(elements)
    try:
        return array_bytes(datatype, list(elements))
    except OverflowError as error:
        raise invalid(
            f"The input {shown(tensor.name)!r} holds a value that is no {datatype}: {error}.",
            param=f"{shown(tensor.name)}.contents",
            fix="Send values that the datatype holds.",
        ) from None


def _raw_count(inputs: int, contents: int) -> HyperCubeError:
    return invalid(
        f"{inputs} inputs come with {contents} raw_input_contents.",
        param="raw_input_contents",
        value=contents,
        fix="Send one for each input that is not in shared memory, in their order, and no typed contents beside it.",
    )


def _region(parameters: dict[str, Parameter], where: str) -> RegionSlice | None:
    name, offset, size = (parameters.pop(each, None) for each in _REGION)
    if parameters:
        raise invalid(
            f"{where} takes no parameter {shown(next(iter(parameters)))!r}.",
            param=f"{where}.parameters",
            value=next(iter(parameters)),
            fix=f"Parameters here: {', '.join(_REGION)}.",
        )
    if name is None and size is None and offset is None:
        return None
    offset = 0 if offset is None else offset
    if type(name) is not str or type(offset) is not int or type(size) is not int:
        raise invalid(
            f"{where} names shared memory without its place.",
            param=f"{where}.parameters",
            value=str(name),
            fix="Send shared_memory_region as text, shared_memory_byte_size and shared_memory_offset as whole numbers.",
        )
    return RegionSlice(name, offset, size)


def _parameters(parameters: Mapping[str, pb.InferParameter], where: str) -> dict[str, Parameter]:
    found: dict[str, Parameter] = {}
    for name, value in parameters.items():
        choice = value.WhichOneof("parameter_choice")
        if choice is None:
            raise invalid(
                f"The parameter {shown(name)!r} has no value.",
                param=f"{where}.{shown(name)}",
                fix="Give it one.",
            )
        found[name] = getattr(value, choice)
    return found


def _set(parameter: pb.InferParameter, value: Parameter) -> None:
    match value:
        case bool():
            parameter.bool_param = value
        case int():
            parameter.int64_param = value
        case float():
            parameter.double_param = value
        case str():
            parameter.string_param = value
