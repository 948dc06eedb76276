"""The dynamic batcher: at most 128 items or 10 ms after the first, and no wait that buys nothing."""

from hypercube.batching.batcher import Batcher
from hypercube.batching.executor import in_thread
from hypercube.batching.explain import BatcherSnapshot, Explanation
from hypercube.batching.policy import CloseReason, Limits
from hypercube.core.cube import Priority

__all__ = ["Batcher", "BatcherSnapshot", "CloseReason", "Explanation", "Limits", "Priority", "in_thread"]
