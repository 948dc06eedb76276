"""LitServe with its fast queue (ZeroMQ), batches of 128 or 10 ms. Argument: port."""

import sys
from typing import Any

import litserve

from benchmarks.serving_peers.work import work


class Api(litserve.LitAPI):  # type: ignore[misc,untyped-decorator,unused-ignore]
    """The work function."""

    def setup(self, device: Any) -> None:
        """Nothing to load."""

    def decode_request(self, request: dict[str, int]) -> int:
        """JSON to a nonce."""
        return request["nonce"]

    def batch(self, inputs: list[int]) -> list[int]:
        """A batch is the list itself."""
        return inputs

    def predict(self, nonces: list[int]) -> list[int]:
        """Compute."""
        return work(nonces)

    def unbatch(self, output: list[int]) -> list[int]:
        """One answer an item."""
        return output

    def encode_response(self, output: int) -> dict[str, int]:
        """A nonce to JSON."""
        return {"nonce": output}


if __name__ == "__main__":
    server = litserve.LitServer(
        Api(max_batch_size=128, batch_timeout=0.01), accelerator="cpu", fast_queue=True, track_requests=False
    )
    server.run(host="127.0.0.1", port=int(sys.argv[1]), generate_client_file=False, log_level="error")
