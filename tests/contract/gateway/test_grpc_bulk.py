"""Pillars in bulk over gRPC: packed columns in, packed rows out, unary and chunk by chunk."""

import asyncio
import struct
from typing import Any

import grpc
import grpc.aio
import numpy as np
import pytest

from hypercube.core.errors import Failure
from hypercube.saju import pillars
from hypercube.wire import convert
from hypercube.wire.v1 import error_pb2, saju_pb2, saju_pb2_grpc

SEOUL = struct.pack("<i", 9 * 3600)


def births(count: int, seed: int = 0) -> tuple[Any, Any]:
    random = np.random.default_rng(seed)
    utc = random.integers(-2_000_000_000, 2_500_000_000, count, dtype=np.int64)
    return utc, random.integers(-12, 15, count, dtype=np.int32) * 3600


def asks(utc: Any, offset: Any, **more: Any) -> saju_pb2.PillarsRequest:
    offset = offset if isinstance(offset, bytes) else offset.astype("<i4").tobytes()
    return saju_pb2.PillarsRequest(utc_seconds=utc.astype("<i8").tobytes(), offset_seconds=offset, **more)


def failure(error: grpc.aio.AioRpcError) -> Failure:
    for key, value in error.trailing_metadata():
        if key == "hypercube-error-bin":
            assert isinstance(value, bytes)
            return convert.error_from_proto(error_pb2.Error.FromString(value))
    raise AssertionError(f"no typed error beside {error}")


@pytest.mark.parametrize("boundary", ["midnight", "zi23", "same_day"])
async def test_rows_are_those_of_the_library(channel: grpc.aio.Channel, boundary: str) -> None:
    utc, offset = births(5_000)
    number = saju_pb2.DayBoundary.Value(f"DAY_BOUNDARY_{boundary.upper()}")
    reply = await saju_pb2_grpc.SajuStub(channel).Pillars(asks(utc, offset, day_boundary=number))
    wanted = pillars(utc, offset, day_boundary=boundary, backend="reference")
    assert reply.pillars == wanted.tobytes()
    assert not reply.HasField("error")


async def test_one_offset_for_all_and_no_births_at_all(channel: grpc.aio.Channel) -> None:
    utc, _ = births(100)
    stub = saju_pb2_grpc.SajuStub(channel)
    reply = await stub.Pillars(asks(utc, SEOUL))
    assert reply.pillars == pillars(utc, np.full(100, 32_400, np.int32), backend="reference").tobytes()
    assert (await stub.Pillars(asks(utc[:0], SEOUL))).pillars == b""
    assert (await stub.Pillars(saju_pb2.PillarsRequest())).pillars == b""


async def test_what_is_wrong_with_columns(channel: grpc.aio.Channel) -> None:
    utc, offset = births(10)
    stub = saju_pb2_grpc.SajuStub(channel)
    far = utc.copy()
    far[7] = 2**62
    for wrong, param in (
        (saju_pb2.PillarsRequest(utc_seconds=b"1234567"), "utc_seconds"),
        (saju_pb2.PillarsRequest(utc_seconds=bytes(8), offset_seconds=b"123"), "offset_seconds"),
        (asks(utc, offset[:9]), "offset_seconds"),
        (asks(utc, offset, day_boundary=9), "day_boundary"),
        (asks(far, offset), "utc_seconds"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await stub.Pillars(wrong)
        assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
        assert (failure(caught.value).param or "").startswith(param)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary("/hypercube.v1.Saju/Pillars")(b"\x0a\x7f")
    assert "no hypercube.v1.PillarsRequest message" in failure(caught.value).message
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await channel.unary_unary("/hypercube.v1.Saju/Pillars")(b"\x98\x06\x05")
    assert "Unknown field number 99" in failure(caught.value).message


async def test_chunks_are_answered_in_order_and_a_wrong_one_ends_nothing(channel: grpc.aio.Channel) -> None:
    chunks = [births(1_000 + 17 * seed, seed) for seed in range(12)]
    call = saju_pb2_grpc.SajuStub(channel).PillarsStream()

    async def send() -> None:
        for at, (utc, offset) in enumerate(chunks):
            await call.write(asks(utc, offset[:-1] if at == 5 else offset))
        await call.done_writing()

    sending = asyncio.ensure_future(send())
    replies = [reply async for reply in call]
    await sending
    assert len(replies) == len(chunks)
    for at, (reply, (utc, offset)) in enumerate(zip(replies, chunks, strict=True)):
        if at == 5:
            assert (reply.error.kind, reply.error.param) == ("invalid_argument", "offset_seconds")
            assert not reply.pillars
        else:
            assert reply.pillars == pillars(utc, offset, backend="reference").tobytes()


async def test_a_million_rows_in_one_message(channel: grpc.aio.Channel) -> None:
    utc, _ = births(1_000_000)
    reply = await saju_pb2_grpc.SajuStub(channel).Pillars(asks(utc, SEOUL))
    rows = np.frombuffer(reply.pillars, np.uint8).reshape(-1, 4)
    assert rows.shape == (1_000_000, 4)
    some = np.arange(0, 1_000_000, 997)
    wanted = pillars(utc[some], np.full(len(some), 32_400, np.int32), backend="reference")
    assert (rows[some] == wanted).all()
