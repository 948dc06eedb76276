"""Answers kept for their idempotency keys, so that a request which is sent again is not computed again.

A caller names a request with a key. The first request of a key is computed; the same request with the same key
joins it while it runs, and gets its answer, byte for byte, for a while after. A failure is told to all who wait for
it and not kept: nothing was answered, so the next attempt computes.

keys          what a key is, and where a request carries it
answers       `IdempotentAnswers`: what a process does with a request that has a key
kept          answers that are there, within bounds of time, number and size
ledger        what processes that share their answers write down, and a ledger in one process's memory
redis_ledger  the same in Redis
"""

from hypercube.gateway.idempotency.answers import IdempotentAnswers
from hypercube.gateway.idempotency.keys import IDEMPOTENCY_KEY, REPLAYED, key_in

__all__ = ["IDEMPOTENCY_KEY", "REPLAYED", "IdempotentAnswers", "key_in"]
