"""Three models, a memory budget that holds one, 32 clients: every request is answered by its own model.

The engines are real processes with real memory; `record_testsuite_property` keeps what a swap costs.
"""

import asyncio
import dataclasses
import os
import random
import re
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.served_models import Capability, EngineState, EngineStatus
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.engine import EngineOptions
from hypercube.inference.factory import engine_factory
from hypercube.inference.worker.process import WorkerEngine
from hypercube.model_registry.catalogue import lookup
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.store import ModelStore

CLIENTS = 32
NAMES = ("a", "b", "c")
BALLAST = 64 << 20
_FOR = re.compile(r"made room for '([\w-]+)'")
PROGRAM = f"""
import asyncio
import dataclasses
from hypercube.core.engine import FinishReason, GenerationEvent, Usage

class Program:
    steps = 0
    async def load(self, settings, say):
        self.name = settings["name"]
        self.weights = bytearray(b"w") * {BALLAST}
        return {{}}
    async def generate(self, request, priority):
        for piece in (self.name, request.messages[-1].content):
            self.steps += 1
            yield GenerationEvent(piece + " ")
            await asyncio.sleep(0.005)
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 2))
    async def broken(self):
        await asyncio.Event().wait()
    async def close(self):
        pass
"""


class Watch:
    """When each model came and went."""

    def __init__(self) -> None:
        self.at: list[tuple[float, str, EngineStatus]] = []

    def __call__(self, name: str, status: EngineStatus) -> None:
        self.at.append((time.perf_counter(), name, status))

    def swaps_s(self) -> list[float]:
        """From the moment that one had to make room for a model to that model's first token."""
        went: dict[str, float] = {}
        costs = []
        for at, name, status in self.at:
            if status.state is EngineState.IDLE and (found := _FOR.search(status.reason)) is not None:
                went[found[1]] = at
            elif status.state is EngineState.READY and name in went:
                costs.append(at - went.pop(name))
        return costs


def process_ids() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


async def ask(cluster: Hypercluster, model: str, word: str, max_tokens: int | None = None) -> str:
    request = GenerationRequest(
        (ChatMessage("user", word),), model=model, max_tokens=max_tokens, sampling=Sampling(temperature=0.0)
    )
    return "".join([event.text async for event in cluster.generate(request, Call())])


async def play(
    cluster: Hypercluster, names: tuple[str, ...], each: int, check: Callable[[str, str, str], None]
) -> int:
    """Every client asks one model after the other, at random; how many were answered."""
    answered = 0

    async def client(number: int) -> None:
        nonlocal answered
        draw = random.Random(number)
        for turn in range(each):
            name, word = draw.choice(names), f"nonce-{number}-{turn}"
            check(name, word, await ask(cluster, name, word, 8 if names != NAMES else None))
            answered += 1

    await asyncio.gather(*(client(number) for number in range(CLIENTS)))
    return answered


async def test_three_models_take_turns_in_memory_for_one_and_no_request_is_lost(
    tmp_path: Path, record_testsuite_property: Callable[[str, object], None]
) -> None:
    tmp_path.joinpath("ballast_program.py").write_text(PROGRAM)
    before, watch = process_ids(), Watch()
    most_resident = 0

    def make(manifest: ModelManifest) -> WorkerEngine:
        return WorkerEngine(
            "ballast_program:Program",
            {"name": manifest.name},
            capabilities=frozenset({Capability.GENERATE}),
            description="a process with ballast",
            context_length=100,
            slots=8,
            threads=1,
            environment={"PYTHONPATH": str(tmp_path)},
        )

    cluster = Hypercluster(
        [ModelManifest(name, "1.0.0", "", "MIT", "ballast", "none", 100, 0) for name in NAMES],
        ModelStore(tmp_path),
        make=make,
        lazy=NAMES,
        memory_budget=BALLAST * 2,
        estimate=lambda _: BALLAST + (30 << 20),
        min_residency_s=0.3,
        on_status=watch,
    )
    cluster.start()

    def right(name: str, word: str, said: str) -> None:
        nonlocal most_resident
        assert said == f"{name} {word} "
        most_resident = max(most_resident, len(process_ids() - before))

    try:
        began = time.perf_counter()
        assert await play(cluster, NAMES, 4, right) == CLIENTS * 4
        took = time.perf_counter() - began
        measured = {model.name: model.measured_bytes for model in cluster.models()}
    finally:
        await cluster.close()
    swaps = watch.swaps_s()
    assert len(swaps) >= 2
    assert most_resident == 1
    assert all(count is not None and BALLAST < count < BALLAST * 2 for count in measured.values()), measured
    assert cluster.in_flight == cluster.reserved_bytes == 0
    assert process_ids() == before
    assert EngineState.FAILED not in {status.state for _, _, status in watch.at}
    record_testsuite_property("swaps", len(swaps))
    record_testsuite_property("swap_median_s", round(statistics.median(swaps), 3))
    record_testsuite_property("requests_s", round(CLIENTS * 4 / took, 1))


@pytest.mark.slow
@pytest.mark.real_model
@pytest.mark.timeout(1200)
async def test_three_copies_of_real_weights_take_turns(
    record_testsuite_property: Callable[[str, object], None],
) -> None:
    folder = os.environ.get("HYPERCUBE_MODEL_DIR")
    store, watch = ModelStore(Path(folder) if folder else None), Watch()
    gemma = lookup("gemma-3-270m")

    names = ("gemma-a", "gemma-b", "gemma-c")
    options = EngineOptions(context_length=512, slots=8)
    await asyncio.to_thread(store.fetch, gemma)
    cluster = Hypercluster(
        [dataclasses.replace(gemma, name=name) for name in names],
        store,
        make=engine_factory(options),
        lazy=names,
        memory_budget=700_000_000,
        estimate=lambda _: 500_000_000,
        min_residency_s=3.0,
        on_status=watch,
    )
    cluster.start()

    before = process_ids()
    most_resident = 0

    def right(name: str, word: str, said: str) -> None:
        nonlocal most_resident
        assert said
        most_resident = max(most_resident, len(process_ids() - before))

    try:
        began = time.perf_counter()
        assert await play(cluster, names, 2, right) == CLIENTS * 2
        took = time.perf_counter() - began
    finally:
        await cluster.close()
    swaps = watch.swaps_s()
    assert len(swaps) >= 2
    assert most_resident == 1
    assert EngineState.FAILED not in {status.state for _, _, status in watch.at}
    assert cluster.in_flight == cluster.reserved_bytes == 0
    record_testsuite_property("swaps", len(swaps))
    record_testsuite_property("swap_median_s", round(statistics.median(swaps), 3))
    record_testsuite_property("requests_s", round(CLIENTS * 2 / took, 2))
