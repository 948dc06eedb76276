"""A request whose engine dies before a byte of its answer went out gets the next engine, once and in time."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
MODEL = ModelManifest("tiny", "1.0.0", "", "MIT", "scripted", "none", 10, 77)
QUESTION = GenerationRequest((ChatMessage("user", "hello"),))


@dataclass
class MortalEngine(GeneratesOnly):
    """Reads its prompt for a second, then answers one piece a second; `die` ends it, `fail` one request only."""

    name: str
    load_s: float = 2.0
    fails: bool = False
    context_length: int = 10
    slots: int = 2
    description: str = "mortal"
    prompts: int = 0
    death: "asyncio.Future[HyperCubeError]" = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        await asyncio.sleep(self.load_s)

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        if request.max_tokens == 1:  # the first token after loading
            yield GenerationEvent(finish_reason=FinishReason.LENGTH, usage=Usage(1, 1))
            return
        self.prompts += 1
        yield GenerationEvent()
        await self._second()
        if self.fails:
            raise engine_failed("its stream ended in the middle")
        for _ in range(3):
            yield GenerationEvent(self.name)
            await self._second()
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 3))

    async def _second(self) -> None:
        await asyncio.wait({self.death}, timeout=1.0)
        if self.death.done():
            raise self.death.result()

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    def die(self) -> None:
        self.death.set_result(engine_failed("its process was ended by SIGKILL"))

    async def unload(self) -> None:
        """Nothing is held."""


def cluster_of(*engines: Engine) -> Hypercluster:
    made = iter(engines)
    cluster = Hypercluster(
        [MODEL],
        ModelStore(Path("/nowhere")),
        make=lambda _: next(made),
        clock=asyncio.get_running_loop().time,
    )
    cluster.start()
    return cluster


async def ask(cluster: Hypercluster, deadline_s: float | None = None) -> str:
    deadline = None if deadline_s is None else asyncio.get_running_loop().time() + deadline_s
    return "".join([event.text async for event in cluster.generate(QUESTION, Call(deadline=deadline))])


async def failure(work: Coroutine[Any, Any, str] | asyncio.Task[str]) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as caught:
        await work
    return caught.value


@pytest.mark.parametrize("deadline_s", [None, 20.0])
def test_nothing_had_gone_out_so_the_next_engine_answers(
    run_virtual: RunVirtual, deadline_s: float | None
) -> None:
    async def main() -> None:
        first, second = MortalEngine("a"), MortalEngine("b")
        cluster = cluster_of(first, second)
        await cluster.settled()
        both = [asyncio.create_task(ask(cluster, deadline_s)) for _ in range(2)]
        await asyncio.sleep(0.5)
        first.die()
        assert await asyncio.gather(*both) == ["bbb", "bbb"]
        assert (first.prompts, second.prompts) == (2, 2)
        assert cluster.in_flight == 0
        await cluster.close()

    run_virtual(main)


def test_once_only(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engines = [MortalEngine("a"), MortalEngine("b"), MortalEngine("c")]
        cluster = cluster_of(*engines)
        await cluster.settled()
        asked = asyncio.create_task(ask(cluster))
        for engine in engines[:2]:
            while not engine.prompts:  # noqa: ASYNC110 - virtual time
                await asyncio.sleep(0.1)
            engine.die()
        error = await failure(asked)
        assert error.kind is ErrorKind.ENGINE_FAILED
        assert error.retry_after_s is not None
        assert (await cluster.settled()).state is EngineState.READY
        assert engines[2].prompts == 0
        assert cluster.in_flight == 0
        await cluster.close()

    run_virtual(main)


def test_not_after_a_piece_went_out(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first, second = MortalEngine("a"), MortalEngine("b")
        cluster = cluster_of(first, second)
        await cluster.settled()
        asked = asyncio.create_task(ask(cluster))
        await asyncio.sleep(1.5)
        first.die()
        assert (await failure(asked)).kind is ErrorKind.ENGINE_FAILED
        assert (await cluster.settled()).state is EngineState.READY
        assert second.prompts == 0
        await cluster.close()

    run_virtual(main)


def test_not_when_only_the_request_failed(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        engine = MortalEngine("a", fails=True)
        cluster = cluster_of(engine)
        await cluster.settled()
        began = asyncio.get_running_loop().time()
        assert "its stream ended" in (await failure(ask(cluster))).message
        assert asyncio.get_running_loop().time() - began < 2
        assert engine.prompts == 1
        assert cluster.ready
        await cluster.close()

    run_virtual(main)


def test_a_deadline_that_a_restart_cannot_meet_is_told_at_once(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first, second = MortalEngine("a", load_s=10.0), MortalEngine("b", load_s=10.0)
        cluster = cluster_of(first, second)
        await cluster.settled()
        loop = asyncio.get_running_loop()
        asked = asyncio.create_task(ask(cluster, 8.0))
        await asyncio.sleep(0.5)
        first.die()
        died = loop.time()
        assert (await failure(asked)).kind is ErrorKind.ENGINE_FAILED
        assert loop.time() == died
        await cluster.close()

    run_virtual(main)


@pytest.mark.parametrize(("deadline_s", "waited_s"), [(20.0, 20.0), (None, 60.5)])
def test_the_wait_for_the_next_engine_is_bounded(
    run_virtual: RunVirtual, deadline_s: float | None, waited_s: float
) -> None:
    async def main() -> None:
        first, second = MortalEngine("a"), MortalEngine("b", load_s=1000.0)
        cluster = cluster_of(first, second)
        await cluster.settled()
        loop = asyncio.get_running_loop()
        began = loop.time()
        asked = asyncio.create_task(ask(cluster, deadline_s))
        await asyncio.sleep(0.5)
        first.die()
        assert (await failure(asked)).kind is ErrorKind.ENGINE_FAILED
        assert loop.time() - began == pytest.approx(waited_s, abs=0.01)
        assert cluster.in_flight == 0
        await cluster.close()

    run_virtual(main)


def test_a_caller_who_leaves_while_it_waits_leaves_nothing_behind(run_virtual: RunVirtual) -> None:
    async def main() -> None:
        first, second = MortalEngine("a"), MortalEngine("b")
        cluster = cluster_of(first, second)
        await cluster.settled()
        asked = asyncio.create_task(ask(cluster))
        await asyncio.sleep(0.5)
        first.die()
        await asyncio.sleep(1.0)
        asked.cancel()
        await asyncio.gather(asked, return_exceptions=True)
        assert (await cluster.settled()).state is EngineState.READY
        assert second.prompts == 0
        assert cluster.in_flight == 0
        await cluster.close()

    run_virtual(main)
