"""BentoML's adaptive batching, batches of 128, no limit on its latency target. Argument: port."""

import os
import sys

import bentoml

from benchmarks.serving_peers.work import work


@bentoml.service(workers=1, traffic={"timeout": 60})  # type: ignore[misc,untyped-decorator,unused-ignore]
class Work:
    """The work function."""

    @bentoml.api(batchable=True, max_batch_size=128, max_latency_ms=60_000)  # type: ignore[misc,untyped-decorator,unused-ignore]
    def process(self, nonce: list[int]) -> list[int]:
        """Compute."""
        return work(nonce)


if __name__ == "__main__":
    os.execv(
        sys.executable,
        [
            sys.executable, "-m", "bentoml", "serve", "benchmarks.serving_peers.server_bentoml:Work",
            "--host", "127.0.0.1", "--port", sys.argv[1], "--timeout", "60",
        ],
    )  # fmt: skip
