"""A bare grpc.aio echo: a `Birth` in, a message of the size of a chart out.

    python -m benchmarks.gateway.server_grpc PORT PADDING

The method is declared with protobuf's own reader and writer, as generated servicers do; the loop is uvloop's.
"""

import asyncio
import sys
from typing import Any

import grpc
import grpc.aio
import uvloop

from hypercube.wire.v1 import saju_pb2


async def serve(port: int, padding: int) -> None:
    """Serve until ended."""
    text = "x" * padding

    async def echo(request: saju_pb2.Birth, context: Any) -> saju_pb2.ChartReply:
        return saju_pb2.ChartReply(notes=[text], options=saju_pb2.ChartOptions(place=request.place))

    server = grpc.aio.server()
    method = grpc.unary_unary_rpc_method_handler(
        echo,
        request_deserializer=saju_pb2.Birth.FromString,
        response_serializer=saju_pb2.ChartReply.SerializeToString,
    )
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("hypercube.v1.Saju", {"Chart": method}),)
    )
    server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    await server.wait_for_termination()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(serve(int(sys.argv[1]), int(sys.argv[2])))
