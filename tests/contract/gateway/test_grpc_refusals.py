"""A call that is refused leaves nothing that only the garbage collector would find."""

import gc
from collections.abc import Callable
from typing import Any

import grpc.aio
import pytest
from grpc.aio import AbortError

from hypercube.core.errors import HyperCubeError

CALLS = 20


async def fails(call: Any, code: grpc.StatusCode) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    assert caught.value.code() is code


@pytest.mark.parametrize("streams", [False, True], ids=["one answer", "a stream of answers"])
@pytest.mark.parametrize("why", ["wrong", "no message", "late"])
async def test_a_refused_call_leaves_no_circle(
    house: Any, grpc_listen: Callable[[Any], Any], why: str, streams: bool
) -> None:
    async with grpc_listen(house.with_limits(message_s=0.05)) as channel:
        method = "Chat/Stream" if streams else "Saju/Chart"
        open_ = channel.stream_stream if streams else channel.stream_unary
        make = open_(f"/hypercube.v1.{method}")

        async def refuse() -> None:
            code = grpc.StatusCode.INVALID_ARGUMENT
            call = make(timeout=60)
            if why == "wrong":
                await call.write(b"\xff\xff")
            if why == "late":
                code = grpc.StatusCode.DEADLINE_EXCEEDED
            else:
                await call.done_writing()
            await fails(call.read() if streams else call, code)

        await refuse()
        gc.collect()
        gc.disable()
        try:
            for _ in range(CALLS):
                await refuse()
            left = sum(isinstance(each, AbortError | HyperCubeError) for each in gc.get_objects())
        finally:
            gc.enable()
        assert left <= 2  # the last one may be on its way out
