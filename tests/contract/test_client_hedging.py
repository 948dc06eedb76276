"""Hedging and idempotency keys, on a server whose calls the test holds and lets go one by one."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from hypercube import client as sdk
from hypercube.client import _constants as const
from hypercube.client import _methods as methods
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import error_to_proto
from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc, cubes_pb2, cubes_pb2_grpc, saju_pb2, saju_pb2_grpc

WAIT = 20.0
SOON = 0.05
"""When the second copy is sent; nothing here depends on how soon that is."""


class Held:
    """A call that arrived: it ends when it is told how."""

    def __init__(self, metadata: dict[str, Any]) -> None:
        self.metadata = metadata
        self.how: asyncio.Future[Failure | None] = asyncio.get_running_loop().create_future()
        self.cancelled = asyncio.Event()


class World:
    def __init__(self) -> None:
        self.arrived: asyncio.Queue[Held] = asyncio.Queue()

    async def next(self) -> Held:
        return await asyncio.wait_for(self.arrived.get(), WAIT)

    async def held(self, context: Any) -> None:
        call = Held(dict(context.invocation_metadata()))
        self.arrived.put_nowait(call)
        try:
            failure = await call.how
        except asyncio.CancelledError:
            call.cancelled.set()
            raise
        if failure is not None:
            trailer = error_to_proto(failure).SerializeToString()
            await context.abort(
                grpc.StatusCode.UNAVAILABLE, failure.message, ((const.ERROR_TRAILER, trailer),)
            )


class Services(saju_pb2_grpc.SajuServicer, chat_pb2_grpc.ChatServicer, cubes_pb2_grpc.CubesServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def Chart(self, request: Any, context: Any) -> saju_pb2.ChartReply:
        await self.world.held(context)
        return saju_pb2.ChartReply(notes=[request.birth])

    async def Complete(self, request: Any, context: Any) -> chat_pb2.ChatReply:
        await self.world.held(context)
        return chat_pb2.ChatReply(finish_reason="stop")

    async def Process(self, request: Any, context: Any) -> cubes_pb2.ProcessReply:
        await self.world.held(context)
        return cubes_pb2.ProcessReply(response_json="[]")


@pytest.fixture
async def served() -> AsyncIterator[tuple[World, str]]:
    world = World()
    server = grpc.aio.server()
    services = Services(world)
    saju_pb2_grpc.add_SajuServicer_to_server(services, server)
    chat_pb2_grpc.add_ChatServicer_to_server(services, server)
    cubes_pb2_grpc.add_CubesServicer_to_server(services, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield world, f"127.0.0.1:{port}"
    await server.stop(None)


class Twin:
    def __init__(self, kind: str) -> None:
        self.sync = kind == "sync"

    def client(self, target: str, **options: Any) -> Any:
        return (sdk.Client if self.sync else sdk.AsyncClient)(target, **options)

    def start(self, method: Callable[..., Any], *args: Any, **options: Any) -> "asyncio.Future[Any]":
        if self.sync:
            return asyncio.ensure_future(asyncio.to_thread(method, *args, **options))
        return asyncio.ensure_future(method(*args, **options))

    async def close(self, client: Any) -> None:
        await (asyncio.to_thread(client.close) if self.sync else client.close())


@pytest.fixture(params=["sync", "async"])
def twin(request: pytest.FixtureRequest) -> Twin:
    return Twin(request.param)


async def test_the_first_answer_counts_and_the_other_call_is_cancelled(
    served: tuple[World, str], twin: Twin
) -> None:
    world, target = served
    client = twin.client(target, hedge_after=SOON)
    for winner in (0, 1):
        asking = twin.start(client.raw, client.chart, "1990-05-03")
        calls = [await world.next(), await world.next()]
        assert calls[0].metadata["x-request-id"] == calls[1].metadata["x-request-id"]
        calls[winner].how.set_result(None)
        seen = await asyncio.wait_for(asking, WAIT)
        assert seen.answer.notes == ("1990-05-03",)
        assert seen.attempts == 2
        await asyncio.wait_for(calls[1 - winner].cancelled.wait(), WAIT)
    assert world.arrived.empty()
    await twin.close(client)


async def test_a_failure_waits_for_the_copy_that_may_still_answer(
    served: tuple[World, str], twin: Twin
) -> None:
    world, target = served
    client = twin.client(target, hedge_after=SOON, max_retries=0)
    asking = twin.start(client.chart, "1990-05-03")
    first, second = await world.next(), await world.next()
    first.how.set_result(Failure(ErrorKind.UNAVAILABLE, "loading"))
    second.how.set_result(None)
    assert (await asyncio.wait_for(asking, WAIT)).notes == ("1990-05-03",)

    asking = twin.start(client.chart, "1990-05-03")
    for call in (await world.next(), await world.next()):
        call.how.set_result(Failure(ErrorKind.UNAVAILABLE, "loading"))
    with pytest.raises(sdk.Unavailable, match="loading"):
        await asyncio.wait_for(asking, WAIT)
    assert world.arrived.empty()
    await twin.close(client)


async def test_a_quick_failure_is_retried_as_ever(served: tuple[World, str], twin: Twin) -> None:
    world, target = served
    client = twin.client(target, hedge_after=1e6)
    asking = twin.start(client.chart, "1990-05-03")
    (await world.next()).how.set_result(Failure(ErrorKind.UNAVAILABLE, "loading", retry_after_s=0.0))
    (await world.next()).how.set_result(None)
    assert (await asyncio.wait_for(asking, WAIT)).notes == ("1990-05-03",)
    await twin.close(client)


async def test_off_by_default_and_never_for_what_is_costly(served: tuple[World, str], twin: Twin) -> None:
    world, target = served
    plain, hedging = twin.client(target), twin.client(target, hedge_after=0.001)
    for method, args in (
        (plain.chart, ("1990-05-03",)),
        (hedging.chat, ("hello",)),
        (hedging.process, ("saju", {})),
    ):
        asking = twin.start(method, *args)
        call = await world.next()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(world.arrived.get(), 0.2)
        call.how.set_result(None)
        await asyncio.wait_for(asking, WAIT)
        await asyncio.sleep(0)
    for client in (plain, hedging):
        await twin.close(client)


async def test_a_hedged_call_that_is_closed_or_cancelled_ends_both(
    served: tuple[World, str], twin: Twin
) -> None:
    world, target = served
    client = twin.client(target, hedge_after=SOON)
    asking = twin.start(client.chart, "1990-05-03", timeout=None)
    calls = [await world.next(), await world.next()]
    await twin.close(client)
    with pytest.raises(sdk.Cancelled):
        await asyncio.wait_for(asking, WAIT)
    for call in calls:
        await asyncio.wait_for(call.cancelled.wait(), WAIT)
    if not twin.sync:
        async with sdk.AsyncClient(target, hedge_after=SOON) as another:
            asking = twin.start(another.chart, "1990-05-03")
            calls = [await world.next(), await world.next()]
            asking.cancel()
            with pytest.raises(asyncio.CancelledError):
                await asking
            for call in calls:
                await asyncio.wait_for(call.cancelled.wait(), WAIT)


async def test_an_idempotency_key_is_the_same_for_every_attempt(
    served: tuple[World, str], twin: Twin
) -> None:
    world, target = served
    client = twin.client(target)
    again = Failure(ErrorKind.UNAVAILABLE, "loading", retry_after_s=0.0)

    async def keys(method: Any, *args: Any, **options: Any) -> list[Any]:
        asking = twin.start(method, *args, **options)
        calls = []
        for failure in (again, None):
            calls.append(await world.next())
            calls[-1].how.set_result(failure)
        await asyncio.wait_for(asking, WAIT)
        return [call.metadata.get(const.IDEMPOTENCY_KEY) for call in calls]

    first, second = await keys(client.process, "saju", {})
    assert first == second
    assert len(first) == 32
    assert await keys(client.process, "saju", {}) != [first, first]
    assert await keys(client.process, "saju", {}, idempotency_key="order-7") == ["order-7"] * 2
    assert await keys(client.chat, "hello", idempotency_key="turn-1") == ["turn-1"] * 2
    assert await keys(client.chart, "1990-05-03") == [None, None], "the same question, the same answer"
    await twin.close(client)


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf"), "1", True])
def test_what_is_no_time_to_hedge_after(seconds: Any) -> None:
    with pytest.raises(sdk.InvalidArgument) as caught:
        sdk.Client(hedge_after=seconds)
    assert caught.value.param == "hedge_after"


def test_a_key_becomes_authorization_and_is_kept_to_itself() -> None:
    client = sdk.Client("127.0.0.1:1", api_key="hc-secret")
    sent = next(client.attempts(methods.CHART, None))
    assert ("authorization", "Bearer hc-secret") in sent.metadata
    assert "secret" not in repr(client)
    client.close()
    sdk.Client("box:1", api_key="hc-secret", tls=True).close()
    for options, words in (
        ({"target": "box:1", "api_key": "hc-secret"}, "for all to read"),
        ({"api_key": "hc secret"}, "cannot be sent"),
        ({"api_key": ""}, "cannot be sent"),
        ({"api_key": "x", "metadata": {"authorization": "y"}}, "beside an authorization"),
    ):
        with pytest.raises(sdk.InvalidArgument, match=words) as caught:
            sdk.Client(**options)  # type: ignore[arg-type]
        assert "secret" not in str(caught.value)
        assert caught.value.param == "api_key"
