"""HyperCube: a cube on a dynamic batcher behind the gateway, as `hypercube serve` composes it. Argument: port."""

import asyncio
import os
import sys
from collections.abc import Hashable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import ClassVar

from benchmarks.serving_peers.work import work
from hypercube.app import Application
from hypercube.app.loop import loop_factory
from hypercube.batching import Batcher, Limits, in_thread
from hypercube.core.cube import Call, Color, Cube, CubeMetadata
from hypercube.settings import load_settings

MAX_WAIT_S = float(os.environ.get("BENCHMARK_MAX_WAIT_S", "inf"))


@dataclass(frozen=True)
class Nonce:
    """What a client sends, and gets back."""

    nonce: int


class WorkCube(Cube):
    """The work function, through a batcher of its own."""

    metadata: ClassVar[CubeMetadata] = CubeMetadata(
        "work", "1.0.0", Color.BLUE, "4 ms of hashing a batch", Nonce, Nonce
    )

    def __init__(self, batcher: Batcher[int, int]) -> None:
        super().__init__()
        self._batcher = batcher

    async def process(self, request: Nonce, call: Call) -> Nonce:
        """The same nonce back, when the batch it was in is done."""
        answer = await self._batcher.submit("", request.nonce, deadline=call.deadline, timing=call.timing)
        return Nonce(answer)


def run(_: Hashable, nonces: Sequence[int]) -> list[int]:
    """The batcher's `run`."""
    return work(nonces)


async def serve(port: int) -> None:
    """Until killed."""
    settings = load_settings({"server": {"http_port": port, "grpc_port": 0}, "model": {"name": "none"}})
    application = Application(settings)
    executor = ThreadPoolExecutor(1)
    batcher: Batcher[int, int] = Batcher(in_thread(executor, run), limits=Limits(max_wait_s=MAX_WAIT_S))
    application.cubes.register(WorkCube(batcher))
    async with application.running():
        await application.warmed_up()
        await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=loop_factory()) as runner:
        runner.run(serve(int(sys.argv[1])))
