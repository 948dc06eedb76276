"""Ray Serve: `@serve.batch` with 128 / 10 ms, its throughput mode, workers at normal priority. Argument: port."""

import asyncio
import os
import sys
import time
from pathlib import Path
from typing import Any

os.environ.setdefault("RAY_SERVE_THROUGHPUT_OPTIMIZED", "1")
os.environ.setdefault("RAY_worker_niceness", "0")
os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")

import ray
from ray import serve

from benchmarks.serving_peers.work import RATE, work


@serve.deployment(max_ongoing_requests=1024, num_replicas=1)  # type: ignore[untyped-decorator,unused-ignore]
class Work:
    """The work function."""

    @serve.batch(max_batch_size=128, batch_wait_timeout_s=0.01)  # type: ignore[untyped-decorator,unused-ignore]
    async def compute(self, nonces: list[int]) -> list[int]:
        """In a thread, so that the replica goes on reading requests."""
        return await asyncio.get_running_loop().run_in_executor(None, work, nonces)

    async def __call__(self, request: Any) -> dict[str, int]:
        """JSON in, JSON out."""
        body = await request.json()
        return {"nonce": await self.compute(body["nonce"])}


if __name__ == "__main__":
    runtime = {"env_vars": {RATE: os.environ[RATE], "PYTHONPATH": str(Path.cwd())}}
    ray.init(
        include_dashboard=False, object_store_memory=100 << 20, num_cpus=2, runtime_env=runtime,
        logging_level="error", log_to_driver=False,
    )  # fmt: skip
    serve.start(http_options={"host": "127.0.0.1", "port": int(sys.argv[1])})
    serve.run(Work.bind(), route_prefix="/")  # type: ignore[attr-defined,unused-ignore]
    while True:
        time.sleep(3600)
