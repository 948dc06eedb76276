"""An idle connection stays up: the server must not take the client's keep-alive pings for an attack."""

import asyncio

import grpc
import grpc.aio
import pytest

from hypercube.client import _channel as channel
from hypercube.client import _constants as const
from hypercube.gateway.grpc import server as gateway
from hypercube.gateway.services import Limits

PINGS = 6
"""gRPC's default policy ends the connection at the fourth ping that came too soon."""


@pytest.mark.slow
async def test_an_idle_connection_stays_up() -> None:
    server = grpc.aio.server(options=gateway._options(Limits(), share_port=False))
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    try:
        async with grpc.aio.insecure_channel(target, options=channel.channel_options(target)) as opened:
            await asyncio.wait_for(opened.channel_ready(), 10.0)
            lost = opened.wait_for_state_change(grpc.ChannelConnectivity.READY)
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(lost, PINGS * const.KEEPALIVE_TIME_S + 1)
            assert opened.get_state() is grpc.ChannelConnectivity.READY
    finally:
        await server.stop(None)
