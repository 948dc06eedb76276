"""How a front-end leaves while others go on, so that nobody loses an answer.

It takes no new connections, answers what comes on those that it has, and says `connection: close` with each answer.
A connection is only closed by its client's doing, or when it was idle for so long that it would be closed anyway.
gRPC says it with GOAWAY.
"""

import asyncio
import contextlib
from typing import Any, Final

import grpc.aio

from hypercube.app.listening import HttpServer
from hypercube.gateway.traffic import Traffic

_LOOK_S: Final = 0.05
_MUTE_S: Final = 6.0
"""A connection on which nothing was ever asked is closed after this; others close after 5 s without a request."""
_CLOSE: Final = (b"connection", b"close")
_STREAMS_S: Final = 1.0
"""For gRPC streams that no request is behind, such as a health watch."""


async def retire(http: HttpServer, rpc: grpc.aio.Server, traffic: Traffic, limit_s: float) -> bool:
    """Return when nobody is left, or after `limit_s`; whether nobody is left."""
    stopping = asyncio.create_task(rpc.stop(limit_s))
    for server in http.servers:
        server.close()
    _be_polite(http)
    loop = asyncio.get_running_loop()
    began = loop.time()
    try:
        async with asyncio.timeout(limit_s):
            while http.connected or traffic.in_flight:
                await asyncio.sleep(_LOOK_S)
                _be_polite(http)
                if loop.time() - began > _MUTE_S:
                    http.turn_out()
    except TimeoutError:
        return False
    finally:
        await rpc.stop(_STREAMS_S)
        with contextlib.suppress(asyncio.CancelledError):
            await stopping
    return True


def _be_polite(http: HttpServer) -> None:
    """Say `connection: close` with every answer that has not begun."""
    if _CLOSE not in http.config.encoded_headers:
        http.config.encoded_headers.append(_CLOSE)  # the server makes its default headers anew each second
        http.server_state.default_headers = [*http.server_state.default_headers, _CLOSE]
    connections: list[Any] = list(http.server_state.connections)
    for connection in connections:
        cycle = connection.cycle
        # An answer that began has promised to keep the connection, and keeps it: the next one says otherwise.
        if cycle is not None and not cycle.response_started:
            cycle.keep_alive = False
