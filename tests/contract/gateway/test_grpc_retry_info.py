"""google.rpc.RetryInfo beside a refusal that passes: read with message types made from its public definition."""

from typing import Any

import grpc
import grpc.aio
import pytest
from google.protobuf import any_pb2, descriptor_pb2, descriptor_pool, duration_pb2, message_factory
from google.protobuf.descriptor_pb2 import FieldDescriptorProto as Field

from hypercube.gateway.grpc.statuses import DETAILS_METADATA, retry_info

CHART = "/hypercube.v1.Saju/Chart"


def _messages() -> tuple[Any, Any]:
    """google.rpc.Status and google.rpc.RetryInfo, in a pool of their own."""
    pool = descriptor_pool.DescriptorPool()
    for known in (any_pb2, duration_pb2):
        pool.AddSerializedFile(known.DESCRIPTOR.serialized_pb)
    made = descriptor_pb2.FileDescriptorProto(
        name="retry.proto",
        package="google.rpc",
        syntax="proto3",
        dependency=[any_pb2.DESCRIPTOR.name, duration_pb2.DESCRIPTOR.name],
    )
    status = made.message_type.add(name="Status")
    status.field.add(name="code", number=1, type=Field.TYPE_INT32, label=Field.LABEL_OPTIONAL)
    status.field.add(name="message", number=2, type=Field.TYPE_STRING, label=Field.LABEL_OPTIONAL)
    details = status.field.add(name="details", number=3, label=Field.LABEL_REPEATED)
    info = made.message_type.add(name="RetryInfo")
    delay = info.field.add(name="retry_delay", number=1, label=Field.LABEL_OPTIONAL)
    for field, name in ((details, ".google.protobuf.Any"), (delay, ".google.protobuf.Duration")):
        field.type, field.type_name = Field.TYPE_MESSAGE, name
    pool.AddSerializedFile(made.SerializeToString())
    kinds = [pool.FindMessageTypeByName(f"google.rpc.{name}") for name in ("Status", "RetryInfo")]
    return message_factory.GetMessageClass(kinds[0]), message_factory.GetMessageClass(kinds[1])


STATUS, RETRY_INFO = _messages()


def delay_in(raw: bytes) -> float:
    (detail,) = STATUS.FromString(raw).details
    assert detail.type_url == "type.googleapis.com/google.rpc.RetryInfo"
    return float(RETRY_INFO.FromString(detail.value).retry_delay.ToNanoseconds() / 1e9)


@pytest.mark.parametrize("seconds", [0.0, 0.25, 1.0, 90.5])
def test_another_reader_sees_the_same_time(seconds: float) -> None:
    raw = retry_info(grpc.StatusCode.RESOURCE_EXHAUSTED, "기다려 " * 100, seconds)
    assert delay_in(raw) == seconds
    status = STATUS.FromString(raw)
    assert status.code == 8
    assert status.message.startswith("기다려 ")


async def test_while_draining(house: Any, channel: grpc.aio.Channel) -> None:
    await channel.unary_unary(CHART)(b"\x0a\x0a1990-05-03")
    house.services.traffic.drain()
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.unary_unary(CHART)(b"\x0a\x0a1990-05-03")
    assert refused.value.code() is grpc.StatusCode.UNAVAILABLE
    trailer = dict(refused.value.trailing_metadata() or ())
    assert delay_in(trailer[DETAILS_METADATA]) == house.services.traffic.retry_after_s  # type: ignore[arg-type]


async def test_what_will_never_pass_has_none(channel: grpc.aio.Channel) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as refused:
        await channel.unary_unary(CHART)(b"\x0a\x041990")
    assert DETAILS_METADATA not in dict(refused.value.trailing_metadata() or ())
