"""Random traces of requests for many models under one memory budget: nobody is lost, doubled or mixed up."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
BUDGET = 10


@dataclass
class Machine:
    """What is in memory, as the engines themselves see it."""

    sizes: list[int]
    max_loading: int
    loading: int = 0
    taken: Counter[str] = field(default_factory=Counter)
    answered: Counter[str] = field(default_factory=Counter)
    loads: int = 0

    def check(self) -> None:
        assert sum(self.taken.values()) <= BUDGET, self.taken
        assert self.loading <= self.max_loading


class Echo(GeneratesOnly):
    """Repeats the question, with its model's name; takes its memory from the first byte of a load to the last of it."""

    context_length = 10

    def __init__(self, machine: Machine, name: str, slots: int) -> None:
        self.machine, self.name, self.slots = machine, name, slots
        self.description, self.loaded = name, False
        self.death: asyncio.Future[HyperCubeError] = asyncio.get_running_loop().create_future()

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        machine = self.machine
        machine.loads += 1
        machine.loading += 1
        machine.taken[self.name] += machine.sizes[int(self.name[1:])]
        machine.check()
        try:
            await asyncio.sleep(2)
        finally:
            machine.loading -= 1
        self.loaded = True

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        word = request.messages[0].content
        if word == "die" and not self.death.done():
            self.death.set_result(engine_failed("its process was ended by SIGKILL"))
            raise self.death.result()
        yield GenerationEvent()
        for piece in (self.name, word):
            if request.max_tokens != 1:  # the first token after loading
                await asyncio.wait({self.death}, timeout=0.5)
            if self.death.done():
                raise self.death.result()
            assert self.loaded, "computed on after it was unloaded"
            yield GenerationEvent(f"{piece} ")
        self.machine.answered[word] += request.max_tokens != 1
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 1))

    async def died(self) -> HyperCubeError:
        return await asyncio.shield(self.death)

    async def unload(self) -> None:
        await asyncio.sleep(0.1)
        self.loaded = False
        self.machine.taken.pop(self.name, None)


@dataclass(frozen=True)
class Request:
    """One caller: times in seconds."""

    at: int
    model: int
    deadline: int | None = None
    leaves: int | None = None
    kind: str = "ask"


REQUESTS = st.builds(
    Request,
    at=st.integers(0, 40),
    model=st.integers(0, 3),
    deadline=st.sampled_from([None] * 5 + [1, 3, 10, 30]),
    leaves=st.sampled_from([None] * 5 + [0, 1, 2, 5]),
    kind=st.sampled_from(["ask"] * 14 + ["die", "unload", "pin", "replace"]),
)


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    trace=st.lists(REQUESTS, min_size=1, max_size=40),
    sizes=st.lists(st.integers(1, BUDGET), min_size=4, max_size=4),
    lazy=st.integers(0, 4),
    max_loading=st.integers(1, 2),
    residency_s=st.sampled_from([0.0, 3.0, 10.0]),
    slots=st.integers(1, 3),
)
def test_no_trace_loses_doubles_or_mixes_up_a_request(
    run_virtual: RunVirtual,
    trace: list[Request],
    sizes: list[int],
    lazy: int,
    max_loading: int,
    residency_s: float,
    slots: int,
) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        machine = Machine(sizes, max_loading)
        names = [f"m{number}" for number in range(4)]
        manifests = [ModelManifest(name, "1.0.0", "", "MIT", "scripted", "none", 10, 77) for name in names]

        def make(manifest: ModelManifest) -> Engine:
            return Echo(machine, manifest.name, slots)

        cluster = Hypercluster(
            manifests,
            ModelStore(Path("/nowhere")),
            make=make,
            lazy=names[4 - lazy :],
            max_queued=100,
            max_loading=max_loading,
            memory_budget=BUDGET,
            min_residency_s=residency_s,
            estimate=lambda manifest: sizes[int(manifest.name[1:])],
            measure=lambda engine: sizes[int(engine.name[1:])] if isinstance(engine, Echo) else None,
            clock=loop.time,
        )
        cluster.start()
        outcomes: dict[int, str] = {}
        refusals: set[ErrorKind] = set()

        async def ask(number: int, request: Request) -> None:
            word, deadline = f"nonce-{number}", None
            if request.deadline is not None:
                deadline = loop.time() + request.deadline
            wanted = GenerationRequest(
                (ChatMessage("user", "die" if request.kind == "die" else word),), model=f"m{request.model}"
            )
            try:
                pieces = [event.text async for event in cluster.generate(wanted, Call(deadline=deadline))]
                outcomes[number] = "answered"
                if request.kind == "ask":
                    assert "".join(pieces) == f"m{request.model} {word} "
            except HyperCubeError as error:
                outcomes[number] = error.kind.value
                if error.kind is ErrorKind.DEADLINE_EXCEEDED:
                    assert deadline is not None
                    assert loop.time() <= deadline + 0.005

        async def command(request: Request) -> None:
            name = f"m{request.model}"
            if request.kind == "pin":
                cluster.pin(name)
                await asyncio.sleep(5)
                cluster.pin(name, False)
            elif request.kind == "unload":
                await cluster.unload(name, drain_s=20)
            else:
                await cluster.replace(name, manifests[request.model])

        async def come(number: int, request: Request) -> None:
            await asyncio.sleep(request.at)
            if request.kind in {"ask", "die"}:
                await ask(number, request)
                return
            try:
                await command(request)
            except HyperCubeError as error:
                refusals.add(error.kind)

        tasks = []
        for number, request in enumerate(trace):
            tasks.append(asyncio.create_task(come(number, request)))
            if request.leaves is not None:
                loop.call_later(request.at + request.leaves, tasks[-1].cancel)
        async with asyncio.timeout(3_000):
            results = await asyncio.gather(*tasks, return_exceptions=True)
        for number, (request, result) in enumerate(zip(trace, results, strict=True)):
            if isinstance(result, asyncio.CancelledError):
                assert request.leaves is not None
                continue
            assert result is None, repr(result)
            assert request.kind not in {"ask", "die"} or number in outcomes
        assert refusals <= {ErrorKind.UNAVAILABLE, ErrorKind.ENGINE_FAILED}
        assert max(machine.answered.values(), default=0) <= 1
        calm = all(request.kind == "ask" for request in trace) and lazy == 4
        if calm:
            kept = [n for n, request in enumerate(trace) if request.deadline is None and n in outcomes]
            assert all(outcomes[number] == "answered" for number in kept)
        assert cluster.in_flight == 0
        await cluster.close()
        assert cluster.reserved_bytes == 0
        assert not +machine.taken
        assert asyncio.all_tasks() == {asyncio.current_task()}

    run_virtual(main)
