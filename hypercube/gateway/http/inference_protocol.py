"""Open Inference requests over HTTP: JSON, or JSON with the tensors' bytes behind it.

The header `Inference-Header-Content-Length` says where the JSON ends. An input with `binary_data_size` takes its
bytes from there, in the order of the inputs; an output goes there when it, or the whole request, asks for it.
"""

import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from hypercube.core.errors import ErrorKind, HyperCubeError, invalid, nearest, shown
from hypercube.core.tensors import Datatype, Parameter
from hypercube.gateway.handlers.inference_types import InferAnswer, InferRequest, InputTensor, WantedOutput
from hypercube.gateway.http.responses import encode, json_response
from hypercube.gateway.shared_memory import RegionSlice
from hypercube.gateway.tensor_elements import read_elements, write_elements

HEADER_LENGTH: Final = "inference-header-content-length"
BINARY: Final = "application/octet-stream"
_REQUEST: Final = frozenset({"id", "parameters", "inputs", "outputs", "model_name", "model_version"})
_INPUT: Final = frozenset({"name", "datatype", "shape", "parameters", "data"})
_OUTPUT: Final = frozenset({"name", "parameters", "datatype", "shape"})
_REGION: Final = ("shared_memory_region", "shared_memory_offset", "shared_memory_byte_size")
_IN_INPUT: Final = frozenset({*_REGION, "binary_data_size"})
_IN_OUTPUT: Final = frozenset({*_REGION, "binary_data", "classification"})


@dataclass(frozen=True, slots=True)
class HttpInfer:
    """A request, and which of its outputs go behind the JSON: by name, else `all_binary`."""

    request: InferRequest
    binary: Mapping[str, bool]
    all_binary: bool


def read_infer(
    body: bytes, headers: Iterable[tuple[bytes, bytes]], model: str, version: str, *, limit: int
) -> HttpInfer:
    """The request in a body; `limit` bounds what a compressed one may become.

    Raises:
        HyperCubeError: INVALID_ARGUMENT; PAYLOAD_TOO_LARGE.
    """
    given = {name: value for name, value in headers if name in (HEADER_LENGTH.encode(), b"content-encoding")}
    whole = _decompressed(body, given.get(b"content-encoding", b""), limit)
    split = _header_length(given.get(HEADER_LENGTH.encode()), len(whole))
    document = read_object(whole[:split], "The request", _REQUEST)
    parameters = dict(_parameters(document, "parameters"))
    all_binary = _flag(parameters.pop("binary_data_output", False), "parameters.binary_data_output")
    tail = whole[split:]
    inputs, at = [], 0
    for row, entry in enumerate(_entries(document, "inputs", _INPUT)):
        tensor, taken = _input(entry, f"inputs[{row}]", tail[at:])
        inputs.append(tensor)
        at += taken
    if at != len(tail):
        raise invalid(
            f"{len(tail):,} bytes follow the JSON, and the inputs take {at:,}.",
            param=HEADER_LENGTH,
            value=len(tail),
            fix="Give each such input its `binary_data_size`; without one, leave the header out.",
        )
    outputs, binary = [], {}
    for row, entry in enumerate(_entries(document, "outputs", _OUTPUT)):
        where = f"outputs[{row}]"
        of_output = _parameters(entry, f"{where}.parameters", _IN_OUTPUT)
        if of_output.get("classification"):
            raise invalid(
                "No model here has classes.", param=f"{where}.parameters.classification", fix="Leave it out."
            )
        name = _text(entry, "name", where)
        outputs.append(WantedOutput(name, _region(of_output, where)))
        binary[name] = _flag(of_output.get("binary_data", all_binary), f"{where}.parameters.binary_data")
    request = InferRequest(
        model, version, _text(document, "id", "", ""), tuple(inputs), parameters, tuple(outputs)
    )
    return HttpInfer(request, binary, all_binary)


def write_answer(answer: InferAnswer, asked: HttpInfer) -> Response:
    """The answer as it was asked for.

    Raises:
        HyperCubeError: INVALID_ARGUMENT for an output too large for JSON.
    """
    tail: list[memoryview] = []
    outputs: list[dict[str, Any]] = []
    for output in answer.outputs:
        tensor = output.tensor
        shown_output: dict[str, Any] = {
            "name": tensor.name,
            "datatype": tensor.datatype.value,
            "shape": list(tensor.shape),
        }
        if output.region is not None:
            where = output.region
            values = (where.region, where.offset, where.byte_size)
            shown_output["parameters"] = dict(zip(_REGION, values, strict=True))
        elif asked.binary.get(tensor.name, asked.all_binary):
            shown_output["parameters"] = {"binary_data_size": len(tensor.data)}
            tail.append(tensor.data)
        else:
            shown_output["data"] = write_elements(tensor)
        outputs.append(shown_output)
    body: dict[str, Any] = {"model_name": answer.model, "model_version": answer.version}
    if answer.id:
        body["id"] = answer.id
    if answer.parameters:
        body["parameters"] = dict(answer.parameters)
    body["outputs"] = outputs
    return BinaryResponse(encode(body), tail) if tail else json_response(body)


class BinaryResponse(Response):
    """JSON and the tensors behind it, each sent from where it lies."""

    def __init__(self, header: bytes, tail: Sequence[memoryview]) -> None:
        super().__init__(media_type=BINARY)
        self.headers[HEADER_LENGTH] = str(len(header))
        self.headers["content-length"] = str(len(header) + sum(map(len, tail)))
        self._chunks = (header, *tail)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Send the parts."""
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        for chunk in self._chunks:
            await send({"type": "http.response.body", "body": chunk, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def _input(entry: Mapping[str, Any], where: str, tail: memoryview) -> tuple[InputTensor, int]:
    """One input, and how many bytes of the tail it took."""
    name, kind = _text(entry, "name", where), _text(entry, "datatype", where)
    shape = entry.get("shape")
    if not isinstance(shape, list) or any(type(each) is not int for each in shape):
        raise invalid(
            f"{where}.shape is {shown(shape)!r}.",
            param=f"{where}.shape",
            value=shape,
            fix="Send a list of whole numbers.",
        )
    parameters = _parameters(entry, f"{where}.parameters", _IN_INPUT)
    region = _region(parameters, where)
    size = parameters.get("binary_data_size")
    sources = [
        word
        for word, there in (
            ("data", "data" in entry),
            ("binary_data_size", size is not None),
            ("shared_memory_region", region is not None),
        )
        if there
    ]
    if len(sources) != 1:
        raise invalid(
            f"{where} has {' and '.join(sources) or 'no data'}.",
            param=where,
            value=name,
            fix="Send exactly one of data, parameters.binary_data_size and parameters.shared_memory_region.",
        )
    if region is not None:
        return InputTensor(name, kind, tuple(shape), region), 0
    if size is None:
        try:
            datatype = Datatype(kind)
        except ValueError:
            return InputTensor(name, kind, tuple(shape), memoryview(b"")), 0  # refused by name later
        return InputTensor(name, kind, tuple(shape), read_elements(name, datatype, entry["data"])), 0
    if type(size) is not int or not 0 <= size <= len(tail):
        raise invalid(
            f"{where}.parameters.binary_data_size is {shown(size)!r}, and {len(tail):,} bytes are left.",
            param=f"{where}.parameters.binary_data_size",
            value=size,
            fix="Put the bytes behind the JSON and send the header Inference-Header-Content-Length.",
        )
    return InputTensor(name, kind, tuple(shape), tail[:size]), size


def _region(parameters: Mapping[str, Parameter], where: str) -> RegionSlice | None:
    name = parameters.get(_REGION[0])
    if name is None:
        return None
    offset, size = parameters.get(_REGION[1], 0), parameters.get(_REGION[2])
    if type(name) is not str or type(offset) is not int or type(size) is not int:
        raise invalid(
            f"{where} names shared memory without its place.",
            param=f"{where}.parameters",
            value=shown(str(dict(parameters))),
            fix="Send shared_memory_region as text, shared_memory_byte_size and shared_memory_offset as whole numbers.",
        )
    return RegionSlice(name, offset, size)


def read_object(body: bytes | memoryview, what: str, known: frozenset[str]) -> dict[str, Any]:
    """A JSON object of known fields; INVALID_ARGUMENT."""
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise invalid(f"{what} is not JSON: {error}.", fix="Send a JSON object.") from None
    return _known_fields(document, what, "", known)


def _known_fields(value: Any, what: str, where: str, known: frozenset[str]) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise invalid(f"{what} is no object.", param=where or None, fix="Send a JSON object.")
    for name in value:
        if name not in known:
            like = nearest(name, known)
            raise invalid(
                f"{what} has an unknown field {shown(name)!r}.",
                param=f"{where}.{shown(name)}".removeprefix("."),
                value=name,
                fix=f"Did you mean {like!r}?" if like else f"Fields: {', '.join(sorted(known))}.",
            )
    return value


def _entries(document: Mapping[str, Any], field: str, known: frozenset[str]) -> list[dict[str, Any]]:
    listed = document.get(field, [])
    if not isinstance(listed, list):
        raise invalid(f"{field} is no list.", param=field, value=listed, fix="Send a list of tensors.")
    return [
        _known_fields(each, f"{field}[{row}]", f"{field}[{row}]", known) for row, each in enumerate(listed)
    ]


def _parameters(
    document: Mapping[str, Any], where: str, known: frozenset[str] | None = None
) -> dict[str, Parameter]:
    found = document.get("parameters", {})
    if known is not None or not isinstance(found, dict):
        found = _known_fields(found, where, where, known or frozenset())
    for name, value in found.items():
        if not isinstance(value, (bool, int, float, str)):
            raise invalid(
                f"{where}.{shown(name)} is {shown(value)!r}.",
                param=f"{where}.{shown(name)}",
                value=value,
                fix="Send a text, a number, true or false.",
            )
    return dict(found)


def _text(document: Mapping[str, Any], field: str, where: str, default: str | None = None) -> str:
    value = document.get(field, default)
    if isinstance(value, str):
        return value
    path = f"{where}.{field}".removeprefix(".")
    raise invalid(f"{path} is {shown(value)!r}.", param=path, value=value, fix="Send a text.")


def _flag(value: Parameter, where: str) -> bool:
    if isinstance(value, bool):
        return value
    raise invalid(f"{where} is {shown(value)!r}.", param=where, value=value, fix="Send true or false.")


def _header_length(given: bytes | None, size: int) -> int:
    if given is None:
        return size
    text = given.decode("latin-1")
    length = int(text) if text.isascii() and text.isdigit() and len(text) < 20 else -1
    if not 0 <= length <= size:
        raise invalid(
            f"Inference-Header-Content-Length is {shown(text)!r}, and the body has {size:,} bytes.",
            param=HEADER_LENGTH,
            value=text,
            fix="Send the length of the JSON that the body begins with.",
        )
    return length


def _decompressed(body: bytes, encoding: bytes, limit: int) -> memoryview:
    word = encoding.decode("latin-1").strip().lower()
    if word in ("", "identity"):
        return memoryview(body)
    if word not in ("gzip", "deflate"):
        raise invalid(
            f"The body is encoded as {shown(word)!r}.",
            param="content-encoding",
            value=word,
            fix="Send it as it is, or encoded as gzip or deflate.",
        )
    inflater = zlib.decompressobj(zlib.MAX_WBITS | 32)  # finds out which of the two it is
    try:
        whole = inflater.decompress(body, limit + 1)
    except zlib.error as error:
        raise invalid(
            f"The body is no {word}: {error}.",
            param="content-encoding",
            value=word,
            fix="Send what the header says.",
        ) from None
    if len(whole) > limit:
        raise HyperCubeError(
            ErrorKind.PAYLOAD_TOO_LARGE,
            f"The body becomes more than {limit:,} bytes.",
            value=len(body),
            fix="Send fewer rows in one request, or use gRPC or shared memory.",
        )
    if not inflater.eof:
        raise invalid(
            "The compressed body is cut off.", param="content-encoding", value=word, fix="Send all of it."
        )
    return memoryview(whole)
