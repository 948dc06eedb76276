"""A front-end's link to the engine process: as if the models were here. Both ends run in this process."""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hypercube.app.workers.engine_door import EngineDoor
from hypercube.app.workers.engine_link import AWAY, EngineLink
from hypercube.core.clock import monotonic
from hypercube.core.cube import Call
from hypercube.core.engine import (
    ChatMessage,
    EmbeddingRequest,
    GenerationEvent,
    GenerationRequest,
    ScoreRequest,
    TokenizeRequest,
    Tool,
    ToolChoice,
)
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.model_admin import ModelAction, ModelCommand
from hypercube.core.served_models import EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.fake import FakeEngine
from hypercube.inference.operations import ModelOperations
from hypercube.model_registry.catalogue import FAKE_MODEL, lookup
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

HELLO = (ChatMessage("user", "안녕하세요, 오늘의 운세는?"),)


@dataclass
class Gate:
    """Holds the fake model's tokens back."""

    open: asyncio.Event = field(default_factory=asyncio.Event)
    waiting: int = 0
    changed: asyncio.Condition = field(default_factory=asyncio.Condition)

    async def pause(self, _: float) -> None:
        await self._move(1)
        try:
            await self.open.wait()
        finally:
            self.waiting -= 1

    async def _move(self, by: int) -> None:
        self.waiting += by
        async with self.changed:
            self.changed.notify_all()

    async def until(self, waiting: int) -> None:
        """Return when so many answers wait for a token."""
        async with self.changed:
            await self.changed.wait_for(lambda: self.waiting >= waiting)


@dataclass
class Shared:
    """An engine process's parts, and links to it."""

    path: Path
    engine: FakeEngine
    cluster: Hypercluster
    door: EngineDoor
    links: list[EngineLink] = field(default_factory=list)

    async def link(self) -> EngineLink:
        link = EngineLink(self.path)
        self.links.append(link)
        link.start()
        await link.known()
        return link


@asynccontextmanager
async def shared(
    path: Path, *, gate: Gate | None = None, slots: int = 2, max_queued: int = 8
) -> AsyncIterator[Shared]:
    engine = FakeEngine(slots=slots)
    if gate is not None:
        engine.sleep = gate.pause
    store = ModelStore(path.parent / "store")
    cluster = Hypercluster([lookup(FAKE_MODEL)], store, make=lambda _: engine, max_queued=max_queued)
    if gate is not None:
        gate.open.set()  # for the first token, which proves that it answers
    cluster.start()
    await cluster.settled()
    if gate is not None:
        gate.open.clear()
    operator = ModelOperations(cluster, ModelRegistry(store))
    door = EngineDoor(cluster, {"operate": lambda command, who, _: operator.operate(command, who)})
    await door.open(path)
    both = Shared(path, engine, cluster, door)
    try:
        yield both
    finally:
        for link in both.links:
            await link.close()
        await door.close()
        await cluster.close()


async def said(events: AsyncGenerator[GenerationEvent, None]) -> list[GenerationEvent]:
    async with aclosing(events) as each:
        return [event async for event in each]


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest(HELLO),
        GenerationRequest(HELLO, logprobs=2, max_tokens=5),
        GenerationRequest((), prompt="year of the"),
        GenerationRequest(HELLO, tools=(Tool("chart"),), tool_choice=ToolChoice.REQUIRED),
    ],
)
async def test_an_answer_is_the_same_as_without_a_process_between(
    tmp_path: Path, request_: GenerationRequest
) -> None:
    async with shared(tmp_path / "engine") as process:
        link = await process.link()
        direct, linked = Call("a"), Call("a")
        assert await said(link.generate(request_, linked)) == await said(
            process.cluster.generate(request_, direct)
        )
        assert linked.served_by == direct.served_by != ""
        assert linked.timing.compute_s > 0


async def test_vectors_scores_tokens_and_models_are_the_same(tmp_path: Path) -> None:
    async with shared(tmp_path / "engine") as process:
        link, cluster = await process.link(), process.cluster
        texts = EmbeddingRequest(("갑자", "을축"))
        assert await link.embed(texts, Call()) == await cluster.embed(texts, Call())
        score = ScoreRequest("year", ("month", "the year"))
        assert await link.score(score, Call()) == await cluster.score(score, Call())
        text = TokenizeRequest(text="갑자 을축")
        assert await link.tokenize(text, Call()) == await cluster.tokenize(text, Call())
        assert link.models() == cluster.models()
        assert link.ready
        await link.probe(FAKE_MODEL, 30)


async def failure_of(work: object) -> HyperCubeError:
    with pytest.raises(HyperCubeError) as failed:
        await work  # type: ignore[misc]
    return failed.value


@pytest.mark.parametrize(
    "request_",
    [
        GenerationRequest(HELLO, model="fak"),
        GenerationRequest((ChatMessage("user", "word " * 5000),)),
        GenerationRequest(HELLO, max_tokens=-1),
        GenerationRequest(HELLO, adapter="none"),
    ],
)
async def test_a_refusal_is_the_same(tmp_path: Path, request_: GenerationRequest) -> None:
    async with shared(tmp_path / "engine") as process:
        link = await process.link()
        linked = await failure_of(said(link.generate(request_, Call())))
        assert (
            linked.failure() == (await failure_of(said(process.cluster.generate(request_, Call())))).failure()
        )


async def test_a_defect_on_the_other_side_ends_the_request_and_nothing_else(tmp_path: Path) -> None:
    async with shared(tmp_path / "engine") as process:
        link = await process.link()
        assert (await failure_of(link.ask("no such thing", call=Call()))).kind is ErrorKind.INTERNAL
        assert (await failure_of(link.ask("embed", call=Call()))).kind is ErrorKind.INTERNAL
        assert await said(link.generate(GenerationRequest(HELLO), Call()))


async def test_all_front_ends_stand_in_one_bounded_queue(tmp_path: Path) -> None:
    gate = Gate()
    async with shared(tmp_path / "engine", gate=gate, slots=1, max_queued=1) as process:
        first, second = await process.link(), await process.link()
        running = asyncio.create_task(said(first.generate(GenerationRequest(HELLO), Call())))
        await gate.until(1)
        queued = asyncio.create_task(said(second.generate(GenerationRequest(HELLO), Call())))
        await _until(lambda: process.cluster.in_flight == 2)
        refused = await failure_of(said(first.generate(GenerationRequest(HELLO), Call())))
        assert refused.kind is ErrorKind.OVERLOADED
        assert refused.retry_after_s is not None
        assert refused.details["waiting"] == 1
        gate.open.set()
        assert await running == await queued


async def _until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(60):
        while not true():  # noqa: ASYNC110 - nobody tells of what is looked at
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("where", ["running", "queued"])
async def test_a_cancellation_gives_the_place_back(tmp_path: Path, where: str) -> None:
    gate = Gate()
    async with shared(tmp_path / "engine", gate=gate, slots=1) as process:
        link = await process.link()
        running = asyncio.create_task(said(link.generate(GenerationRequest(HELLO), Call())))
        await gate.until(1)
        if where == "queued":
            queued = asyncio.create_task(said(link.generate(GenerationRequest(HELLO), Call())))
            await _until(lambda: process.cluster.in_flight == 2)
            queued.cancel()
            await _until(lambda: process.cluster.in_flight == 1)
            gate.open.set()
            assert await running
        else:
            running.cancel()
        await _until(lambda: process.cluster.in_flight == process.door.in_flight == 0)
        assert process.engine.active == 0


async def test_a_thousand_answers_left_half_way_leave_nothing_behind(tmp_path: Path) -> None:
    async with shared(tmp_path / "engine", slots=8, max_queued=64) as process:
        link = await process.link()

        async def leave(at: int) -> None:
            async with aclosing(link.generate(GenerationRequest(HELLO), Call())) as events:
                for _ in range(at % 5):
                    await anext(events)

        for start in range(0, 1000, 50):
            await asyncio.gather(*(leave(at) for at in range(start, start + 50)))
        await _until(
            lambda: process.door.in_flight == process.cluster.in_flight == process.engine.active == 0
        )
        assert not link._answers


async def test_a_front_end_that_is_gone_has_left(tmp_path: Path) -> None:
    gate = Gate()
    async with shared(tmp_path / "engine", gate=gate) as process:
        gone, stays = await process.link(), await process.link()
        lost = asyncio.create_task(said(gone.generate(GenerationRequest(HELLO), Call())))
        kept = asyncio.create_task(said(stays.generate(GenerationRequest(HELLO), Call())))
        await gate.until(2)
        await gone.close()
        assert (await failure_of(lost)).kind is ErrorKind.ENGINE_FAILED
        await _until(lambda: process.door.in_flight == 1)
        gate.open.set()
        assert await kept


async def test_a_deadline_passes_there_and_is_told_here(tmp_path: Path) -> None:
    gate = Gate()
    async with shared(tmp_path / "engine", gate=gate, slots=1) as process:
        link = await process.link()
        call = Call(deadline=monotonic() + 0.05)
        late = await failure_of(said(link.generate(GenerationRequest(HELLO), call)))
        assert late.kind is ErrorKind.DEADLINE_EXCEEDED
        over = await failure_of(said(link.generate(GenerationRequest(HELLO), Call(deadline=monotonic() - 9))))
        assert over.kind is ErrorKind.DEADLINE_EXCEEDED
        await _until(lambda: process.door.in_flight == 0)


async def test_an_engine_process_that_goes_and_comes_back(tmp_path: Path) -> None:
    gate, path = Gate(), tmp_path / "engine"
    link = EngineLink(path)
    link.start()
    assert (await failure_of(link.embed(EmbeddingRequest(("a",)), Call()))).kind is ErrorKind.UNAVAILABLE
    async with shared(path, gate=gate) as process:
        await link.known()
        under_way = asyncio.create_task(said(link.generate(GenerationRequest(HELLO), Call())))
        await gate.until(1)
        await process.door.close()
        failed = await failure_of(under_way)
        assert failed.kind is ErrorKind.ENGINE_FAILED
        assert failed.retry_after_s is not None
        (model,) = link.models()
        assert (model.status.state, model.status.reason) == (EngineState.FAILED, AWAY)
        assert all(version.status == model.status for version in model.versions)
        assert not link.ready
        refused = await failure_of(said(link.generate(GenerationRequest(HELLO), Call())))
        assert refused.kind is ErrorKind.UNAVAILABLE
        assert refused.retry_after_s is not None
    path.unlink()
    async with shared(path) as process:
        await _until(lambda: link.ready)
        assert await said(link.generate(GenerationRequest(HELLO), Call()))
    await link.close()


async def test_a_change_is_seen_by_all_and_first_by_whoever_made_it(tmp_path: Path) -> None:
    async with shared(tmp_path / "engine") as process:
        first, second = await process.link(), await process.link()
        outcome = await first.operate(ModelCommand(ModelAction.UNLOAD, FAKE_MODEL), "admin")
        assert outcome.model == first.models()[0]
        assert first.models()[0].status.state is EngineState.UNLOADED
        wrong = await failure_of(first.operate(ModelCommand(ModelAction.LOAD, "fak"), "admin"))
        assert wrong.kind is ErrorKind.MODEL_NOT_FOUND
        await _until(lambda: second.models()[0].status.state is EngineState.UNLOADED)


@pytest.mark.slow
async def test_a_cancellation_reaches_the_engine_within_a_tenth_of_a_second(tmp_path: Path) -> None:
    gate = Gate()
    async with shared(tmp_path / "engine", gate=gate, slots=1) as process:
        link = await process.link()
        took = []
        for _ in range(50):
            running = asyncio.create_task(said(link.generate(GenerationRequest(HELLO), Call())))
            await gate.until(1)
            began = time.perf_counter()
            running.cancel()
            while process.cluster.in_flight:  # noqa: ASYNC110 - the time is what is measured
                await asyncio.sleep(0)
            took.append(time.perf_counter() - began)
        print(
            f"a place was given back after {sorted(took)[25] * 1e3:.2f} ms (median), {max(took) * 1e3:.2f} ms at most"
        )
        assert sorted(took)[25] < 0.1
