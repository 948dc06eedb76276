"""Calls for which there is no room at the door are refused before anything is begun, over real sockets."""

import asyncio
import gc
from dataclasses import replace
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from hypercube.core.errors import ErrorKind, Failure
from hypercube.gateway.door_queue import FEW
from hypercube.gateway.grpc.statuses import DETAILS_METADATA, ERROR_METADATA
from hypercube.gateway.recent_refusals import RecentRefusals
from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc, error_pb2, saju_pb2, saju_pb2_grpc
from tests.contract.gateway.conftest import House, grpc_channel
from tests.contract.gateway.test_slow_clients import until

BIRTH = saju_pb2.Birth(birth="1990-05-03T07:20", sex=saju_pb2.SEX_MALE)


def fill(house: House) -> None:
    """As if `FEW` calls waited and nobody's turn came."""
    queue = house.services.line
    queue.crowded = queue._turning = True
    for _ in range(FEW):
        queue.waiting.append(lambda begin: None)
    assert queue.full


async def refused(channel: grpc.aio.Channel, *metadata: tuple[str, str]) -> grpc.aio.AioRpcError:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await saju_pb2_grpc.SajuStub(channel).Chart(BIRTH, metadata=metadata)
    return caught.value


async def test_who_finds_no_room_is_told_when_to_come_again_and_whose_call_it_was(house: House) -> None:
    async with grpc_channel(house) as channel:
        assert (await saju_pb2_grpc.SajuStub(channel).Chart(BIRTH)).HasField("pillars")
        fill(house)
        error = await refused(channel, ("x-request-id", "mine"))
        assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        trailers: Any = error.trailing_metadata()
        told = dict(trailers)
        assert told["x-request-id"] == "mine"
        assert b"google.rpc.RetryInfo" in told[DETAILS_METADATA]
        said = error_pb2.Error.FromString(told[ERROR_METADATA])
        assert said.retry_after_s == 1.0
        assert house.services.line.refused == 1
        while house.services.line.waiting:
            house.services.line.waiting.pop()
        house.services.line.crowded = False
        house.services.line._turn()
        assert (await saju_pb2_grpc.SajuStub(channel).Chart(BIRTH)).HasField("pillars")


async def test_what_a_full_queue_said_is_said_again_and_counted(house: House) -> None:
    asked = chat_pb2.ChatRequest(model="big", messages=[chat_pb2.ChatMessage(role="user", content="hi")])
    full = Failure(ErrorKind.OVERLOADED, "16 requests wait.", details={"waiting": 16}, retry_after_s=1.0)
    recent = RecentRefusals(clock=lambda: 0.0)  # however slow this machine is, no time goes by
    house = replace(house, services=replace(house.services, full_queues=recent))
    recent.ended((b"hypercube.v1.Chat/Complete", b"big", b""), full)
    async with grpc_channel(house) as channel:
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await chat_pb2_grpc.ChatStub(channel).Complete(asked)
        assert caught.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        assert caught.value.details() == "16 requests wait."
        assert recent.refused == 1
        assert (await saju_pb2_grpc.SajuStub(channel).Chart(BIRTH)).HasField("pillars")


async def test_who_watches_the_server_is_never_refused(house: House) -> None:
    async with grpc_channel(house) as channel:
        fill(house)
        health = health_pb2_grpc.HealthStub(channel)
        assert (await health.Check(health_pb2.HealthCheckRequest())).status
        async for state in health.Watch(health_pb2.HealthCheckRequest()):
            assert state.status
            break


async def test_many_refusals_leave_nothing_behind(house: House) -> None:
    async with grpc_channel(house) as channel:
        fill(house)
        gc.collect()
        gc.disable()
        try:
            await asyncio.gather(*(refused(channel) for _ in range(200)))
            await until(lambda: house.services.line.refused == 200)
            left = [each for each in gc.get_objects() if type(each).__name__ == "_ServicerContext"]
            assert not left
        finally:
            gc.enable()


async def test_a_connection_is_known_once_a_call_on_it_was_answered(house: House) -> None:
    known = house.services.acquainted
    async with grpc_channel(house) as channel:
        stub = saju_pb2_grpc.SajuStub(channel)
        with pytest.raises(grpc.aio.AioRpcError):
            await stub.Chart(saju_pb2.Birth(birth="1990-13-03"))
        assert len(known) == 0
        for _ in range(2):
            await stub.Chart(BIRTH)
        assert len(known) == 1
