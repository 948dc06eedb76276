"""Whatever comes in: no 500 over HTTP, no INTERNAL or UNKNOWN over gRPC, and the server answers the next request."""

import asyncio
import secrets
from multiprocessing.shared_memory import SharedMemory
from typing import Any

import httpx
import orjson
import pytest
from google.protobuf.message import DecodeError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.gateway.grpc.inference_wire import PackedAnswer, read_request
from hypercube.gateway.handlers import inference_v2
from hypercube.gateway.http.inference_protocol import HEADER_LENGTH
from hypercube.wire.inference import service_pb2 as pb

EXAMPLES = 250
MODELS = st.sampled_from(["saju_pillars", "saju_features", "saju_compatibility", "small", "none"])
NAMES = st.sampled_from(
    [
        "utc_seconds",
        "offset_seconds",
        "pillars",
        "queries",
        "charts",
        "k",
        "text_input",
        "rows",
        "scores",
        "x",
    ]
)
DATATYPES = st.sampled_from(
    ["INT64", "INT32", "UINT8", "INT16", "BOOL", "FP16", "FP32", "FP64", "BYTES", "BF16", "", "int64"]
)
SIZES = st.one_of(st.integers(0, 5), st.sampled_from([-1, 4, 64, 2**31, 2**62, 2**63, 2**64 - 1]))
SHAPES = st.lists(SIZES, max_size=10)
NUMBERS = st.one_of(st.integers(-(2**63), 2**64 - 1), st.integers(0, 60), st.sampled_from([255, 946_695_600]))
SCALARS = st.one_of(st.none(), st.booleans(), NUMBERS, st.floats(), st.text(max_size=8))
DATA = st.one_of(
    st.lists(st.integers(0, 59), max_size=12),
    st.lists(SCALARS, max_size=8),
    st.recursive(SCALARS, lambda inner: st.lists(inner, max_size=4), max_leaves=12),
)
REGIONS = st.fixed_dictionaries(
    {"shared_memory_region": st.sampled_from(["in", "out", "none", ""])},
    optional={"shared_memory_byte_size": NUMBERS, "shared_memory_offset": NUMBERS},
)
SMALL_REGIONS = st.fixed_dictionaries(
    {
        "shared_memory_region": st.sampled_from(["in", "out"]),
        "shared_memory_byte_size": st.integers(0, 512),
        "shared_memory_offset": st.integers(0, 512),
    }
)
PARAMETERS = st.dictionaries(
    st.sampled_from(["k", "day_boundary", "timeout", "priority", "max_tokens", "stop", "temperature", "y"]),
    st.one_of(SCALARS, st.sampled_from(["zi23", 1, 10**6])),
    max_size=3,
)
INPUTS = st.fixed_dictionaries(
    {"name": NAMES, "datatype": DATATYPES, "shape": SHAPES},
    optional={
        "data": DATA,
        "parameters": st.one_of(
            REGIONS, SMALL_REGIONS, st.fixed_dictionaries({"binary_data_size": NUMBERS}), PARAMETERS, SCALARS
        ),
    },
)
CHARTS = st.builds(
    lambda name, rows, where: {"name": name, "datatype": "UINT8", "shape": [rows, 4], **where},
    st.sampled_from(["pillars", "queries", "charts"]),
    st.integers(0, 20),
    st.one_of(
        st.builds(lambda region: {"parameters": region}, SMALL_REGIONS),
        st.builds(lambda data: {"data": data}, st.lists(st.integers(0, 62), min_size=4, max_size=80)),
    ),
)
OUTPUTS = st.fixed_dictionaries(
    {"name": NAMES},
    optional={
        "parameters": st.one_of(
            REGIONS, SMALL_REGIONS, st.dictionaries(st.text(max_size=8), SCALARS, max_size=2)
        )
    },
)
DOCUMENTS = st.one_of(
    st.fixed_dictionaries(
        {"inputs": st.lists(st.one_of(INPUTS, CHARTS), max_size=4)},
        optional={
            "outputs": st.lists(OUTPUTS, max_size=3),
            "parameters": st.one_of(PARAMETERS, SCALARS),
            "id": SCALARS,
        },
    ),
    st.recursive(
        SCALARS,
        lambda inner: st.dictionaries(st.sampled_from(["inputs", "outputs", "id", "z"]), inner),
        max_leaves=6,
    ),
)
LENGTHS = st.one_of(
    st.none(), st.integers(-2, 400).map(str), st.sampled_from(["", "x", "9" * 30, "²", "1e3", " 1", "+1"])
)
fuzz = settings(
    max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


async def registered(http: httpx.AsyncClient, memory: SharedMemory) -> None:
    for name, offset in (("in", 0), ("out", 100)):  # they overlap
        body = {"key": memory.name, "offset": offset, "byte_size": 512}
        answer = await http.post(f"/v2/systemsharedmemory/region/{name}/register", json=body)
        assert answer.status_code == 200, answer.text


async def test_http(http: httpx.AsyncClient) -> None:
    seen: set[int] = set()

    async def ask(model: str, document: Any, tail: bytes, length: str | None) -> None:
        body = orjson.dumps(document)
        headers = {} if length is None else {HEADER_LENGTH.encode(): length.encode("utf-8")}
        if length == "0":
            headers = {HEADER_LENGTH.encode(): str(len(body)).encode()}
        answer = await http.post(f"/v2/models/{model}/infer", content=body + tail, headers=headers)
        assert answer.status_code in (200, 400, 404, 504), (answer.status_code, answer.text, document)
        seen.add(answer.status_code)
        if answer.status_code != 200:
            assert isinstance(answer.json()["error"], str)

    memory = SharedMemory(f"hypercube-fuzz-{secrets.token_hex(8)}", create=True, size=4_096)
    try:
        await registered(http, memory)
        loop = asyncio.get_running_loop()

        @fuzz
        @given(MODELS, DOCUMENTS, st.binary(max_size=40), LENGTHS)
        def every(model: str, document: Any, tail: bytes, length: str | None) -> None:
            asyncio.run_coroutine_threadsafe(ask(model, document, tail, length), loop).result(60)

        @fuzz
        @given(
            st.sampled_from(["saju_features", "saju_compatibility"]),
            st.lists(CHARTS, min_size=1, max_size=2),
            st.lists(OUTPUTS, max_size=1),
        )
        def charts(model: str, inputs: Any, outputs: Any) -> None:
            document = {"inputs": inputs, "outputs": outputs}
            asyncio.run_coroutine_threadsafe(ask(model, document, b"", None), loop).result(60)

        await asyncio.to_thread(every)
        await asyncio.to_thread(charts)
    finally:
        await http.post("/v2/systemsharedmemory/unregister")
        memory.close()
        memory.unlink()
    assert {200, 400, 404} <= seen, "the fuzz reaches good answers and bad ones"


@st.composite
def messages(draw: st.DrawFn) -> bytes:
    """A request message, mostly well formed, then perhaps damaged."""
    request = pb.ModelInferRequest(model_name=draw(MODELS), id=draw(st.text(max_size=4)))
    for _ in range(draw(st.integers(0, 3))):
        tensor = request.inputs.add(name=draw(NAMES), datatype=draw(DATATYPES))
        tensor.shape.extend(draw(st.lists(st.integers(-(2**63), 2**63 - 1) | st.integers(0, 4), max_size=9)))
        if draw(st.booleans()):
            request.raw_input_contents.append(draw(st.binary(max_size=64)))
        elif draw(st.booleans()):
            tensor.contents.int_contents.extend(
                draw(st.lists(st.integers(-(2**31), 2**31 - 1) | st.integers(0, 59), max_size=8))
            )
        elif draw(st.booleans()):
            tensor.contents.bytes_contents.extend(draw(st.lists(st.binary(max_size=6), max_size=3)))
    if draw(st.booleans()):
        parameter = request.parameters[draw(st.sampled_from(["k", "timeout", "stop", "temperature", "q"]))]
        match draw(st.integers(0, 5)):
            case 0:
                parameter.int64_param = draw(st.integers(-(2**63), 2**63 - 1))
            case 1:
                parameter.string_param = draw(st.text(max_size=4))
            case 2:
                parameter.double_param = draw(st.floats())
            case 3:
                parameter.bool_param = draw(st.booleans())
            case 4:
                parameter.uint64_param = draw(st.integers(0, 2**64 - 1))
    if draw(st.booleans()):
        where = request.outputs.add(name=draw(NAMES)).parameters
        where["shared_memory_region"].string_param = draw(st.text(max_size=3))
        where["shared_memory_byte_size"].int64_param = draw(st.integers(-(2**63), 2**63 - 1))
    raw = bytearray(request.SerializeToString())
    for _ in range(draw(st.integers(0, 2)) if raw else 0):
        raw[draw(st.integers(0, len(raw) - 1))] = draw(st.integers(0, 255))
    return bytes(raw[: draw(st.integers(0, len(raw)))] if draw(st.booleans()) else raw)


async def test_grpc_messages(house: Any) -> None:
    kinds: set[ErrorKind | None] = set()

    async def ask(raw: bytes) -> None:
        try:
            answer = await inference_v2.infer(house.services, read_request(raw), Call("fuzz"))
            pb.ModelInferResponse.FromString(PackedAnswer(answer).SerializeToString())
        except HyperCubeError as error:
            kinds.add(error.kind)
        else:
            kinds.add(None)

    loop = asyncio.get_running_loop()

    @fuzz
    @given(st.one_of(messages(), st.binary(max_size=60)))
    def every(raw: bytes) -> None:
        asyncio.run_coroutine_threadsafe(ask(raw), loop).result(60)

    await asyncio.to_thread(every)
    assert {ErrorKind.INVALID_ARGUMENT, ErrorKind.MODEL_NOT_FOUND} <= kinds
    assert not {ErrorKind.INTERNAL, ErrorKind.ENGINE_FAILED} & kinds


@fuzz
@given(messages())
def test_what_protobuf_reads_is_read(raw: bytes) -> None:
    """The splitter agrees with protobuf about which bytes are a message, and which are its raw contents."""
    try:
        message = pb.ModelInferRequest.FromString(raw)
    except DecodeError:
        with pytest.raises(HyperCubeError):
            read_request(raw)
        return
    try:
        request = read_request(raw)
    except HyperCubeError:
        return
    assert request.model == message.model_name
    given_raw = [bytes(each.data) for each in request.inputs if isinstance(each.data, memoryview)]
    if message.raw_input_contents:
        assert given_raw == list(message.raw_input_contents)
