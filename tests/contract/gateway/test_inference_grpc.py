"""inference.GRPCInferenceService: typed and raw tensors, streams, and refusals; messages made by protobuf itself."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel
from hypercube.gateway.grpc.inference_wire import read_request
from hypercube.kernels.features import features
from hypercube.kernels.pillars import pillars
from hypercube.wire.inference import service_pb2 as pb
from hypercube.wire.inference import service_pb2_grpc

UTC = np.random.default_rng(9).integers(-2_208_988_800, 2_556_144_000, 5_000)
KOREA = 32_400
CHARTS = pillars(UTC, KOREA, backend="reference")
Tensor = pb.ModelInferRequest.InferInputTensor


@pytest.fixture
def stub(channel: grpc.aio.Channel) -> Any:
    return service_pb2_grpc.GRPCInferenceServiceStub(channel)


def raw_births(rows: int) -> pb.ModelInferRequest:
    return pb.ModelInferRequest(
        model_name="saju_pillars",
        id="7",
        inputs=[
            Tensor(name="utc_seconds", datatype="INT64", shape=[rows]),
            Tensor(name="offset_seconds", datatype="INT32", shape=[1]),
        ],
        raw_input_contents=[UTC[:rows].tobytes(), np.int32(KOREA).tobytes()],
    )


def text_request(text: str, **parameters: Any) -> pb.ModelInferRequest:
    request = pb.ModelInferRequest(
        model_name="small",
        inputs=[
            Tensor(
                name="text_input",
                datatype="BYTES",
                shape=[1],
                contents=pb.InferTensorContents(bytes_contents=[text.encode()]),
            )
        ],
    )
    for name, value in parameters.items():
        request.parameters[name].CopyFrom(value)
    return request


@pytest.mark.parametrize("rows", [0, 1, 300, 5_000])
async def test_raw_tensors(stub: Any, rows: int) -> None:
    answer = await stub.ModelInfer(raw_births(rows))
    assert (answer.model_name, answer.model_version, answer.id) == ("saju_pillars", "1", "7")
    (output,) = answer.outputs
    assert (output.name, output.datatype, list(output.shape)) == ("pillars", "UINT8", [rows, 4])
    assert answer.raw_output_contents == [CHARTS[:rows].tobytes()]


async def test_typed_tensors(stub: Any) -> None:
    request = pb.ModelInferRequest(
        model_name="saju_pillars",
        inputs=[
            Tensor(
                name="utc_seconds",
                datatype="INT64",
                shape=[5],
                contents=pb.InferTensorContents(int64_contents=UTC[:5].tolist()),
            ),
            Tensor(
                name="offset_seconds",
                datatype="INT32",
                shape=[1],
                contents=pb.InferTensorContents(int_contents=[KOREA]),
            ),
        ],
    )
    request.parameters["day_boundary"].string_param = "zi23"
    answer = await stub.ModelInfer(request)
    assert (
        answer.raw_output_contents[0]
        == pillars(UTC[:5], KOREA, day_boundary="zi23", backend="reference").tobytes()
    )
    charts = Tensor(
        name="pillars",
        datatype="UINT8",
        shape=[5, 4],
        contents=pb.InferTensorContents(uint_contents=CHARTS[:5].reshape(-1).tolist()),
    )
    answer = await stub.ModelInfer(pb.ModelInferRequest(model_name="saju_features", inputs=[charts]))
    assert answer.raw_output_contents[0] == features(CHARTS[:5], backend="reference").tobytes()


async def test_a_stream_of_kernel_requests_keeps_their_order(stub: Any) -> None:
    rows = [3, 5_000, 1, 0, 700]
    stream = stub.ModelStreamInfer(iter([raw_births(each) for each in rows]))
    answers = [answer.infer_response async for answer in stream]
    assert [answer.outputs[0].shape[0] for answer in answers] == rows
    for row, answer in zip(rows, answers, strict=True):
        assert answer.raw_output_contents == [CHARTS[:row].tobytes()]
        assert answer.parameters["triton_final_response"].bool_param


async def test_a_text_comes_piece_by_piece(stub: Any) -> None:
    stream = stub.ModelStreamInfer(iter([text_request("사주 를 보아라"), text_request("둘째")]))
    pieces = [answer.infer_response async for answer in stream]
    texts = [piece.raw_output_contents[0][4:].decode() for piece in pieces]
    assert texts == ["사주", " 를", " 보아라", "", "둘째", ""]
    final = [piece.parameters["triton_final_response"].bool_param for piece in pieces]
    assert final == [False, False, False, True, False, True]
    assert pieces[3].parameters["finish_reason"].string_param == "stop"
    assert pieces[3].parameters["completion_tokens"].int64_param == 3


async def test_a_stream_outlives_a_failed_request(stub: Any) -> None:
    wrong = raw_births(3)
    wrong.raw_input_contents.append(b"1")
    unknown = pb.ModelInferRequest(model_name="none")
    broken = text_request("!break")
    stream = stub.ModelStreamInfer(iter([wrong, unknown, broken, raw_births(2)]))
    answers = [answer async for answer in stream]
    errors = [answer.error_message for answer in answers]
    assert "3 raw_input_contents" in errors[0]
    assert "No model 'none'" in errors[1]
    assert errors[2] == ""
    assert "engine died" in errors[3]
    assert errors[4] == ""
    assert answers[4].infer_response.raw_output_contents == [CHARTS[:2].tobytes()]


async def test_leaving_a_stream_stops_the_model(stub: Any, house: Any) -> None:
    stream = stub.ModelStreamInfer(iter([text_request("!wait forever")]))
    await stream.read()
    assert house.engine.active == 1
    stream.cancel()
    await house.engine.closed.wait()
    assert house.engine.active == 0


async def test_a_text_whole_and_its_statistics(stub: Any) -> None:
    answer = await stub.ModelInfer(text_request("하나 둘 셋", max_tokens=pb.InferParameter(int64_param=2)))
    assert answer.raw_output_contents[0][4:].decode() == "하나 둘"
    assert answer.parameters["finish_reason"].string_param == "length"
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ModelInfer(text_request("하나", max_tokens=pb.InferParameter(string_param="2")))
    assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    (found,) = (await stub.ModelStatistics(pb.ModelStatisticsRequest(name="small"))).model_stats
    assert (found.inference_stats.success.count, found.inference_stats.fail.count) == (1, 1)
    every = await stub.ModelStatistics(pb.ModelStatisticsRequest())
    assert len(every.model_stats) == 4


async def test_vectors_of_texts(stub: Any, house: Any) -> None:
    status = EngineStatus(EngineState.READY, "scripted")
    encoder = ServedModel("small", "scripted", 64, "Apache-2.0", 1, status, (Capability.EMBED,))
    house.engine.models = lambda: (encoder,)
    texts = Tensor(name="text", datatype="BYTES", shape=[2])
    packed = b"".join(len(each).to_bytes(4, "little") + each for each in ("사주".encode(), b"four"))
    answer = await stub.ModelInfer(
        pb.ModelInferRequest(model_name="small", inputs=[texts], raw_input_contents=[packed])
    )
    assert answer.outputs[0].datatype == "FP32"
    vectors = np.frombuffer(answer.raw_output_contents[0], np.float32).reshape(answer.outputs[0].shape)
    assert len(vectors) == 2
    assert not np.array_equal(vectors[0], vectors[1])


async def test_metadata_config_repository_and_health(stub: Any, channel: grpc.aio.Channel) -> None:
    assert (await stub.ServerLive(pb.ServerLiveRequest())).live
    assert (await stub.ServerReady(pb.ServerReadyRequest())).ready
    assert "system_shared_memory" in (await stub.ServerMetadata(pb.ServerMetadataRequest())).extensions
    assert (await stub.ModelReady(pb.ModelReadyRequest(name="saju_features", version="1"))).ready
    shown = await stub.ModelMetadata(pb.ModelMetadataRequest(name="saju_compatibility"))
    assert [(each.name, list(each.shape)) for each in shown.inputs] == [
        ("queries", [-1, 4]),
        ("charts", [-1, 4]),
        ("k", [1]),
    ]
    config = (await stub.ModelConfig(pb.ModelConfigRequest(name="small"))).config
    assert config.model_transaction_policy.decoupled
    assert config.max_batch_size == 0
    index = await stub.RepositoryIndex(pb.RepositoryIndexRequest(ready=True))
    assert len(index.models) == 4
    await stub.RepositoryModelLoad(pb.RepositoryModelLoadRequest(model_name="small"))
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.RepositoryModelUnload(pb.RepositoryModelUnloadRequest(model_name="saju_pillars"))
    assert refused.value.code() is grpc.StatusCode.FAILED_PRECONDITION
    health = health_pb2_grpc.HealthStub(channel)  # type: ignore[no-untyped-call]
    service = "inference.GRPCInferenceService"
    answer = await health.Check(health_pb2.HealthCheckRequest(service=service))
    assert answer.status == health_pb2.HealthCheckResponse.SERVING


async def test_cuda_memory_is_refused_by_name(stub: Any) -> None:
    assert not (await stub.CudaSharedMemoryStatus(pb.CudaSharedMemoryStatusRequest())).regions
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.CudaSharedMemoryRegister(pb.CudaSharedMemoryRegisterRequest(name="x"))
    assert refused.value.code() is grpc.StatusCode.UNIMPLEMENTED
    assert "SystemSharedMemoryRegister" in str(refused.value.details())


def _typed(**contents: Any) -> Tensor:
    return Tensor(
        name="offset_seconds", datatype="INT32", shape=[1], contents=pb.InferTensorContents(**contents)
    )


def _without_raw(request: pb.ModelInferRequest) -> None:
    del request.raw_input_contents[1]


def _typed_beside_raw(request: pb.ModelInferRequest) -> None:
    request.inputs[1].CopyFrom(_typed(int_contents=[1]))


def _wrong_field(request: pb.ModelInferRequest) -> None:
    del request.raw_input_contents[:]
    request.inputs[1].CopyFrom(_typed(int64_contents=[1]))


def _too_wide(request: pb.ModelInferRequest) -> None:
    del request.raw_input_contents[:]
    request.inputs[1].CopyFrom(_typed(int_contents=[2**20]))
    request.inputs[1].datatype = "INT16"


def _no_value(request: pb.ModelInferRequest) -> None:
    request.parameters["day_boundary"].SetInParent()


def _odd_parameter(request: pb.ModelInferRequest) -> None:
    request.inputs[0].parameters["binary_data_size"].int64_param = 3


def _no_region(request: pb.ModelInferRequest) -> None:
    request.outputs.add(name="pillars").parameters["shared_memory_region"].string_param = "nowhere"


def _unknown_region(request: pb.ModelInferRequest) -> None:
    _no_region(request)
    request.outputs[0].parameters["shared_memory_byte_size"].int64_param = 3


def _classes(request: pb.ModelInferRequest) -> None:
    request.outputs.add(name="pillars").parameters["classification"].int64_param = 3


def _half(request: pb.ModelInferRequest) -> None:
    request.inputs[0].datatype = "FP16"


@pytest.mark.parametrize(
    ("spoil", "code", "said"),
    [
        (_without_raw, grpc.StatusCode.INVALID_ARGUMENT, "2 inputs come with 1"),
        (_typed_beside_raw, grpc.StatusCode.INVALID_ARGUMENT, "2 inputs come with 2"),
        (_wrong_field, grpc.StatusCode.INVALID_ARGUMENT, "Put them into int_contents"),
        (_too_wide, grpc.StatusCode.INVALID_ARGUMENT, "no INT16"),
        (_no_value, grpc.StatusCode.INVALID_ARGUMENT, "has no value"),
        (_odd_parameter, grpc.StatusCode.INVALID_ARGUMENT, "takes no parameter 'binary_data_size'"),
        (_no_region, grpc.StatusCode.INVALID_ARGUMENT, "without its place"),
        (_unknown_region, grpc.StatusCode.NOT_FOUND, "Register it first"),
        (_classes, grpc.StatusCode.INVALID_ARGUMENT, "has classes"),
        (_half, grpc.StatusCode.INVALID_ARGUMENT, "Send INT64"),
    ],
)
async def test_what_is_wrong_is_said(
    stub: Any, spoil: Callable[[pb.ModelInferRequest], None], code: grpc.StatusCode, said: str
) -> None:
    request = raw_births(3)
    spoil(request)
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await stub.ModelInfer(request)
    assert refused.value.code() is code
    assert said in str(refused.value.details())


async def test_bytes_that_are_no_message(channel: grpc.aio.Channel) -> None:
    call = channel.unary_unary("/inference.GRPCInferenceService/ModelInfer")
    whole = raw_births(3).SerializeToString()
    for broken in (
        whole[:-1],
        b"\xff" * 12,
        b"\x3a\xff\xff\xff\xff\xff\xff\xff\xff\x7f",
        b"\x0b",
        b"\x00",
        b"\x80",
    ):
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await call(broken)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT, broken


async def test_an_answer_too_large_for_a_message_is_refused_before_the_work(
    house: Any, grpc_listen: Any
) -> None:
    async with grpc_listen(house.with_limits(max_message_bytes=(1 << 20) + 64_000)) as channel:
        stub: Any = service_pb2_grpc.GRPCInferenceServiceStub(channel)
        tensor = Tensor(name="pillars", datatype="UINT8", shape=[1_001, 4])
        request = pb.ModelInferRequest(
            model_name="saju_features", inputs=[tensor], raw_input_contents=[CHARTS[:1_001].tobytes()]
        )
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await stub.ModelInfer(request)
        assert refused.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert "shared memory" in str(refused.value.details())


def test_the_raw_contents_are_not_copied() -> None:
    raw = raw_births(2_000).SerializeToString()
    (utc, _) = read_request(raw).inputs
    assert isinstance(utc.data, memoryview)
    assert utc.data.obj is raw


async def test_requests_answered_together_are_answered_apart(stub: Any) -> None:
    async def one(rows: int) -> None:
        answer = await stub.ModelInfer(raw_births(rows))
        assert answer.raw_output_contents == [CHARTS[:rows].tobytes()]

    await asyncio.gather(*(one(rows) for rows in range(1, 65)))


async def _never() -> AsyncIterator[pb.ModelInferRequest]:
    return
    yield


async def test_an_empty_stream_ends(stub: Any) -> None:
    assert [answer async for answer in stub.ModelStreamInfer(_never())] == []
