"""A bad version under load, in real processes: it is withdrawn, and every request is answered by production.

Its virtual-time twin in tests/unit/test_live_splits.py insists on the 5 s; here the time is recorded.
"""

import asyncio
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest

from hypercube.core.canary_bounds import CanaryBounds
from hypercube.core.cube import Call
from hypercube.core.engine import ChatMessage, GenerationRequest, Sampling
from hypercube.core.served_models import Capability, EngineState
from hypercube.inference.cluster import Hypercluster
from hypercube.inference.routing import Routing
from hypercube.inference.worker.process import WorkerEngine
from hypercube.model_registry.manifest import ModelManifest
from hypercube.model_registry.registry import ModelRegistry
from hypercube.model_registry.store import ModelStore

CLIENTS = 32
LIMIT_S = 60.0
"""Far above what it takes: a busy machine is no failure."""
PROGRAM = """
import asyncio
import os
from hypercube.core.engine import FinishReason, GenerationEvent, Usage

class Program:
    steps = 0
    async def load(self, settings, say):
        self.version, self.how = settings["version"], settings["how"]
        return {}
    async def generate(self, request, priority):
        self.steps += 1
        if self.how == "raises" and request.max_tokens != 1:
            raise RuntimeError("a kernel reads where nothing is")
        if self.how == "dies" and request.max_tokens != 1:
            os.kill(os.getpid(), 9)
        if self.how == "is slow" and request.max_tokens != 1:
            await asyncio.sleep(10.0)
        for piece in (self.version, request.messages[-1].content):
            self.steps += 1
            yield GenerationEvent(piece + " ")
            await asyncio.sleep(0.005)
        yield GenerationEvent(finish_reason=FinishReason.STOP, usage=Usage(1, 2))
    async def broken(self):
        await asyncio.Event().wait()
    async def close(self):
        pass
"""


def process_ids() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


@pytest.mark.parametrize("how", ["raises", "dies", "is slow"])
async def test_a_bad_version_under_load_is_withdrawn_and_production_answers_everybody(
    tmp_path: Path, how: str, record_testsuite_property: Callable[[str, object], None]
) -> None:
    (tmp_path / "canary_program.py").write_text(PROGRAM)
    before = process_ids()
    store = ModelStore(tmp_path / "store")
    for version in ("1.0.0", "1.1.0"):
        store.publish(ModelManifest("tiny", version, "", "MIT", "program", "none", 100, 0), {})
    operator, registry = ModelRegistry(ModelStore(store.root), poll_s=0), ModelRegistry(store)
    operator.set_alias("tiny", "production", "1.0.0")
    operator.set_alias("tiny", "canary", "1.1.0")

    def make(manifest: ModelManifest) -> WorkerEngine:
        return WorkerEngine(
            "canary_program:Program",
            {"version": manifest.version, "how": how if manifest.version == "1.1.0" else "works"},
            capabilities=frozenset({Capability.GENERATE}),
            description="a small program",
            context_length=100,
            slots=CLIENTS,
            threads=1,
            environment={"PYTHONPATH": str(tmp_path)},
        )

    # Of a busy machine two reasons could be true at once; the one that is meant is to be found.
    bounds = CanaryBounds() if how == "is slow" else CanaryBounds(max_latency_ratio=1e6)
    cluster = Hypercluster(
        [registry.resolve("tiny")], store, make=make, routing=Routing(registry, bounds=bounds)
    )
    cluster.start()
    by: Counter[str] = Counter()
    withdrawn = asyncio.Event()

    async def client(number: int) -> None:
        """Asks as ever new people until the canary is gone, and a few times after that."""
        turn, after = 0, 0
        while after < 5:
            after += withdrawn.is_set()
            word = f"nonce-{number}-{turn}"
            request = GenerationRequest(
                (ChatMessage("user", word),), model="tiny", sampling=Sampling(temperature=0.0)
            )
            call = Call(end_user=f"user {number}-{turn}")
            said = "".join([event.text async for event in cluster.generate(request, call)])
            version, echoed = said.split()
            assert (echoed, call.served_by) == (word, f"tiny@{version}")
            by[version] += 1
            turn += 1

    try:
        assert (await cluster.settled()).state is EngineState.READY
        operator.set_split("tiny", {"production": 50, "canary": 50})
        began = time.perf_counter()
        async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as group:
            for number in range(CLIENTS):
                group.create_task(client(number))
            while operator.routes("tiny").split != {}:  # noqa: ASYNC110 - another process would have moved it
                await asyncio.sleep(0.02)
            took_s = time.perf_counter() - began
            withdrawn.set()
        move = operator.history("tiny")[-1]
        assert (move.who, move.action, move.after) == ("hypercube", "withdraw", None)
        assert move.why
        if how != "is slow":
            assert set(by) == {"1.0.0"}
            assert "requests failed" in move.why
        assert by["1.0.0"] >= CLIENTS * 5
        assert cluster.in_flight == 0
        record_testsuite_property(f"canary_{how.replace(' ', '_')}_withdrawn_s", round(took_s, 2))
        record_testsuite_property(f"canary_{how.replace(' ', '_')}_answered", sum(by.values()))
    finally:
        await cluster.close()
    assert process_ids() == before
