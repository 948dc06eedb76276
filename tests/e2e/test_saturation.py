"""An engine in a process of its own, kept full by more clients than it has places: busy is not broken."""

import asyncio
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest
from hypercube.core.errors import ErrorKind, HyperCubeError
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.worker.process import WorkerEngine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

CLIENTS, SLOTS, QUEUED = 12, 4, 4
PROGRAM = """
import asyncio
import time
from hypercube.core.engine import FinishReason, GenerationEvent, Usage

class Program:
    '''Prompts of 0.2 s and tokens of 20 ms of one core, computed in threads.'''
    steps = 0
    async def load(self, settings, say):
        return {}
    async def generate(self, request, priority):
        yield GenerationEvent()
        await asyncio.to_thread(self.compute, 0.2)
        for piece in request.messages[-1].content.split():
            await asyncio.to_thread(self.compute, 0.02)
            self.steps += 1
            yield GenerationEvent(piece + " ")
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 1))
    def compute(self, seconds):
        until = time.thread_time() + seconds
        while time.thread_time() < until:
            sum(range(1000))
    async def broken(self):
        await asyncio.Event().wait()
    async def close(self):
        pass
"""


@pytest.mark.parametrize(
    "seconds", [6, pytest.param(300, marks=[pytest.mark.slow, pytest.mark.timeout(600)])]
)
async def test_no_time_at_saturation_brings_a_restart(
    tmp_path: Path, seconds: int, record_testsuite_property: Callable[[str, object], None]
) -> None:
    tmp_path.joinpath("slow_program.py").write_text(PROGRAM)
    states: list[EngineState] = []
    made: list[WorkerEngine] = []

    def make(_: ModelManifest) -> WorkerEngine:
        made.append(
            WorkerEngine(
                "slow_program:Program",
                {},
                capabilities=frozenset({Capability.GENERATE}),
                description="slow",
                context_length=100,
                slots=SLOTS,
                threads=1,
                environment={"PYTHONPATH": str(tmp_path)},
            )
        )
        return made[-1]

    def on_status(_: str, status: EngineStatus) -> None:
        states.append(status.state)

    cluster = Hypercluster(
        [ModelManifest("slow", "1.0.0", "", "MIT", "slow", "none", 100, 0)],
        ModelStore(tmp_path),
        make=make,
        max_queued=QUEUED,
        on_status=on_status,
    )
    cluster.start()
    answered = refused = probes = 0
    try:
        assert (await cluster.settled()).state is EngineState.READY
        pid, until = made[0].pid, time.monotonic() + seconds

        async def client(number: int) -> None:
            nonlocal answered, refused
            words = " ".join(f"word-{number}-{at}" for at in range(10))
            request = GenerationRequest((ChatMessage("user", words),))
            while time.monotonic() < until:
                try:
                    said = "".join([event.text async for event in cluster.generate(request, Call())])
                    assert said.strip() == words
                    answered += 1
                except HyperCubeError as error:
                    if error.kind is not ErrorKind.OVERLOADED:
                        raise
                    refused += 1
                    await asyncio.sleep(0.1)

        async def prober() -> None:
            nonlocal probes
            while time.monotonic() < until:
                await cluster.probe("", 30.0)
                probes += 1
                await asyncio.sleep(1.0)

        await asyncio.gather(prober(), *(client(number) for number in range(CLIENTS)))
        assert cluster.ready
        assert made[0].pid == pid
    finally:
        await cluster.close()
    assert len(made) == 1
    assert EngineState.FAILED not in states
    assert answered >= seconds
    assert refused > 0
    assert probes >= 3
    assert cluster.in_flight == 0
    record_testsuite_property("answered", answered)
    record_testsuite_property("refused", refused)
