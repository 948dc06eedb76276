"""A call that is given up reaches the engine, whatever it waits for: counted, over many, and nothing is left."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import GenerationEvent, GenerationRequest
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import FakeEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore
from hypercube.wire.v1 import chat_pb2, chat_pb2_grpc

SLOTS = 3
WAIT = 60.0


@dataclass(slots=True)
class CountingEngine(FakeEngine):
    """The fake engine; answers stop after their first word, and it counts how they end."""

    begun: int = 0
    cancelled: int = 0
    finished: int = 0
    gate: asyncio.Event = field(default_factory=asyncio.Event)

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        self.begun += 1
        first = True
        try:
            async with aclosing(FakeEngine.generate(self, request, call)) as events:
                async for event in events:
                    if not first or "!silent" in request.messages[-1].content:
                        await self.gate.wait()
                    first = False
                    yield event
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        self.finished += 1


@dataclass
class World:
    """A served engine, and what the gateway saw of its calls."""

    engine: CountingEngine
    engines: Hypercluster
    services: GatewayServices
    stub: Any
    outcomes: "Counter[str]"

    def idle(self) -> bool:
        return self.engines.in_flight == 0 and self.services.traffic.in_flight == 0

    async def until(self, done: Callable[[], bool]) -> None:
        """Wait for something that has no event of its own."""
        async with asyncio.timeout(WAIT):
            while not done():  # noqa: ASYNC110
                await asyncio.sleep(0.001)


@asynccontextmanager
async def running(folder: Path) -> AsyncIterator[World]:
    engine = CountingEngine(slots=SLOTS)
    engine.gate.set()  # the engine is tried when it is loaded
    engines = Hypercluster([lookup("fake")], ModelStore(folder), make=lambda _: engine)
    registry = CubeRegistry()
    for cube in (ChatCube(engines), ModelsCube(engines)):
        registry.register(cube)
    await registry.start_all()
    engines.start()
    await engines.settled()
    engine.gate.clear()
    engine.begun = engine.cancelled = engine.finished = 0
    outcomes: Counter[str] = Counter()

    async def readiness() -> Readiness:
        return Readiness(True, {})

    services = GatewayServices(
        registry,
        readiness,
        lambda: b"",
        observe=lambda transport, route, outcome, seconds: outcomes.update([outcome]),
    )
    server = create_grpc_server(services)
    target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    async with grpc.aio.insecure_channel(target) as channel:
        yield World(engine, engines, services, chat_pb2_grpc.ChatStub(channel), outcomes)
    await server.stop(None)
    await registry.stop_all()
    await engines.close()


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[World]:
    async with running(tmp_path) as made:
        yield made


def asks(content: str) -> chat_pb2.ChatRequest:
    return chat_pb2.ChatRequest(messages=[chat_pb2.ChatMessage(role="user", content=content)])


async def gone(call: Awaitable[Any]) -> None:
    with pytest.raises(asyncio.CancelledError):
        await call


async def one_round(world: World) -> None:
    """Six calls given up: a whole answer, a stream and a conversation under way, and the same three in the queue."""
    begun, cancelled = world.engine.begun, world.engine.cancelled
    say = chat_pb2.ConverseRequest(turn="a", say=asks("a b"))
    calls: list[Any] = []
    for _ in ("under way", "in the queue"):
        calls += [world.stub.Complete(asks("!silent b")), world.stub.Stream(asks("a b"))]
        calls.append(world.stub.Converse())
        await calls[-1].write(say)
        # Those sent first begin: the second three find no slot.
        await world.until(lambda: world.engine.begun == begun + SLOTS)
    await calls[1].read()
    await calls[2].read()
    await world.until(lambda: world.engines.in_flight == 6)
    # Those in the queue first: a slot that becomes free would let the next one begin for a moment.
    for some, left in ((calls[SLOTS:], SLOTS), (calls[:SLOTS], 0)):
        for call in some:
            assert call.cancel()
        for call in some:
            assert await call.code() is grpc.StatusCode.CANCELLED
        await world.until(lambda left=left: world.engines.in_flight == left)
    await world.until(world.idle)
    assert world.engine.begun == begun + SLOTS, "nothing that was given up in the queue is begun"
    assert world.engine.cancelled == cancelled + SLOTS
    assert world.engine.active == 0


async def give_up(world: World, calls: int) -> None:
    rounds = -(-calls // 6)
    for _ in range(rounds):
        await one_round(world)
    assert world.engine.begun == world.engine.cancelled == rounds * SLOTS
    assert world.engine.finished == 0
    await world.until(lambda: world.outcomes.total() == rounds * 6)
    assert world.outcomes == {"cancelled": rounds * 6}, "cancels seen are cancels sent"
    # And the server is as good as new.
    world.engine.gate.set()
    answers = await asyncio.gather(*(world.stub.Complete(asks("a b")) for _ in range(2 * SLOTS)))
    assert len({answer.content for answer in answers}) == 1
    assert world.idle()


async def test_a_thousand_calls_given_up_leave_nothing(world: World) -> None:
    await give_up(world, 1_000)


@pytest.mark.slow
@pytest.mark.timeout(1200)
async def test_ten_thousand_calls_given_up_leave_nothing(world: World) -> None:
    await give_up(world, 10_000)


async def test_deadlines_end_the_work_wherever_it_is(world: World) -> None:
    calls = [world.stub.Complete(asks("!silent b"), timeout=0.5) for _ in range(2 * SLOTS)]
    calls += [world.stub.Stream(asks("!silent b"), timeout=0.5) for _ in range(2 * SLOTS)]
    for call in calls:
        assert await call.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    await world.until(world.idle)
    assert world.engine.begun == world.engine.cancelled
    assert (world.engine.active, world.engine.finished) == (0, 0)
    assert set(world.outcomes) <= {"cancelled", "deadline_exceeded"}
