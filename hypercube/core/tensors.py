"""Tensors as plain data, and the models that take and give them: the words of the Open Inference Protocol v2.

A tensor's bytes are row-major and little-endian. A `BYTES` tensor holds elements of any length, each behind its
length as four little-endian bytes. Nothing here needs NumPy.
"""

import base64
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any, ClassVar, Final

from hypercube.core.errors import HyperCubeError, invalid, nearest, shown

Parameter = bool | int | float | str
MAX_DIMENSIONS: Final = 8
KERNEL_PLATFORM: Final = "hypercube_kernel"
ANY: Final = -1
"""A dimension of any length."""
_LENGTH_BYTES: Final = 4


class Datatype(StrEnum):
    """The protocol's element types."""

    BOOL = "BOOL"
    UINT8 = "UINT8"
    UINT16 = "UINT16"
    UINT32 = "UINT32"
    UINT64 = "UINT64"
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FP16 = "FP16"
    FP32 = "FP32"
    FP64 = "FP64"
    BYTES = "BYTES"

    @property
    def itemsize(self) -> int:
        """Bytes of one element; 0 for `BYTES`, whose elements have lengths of their own."""
        return _ITEM_BYTES[self]


_ITEM_BYTES: Final = {
    Datatype.BOOL: 1,
    Datatype.UINT8: 1,
    Datatype.UINT16: 2,
    Datatype.UINT32: 4,
    Datatype.UINT64: 8,
    Datatype.INT8: 1,
    Datatype.INT16: 2,
    Datatype.INT32: 4,
    Datatype.INT64: 8,
    Datatype.FP16: 2,
    Datatype.FP32: 4,
    Datatype.FP64: 8,
    Datatype.BYTES: 0,
}


class _Base64:
    """The JSON form of a buffer, for whoever calls by JSON; pydantic is needed by nobody else."""

    def __get_pydantic_core_schema__(self, source: Any, handler: Any) -> Any:
        from pydantic_core import core_schema

        return core_schema.json_or_python_schema(
            json_schema=core_schema.no_info_after_validator_function(_from_base64, core_schema.str_schema()),
            python_schema=core_schema.no_info_plain_validator_function(_from_base64),
            serialization=core_schema.plain_serializer_function_ser_schema(
                _to_base64, return_schema=core_schema.str_schema(), when_used="json"
            ),
        )


def _from_base64(value: Any) -> memoryview:
    if isinstance(value, memoryview):
        return value
    return memoryview(base64.b64decode(value, validate=True))


def _to_base64(value: memoryview) -> str:
    return base64.b64encode(value).decode("ascii")


Buffer = Annotated[memoryview, _Base64()]
"""One-dimensional bytes; base64 in JSON."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """A named array; `data` holds exactly its elements."""

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    data: Buffer


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """What a model takes or gives under one name; a dimension of -1 is any."""

    name: str
    datatype: Datatype
    shape: tuple[int, ...]
    optional: bool = False

    def __str__(self) -> str:
        return f"{self.datatype}{list(self.shape)}"


@dataclass(frozen=True, slots=True)
class TensorModel:
    """A model as the protocol describes it.

    Attributes:
        name: as asked for.
        summary: one line.
        inputs: what it takes.
        outputs: what it gives.
        parameters: names of request parameters it reads beside the protocol's own.
        platform: what it runs on, in a word.
        decoupled: whether one request may have several answers (ModelStreamInfer).
    """

    name: str
    summary: str
    inputs: tuple[TensorSpec, ...]
    outputs: tuple[TensorSpec, ...]
    parameters: tuple[str, ...] = ()
    platform: str = KERNEL_PLATFORM
    decoupled: bool = False


@dataclass(frozen=True, slots=True)
class TensorRequest:
    """Tensors for one model.

    Attributes:
        model: a name of `KERNEL_MODELS`.
        inputs: each name once.
        parameters: what the model reads beside its inputs.
        into: writable memory for outputs by name, at least as large as they are; the answer then refers to it.
            Only a caller in this process has such memory: what comes as JSON is read-only and is refused.
        max_answer_bytes: limit of all outputs that are not written `into` anything.
    """

    __pydantic_config__: ClassVar[dict[str, str]] = {"extra": "forbid"}

    model: str
    inputs: tuple[Tensor, ...]
    parameters: Mapping[str, Parameter] = field(default_factory=dict)
    into: Mapping[str, Buffer] = field(default_factory=dict)
    max_answer_bytes: int = 64 << 20


@dataclass(frozen=True, slots=True)
class TensorResponse:
    """Every output of the model, in the order of its description."""

    outputs: tuple[Tensor, ...]


_CHART: Final = (ANY, 4)
KERNEL_MODELS: Final[Mapping[str, TensorModel]] = {
    model.name: model
    for model in (
        TensorModel(
            "saju_pillars",
            "Instants and local-clock offsets to four pillars, as sexagenary indices 0..59",
            (
                TensorSpec("utc_seconds", Datatype.INT64, (ANY,)),
                TensorSpec("offset_seconds", Datatype.INT32, (ANY,)),
            ),
            (TensorSpec("pillars", Datatype.UINT8, _CHART),),
            ("day_boundary",),
        ),
        TensorModel(
            "saju_features",
            "Four pillars to feature rows for machine learning, one cache line a chart",
            (TensorSpec("pillars", Datatype.UINT8, _CHART),),
            (TensorSpec("features", Datatype.UINT8, (ANY, 64)),),
        ),
        TensorModel(
            "saju_compatibility",
            "The best k of many charts for each query chart (궁합), highest score first",
            (
                TensorSpec("queries", Datatype.UINT8, _CHART),
                TensorSpec("charts", Datatype.UINT8, _CHART),
                TensorSpec("k", Datatype.INT32, (1,), optional=True),
            ),
            (
                TensorSpec("rows", Datatype.INT64, (ANY, ANY)),
                TensorSpec("scores", Datatype.INT16, (ANY, ANY)),
            ),
            ("k",),
        ),
    )
}
"""The models that are kernels; always there, always the same version."""

EMBEDDING_INPUT: Final = TensorSpec("text", Datatype.BYTES, (ANY,))
EMBEDDING_OUTPUT: Final = TensorSpec("embedding", Datatype.FP32, (ANY, ANY))

GENERATION_PARAMETERS: Final = (
    "max_tokens",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "frequency_penalty",
    "presence_penalty",
    "seed",
    "stop",
)


def embedding_model(name: str) -> TensorModel:
    """What a served encoder takes and gives."""
    summary = "Texts to vectors"
    return TensorModel(name, summary, (EMBEDDING_INPUT,), (EMBEDDING_OUTPUT,), platform="hypercube_encoder")


def generation_model(name: str) -> TensorModel:
    """What a served language model takes and gives: each answer of a stream is a further piece of the text."""
    return TensorModel(
        name,
        "A text continued by a language model, piece by piece over ModelStreamInfer",
        (TensorSpec("text_input", Datatype.BYTES, (1,)),),
        (TensorSpec("text_output", Datatype.BYTES, (1,)),),
        GENERATION_PARAMETERS,
        platform="hypercube_language_model",
        decoupled=True,
    )


def count(shape: Iterable[int]) -> int:
    """Elements of a shape."""
    return math.prod(shape)


def check_tensor(tensor: Tensor, spec: TensorSpec) -> None:
    """Refuse a tensor that is not what a model takes, or whose bytes are not what its shape says.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the tensor.
    """
    name, shape = tensor.name, tensor.shape
    if tensor.datatype is not spec.datatype:
        raise _wrong(name, f"has datatype {tensor.datatype}", f"Send {spec.datatype}.", str(tensor.datatype))
    check_shape(name, shape)
    fits = len(shape) == len(spec.shape) and all(
        wanted in (ANY, given) for given, wanted in zip(shape, spec.shape, strict=True)
    )
    if not fits:
        raise _wrong(
            name, f"has shape {list(shape)}", f"Send {list(spec.shape)}, where -1 is any.", str(list(shape))
        )
    wanted = count(shape) * spec.datatype.itemsize
    if wanted != len(tensor.data) and spec.datatype is not Datatype.BYTES:
        raise _wrong(
            name,
            f"holds {len(tensor.data):,} bytes, and {list(shape)} of {spec.datatype} are {wanted:,}",
            "Send exactly the elements of the shape, row by row, little-endian.",
            len(tensor.data),
        )


def check_shape(name: str, shape: tuple[int, ...]) -> None:
    """Refuse a shape that no array has.

    Raises:
        HyperCubeError: INVALID_ARGUMENT naming the tensor.
    """
    if len(shape) > MAX_DIMENSIONS or any(not 0 <= each < 2**63 for each in shape):
        seen = str(shown(str([shown(each) for each in shape[: MAX_DIMENSIONS + 1]])))
        raise _wrong(name, f"has shape {seen}", f"Send at most {MAX_DIMENSIONS} sizes of 0 or more.", seen)


def _wrong(name: str, problem: str, fix: str, value: object) -> HyperCubeError:
    return invalid(f"{shown(name)} {problem}.", param=str(shown(name)), value=value, fix=fix)


def inputs_by_name(model: TensorModel, tensors: Iterable[Tensor]) -> dict[str, Tensor]:
    """The inputs of a model, each checked by `check_tensor`.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for one that is missing, unknown, twice or wrong.
    """
    specs = {spec.name: spec for spec in model.inputs}
    found: dict[str, Tensor] = {}
    for tensor in tensors:
        spec = specs.get(tensor.name)
        if spec is None or tensor.name in found:
            like = nearest(tensor.name, specs)
            raise invalid(
                f"{model.name} has no input {shown(tensor.name)!r}."
                if spec is None
                else f"The input {tensor.name!r} comes twice.",
                param="inputs",
                value=tensor.name,
                fix=(f"Did you mean {like!r}? " if like and spec is None else "")
                + f"It takes: {', '.join(f'{each.name} {each}' for each in model.inputs)}.",
            )
        check_tensor(tensor, spec)
        found[tensor.name] = tensor
    for spec in model.inputs:
        if spec.name not in found and not spec.optional:
            raise invalid(
                f"The input {spec.name!r} of {model.name} is missing.",
                param="inputs",
                value=", ".join(found),
                fix=f"Send {spec.name} as {spec}.",
            )
    return found


def pack_bytes(elements: Iterable[bytes]) -> memoryview:
    """The data of a `BYTES` tensor."""
    return memoryview(b"".join(len(each).to_bytes(_LENGTH_BYTES, "little") + each for each in elements))


def unpack_bytes(tensor: Tensor) -> list[bytes]:
    """The elements of a `BYTES` tensor.

    Raises:
        HyperCubeError: INVALID_ARGUMENT if the lengths do not add up to the data, or the elements to the shape.
    """
    data, at = tensor.data, 0
    found: list[bytes] = []
    wanted = count(tensor.shape)
    while at < len(data) and len(found) < wanted:
        end = at + _LENGTH_BYTES
        length = int.from_bytes(data[at:end], "little")
        at = end + length
        found.append(bytes(data[end:at]))
    if at != len(data) or len(found) != wanted:
        raise _wrong(
            tensor.name,
            f"holds {len(data):,} bytes that are not {wanted:,} elements",
            "Put each element behind its length as four little-endian bytes.",
            len(data),
        )
    return found


def unpack_texts(tensor: Tensor) -> tuple[str, ...]:
    """The elements of a `BYTES` tensor as texts.

    Raises:
        HyperCubeError: INVALID_ARGUMENT as `unpack_bytes`, and for what is not UTF-8.
    """
    try:
        return tuple(each.decode("utf-8") for each in unpack_bytes(tensor))
    except UnicodeDecodeError as error:
        raise _wrong(
            tensor.name, f"holds bytes that are not UTF-8: {error}", "Send text as UTF-8.", None
        ) from None
