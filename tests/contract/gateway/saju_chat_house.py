"""The gateway with the model `saju` on real cubes, before the fake model or one that a test writes the lines of."""

import datetime as dt
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx2
import openai

from hypercube.core.chart import Chart
from hypercube.core.cube import Call
from hypercube.core.engine import (
    EmbeddingRequest,
    Embeddings,
    FinishReason,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    Scores,
    Usage,
)
from hypercube.core.saju_model import listed
from hypercube.core.served_models import Capability, EngineState, EngineStatus, ServedModel
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.reading import ReadingCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.feature.saju_chat import SajuChatCube, SajuChatOptions
from hypercube.cubes.registry import CubeRegistry
from hypercube.gateway.http import create_http_app
from hypercube.gateway.services import GatewayServices, Readiness
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import tokenize
from hypercube.inference.request_check import check_request
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.store import ModelStore
from hypercube.saju import chart

TODAY = dt.date(2026, 11, 27)
HER = "1990년 5월 3일 아침 7시 20분 서울 여자"
CHART_TOOL: Any = {
    "type": "function",
    "function": {
        "name": "saju_chart",
        "description": "The four pillars of a birth",
        "parameters": {"type": "object", "properties": {"birth": {"type": "string"}}, "required": ["birth"]},
    },
}


def her_chart() -> Chart:
    return chart(
        "1990-05-03T07:20",
        sex="female",
        place="서울",
        include=("facts", "luck", "periods"),
        as_of=TODAY.isoformat(),
    )


@dataclass
class WrittenModel:
    """A model of `context` tokens that says what `says` makes of a request, and keeps the requests; or none at all."""

    says: Callable[[GenerationRequest], str]
    context: int = 4096
    models_served: bool = True
    requests: list[GenerationRequest] = field(default_factory=list)
    active: int = 0

    def models(self) -> Sequence[ServedModel]:
        if not self.models_served:
            return ()
        status = EngineStatus(EngineState.READY, "written by a test")
        able = (Capability.GENERATE, Capability.TOOLS)
        return (ServedModel("written", "test", self.context, "MIT", 1_790_000_000, status, able),)

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncIterator[GenerationEvent]:
        check_request(request)
        self.requests.append(request)
        self.active += 1
        try:
            count = 0
            for piece in tokenize(self.says(request)):
                count += 1
                yield GenerationEvent(text=piece)
            yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(10, count))
        finally:
            self.active -= 1

    async def embed(self, request: EmbeddingRequest, call: Call) -> Embeddings:
        raise NotImplementedError

    async def score(self, request: ScoreRequest, call: Call) -> Scores:
        raise NotImplementedError

    async def probe(self, model: str, timeout_s: float) -> None:
        return


@dataclass
class SajuHouse:
    """Everything one test needs to look at."""

    services: GatewayServices
    registry: CubeRegistry

    @asynccontextmanager
    async def client(self) -> AsyncIterator[openai.AsyncOpenAI]:
        """The official client, which refuses an answer that is not as OpenAI's."""
        transport = httpx2.ASGITransport(create_http_app(self.services))
        async with (
            httpx2.AsyncClient(transport=transport) as inner,
            openai.AsyncOpenAI(
                api_key="none",
                base_url="http://gateway/v1",
                http_client=inner,
                max_retries=0,
                _strict_response_validation=True,
            ) as client,
        ):
            yield client


async def _ready() -> Readiness:
    return Readiness(True, {})


@asynccontextmanager
async def saju_house(
    engines: Any, options: SajuChatOptions | None = None, **services: Any
) -> AsyncIterator[SajuHouse]:
    """Cubes before some engines."""
    batchers = SajuBatchers("reference")
    registry = CubeRegistry()
    for cube in (
        SajuCube(batchers),
        ReadingCube(registry),
        ChatCube(engines),
        ModelsCube(engines, listed),
        SajuChatCube(registry, options, today=lambda: TODAY),
    ):
        registry.register(cube)
    await registry.start_all()
    house = SajuHouse(
        replace(GatewayServices(registry, _ready, lambda: b""), **services),
        registry,
    )
    try:
        yield house
        assert await house.services.traffic.wait_idle(10), "a request was never counted out"
    finally:
        await registry.stop_all()
        await batchers.close()


@asynccontextmanager
async def fake_house(folder: Path, options: SajuChatOptions | None = None) -> AsyncIterator[SajuHouse]:
    """The same before the fake model."""
    engines = Hypercluster([lookup("fake")], ModelStore(folder))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(engines.close)
        engines.start()
        await engines.settled()
        yield await stack.enter_async_context(saju_house(engines, options))
        assert engines.in_flight == 0
