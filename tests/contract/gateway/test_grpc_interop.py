"""gRPC's interop cases under their own names.

`grpc.testing.TestService` is mounted on our server through the machinery that every method of ours goes through, so
what is tried is our decoding, deadlines, cancellation and statuses. Two things of gRPC's servers we have not: calls
whose requests stream into one answer (`cancel_after_begin` uses the stream each way instead), and a status in the
middle of a stream each way (there a failed request is told in a message, and the stream goes on).
"""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any

import grpc
import grpc.aio
import pytest

from hypercube.core.cube import Call
from hypercube.core.errors import ErrorKind, Failure, HyperCubeError
from hypercube.gateway.deadlines import within
from hypercube.gateway.errors import GRPC
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.grpc.decoding import decode
from hypercube.gateway.grpc.methods import Duplex, Methods, Streaming, Unary
from hypercube.gateway.grpc.rpc import handlers
from hypercube.gateway.services import GatewayServices
from tests.contract.gateway import interop_messages as pb

SERVICE = "grpc.testing.TestService"
REQUEST_SIZES = (27182, 8, 1828, 45904)
RESPONSE_SIZES = (31415, 9, 2653, 58979)
WAIT = 20.0
KINDS = {GRPC[kind]: kind for kind in ErrorKind}
"""A kind for each status that our server can give."""


def limit(services: GatewayServices) -> float:
    return 60.0


def payload(size: int) -> Any:
    return pb.Payload(body=bytes(size))


def check_status(request: Any) -> None:
    if request.HasField("response_status"):
        status = next(code for code in grpc.StatusCode if code.value[0] == request.response_status.code)
        raise HyperCubeError(KINDS[status], request.response_status.message)


async def empty_call(services: GatewayServices, request: Any, call: Call) -> Any:
    return pb.Empty()


async def unary_call(services: GatewayServices, request: Any, call: Call) -> Any:
    check_status(request)
    return pb.SimpleResponse(payload=payload(request.response_size))


async def output_call(services: GatewayServices, request: Any, call: Call) -> AsyncIterator[Any]:
    check_status(request)
    return pieces(services, request, call)


async def pieces(services: GatewayServices, request: Any, call: Call) -> AsyncIterator[Any]:
    for wanted in request.response_parameters:
        if wanted.interval_us:
            async with within(call, services.clock):
                await asyncio.sleep(wanted.interval_us / 1e6)
        yield pb.StreamingOutputCallResponse(payload=payload(wanted.size))


def failed(failure: Failure) -> Any:
    return pb.StreamingOutputCallResponse(payload=pb.Payload(body=failure.kind.value.encode()))


METHODS: Methods = {
    "EmptyCall": Unary(pb.Empty, empty_call, limit),
    "UnaryCall": Unary(pb.SimpleRequest, unary_call, limit),
    "StreamingOutputCall": Streaming(pb.StreamingOutputCallRequest, output_call, limit),
    "FullDuplexCall": Duplex(partial(decode, pb.StreamingOutputCallRequest), output_call, failed, limit),
}


@dataclass
class Interop:
    """A client of the test service."""

    target: str
    channel: grpc.aio.Channel
    finished: "asyncio.Queue[tuple[str, str]]" = field(default_factory=asyncio.Queue)

    def unary(self, name: str, reply: Any, service: str = SERVICE) -> Any:
        return unary_on(self.channel, name, reply, service)

    def output(self) -> Any:
        return self.channel.unary_stream(
            f"/{SERVICE}/StreamingOutputCall",
            pb.StreamingOutputCallRequest.SerializeToString,
            pb.StreamingOutputCallResponse.FromString,
        )

    def duplex(self, **options: Any) -> Any:
        return self.channel.stream_stream(
            f"/{SERVICE}/FullDuplexCall",
            pb.StreamingOutputCallRequest.SerializeToString,
            pb.StreamingOutputCallResponse.FromString,
        )(**options)


def unary_on(channel: grpc.aio.Channel, name: str, reply: Any, service: str = SERVICE) -> Any:
    return channel.unary_unary(
        f"/{service}/{name}", lambda message: message.SerializeToString(), reply.FromString
    )


@pytest.fixture
async def interop(house: Any) -> AsyncIterator[Interop]:
    finished: asyncio.Queue[tuple[str, str]] = asyncio.Queue()
    services = replace(
        house.services,
        observe=lambda transport, route, outcome, seconds: finished.put_nowait((route, outcome)),
    )
    server = create_grpc_server(services)
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler(SERVICE, handlers(services, SERVICE, METHODS)),)
    )
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(target) as channel:
        yield Interop(target, channel, finished)
    await server.stop(None)


def asks(*sizes: int, body: int = 0, interval_us: int = 0) -> Any:
    return pb.StreamingOutputCallRequest(
        response_parameters=[pb.ResponseParameters(size=size, interval_us=interval_us) for size in sizes],
        payload=payload(body),
    )


async def test_empty_unary(interop: Interop) -> None:
    call = interop.unary("EmptyCall", pb.Empty)(pb.Empty())
    assert (await call).ByteSize() == 0
    assert await call.code() is grpc.StatusCode.OK


async def large_unary(channel: grpc.aio.Channel, **options: Any) -> None:
    request = pb.SimpleRequest(response_size=314159, payload=payload(271828))
    reply = await unary_on(channel, "UnaryCall", pb.SimpleResponse)(request, **options)
    assert reply.payload.body == bytes(314159)


async def test_large_unary(interop: Interop) -> None:
    await large_unary(interop.channel)


async def test_client_compressed_unary(interop: Interop) -> None:
    await large_unary(interop.channel, compression=grpc.Compression.Gzip)


async def test_server_streaming(interop: Interop) -> None:
    replies = [reply async for reply in interop.output()(asks(*RESPONSE_SIZES))]
    assert [len(reply.payload.body) for reply in replies] == list(RESPONSE_SIZES)


async def test_ping_pong(interop: Interop) -> None:
    call = interop.duplex(timeout=WAIT)
    for sent, wanted in zip(REQUEST_SIZES, RESPONSE_SIZES, strict=True):
        await call.write(asks(wanted, body=sent))
        assert len((await call.read()).payload.body) == wanted
    await call.done_writing()
    assert await call.read() is grpc.aio.EOF
    assert await call.code() is grpc.StatusCode.OK


async def test_empty_stream(interop: Interop) -> None:
    call = interop.duplex(timeout=WAIT)
    await call.done_writing()
    assert [reply async for reply in call] == []
    assert await call.code() is grpc.StatusCode.OK


async def test_cancel_after_begin(interop: Interop) -> None:
    call = interop.duplex(timeout=WAIT)
    assert call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call.read()
    assert await call.code() is grpc.StatusCode.CANCELLED


async def test_cancel_after_first_response(interop: Interop) -> None:
    call = interop.duplex(timeout=WAIT)
    await call.write(asks(31415, body=27182))
    assert len((await call.read()).payload.body) == 31415
    assert call.cancel()
    assert await call.code() is grpc.StatusCode.CANCELLED
    route, outcome = await asyncio.wait_for(interop.finished.get(), WAIT)
    assert route == f"{SERVICE}/FullDuplexCall", "the server heard of it"
    # Between two requests a server sees the end of them; whether it was a cancel it may hear too late.
    assert outcome in ("ok", "cancelled")


async def test_timeout_on_sleeping_server(interop: Interop) -> None:
    call = interop.duplex(timeout=0.001)
    # Writing may fail already, or the call may have ended before it: the status is what counts.
    with contextlib.suppress(grpc.aio.AioRpcError, asyncio.InvalidStateError):
        await call.write(asks(31415, body=27182, interval_us=60_000_000))
        await call.read()
    assert await asyncio.wait_for(call.code(), WAIT) is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_timeout_of_a_call_the_server_works_on(interop: Interop) -> None:
    """As timeout_on_sleeping_server, but late enough that the work has begun: its deadline ends it there."""
    call = interop.output()(asks(8, 8, interval_us=60_000_000), timeout=0.5)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call.read()
    assert caught.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    route, outcome = await asyncio.wait_for(interop.finished.get(), WAIT)
    assert route == f"{SERVICE}/StreamingOutputCall"
    assert outcome in ("deadline_exceeded", "cancelled"), "whichever side's clock was first"


@pytest.mark.parametrize("status", sorted(KINDS, key=str), ids=lambda status: status.name)
async def test_status_code_and_message(interop: Interop, status: grpc.StatusCode) -> None:
    echo = pb.EchoStatus(code=status.value[0], message="test status message")
    request = pb.SimpleRequest(response_status=echo)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await interop.unary("UnaryCall", pb.SimpleResponse)(request)
    assert (caught.value.code(), caught.value.details()) == (status, "test status message")
    streamed = interop.output()(pb.StreamingOutputCallRequest(response_status=echo))
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await streamed.read()
    assert (caught.value.code(), caught.value.details()) == (status, "test status message")
    call = interop.duplex(timeout=WAIT)
    await call.write(pb.StreamingOutputCallRequest(response_status=echo))
    await call.write(asks(9))
    assert (await call.read()).payload.body.decode() == KINDS[status].value
    assert len((await call.read()).payload.body) == 9, "one failed request ends no stream"
    call.cancel()


async def test_special_status_message(interop: Interop) -> None:
    words = "\t\ntest with whitespace\r\nand Unicode BMP ☺ and non-BMP 😈\t\n"
    echo = pb.EchoStatus(code=grpc.StatusCode.INTERNAL.value[0], message=words)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await interop.unary("UnaryCall", pb.SimpleResponse)(pb.SimpleRequest(response_status=echo))
    assert caught.value.code() is grpc.StatusCode.INTERNAL
    assert caught.value.details() == words


@pytest.mark.parametrize("service", [SERVICE, "hypercube.v1.Saju"])
async def test_unimplemented_method(interop: Interop, service: str) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await interop.unary("UnimplementedCall", pb.Empty, service)(pb.Empty())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_unimplemented_service(interop: Interop) -> None:
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await interop.unary("UnimplementedCall", pb.Empty, "grpc.testing.UnimplementedService")(pb.Empty())
    assert caught.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_custom_metadata(interop: Interop) -> None:
    """What our server echoes is the name of the request, at the end, in unary calls and streams alike."""
    sent = (("x-request-id", "test_initial_metadata_value"), ("x-other-bin", b"\xab\xab\xab"))
    call = interop.unary("UnaryCall", pb.SimpleResponse)(pb.SimpleRequest(response_size=1), metadata=sent)
    await call
    assert dict(await call.trailing_metadata())["x-request-id"] == "test_initial_metadata_value"
    stream = interop.output()(asks(9), metadata=sent)
    assert [reply async for reply in stream]
    assert dict(await stream.trailing_metadata())["x-request-id"] == "test_initial_metadata_value"


async def soak(interop: Interop, rounds: int, at_once: int) -> None:
    """rpc_soak on one channel, then channel_soak on a new one each time; nothing may fail, nothing may stay."""

    async def on_one(count: int) -> None:
        for _ in range(count):
            await large_unary(interop.channel, timeout=WAIT)

    async def on_new(count: int) -> None:
        for _ in range(count):
            async with grpc.aio.insecure_channel(
                interop.target, options=[("grpc.use_local_subchannel_pool", 1)]
            ) as channel:
                await large_unary(channel, timeout=WAIT)

    await asyncio.gather(*(on_one(rounds // at_once) for _ in range(at_once)))
    await asyncio.gather(*(on_new(rounds // at_once // 10) for _ in range(at_once)))
    outcomes = {interop.finished.get_nowait()[1] for _ in range(interop.finished.qsize())}
    assert outcomes == {"ok"}


async def test_rpc_soak_and_channel_soak_in_short(interop: Interop) -> None:
    await soak(interop, 100, 5)


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_rpc_soak_and_channel_soak(interop: Interop) -> None:
    await soak(interop, 10_000, 10)
