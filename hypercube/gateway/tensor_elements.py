"""Tensors as lists of their elements, as JSON and typed protobuf fields have them: to bytes and back."""

from itertools import chain
from typing import Any, Final

import numpy as np

from hypercube.core.errors import invalid, shown
from hypercube.core.tensors import Datatype, Tensor, count, pack_bytes, unpack_bytes

MAX_ELEMENTS: Final = 1 << 22
"""Of one tensor in a JSON answer; more belong into its binary form."""
_DTYPES: Final[dict[Datatype, Any]] = {
    Datatype.BOOL: np.bool_,
    Datatype.UINT8: np.uint8,
    Datatype.UINT16: np.dtype("<u2"),
    Datatype.UINT32: np.dtype("<u4"),
    Datatype.UINT64: np.dtype("<u8"),
    Datatype.INT8: np.int8,
    Datatype.INT16: np.dtype("<i2"),
    Datatype.INT32: np.dtype("<i4"),
    Datatype.INT64: np.dtype("<i8"),
    Datatype.FP16: np.dtype("<f2"),
    Datatype.FP32: np.dtype("<f4"),
    Datatype.FP64: np.dtype("<f8"),
}
_FLOATS: Final = frozenset({Datatype.FP16, Datatype.FP32, Datatype.FP64})


def read_elements(name: str, datatype: Datatype, data: Any) -> memoryview:
    """The bytes of a list of elements, flat or nested.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for anything but such elements, in range.
    """
    flat = _flat(name, data)
    # By type first: what NumPy makes of a mixed list may be anything, and of any size.
    kinds = set(map(type, flat))
    allowed: set[type]
    if datatype is Datatype.BYTES:
        allowed, words = {str}, "texts"
    elif datatype is Datatype.BOOL:
        allowed, words = {bool}, "true and false"
    elif datatype in _FLOATS:
        allowed, words = {int, float}, "numbers"
    else:
        allowed, words = {int}, "whole numbers"
    if not kinds <= allowed:
        wrong = next(each for each in flat if type(each) not in allowed)
        raise _no_element(name, datatype, wrong, f"Send {words}.")
    if datatype is Datatype.BYTES:
        return pack_bytes(each.encode("utf-8") for each in flat)
    try:
        with np.errstate(all="ignore"):
            array = np.array(flat, dtype=_DTYPES[datatype])
    except OverflowError as error:
        raise _no_element(name, datatype, str(error), "Send values that the datatype holds.") from None
    return array.view(np.uint8).data


def write_elements(tensor: Tensor) -> list[Any]:
    """The elements of a tensor as a flat list.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for more elements than belong into JSON.
    """
    elements = count(tensor.shape)
    if elements > MAX_ELEMENTS:
        raise invalid(
            f"The output {tensor.name} has {elements:,} elements; {MAX_ELEMENTS:,} are written as JSON.",
            param=tensor.name,
            value=elements,
            fix="Ask for it in binary form (binary_data or binary_data_output) or in shared memory.",
            limit=MAX_ELEMENTS,
        )
    if tensor.datatype is Datatype.BYTES:
        return [each.decode("utf-8", "replace") for each in unpack_bytes(tensor)]
    listed: list[Any] = np.frombuffer(tensor.data, dtype=_DTYPES[tensor.datatype]).tolist()
    return listed


def array_bytes(datatype: Datatype, elements: Any) -> memoryview:
    """The bytes of a sequence of numbers that are known to be numbers; OverflowError if one does not fit."""
    return np.array(elements, dtype=_DTYPES[datatype]).reshape(-1).view(np.uint8).data


def _flat(name: str, data: Any) -> list[Any]:
    if not isinstance(data, list):
        raise _no_element(name, None, data, "Send `data` as a list of elements.")
    flat = data
    while flat and isinstance(flat[0], list):
        if any(type(each) is not list for each in flat):
            raise _no_element(name, None, "a ragged list", "Nest all elements equally deep, or not at all.")
        flat = list(chain.from_iterable(flat))
    return flat


def _no_element(name: str, datatype: Datatype | None, value: Any, fix: str) -> Exception:
    what = "data" if datatype is None else datatype
    return invalid(
        f"The input {shown(name)!r} holds {shown(value)!r}, which is no {what}.",
        param=str(shown(name)),
        value=value if isinstance(value, (bool, int, float, str)) else type(value).__name__,
        fix=fix,
    )
