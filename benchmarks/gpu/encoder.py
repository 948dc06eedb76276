"""Embeddings by an encoder of random weights: requests of any length through the dynamic batcher, or one at a time.

Clients send the next request when the last is answered. Requests whose lengths round up to the same power of two
share a batch, of at most 128 or what comes within 10 ms. Tokens are those of the requests; the padding is stated.
Parity first: an embedding from a padded batch against the one made alone.
"""

import asyncio
import time
from collections.abc import Hashable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import numpy as np

from benchmarks.gpu import nvml
from benchmarks.gpu.machine import Machine, Row
from benchmarks.gpu.precision import Precision
from hypercube.batching import Batcher, Limits, in_thread

LIMITS: Final = Limits(max_items=128, window_s=0.010)
SIZES: Final[dict[str, dict[str, Any]]] = {
    "tiny": {
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_hidden_layers": 2,
        "num_attention_heads": 4,
        "vocab_size": 256,
    },
    "base": {
        "hidden_size": 768,
        "intermediate_size": 3_072,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "vocab_size": 30_522,
    },
}
SHORTEST, LONGEST = 8, 512


class Encoder:
    """A BERT whose embedding is the mean of the last layer over a request's own tokens."""

    def __init__(self, machine: Machine, size: str, precision: Precision) -> None:
        import torch
        from transformers import BertConfig, BertModel

        self.machine, self.precision = machine, precision
        self.config = BertConfig(**SIZES[size], max_position_embeddings=LONGEST)
        torch.manual_seed(1)
        with torch.device(machine.kind):
            model: Any = BertModel(self.config, add_pooling_layer=False)
        self.model = model.to(getattr(torch, precision.weights)).eval()
        self.parameters = sum(each.numel() for each in model.parameters())

    def embed(self, bucket: Hashable, requests: Sequence[Any]) -> list[Any]:
        """One float32 vector a request, on the host; `bucket` is the padded length."""
        import torch

        assert isinstance(bucket, int)
        ids = np.zeros((len(requests), bucket), dtype=np.int64)
        mask = np.zeros_like(ids)
        for row, tokens in enumerate(requests):
            ids[row, : len(tokens)] = tokens
            mask[row, : len(tokens)] = 1
        there = torch.from_numpy(ids).to(self.machine.kind), torch.from_numpy(mask).to(self.machine.kind)
        with self.precision.context(self.machine):
            states = self.model(input_ids=there[0], attention_mask=there[1]).last_hidden_state.float()
            weight = there[1].unsqueeze(-1).float()
            vectors = (states * weight).sum(1) / weight.sum(1)
        return list(vectors.cpu())


def requests_of(count: int, longest: int, vocabulary: int) -> list[Any]:
    """Requests whose lengths are spread evenly by their logarithm."""
    rng = np.random.default_rng(3)
    lengths = np.exp(rng.uniform(np.log(SHORTEST), np.log(longest), count)).astype(int)
    return [rng.integers(0, vocabulary, length) for length in lengths]


def bucket_of(tokens: Any) -> int:
    """The length that a request is padded to: the next power of two."""
    return 1 << (len(tokens) - 1).bit_length()


def check(encoder: Encoder, requests: list[Any]) -> None:
    """A padded batch against its members alone; `Red` on a difference."""
    bucket = max(map(bucket_of, requests))
    for together, tokens in zip(encoder.embed(bucket, requests), requests, strict=True):
        alone = encoder.embed(len(tokens), [tokens])[0]
        encoder.precision.require_close("embedding in a padded batch", together, alone)


def batched(encoder: Encoder, requests: list[Any], clients: int) -> Row:
    """All requests through one batcher by so many clients at once."""

    async def run() -> tuple[float, list[float], Any]:
        waits: list[float] = []
        todo = iter(requests)

        async def client(batcher: Batcher[Any, Any]) -> None:
            for tokens in todo:
                begin = time.perf_counter()
                await batcher.submit(bucket_of(tokens), tokens, cost=bucket_of(tokens))
                waits.append(time.perf_counter() - begin)

        with ThreadPoolExecutor(1) as executor:
            batcher: Batcher[Any, Any] = Batcher(
                in_thread(executor, encoder.embed), limits=LIMITS, name="encoder"
            )
            begin = time.perf_counter()
            async with asyncio.TaskGroup() as group:
                for _ in range(clients):
                    group.create_task(client(batcher))
            spent = time.perf_counter() - begin
            await batcher.close()
            return spent, waits, batcher.snapshot()

    spent, waits, snapshot = asyncio.run(run())
    batches = sum(snapshot.sizes.values())
    return {"way": "dynamic batches", "clients": clients, "closed": snapshot.closed} | _figures(
        requests, spent, waits, batches
    )


def one_at_a_time(encoder: Encoder, requests: list[Any]) -> Row:
    """The same requests, each computed alone and unpadded."""
    waits = []
    for tokens in requests:
        begin = time.perf_counter()
        encoder.embed(len(tokens), [tokens])
        waits.append(time.perf_counter() - begin)
    return {"way": "one at a time", "clients": 1} | _figures(requests, sum(waits), waits, len(requests))


def encode(
    machine: Machine, size: str, precision: Precision, count: int, clients: Sequence[int], longest: int
) -> Iterator[Row]:
    """Every number of clients, and one at a time; each after a pass that is not counted."""
    encoder = Encoder(machine, size, precision)
    requests = requests_of(count, longest, encoder.config.vocab_size)
    check(encoder, requests[:8])
    head: Row = {"section": "encoder", "op": f"encoder {size}", "precision": precision.name}
    head |= {"parameters": encoder.parameters, "longest": longest}
    few = requests[: max(8, count // 8)]
    one_at_a_time(encoder, few)
    yield head | one_at_a_time(encoder, few)
    for each in clients:
        asked = requests[: max(len(few), 64 * each)]
        batched(encoder, asked, each)
        with nvml.watch() as readings:
            row = batched(encoder, asked, each)
        yield head | row | readings.summary()


def _figures(requests: list[Any], spent: float, waits: list[float], batches: int) -> Row:
    tokens = sum(map(len, requests))
    median, p99 = np.percentile(waits, [50, 99]) * 1e3
    return {
        "requests": len(requests),
        "requests_per_s": round(len(requests) / spent, 1),
        "tokens_per_s": round(tokens / spent),
        "p50_ms": round(float(median), 2),
        "p99_ms": round(float(p99), 2),
        "mean_batch": round(len(requests) / batches, 1),
        "tokens_a_padded_token": round(tokens / sum(map(bucket_of, requests)), 3),
    }
