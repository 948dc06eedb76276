"""The gateway on real cubes: the registry, the saju cube on its batcher, the chat cube on a scripted engine."""

import asyncio
import contextlib
import hashlib
import re
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import grpc.aio
import httpx
import httpx2
import openai
import pytest
import uvicorn

from hypercube.app.listening import HttpServer, bind_http, stop_http
from hypercube.core.adapters import ServedAdapter
from hypercube.core.clock import Clock
from hypercube.core.cube import Call
from hypercube.core.engine import (
    EmbeddingRequest,
    Embeddings,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
    Tokenized,
    TokenizeRequest,
    Usage,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel
from hypercube.cubes.data.model_admin import ModelAdminCube
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.compatibility import CompatibilityCube
from hypercube.cubes.feature.embeddings import EmbeddingsCube
from hypercube.cubes.feature.reading import ReadingCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.feature.tensors import TensorsCube
from hypercube.cubes.feature.tokenizer import TokenizerCube
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.grpc import create_grpc_server
from hypercube.gateway.http import create_http_app
from hypercube.gateway.http.door import HttpDoor
from hypercube.gateway.services import GatewayServices, Limits, PartStatus, Readiness
from hypercube.inference.engine import incapable
from hypercube.inference.fake import tokenize, vector
from hypercube.inference.operations import ModelOperations
from hypercube.inference.request_check import check_request, check_texts, check_tokenize, needed
from hypercube.model_registry.manifest import ModelFile, ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

if TYPE_CHECKING:
    from hypercube.inference.cluster import Hypercluster

CONTEXT = 64
ABLE = (Capability.GENERATE, Capability.EMBED, Capability.COMPLETE, Capability.TOKENIZE)


@dataclass
class ScriptedEngine:
    """A model `small` of 64 tokens that repeats the last message word by word, under the test's control.

    A message that starts with `!` is an order: `!wait` stops after one word until `release`, `!hang` before
    the first, `!break` fails after one word, `!cut` ends without a finish reason, `!bug` raises what no engine
    should raise.
    """

    started: asyncio.Event = field(default_factory=asyncio.Event)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    closed: asyncio.Event = field(default_factory=asyncio.Event)
    active: int = 0
    requests: list[GenerationRequest] = field(default_factory=list)
    state: EngineState = EngineState.READY
    pinned: bool = False
    adapters: dict[str, ServedAdapter] = field(default_factory=dict)
    commands: list[str] = field(default_factory=list)
    """What administrators had it do."""

    def models(self) -> Sequence[ServedModel]:
        status = EngineStatus(self.state, "scripted, in this process")
        small = ServedModel("small", "scripted", CONTEXT, "Apache-2.0", 1_790_000_000, status, ABLE)
        return (replace(small, pinned=self.pinned, adapters=tuple(self.adapters.values())),)

    # -- what the operations of `ModelOperations` ask of a cluster; it goes by the name of the registry's model, too

    def describe(self, model: str) -> ServedModel:
        self._check("small" if model == "my-chat" else model)
        return replace(self.models()[0], name=model)

    async def load(self, model: str) -> EngineStatus:
        self.describe(model)
        self.commands.append("load")
        self.state = EngineState.READY
        return self.models()[0].status

    async def unload(self, model: str, drain_s: float) -> EngineStatus:
        self.describe(model)
        self.commands.append(f"unload {drain_s:g}")
        self.state = EngineState.UNLOADED
        return self.models()[0].status

    def pin(self, model: str, pinned: bool = True) -> None:
        self.describe(model)
        self.commands.append(f"pin {pinned}")
        self.pinned = pinned

    async def load_adapter(self, model: str, name: str, reference: str = "") -> ServedAdapter:
        self.describe(model)
        self.commands.append(f"load {model}:{name}")
        version = reference.partition("@")[2] or "1.0.0"
        found = ServedAdapter(name, f"ko-style@{version}", "d" * 64, "MIT", 1_790_000_001, True, True)
        self.adapters[name] = found
        return found

    async def unload_adapter(self, model: str, name: str) -> ServedAdapter:
        self.describe(model)
        self.commands.append(f"unload {model}:{name}")
        if name not in self.adapters:
            raise HyperCubeError(ErrorKind.NOT_FOUND, f"No adapter {name!r} is loaded.", param="adapter")
        return replace(self.adapters.pop(name), loaded=False, kept=False)

    def _check(self, model: str) -> None:
        base, _, adapter = model.partition(":")
        if base not in ("", "small") or (adapter and adapter not in self.adapters):
            raise HyperCubeError(
                ErrorKind.MODEL_NOT_FOUND,
                f"No model {model!r} is served here.",
                param="model",
                value=model,
                fix="Served: small.",
            )

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        self._check(request.model)
        check_request(request)
        for capability in needed(request):
            if capability not in ABLE:
                raise incapable("The model 'small'", capability)
        text = request.messages[-1].content if request.prompt is None else str(request.prompt)
        words = text.split()
        if len(words) > CONTEXT:
            raise HyperCubeError(
                ErrorKind.CONTEXT_LENGTH_EXCEEDED,
                f"The prompt has {len(words)} tokens; {CONTEXT} fit.",
                param="messages",
                value=len(words),
                fix="Send a shorter prompt.",
            )
        self.requests.append(request)
        self.active += 1
        self.started.set()
        try:
            async for event in self._words(words, request.max_tokens):
                yield event
        finally:
            self.active -= 1
            self.closed.set()

    async def _words(self, words: list[str], limit: int | None) -> AsyncIterator[GenerationEvent]:
        order = words[0] if words else ""
        if order == "!hang":
            await self.release.wait()
        shown = words if limit is None else words[:limit]
        for at, word in enumerate(shown):
            yield GenerationEvent(text=word if at == 0 else f" {word}")
            if at == 0:
                await self._obey(order)
                if order == "!cut":
                    return
        reason = FinishReason.STOP if len(shown) == len(words) else FinishReason.LENGTH
        yield GenerationEvent(finish_reason=reason, usage=Usage(len(words), len(shown)))

    async def _obey(self, order: str) -> None:
        if order == "!wait":
            await self.release.wait()
        if order == "!break":
            raise HyperCubeError(ErrorKind.ENGINE_FAILED, "The engine died.", fix="Send it again.")
        if order == "!bug":
            raise ZeroDivisionError("secret path /var/lib")

    async def tokenize(self, request: TokenizeRequest, call: Call) -> Tokenized:
        """A token a character."""
        self._check(request.model)
        check_tokenize(request)
        if request.tokens is not None:
            return Tokenized(request.tokens, (), "".join(map(chr, request.tokens)), CONTEXT)
        text = request.text if request.text is not None else request.messages[-1].content
        return Tokenized(tuple(map(ord, text)), tuple(text), text, CONTEXT)

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        self._check(request.model)
        check_texts(request.texts, "input", most=4096)
        return Embeddings(
            tuple(vector(text) for text in request.texts), sum(len(tokenize(text)) for text in request.texts)
        )

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        raise incapable("The model 'small'", Capability.SCORE)

    async def probe(self, model: str, timeout_s: float) -> None:
        return


@dataclass
class House:
    """Everything one test needs to look at."""

    services: GatewayServices
    engine: ScriptedEngine
    registry: CubeRegistry
    observed: list[tuple[str, str, str]]
    parts: dict[str, PartStatus]
    models: ModelRegistry

    def app(self) -> HttpDoor:
        return create_http_app(self.services)

    def with_limits(self, **limits: Any) -> "House":
        return replace(self, services=replace(self.services, limits=Limits(**limits)))

    def with_clock(self, clock: Clock) -> "House":
        return replace(self, services=replace(self.services, clock=clock))


def stored_models(root: Path) -> ModelRegistry:
    """A store with `my-chat` in two versions, to each of which two aliases led: one after the other."""
    store = ModelStore(root)
    for version in ("1.0.0", "1.1.0"):
        data = b"GGUF" + version.encode()
        draft = root / f"draft-{version}"
        draft.parent.mkdir(parents=True, exist_ok=True)
        draft.write_bytes(data)
        file = ModelFile("my-chat.gguf", len(data), hashlib.sha256(data).hexdigest())
        manifest = ModelManifest(
            "my-chat", version, "", "MIT", "llama.cpp", "gguf", CONTEXT, 1_790_000_000, (file,)
        )
        store.publish(manifest, {file.name: draft})
    registry = ModelRegistry(store, poll_s=0.0)
    for alias in ("production", "canary"):
        for version in ("1.1.0", "1.0.0"):
            registry.set_alias("my-chat", alias, version, who="setup")
    return registry


@pytest.fixture
async def house(tmp_path: Path) -> AsyncIterator[House]:
    engine = ScriptedEngine()
    models = stored_models(tmp_path / "models")
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    for cube in (
        SajuCube(batchers),
        ReadingCube(registry),
        CompatibilityCube(registry),
        ChatCube(engine),
        EmbeddingsCube(engine),
        TokenizerCube(engine),
        ModelsCube(engine),
        ModelAdminCube(ModelOperations(cast("Hypercluster", engine), models)),
    ):
        registry.register(cube)
    registry.register(TensorsCube(backend="reference"))
    await registry.start_all()
    observed: list[tuple[str, str, str]] = []
    parts = {"charts": PartStatus(True, "right"), "model:small": PartStatus(True, "scripted")}

    async def readiness() -> Readiness:
        return Readiness(all(part.ready for part in parts.values()), dict(parts))

    def observe(transport: str, route: str, outcome: str, seconds: float) -> None:
        assert seconds >= 0
        observed.append((transport, route, outcome))

    services = GatewayServices(
        cubes=registry, readiness=readiness, metrics_text=lambda: b"hypercube_up 1\n", observe=observe
    )
    yield House(services, engine, registry, observed, parts, models)
    assert await services.traffic.wait_idle(10), "a request was never counted out"
    assert engine.active == 0, "the model was left at work"
    await registry.stop_all()
    await batchers.close()


@pytest.fixture
async def http(house: House) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(house.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://gateway") as client:
        yield client


@pytest.fixture
async def ai(house: House) -> AsyncIterator[openai.AsyncOpenAI]:
    """The official client, in process."""
    transport = httpx2.ASGITransport(house.app())
    async with (
        httpx2.AsyncClient(transport=transport) as inner,
        openai.AsyncOpenAI(
            api_key="none", base_url="http://gateway/v1", http_client=inner, max_retries=0
        ) as client,
    ):
        yield client


@contextlib.asynccontextmanager
async def listening(app: HttpDoor) -> AsyncIterator[int]:
    """The application behind a real socket; gives its port."""
    listener = bind_http("127.0.0.1", 0)
    config = uvicorn.Config(
        app, log_config=None, access_log=False, lifespan="off", timeout_graceful_shutdown=2
    )
    server = HttpServer(config)
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await server.until_listening(task)
        yield listener.getsockname()[1]
    finally:
        await stop_http(server, task)
        listener.close()


@pytest.fixture
async def channel(house: House) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to a gRPC server of the house."""
    async with grpc_channel(house) as made:
        yield made


@contextlib.asynccontextmanager
async def grpc_channel(house: House) -> AsyncIterator[grpc.aio.Channel]:
    server = create_grpc_server(house.services, health_period_s=0.01)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        # A batch of 10,000 answers is over the 4 MB that a client takes unless told otherwise.
        options = [("grpc.max_receive_message_length", 100 << 20)]
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}", options=options) as made:
            yield made
    finally:
        await server.stop(0)


class Exchange:
    """One request spoken in raw ASGI: the test feeds the body, sees each message, and may hang up."""

    def __init__(
        self,
        app: HttpDoor,
        path: str,
        body: bytes | None = b"",
        method: str = "POST",
        room: int = 0,
        **headers: str,
    ) -> None:
        """`body` None leaves the request unfinished, `send_body` goes on; `room` messages fit before the test reads."""
        self.sent: asyncio.Queue[dict[str, Any]] = asyncio.Queue(room)
        self._inbox: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "path": path,
            "raw_path": path.encode(),
            "root_path": "",
            "scheme": "http",
            "query_string": b"",
            "headers": raw,
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 2),
        }
        self._events: list[bytes] = []
        if body is not None:
            self.send_body(body)
        self.task = asyncio.create_task(app(scope, self._inbox.get, self.sent.put))  # type: ignore[arg-type]

    def send_body(self, body: bytes, *, more: bool = False) -> None:
        self._inbox.put_nowait({"type": "http.request", "body": body, "more_body": more})

    def disconnect(self) -> None:
        self._inbox.put_nowait({"type": "http.disconnect"})

    async def head(self) -> tuple[int, dict[str, str]]:
        message = await self.sent.get()
        assert message["type"] == "http.response.start"
        return message["status"], {name.decode(): value.decode() for name, value in message["headers"]}

    async def body(self) -> bytes:
        """One write."""
        message = await self.sent.get()
        assert message["type"] == "http.response.body"
        body: bytes = message.get("body", b"")
        return body

    async def chunk(self) -> bytes:
        """One server-sent event, of those that may share a write; any other body whole."""
        if not self._events:
            self._events = re.findall(rb"data: .*\n\n", body := await self.body()) or [body]
        return self._events.pop(0)


@pytest.fixture
def exchange() -> type[Exchange]:
    """Raw ASGI, for tests that look at single messages."""
    return Exchange


@pytest.fixture
def listen() -> Callable[[HttpDoor], contextlib.AbstractAsyncContextManager[int]]:
    """A real socket in front of an application."""
    return listening


@pytest.fixture
def grpc_listen() -> Callable[[House], contextlib.AbstractAsyncContextManager[grpc.aio.Channel]]:
    """A gRPC server of a house with other limits."""
    return grpc_channel
