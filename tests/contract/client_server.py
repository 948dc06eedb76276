"""A real grpc.aio server with small services of its own, and one way to drive both clients."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
from grpc_health.v1 import health, health_pb2_grpc

from hypercube import client as sdk
from hypercube.client import _constants as const
from hypercube.core.errors import ErrorKind, Failure
from hypercube.wire.convert import error_to_proto
from hypercube.wire.v1 import (
    chat_pb2,
    chat_pb2_grpc,
    cubes_pb2,
    cubes_pb2_grpc,
    models_pb2,
    models_pb2_grpc,
    saju_pb2,
    saju_pb2_grpc,
)

WAIT = 10.0
"""Seconds until a test that waits for an event has failed."""


async def refuse(context: Any, failure: Failure, code: grpc.StatusCode) -> None:
    trailer = error_to_proto(failure).SerializeToString()
    await context.abort(code, failure.message, ((const.ERROR_TRAILER, trailer),))


class World:
    """What the services saw, and what they shall do."""

    def __init__(self) -> None:
        self.births: list[saju_pb2.Birth] = []
        self.metadata: list[dict[str, Any]] = []
        self.chats: list[chat_pb2.ChatRequest] = []
        self.failures: list[tuple[Failure | None, grpc.StatusCode]] = []
        """Errors for the next calls, in turn; None for a bare status."""
        self.entered = asyncio.Event()
        self.left = asyncio.Event()
        self.hold = False
        """Hold calls (streams: after the first piece) until they are cancelled."""
        self.before_first = False
        """Hold streams before their first piece."""
        self.gate = asyncio.Event()
        """Streams go on behind their first piece when it is set."""
        self.gate.set()
        self.pieces = ["갑", "을", "병"]
        self.finish = "stop"

    async def enter(self, context: Any) -> None:
        self.metadata.append(dict(context.invocation_metadata()))
        if self.failures:
            failure, code = self.failures.pop(0)
            if failure is None:
                await context.abort(code, "a bare status")
            else:
                await refuse(context, failure, code)

    async def held(self) -> None:
        self.entered.set()
        try:
            await asyncio.Event().wait()
        finally:
            self.left.set()


class Saju(saju_pb2_grpc.SajuServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def Chart(self, request: Any, context: Any) -> saju_pb2.ChartReply:
        await self.world.enter(context)
        self.world.births.append(request)
        if self.world.hold:
            await self.world.held()
        return saju_pb2.ChartReply(notes=[request.birth], options=saju_pb2.ChartOptions(place=request.place))

    async def Charts(self, request: Any, context: Any) -> saju_pb2.ChartsReply:
        await self.world.enter(context)
        self.world.births.extend(request.births)
        failure = Failure(ErrorKind.INVALID_ARGUMENT, "no such day", param="births[1].birth")
        return saju_pb2.ChartsReply(
            results=[
                saju_pb2.ChartResult(error=error_to_proto(failure))
                if "02-31" in birth.birth
                else saju_pb2.ChartResult(chart=saju_pb2.ChartReply(notes=[birth.birth]))
                for birth in request.births
            ]
        )


class Chat(chat_pb2_grpc.ChatServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def Complete(self, request: Any, context: Any) -> chat_pb2.ChatReply:
        await self.world.enter(context)
        self.world.chats.append(request)
        usage = chat_pb2.Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
        return chat_pb2.ChatReply(
            id="c1",
            model="fake",
            content="".join(self.world.pieces),
            finish_reason=self.world.finish,
            usage=usage,
        )

    async def Stream(self, request: Any, context: Any) -> AsyncIterator[chat_pb2.ChatEvent]:
        await self.world.enter(context)
        self.world.chats.append(request)
        if self.world.before_first:
            await self.world.held()
        for piece in self.world.pieces:
            yield chat_pb2.ChatEvent(id="c1", model="fake", text=piece)
            if self.world.hold:
                await self.world.held()
            await self.world.gate.wait()
            await self.world.enter(context)
        if self.world.finish:
            usage = chat_pb2.Usage(prompt_tokens=3, completion_tokens=2, total_tokens=5)
            yield chat_pb2.ChatEvent(id="c1", model="fake", finish_reason=self.world.finish, usage=usage)


class Models(models_pb2_grpc.ModelsServicer):
    async def List(self, request: Any, context: Any) -> models_pb2.ListModelsReply:
        model = models_pb2.Model(
            name="fake", engine="fake", context_length=4096, state="downloading", reason="why", progress=0.5
        )
        return models_pb2.ListModelsReply(models=[model])


class Cubes(cubes_pb2_grpc.CubesServicer):
    def __init__(self, world: World) -> None:
        self.world = world

    async def List(self, request: Any, context: Any) -> cubes_pb2.ListCubesReply:
        cube = cubes_pb2.Cube(
            name="saju",
            version="1.0.0",
            color="blue",
            category="feature",
            dependencies=[cubes_pb2.CubeDependency(name="models", versions=">=1")],
            capabilities=["chart"],
            state="running",
            health="healthy",
            request_schema_json='{"type": "object"}',
        )
        return cubes_pb2.ListCubesReply(cubes=[cube])

    async def Process(self, request: Any, context: Any) -> cubes_pb2.ProcessReply:
        await self.world.enter(context)
        answers = {"list": "[1]", "broken": "{", "echo": request.request_json}
        return cubes_pb2.ProcessReply(response_json=answers[request.name])


class Watching(health.aio.HealthServicer):
    """The official health service, which tells when somebody watches."""

    def __init__(self, world: World) -> None:
        super().__init__()
        self.world = world

    async def Watch(self, request: Any, context: Any) -> None:
        self.world.entered.set()
        await super().Watch(request, context)


class Server:
    def __init__(self, port: int = 0) -> None:
        self.world = World()
        options = [
            ("grpc.max_receive_message_length", const.MAX_MESSAGE_BYTES),
            ("grpc.max_send_message_length", const.MAX_MESSAGE_BYTES),
        ]
        self.grpc = grpc.aio.server(options=options)
        saju_pb2_grpc.add_SajuServicer_to_server(Saju(self.world), self.grpc)
        chat_pb2_grpc.add_ChatServicer_to_server(Chat(self.world), self.grpc)
        models_pb2_grpc.add_ModelsServicer_to_server(Models(), self.grpc)
        cubes_pb2_grpc.add_CubesServicer_to_server(Cubes(self.world), self.grpc)
        self.health = Watching(self.world)
        health_pb2_grpc.add_HealthServicer_to_server(self.health, self.grpc)
        self.port = self.grpc.add_insecure_port(f"127.0.0.1:{port}")
        self.target = f"127.0.0.1:{self.port}"


class Twin:
    """One way to drive both clients from a test; the sync one in a thread of its own."""

    def __init__(self, kind: str) -> None:
        self.sync = kind == "sync"
        self.slept: list[float] = []
        self.on_sleep: Callable[[float], Awaitable[None]] | None = None
        self.made: list[Any] = []
        self.loop = asyncio.get_running_loop()

    def client(self, target: str, **options: Any) -> Any:
        make: Any = sdk.Client if self.sync else sdk.AsyncClient
        made = make(target, sleep=self._sleep if self.sync else self._asleep, **options)
        self.made.append(made)
        return made

    def _sleep(self, seconds: float) -> None:
        asyncio.run_coroutine_threadsafe(self._asleep(seconds), self.loop).result(WAIT)

    async def _asleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        if self.on_sleep is not None:
            await self.on_sleep(seconds)

    async def do(self, method: Callable[..., Any], *args: Any, **options: Any) -> Any:
        if self.sync:
            return await asyncio.to_thread(method, *args, **options)
        return await method(*args, **options)

    async def next(self, stream: Any) -> Any:
        """The next piece; None at the end."""
        return await (asyncio.to_thread(next, stream, None) if self.sync else anext(stream, None))

    async def rest(self, stream: Any) -> list[Any]:
        pieces = []
        while (piece := await self.next(stream)) is not None:
            pieces.append(piece)
        return pieces


async def within(waited: Awaitable[Any]) -> Any:
    return await asyncio.wait_for(waited, WAIT)
