"""`hypercube chat --model saju` without a server: the cubes that it takes, in this process."""

import asyncio
import contextlib
from collections.abc import AsyncIterator

from hypercube.app.model_choice import chat_manifests, make_engines
from hypercube.app.readings import make_reading_cube
from hypercube.cli.chat import converse, show
from hypercube.cli.output import ERR
from hypercube.cli.serve import ModelReport
from hypercube.core.clock import monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.saju_model import SAJU_MODEL, listed
from hypercube.cubes.data.models import ModelsCube
from hypercube.cubes.feature.chat import ChatCube
from hypercube.cubes.feature.saju import SajuCube
from hypercube.cubes.feature.saju.batchers import SajuBatchers
from hypercube.cubes.feature.saju_chat import SajuChatCube, SajuChatOptions
from hypercube.cubes.registry import CubeRegistry
from hypercube.inference.cluster import Hypercluster
from hypercube.model_registry.store import ModelStore
from hypercube.settings import Settings


def talk_about_charts(settings: Settings, message: str | None, *, max_tokens: int | None) -> None:
    """Talk; the model behind is loaded by the first ordinary question, and charts need none.

    Raises:
        HyperCubeError: when the settings name a model that cannot be served, or the only answer fails.
    """
    with asyncio.Runner() as runner:
        report = ModelReport()
        report.begin()
        stack = contextlib.AsyncExitStack()
        registry = runner.run(stack.enter_async_context(_cubes(settings, report)))

        async def answer(messages: list[ChatMessage]) -> str:
            request = GenerationRequest(tuple(messages), model=SAJU_MODEL, max_tokens=max_tokens)
            pieces = []
            events = await registry.process("saju-chat", request, Call("cli"))
            async with contextlib.aclosing(events):
                async for event in events:
                    show(event.text)
                    pieces.append(event.text)
            return "".join(pieces)

        try:
            converse(lambda messages: runner.run(answer(messages)), message)
        finally:
            report.end()
            runner.run(stack.aclose())


@contextlib.asynccontextmanager
async def _cubes(settings: Settings, report: ModelReport) -> AsyncIterator[CubeRegistry]:
    manifests = chat_manifests(settings)
    cluster = Hypercluster(
        manifests,
        ModelStore(settings.model.dir),
        make=make_engines(settings, slots=1),
        lazy=[each.name for each in manifests],
        on_status=report,
        on_line=lambda line: ERR.print(line, markup=False, soft_wrap=True),
    )
    batchers = SajuBatchers(settings.kernels.backend)
    registry = CubeRegistry()
    for cube in (
        SajuCube(batchers),
        make_reading_cube(settings.reading, registry, registry, monotonic),
        ChatCube(cluster),
        ModelsCube(cluster, listed),
        SajuChatCube(registry, SajuChatOptions(settings.chat.saju_model)),
    ):
        registry.register(cube)
    cluster.start()
    try:
        await registry.start_all()
        yield registry
    finally:
        await registry.stop_all()
        await batchers.close()
        await cluster.close()
