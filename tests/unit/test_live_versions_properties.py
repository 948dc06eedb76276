"""Random traces of moves, splits, bad versions and requests under a memory budget: nobody is lost or mixed up."""

import asyncio
import tempfile
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Coroutine
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, FinishReason, GenerationEvent, GenerationRequest, Usage
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import Engine, GeneratesOnly, engine_failed
from hypercube.inference.routing import Routing
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

RunVirtual = Callable[[Callable[[], Coroutine[Any, Any, None]]], None]
GOOD, OTHER, FAILS, SLOW, BROKEN = "1.0.0", "1.1.0", "2.0.0", "2.1.0", "3.0.0"
VERSIONS = (GOOD, OTHER, FAILS, SLOW, BROKEN)
"""The last three fail every request, take 4 s for a piece, and do not load."""


class Echo(GeneratesOnly):
    """Repeats the question, with its version; counts what is in memory."""

    context_length = 10
    slots = 1000

    def __init__(self, version: str, loaded: Counter[str]) -> None:
        self.version, self.in_memory = version, loaded
        self.description, self.loaded = version, False

    async def load(self, path: Path | None, on_status: Callable[[str], None]) -> None:
        self.in_memory[self.version] += 1
        await asyncio.sleep(1)
        if self.version == BROKEN:
            raise engine_failed("its process ended with status 1")
        self.loaded = True

    async def generate(self, request: GenerationRequest, call: Call) -> AsyncGenerator[GenerationEvent, None]:
        assert self.loaded
        probe = request.max_tokens == 1
        if self.version == FAILS and not probe:
            raise engine_failed("a kernel reads where nothing is")
        for piece in (self.version, request.messages[0].content):
            if not probe:
                await asyncio.sleep(4.0 if self.version == SLOW else 0.2)
            assert self.loaded, "computed on after it was unloaded"
            yield GenerationEvent(f"{piece} ")
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 1))

    async def died(self) -> HyperCubeError:
        return await asyncio.get_running_loop().create_future()

    async def unload(self) -> None:
        await asyncio.sleep(0.1)
        if self.loaded or self.version == BROKEN:
            self.in_memory[self.version] = max(0, self.in_memory[self.version] - 1)
        self.loaded = False


@dataclass(frozen=True)
class Step:
    """Something that happens at a second."""

    at: int
    what: str
    version: str = GOOD
    weight: int = 50


STEPS = st.builds(
    Step,
    at=st.integers(0, 60),
    what=st.sampled_from(["production", "canary", "split", "drop", "by alias", "by version"]),
    version=st.sampled_from(VERSIONS),
    weight=st.integers(1, 100),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    steps=st.lists(STEPS, min_size=1, max_size=12),
    budget=st.sampled_from([None, 1, 2, 3]),
    lazy=st.booleans(),
    every_s=st.sampled_from([0.5, 2.0]),
)
def test_no_trace_of_moves_loses_or_mixes_up_a_request(
    run_virtual: RunVirtual, steps: list[Step], budget: int | None, lazy: bool, every_s: float
) -> None:
    async def main(folder: Path) -> None:
        loop = asyncio.get_running_loop()
        store, loaded = ModelStore(folder), Counter[str]()
        for version in VERSIONS:
            store.publish(ModelManifest("tiny", version, "", "MIT", "scripted", "none", 10, 77), {})
        operator = ModelRegistry(ModelStore(folder), poll_s=0)
        operator.set_alias("tiny", "production", GOOD)
        registry = ModelRegistry(store, clock=loop.time)

        def make(manifest: ModelManifest) -> Engine:
            return Echo(manifest.version, loaded)

        cluster = Hypercluster(
            [registry.resolve("tiny")],
            store,
            make=make,
            lazy=["tiny"] if lazy else [],
            max_queued=10_000,
            memory_budget=budget,
            min_residency_s=1.0,
            estimate=lambda _: 1,
            measure=lambda _: 1,
            routing=Routing(registry, bounds=CanaryBounds(min_requests=5)),
            clock=loop.time,
        )
        cluster.start()
        if not lazy:
            await cluster.settled()
        # What answers the bare name may be as bad as its operator wants: only then may requests fail.
        bad_home = False
        refusals: list[ErrorKind] = []

        async def ask(number: int, model: str = "tiny") -> None:
            word, call = f"nonce-{number}-{model}", Call(end_user=f"user {number}")
            request = GenerationRequest((ChatMessage("user", word),), model=model)
            try:
                said = "".join([event.text async for event in cluster.generate(request, call)]).split()
            except HyperCubeError as failure:
                error = failure
            else:
                assert said == [said[0], word]
                assert call.served_by == f"tiny@{said[0]}"
                assert "@" not in model or "canary" in model or model == f"tiny@{said[0]}"
                return
            expected = {ErrorKind.ENGINE_FAILED, ErrorKind.UNAVAILABLE}
            if model != "tiny":
                expected |= {ErrorKind.OVERLOADED, ErrorKind.MODEL_NOT_FOUND}
            assert error.kind in expected
            assert bad_home or model != "tiny", error

        async def happen(number: int, step: Step) -> None:
            nonlocal bad_home
            await asyncio.sleep(step.at)
            try:
                if step.what in {"production", "canary"}:
                    bad_home = bad_home or (step.what == "production" and step.version == FAILS)
                    operator.set_alias("tiny", step.what, step.version)
                elif step.what == "split":
                    operator.set_split("tiny", {"production": 100 - step.weight, "canary": step.weight})
                    # Without a share of its own production is not compared with: the canary is the home.
                    bad_home = bad_home or step.weight == 100
                elif step.what == "drop":
                    operator.drop_split("tiny")
                else:
                    selector = "canary" if step.what == "by alias" else step.version
                    await ask(number, f"tiny@{selector}")
            except HyperCubeError as error:
                refusals.append(error.kind)

        async def crowd() -> None:
            asked = []
            for number in range(round(70 / every_s)):
                asked.append(asyncio.create_task(ask(number)))
                await asyncio.sleep(every_s)
            await asyncio.gather(*asked)

        async with asyncio.timeout(20_000):
            await asyncio.gather(crowd(), *(happen(number, step) for number, step in enumerate(steps)))
        assert set(refusals) <= {ErrorKind.NOT_FOUND}  # there was no canary, or no split
        assert cluster.in_flight == 0
        await cluster.close()
        assert cluster.reserved_bytes == 0
        assert not +loaded
        assert asyncio.all_tasks() == {asyncio.current_task()}

    async def at_once(work: Callable[[], object]) -> object:
        return work()

    with tempfile.TemporaryDirectory() as folder, patch("asyncio.to_thread", at_once):
        run_virtual(lambda: main(Path(folder)))
