"""The dynamic batcher: at most 128 items or 10 ms after the first, and no wait that buys nothing."""

from hypercube.batching.batcher import Batcher, BatcherSnapshot
from hypercube.batching.delivery import in_thread
from hypercube.batching.policy import CloseReason, Limits

__all__ = ["Batcher", "BatcherSnapshot", "CloseReason", "Limits", "in_thread"]
